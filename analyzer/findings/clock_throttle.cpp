// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {
namespace {

// NVML's reasons: power cap 4, hardware slowdown 8, thermal 0x20 and 0x40, power brake 0x80. Idle clocks and a
// clock that somebody set are no throttling.
constexpr std::uint64_t kThrottled = 0xEC;

struct Clocks {
    std::int64_t samples = 0, throttled = 0;
    double highest = 0, sumThrottled = 0;
    std::int64_t clocks = 0;  // samples of the clock while throttled
};

bool isThrottled(double mask) { return mask >= 0 && mask < 1e15 && (static_cast<std::uint64_t>(mask) & kThrottled) != 0; }

Clocks clocksOf(const RuleInput& input, const CounterSeries& throttle) {
    Clocks c;
    const auto inside = [&](Ns t) { return t >= input.window.start && t < input.window.end; };
    for (const auto& [time, mask] : throttle.samples) {
        if (!inside(time)) continue;
        ++c.samples;
        c.throttled += isThrottled(mask) ? 1 : 0;
    }
    for (const CounterSeries& clock : input.context.timeline.counters) {
        if (clock.name != "gpu.clock.sm" || clock.device != throttle.device || clock.process != throttle.process) continue;
        for (const auto& [time, hz] : clock.samples) {
            if (!inside(time)) continue;
            c.highest = std::max(c.highest, hz);
            const auto mask = std::upper_bound(throttle.samples.begin(), throttle.samples.end(), time, [](Ns t, const auto& s) { return t < s.first; });
            if (mask == throttle.samples.begin() || !isThrottled(std::prev(mask)->second)) continue;
            c.sumThrottled += hz;
            ++c.clocks;
        }
    }
    return c;
}

// Of a step of this GPU: what goes with the clock. Of all GPUs where it cannot be told which is meant.
struct Compute {
    Ns perStep = 0;
    double share = 0;  // of the GPU's own steps; 0: of the workload's
};
Compute computeOf(const RuleInput& input, const CounterSeries& series) {
    using enum WallClass;
    Ns one = 0, all = 0;
    std::int64_t rank = -1;
    for (std::size_t i = 0; i < input.answer.steps.size(); ++i) {
        if (input.context.origins[i].workload != input.workload) continue;
        const Step& step = input.answer.steps[i];
        Ns ns = 0;
        for (const WallClass c : {kComputeBound, kComputeUnknown, kLatencyBound}) ns += step.classes[static_cast<std::size_t>(c)];
        all = saturatingAdd(all, ns);
        if (step.device != series.device) continue;
        if (rank >= 0 && rank != step.rank) return {input.perStep(input.total(kComputeBound) + input.total(kComputeUnknown) + input.total(kLatencyBound)), 0};
        rank = step.rank;
        one = saturatingAdd(one, ns);
    }
    if (rank < 0) return {input.perStep(all), 0};
    const RuleInput::OwnSteps own = input.stepsOf(rank, series.device);
    return {own.perStep(one), own.share(one)};
}

}  // namespace

// The GPU lowered its clock by itself: power cap, heat, or a fault of the supply.
std::vector<Finding> clockThrottle(const RuleInput& input) {
    std::vector<Finding> findings;
    for (const CounterSeries& series : input.context.timeline.counters) {
        if (series.name != "gpu.throttle") continue;
        const Clocks c = clocksOf(input, series);
        if (c.throttled == 0 || c.clocks == 0 || c.highest <= 0) continue;
        const double share = static_cast<double>(c.throttled) / static_cast<double>(c.samples);
        const double slower = 1 - c.sumThrottled / static_cast<double>(c.clocks) / c.highest;
        Finding finding;
        finding.wallClass = WallClass::kComputeBound;
        finding.cause = Cause::kCompute;
        const Compute compute = computeOf(input, series);
        finding.costNs = static_cast<Ns>(share * slower * static_cast<double>(compute.perStep));
        finding.share = share * slower * compute.share;
        finding.savingHighNs = finding.costNs;
        finding.title = fmt::format("GPU {} throttled itself in {} of the samples and ran {} below its highest clock then", series.device,
                                    formatShare(share), formatShare(slower));
        prove(finding, makeProof(input, "throttled_samples", static_cast<double>(c.throttled), "1",
                                 fmt::format("SELECT COUNT(*) FROM RIDGE_COUNTER_SAMPLE s JOIN RIDGE_COUNTER c ON c.id = s.counterId WHERE "
                                             "c.name = 'gpu.throttle' AND c.deviceId IS {} AND c.globalPid IS {} AND (CAST(s.value AS INTEGER) & {}) <> 0 AND s.time >= {} "
                                             "AND s.time < {}",
                                             series.device < 0 ? std::string("NULL") : std::to_string(series.device),
                                             series.process == kNoIndex
                                                 ? std::string("NULL")
                                                 : std::to_string(input.context.timeline.processes[static_cast<std::size_t>(series.process)].globalPid),
                                             kThrottled, input.window.start,
                                             input.window.end)));
        finding.evidence.push_back({"samples", static_cast<double>(c.samples), "1"});
        finding.evidence.push_back({"clock_while_throttled", c.sumThrottled / static_cast<double>(c.clocks), "Hz"});
        finding.evidence.push_back({"highest_clock", c.highest, "Hz"});
        finding.confidence = Confidence::kMedium;
        finding.assumptions.push_back("compute time is in proportion to the clock, memory time is not; the samples stand for the time between them");
        finding.tryThis = "a higher power cap, better cooling, or clocks locked to what the device holds (nvidia-smi -lgc) for steady results";
        finding.verify = "no sample of gpu.throttle has a power or thermal reason, and the step shortens in proportion to the clock";
        if (findings.empty() || findings.front().costNs < finding.costNs) findings.assign(1, std::move(finding));
    }
    return findings;
}

}  // namespace ridge::analyzer::rules
