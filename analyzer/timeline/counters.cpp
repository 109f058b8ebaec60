// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/timeline/counters.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/text.h"

namespace ridge::analyzer {
namespace {

std::optional<double> positiveNumber(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value > 0)) return std::nullopt;
    return value;
}

}  // namespace

double integrate(const CounterSeries& series, const IntervalSet& windows) {
    double sum = 0;
    for (std::size_t i = 1; i < series.samples.size(); ++i) {
        const IntervalSet between{{series.samples[i - 1].first, series.samples[i].first}};
        if (between.front().end <= between.front().start) continue;
        sum += series.samples[i].second * static_cast<double>(length(intersect(between, windows)));
    }
    return sum;
}

std::optional<double> cpusUsed(const Timeline& timeline, std::int32_t process, const IntervalSet& windows) {
    for (const CounterSeries& series : timeline.counters) {
        if (series.name != "process.cpu" || series.process != process || series.samples.size() < kFewCounterSamples) continue;
        const IntervalSet covered = intersect(windows, {{series.samples.front().first, series.samples.back().first}});
        if (const Ns ns = length(covered); ns > 0) return integrate(series, covered) / static_cast<double>(ns);
    }
    return std::nullopt;
}

std::optional<double> usableCpus(const Timeline& timeline) {
    constexpr double kUsualPeriod = 100'000;  // us; a quota of the first version of control groups stands alone
    std::optional<double> cpus, quota;
    for (const EnvironmentField& field : timeline.environment) {
        if (field.name == "cpu.usable") cpus = positiveNumber(field.value);
        if (field.name != "cpu.quota") continue;
        const auto parts = split(field.value, ' ');
        const auto period = parts.size() > 1 ? positiveNumber(parts[1]) : kUsualPeriod;
        if (const auto time = positiveNumber(parts[0]); time && period) quota = *time / *period;  // "max", "-1": none
    }
    return cpus && quota ? std::min(*cpus, *quota) : cpus;
}

}  // namespace ridge::analyzer
