// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/common/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <string_view>
#include <tuple>

#include "analyzer/summary/own_cpu.h"
#include "base/text.h"
#include "reports/common/classes.h"

namespace ridge::reports {

bool ofSummaries(const analyzer::Analysis& a) {
    return std::any_of(a.sources.begin(), a.sources.end(), [](const analyzer::Source& s) { return s.schema.starts_with("summary "); });
}

std::string sourceText(const analyzer::Source& source) {
    std::string out = source.kind;
    if (!source.schema.empty()) out += ", schema " + source.schema;
    if (!source.product.empty()) out += ", " + source.product;
    return out;
}

const analyzer::WorkloadMetric* resultMetric(const analyzer::WorkloadSummary& workload) {
    const analyzer::WorkloadMetric* first = nullptr;
    for (const auto& metric : workload.metrics) {
        if (!metric.value || !std::isfinite(*metric.value) || metric.name == analyzer::kCpuShareMetric) continue;  // what befell it is no result
        if (metric.direction == "higher") return &metric;
        if (!first) first = &metric;
    }
    return first;
}

std::string formatNumber(double value) {
    if (!std::isfinite(value)) return "-";
    constexpr double kFiveDigits = 9999.5, kPrefixed = 999'950;  // what rounds to 1e4 and to 1e6
    const double magnitude = std::abs(value);
    if (magnitude < kFiveDigits) return fmt::format("{:.4g}", value);
    if (magnitude >= kPrefixed) return formatRate(value, "");
    const double step = magnitude < 99'995 ? 10 : 100;
    return fmt::format("{:.0f}", std::round(value / step) * step);
}

std::string formatValue(double value, std::string_view unit) {
    if (!std::isfinite(value)) return "-";
    constexpr double kExactNs = 9e15;
    if (unit == "ns" && std::abs(value) < kExactNs) return formatDuration(std::llround(value));
    if (unit == "s" && std::abs(value) < kExactNs / 1e9) return formatDuration(std::llround(value * 1e9));
    if (unit == "B" && value >= 0 && value < 1e18) return formatBytes(static_cast<std::uint64_t>(value));
    if (unit == "share") return formatShare(value);
    if (unit == "1/s") return formatRate(value, "/s");
    if (unit.empty() || unit == "1") return formatNumber(value);
    return formatRate(value, unit);
}

std::string formatMetric(const analyzer::WorkloadMetric& metric) {
    if (!metric.value || !std::isfinite(*metric.value)) return "-";
    constexpr std::string_view kPerSecond = "_per_s";
    if (metric.unit == "1/s" && metric.name.ends_with(kPerSecond)) {  // tokens_per_s: "1530 tokens/s"
        const std::string what = metric.name.substr(0, metric.name.size() - kPerSecond.size()) + "/s";
        return formatNumber(*metric.value) + " " + what;  // "371 M elements/s"
    }
    if (metric.unit == "1/s" && metric.name == "goodput") return formatNumber(*metric.value) + " requests/s";
    if (metric.unit == "1") return formatNumber(*metric.value) + " " + metric.name;
    return formatValue(*metric.value, metric.unit);
}

std::string resultText(const analyzer::WorkloadSummary& workload) {
    if (const auto* metric = resultMetric(workload)) return formatMetric(*metric);
    return workload.medianStepNs > 0 ? formatDuration(workload.medianStepNs) : "-";
}

std::string verdictText(const analyzer::Verdict& verdict) {
    // "host (host)" says nothing twice.
    if (verdict.cause == Cause::kNone || label(verdict.wallClass) == label(verdict.cause)) return label(verdict.wallClass);
    return fmt::format("{} ({})", label(verdict.wallClass), label(verdict.cause));
}

std::string shortVerdictText(const analyzer::Verdict& verdict) {
    using W = WallClass;
    static const std::map<W, Cause> kImplied{
        {W::kComputeBound, Cause::kCompute},      {W::kMemoryWall, Cause::kMemoryBandwidth},
        {W::kCommTransfer, Cause::kCommunication}, {W::kCommUnsplit, Cause::kCommunication},
        {W::kCommWait, Cause::kStraggler},        {W::kCopy, Cause::kCopyLink},
        {W::kIoInput, Cause::kInputIo},           {W::kIoCheckpoint, Cause::kCheckpointIo},
        {W::kLaunch, Cause::kLaunch},             {W::kHost, Cause::kHost},
        {W::kPreempted, Cause::kHostPreemption}};
    const auto at = kImplied.find(verdict.wallClass);
    return at != kImplied.end() && at->second == verdict.cause ? label(verdict.wallClass) : verdictText(verdict);
}

std::string skipReason(const analyzer::WorkloadSummary& workload) {
    return workload.steps == 0 && workload.check.empty() ? workload.checkDetail : std::string();
}

Match matchOf(const analyzer::WorkloadSummary& workload) {
    // Skipped: nothing was measured. Failed: what was measured is not the workload's.
    if (!workload.expected || workload.steps == 0 || workload.check == "failed") return Match::kNoExpectation;
    const bool same = workload.expected->wallClass == workload.verdict.wallClass &&
                      workload.expected->cause == workload.verdict.cause;
    return same ? Match::kMatched : Match::kMissed;
}

Ns wallCostNs(const analyzer::WorkloadSummary& workload) {
    if (!std::isfinite(workload.verdictShare)) return 0;
    return static_cast<Ns>(std::llround(workload.verdictShare * static_cast<double>(workload.medianStepNs)));
}

Ns sumOf(const ClassTimes& classes) { return std::accumulate(classes.begin(), classes.end(), Ns{0}); }

Ns medianOf(std::vector<Ns> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

std::vector<StepGroup> groupSteps(const Analysis& analysis) {
    std::vector<StepGroup> groups;
    std::map<std::tuple<std::string, std::int64_t, std::int64_t>, std::size_t> index;
    for (const auto& step : analysis.steps) {
        const auto [at, isNew] = index.try_emplace({step.workload, step.rank, step.device}, groups.size());
        if (isNew) groups.push_back({step.workload, step.rank, step.device, {}, {}, 0, 0});
        StepGroup& group = groups[at->second];
        group.steps.push_back(&step);
        group.totalNs += step.endNs - step.startNs;
        for (std::size_t c = 0; c < kWallClassCount; ++c) group.classes[c] += step.classes[c];
    }
    for (StepGroup& group : groups) {
        std::vector<Ns> lengths;
        for (const auto* step : group.steps) lengths.push_back(step->endNs - step->startNs);
        group.medianNs = medianOf(std::move(lengths));
    }
    return groups;
}

std::vector<ClassShare> rankedClasses(const ClassTimes& classes) {
    const double total = static_cast<double>(sumOf(classes));
    std::vector<ClassShare> ranked;
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        if (classes[c] <= 0) continue;
        const double share = total > 0 ? static_cast<double>(classes[c]) / total : 0;
        ranked.push_back({static_cast<WallClass>(c), classes[c], share});
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const ClassShare& a, const ClassShare& b) { return a.ns > b.ns; });
    return ranked;
}

