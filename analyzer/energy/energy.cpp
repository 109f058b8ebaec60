// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/energy/energy.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>

namespace ridge::analyzer {
namespace {

// Tokens per second of a workload, where its benchmark reports it.
std::optional<double> tokenRate(const WorkloadSummary& summary) {
    for (const WorkloadMetric& metric : summary.metrics) {
        std::string text = metric.name + " " + metric.unit;
        std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const bool rate = text.find("tokens/s") != std::string::npos || text.find("tokens_per_s") != std::string::npos ||
                          text.find("tok/s") != std::string::npos;
        if (rate && metric.value && *metric.value > 0) return metric.value;
    }
    return std::nullopt;
}

}  // namespace

EnergyCurve::EnergyCurve(const std::vector<std::pair<Ns, double>>& watts) {
    for (const auto& [time, value] : watts) {
        if (!m_times.empty() && time <= m_times.back()) continue;
        const double before = m_times.empty() ? 0 : m_joules.back() + static_cast<double>(time - m_times.back()) / 1e9 * (value + m_watts.back()) / 2;
        m_times.push_back(time);
        m_watts.push_back(value);
        m_joules.push_back(before);
    }
}

double EnergyCurve::until(Ns time, std::size_t& near) const {
    if (empty() || time <= m_times.front()) return 0;
    if (time >= m_times.back()) return m_joules.back();
    const bool known =
        near > 0 && near < m_times.size() && m_times[near - 1] <= time && time < m_times[near];
    if (!known)
        near = static_cast<std::size_t>(std::upper_bound(m_times.begin(), m_times.end(), time) -
                                        m_times.begin());
    const std::size_t i = near;
    const double whole = static_cast<double>(m_times[i] - m_times[i - 1]), part = static_cast<double>(time - m_times[i - 1]);
    const double watts = m_watts[i - 1] + (m_watts[i] - m_watts[i - 1]) * part / whole;
    return m_joules[i - 1] + part / 1e9 * (m_watts[i - 1] + watts) / 2;
}

double EnergyCurve::joules(Interval window, std::size_t& near) const {
    if (window.end <= window.start) return 0;
    const double before = until(window.start, near);
    return until(window.end, near) - before;
}

double EnergyCurve::joules(Interval window) const {
    std::size_t near = 0;
    return joules(window, near);
}

Ns EnergyCurve::covered(Interval window) const {
    if (empty()) return 0;
    return std::max<Ns>(0, std::min(window.end, m_times.back()) - std::max(window.start, m_times.front()));
}

void addEnergy(const Context& context, Analysis& answer) {
    std::vector<EnergyCurve> curves;
    for (const CounterSeries& series : context.timeline.counters)
        if (series.name == "gpu.power" && series.samples.size() >= 2) curves.emplace_back(series.samples);
    if (curves.empty()) return;
    EnergySummary& energy = answer.energy;
    energy.source = "nvml";
    double all = 0;
    for (const EnergyCurve& curve : curves) all += curve.joules({-kMaxTime * 4, kMaxTime * 4});
    energy.joules = all;
    const bool perDevice = curves.size() == context.gpus.size();
    double inSteps = 0;
    std::int64_t steps = 0;
    for (const WorkloadSummary& summary : answer.workloads) {
        WorkloadEnergy w;
        w.workload = summary.name;
        double covered = 0, length = 0, seconds = 0;
        std::int64_t laneSteps = 0;  // steps of the first lane: a step of several devices is one step
        std::optional<std::pair<std::int64_t, std::int64_t>> lane;
        for (std::size_t i = 0; i < answer.steps.size(); ++i) {
            const Step& step = answer.steps[i];
            if (step.workload != summary.name) continue;
            const Interval window{step.startNs, step.endNs};
            if (!lane) lane = {step.rank, step.device};
            const bool first = *lane == std::pair(step.rank, step.device);
            if (first) ++laneSteps, seconds += static_cast<double>(step.endNs - step.startNs) / 1e9;
            const std::int32_t gpu = context.origins[i].gpu;
            if (!perDevice || gpu == kNoIndex) {
                if (!first) continue;
                for (const EnergyCurve& curve : curves) w.joules += curve.joules(window);
                covered += static_cast<double>(curves.front().covered(window));
                length += static_cast<double>(step.endNs - step.startNs);
                continue;
            }
            const EnergyCurve& curve = curves[static_cast<std::size_t>(gpu)];
            const double joules = curve.joules(window);
            w.joules += joules;
            covered += static_cast<double>(curve.covered(window));
            length += static_cast<double>(step.endNs - step.startNs);
            double given = 0;
            std::size_t near = 0;
            const Segments& segments = context.gpus[static_cast<std::size_t>(gpu)].segments;
            auto it = std::partition_point(segments.begin(), segments.end(), [&](const Segment& s) { return s.end <= window.start; });
            for (; it != segments.end() && it->start < window.end; ++it) {
                const double part = curve.joules(
                    {std::max(it->start, window.start), std::min(it->end, window.end)}, near);
                w.classes[it->layer] += part;
                given += part;
            }
            w.classes[static_cast<std::size_t>(WallClass::kIdle)] += joules - given;
            w.classesKnown = true;
        }
        if (laneSteps == 0 || length <= 0) continue;
        w.coverage = covered / length;
        w.steps = laneSteps;
        w.joulesPerStep = w.joules / static_cast<double>(laneSteps);
        if (const auto rate = tokenRate(summary); rate && seconds > 0) w.joulesPerToken = w.joules / (*rate * seconds);
        inSteps += w.joules;
        steps += laneSteps;
        energy.workloads.push_back(w);
    }
    if (steps > 0) energy.joulesPerStep = inSteps / static_cast<double>(steps);
}

}  // namespace ridge::analyzer