std::string changeText(std::string_view change) {
    static const std::map<std::string_view, std::string_view> kTexts{
        {"comm_hidden", "communication hidden"}, {"no_launch_cost", "no launch cost"}, {"input_hidden", "input hidden"},
        {"checkpoint_hidden", "checkpoint hidden"}, {"sync_removed", "no synchronisation"}, {"copies_hidden", "copies hidden"},
        {"straggler_removed", "no straggler"}, {"fused", "elementwise ops fused"},
        {"attention_fused", "attention in one pass"}};
    constexpr std::string_view kAtRoof = "at_roof:";
    if (change.starts_with(kAtRoof)) return std::string(change.substr(kAtRoof.size())) + " at its roof";
    const auto at = kTexts.find(change);
    return std::string(at == kTexts.end() ? change : at->second);
}

std::vector<const analyzer::WhatIf*> rankedWhatIf(const Analysis& analysis) {
    std::vector<const analyzer::WhatIf*> ranked;
    for (const auto& w : analysis.whatIf) ranked.push_back(&w);
    const auto gain = [](const analyzer::WhatIf* w) {
        return w->stepNs > 0 ? 1 - static_cast<double>(w->stepNsHigh) / static_cast<double>(w->stepNs) : 0.0;
    };
    std::stable_sort(ranked.begin(), ranked.end(), [&](const auto* a, const auto* b) { return gain(a) > gain(b); });
    return ranked;
}

WallClass classOfPathKind(std::string_view kind) {
    if (kind == "compute") return WallClass::kComputeBound;
    if (kind == "communication") return WallClass::kCommTransfer;
    if (kind == "hand_off") return WallClass::kLatencyBound;  // has no class: the colour of one that is no kind of path
    return parseWallClass(kind).value_or(WallClass::kUnlinked);
}

std::string pathKindText(std::string_view kind) {
    std::string text(kind);
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

bool hasAnswerKey(const Analysis& analysis) {
    return std::any_of(analysis.workloads.begin(), analysis.workloads.end(), [](const auto& w) { return w.expected.has_value(); });
}

std::string belowFloorText(const Analysis& analysis) {
    const auto n = analysis.findingsBelowFloor;
    if (n <= 0) return {};
    return fmt::format("{} finding{} that cost{} less than half a percent of {} step {} not shown", n, n == 1 ? "" : "s",
                       n == 1 ? "s" : "", n == 1 ? "its" : "their", n == 1 ? "is" : "are");
}

std::string secondChainText(const analyzer::CriticalPath& path) {
    if (path.second.empty()) return {};
    return fmt::format("a second chain, on the {}, is nearly as long ({}): shortening the path alone gains at most {}", path.second,
                       formatDuration(path.secondNs), formatDuration(std::max<Ns>(0, path.coveredNs - path.secondNs)));
}

std::string energyClassesText(const analyzer::WorkloadEnergy& energy) {
    if (!energy.classesKnown) return {};
    double total = 0;
    std::vector<std::pair<double, WallClass>> parts;
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        if (!std::isfinite(energy.classes[c]) || energy.classes[c] <= 0) continue;
        parts.emplace_back(energy.classes[c], static_cast<WallClass>(c));
        total += energy.classes[c];
    }
    std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string out;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, parts.size()); ++i)
        out += fmt::format("{}{} {}", i ? ", " : "", label(parts[i].second), formatShare(parts[i].first / total));
    return out;
}

std::size_t countAtLeast(const Analysis& analysis, Severity severity) {
    return static_cast<std::size_t>(std::count_if(analysis.gate.begin(), analysis.gate.end(),
                                                  [&](const auto& g) { return g.severity >= severity; }));
}

bool nothingLost(const Analysis& analysis) {
    static constexpr std::array<std::string_view, 20> kLosing{
        "dropped_records", "unreadable_tables", "negative_durations", "times_out_of_range", "rows_left_out", "rows_without_device", "events_without_category",
        "unknown_categories", "unpaired_events", "tables_without_times", "views_not_read", "launches_without_rows", "graph_launches_without_rows",
        "collector_lost_records", "no_verdict", "rows_without_thread", "rows_outside_capture", "zero_length_kernels", "zero_length_calls", "zero_length_ranges"};
    return analysis.losses.empty() && std::none_of(analysis.gate.begin(), analysis.gate.end(), [](const auto& g) {
        return g.count > 0 && std::find(kLosing.begin(), kLosing.end(), g.check) != kLosing.end();
    });
}

}  // namespace ridge::reports
