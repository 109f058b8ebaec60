// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Numbers of what is told by names: steps, loaders and communication of traces without a payload.
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/communication/pipeline.h"
#include "analyzer/findings/evidence.h"
#include "analyzer/findings/evidence_sql.h"
#include "schemas/enums/op_kind.h"

namespace ridge::analyzer {
namespace {

constexpr std::string_view kRangeTypes = "n.eventType IN (59, 60, 70, 71) AND n.end >= n.start";

bool inWindow(const RuleInput& input, Ns start) { return start >= input.window.start && start < input.window.end; }

// Ranges whose names are in the set.
Proof rangesOf(const RuleInput& input, std::string evidence, Ns sum, const std::set<std::uint32_t>& names) {
    const Timeline& timeline = input.context.timeline;
    const auto list = sqlList(timeline.names, names);
    const std::string payload = timeline.works.empty() ? "" : " AND n.rowid NOT IN (SELECT nvtxId FROM RIDGE_WORK)";
    return makeProof(input, std::move(evidence), static_cast<double>(sum), "ns",
                     !list ? std::string()
                           : fmt::format("SELECT SUM(n.end - n.start) FROM NVTX_EVENTS n LEFT JOIN StringIds s ON s.id = n.textId WHERE {} AND "
                                         "n.start >= {} AND n.start < {}{} AND {} IN {}",
                                         kRangeTypes, input.window.start, input.window.end, payload, kRangeName, *list));
}

Proof kernelsOf(const RuleInput& input, std::string evidence, Ns sum, const std::set<std::uint32_t>& names) {
    const auto condition = kernelNames(input, names);
    return makeProof(input, std::move(evidence), static_cast<double>(sum), "ns",
                     !condition ? std::string()
                                : fmt::format("SELECT SUM(k.end - k.start) FROM CUPTI_ACTIVITY_KIND_KERNEL k LEFT JOIN StringIds d ON d.id = "
                                              "k.demangledName LEFT JOIN StringIds s ON s.id = k.shortName WHERE k.end >= k.start AND k.start >= {} AND "
                                              "k.start < {} AND {}",
                                              input.window.start, input.window.end, *condition));
}

// Ranges that carry the steps' name and end inside the window.
Proof namedSteps(const RuleInput& input, std::string_view name) {
    Ns sum = 0;
    std::set<std::uint32_t> names;
    for (const HostStep& step : input.context.steps.steps)
        if (!step.open && step.workload == input.workload) sum = saturatingAdd(sum, step.end - step.start);
    const auto quoted = sqlText(name);
    const std::string rest = quoted ? fmt::format("substr({}, length({}) + 1)", kRangeName, *quoted) : "";
    // As steps.cpp reads them: the name, or the name and a number.
    return makeProof(input, "step_range_ns", static_cast<double>(sum), "ns",
                     !quoted ? std::string()
                             : fmt::format("SELECT SUM(n.end - n.start) FROM NVTX_EVENTS n LEFT JOIN StringIds s ON s.id = n.textId WHERE {0} AND n.end > "
                                           "n.start AND substr({1}, 1, length({2})) = {2} AND ({3} = '' OR (ltrim({3}, '#:_ -') <> '' AND ltrim({3}, "
                                           "'#:_ -') NOT GLOB '*[^0-9]*' AND length(ltrim({3}, '#:_ -')) < 20))",
                                           kRangeTypes, kRangeName, *quoted, rest));
}

std::size_t gpuOf(const RuleInput& input, std::int64_t rank, std::int64_t device) {
    const auto& gpus = input.context.gpus;
    for (std::size_t g = 0; g < gpus.size(); ++g)
        if (gpus[g].rank == rank && input.context.timeline.devices[static_cast<std::size_t>(gpus[g].device)].id == device) return g;
    return gpus.size();
}

Proof deviceSpan(const RuleInput& input, std::size_t gpu) {
    const Timeline& timeline = input.context.timeline;
    Ns first = input.window.end, last = input.window.start;
    for (const std::int32_t r : input.context.gpus[gpu].rows) {
        const GpuRow& row = timeline.gpu[static_cast<std::size_t>(r)];
        if (row.start < input.window.start || row.end > input.window.end) continue;
        first = std::min(first, row.start);
        last = std::max(last, row.end);
    }
    const std::string inside = fmt::format("end >= start AND start >= {} AND end <= {}", input.window.start, input.window.end);
    return makeProof(input, "device_span_ns", static_cast<double>(std::max<Ns>(0, last - first)), "ns",
                     fmt::format("SELECT MAX(end) - MIN(start) FROM ({})", sqlRows(input, gpu, inside)));
}

Proof rangeSpan(const RuleInput& input) {
    Ns first = kMaxTime, last = -kMaxTime;
    for (const Range& range : input.context.timeline.ranges) {
        if (range.open || !inWindow(input, range.start)) continue;
        first = std::min(first, range.start);
        last = std::max(last, range.end);
    }
    return makeProof(input, "range_span_ns", static_cast<double>(std::max<Ns>(0, last - first)), "ns",
                     fmt::format("SELECT MAX(n.end) - MIN(n.start) FROM NVTX_EVENTS n WHERE {} AND n.start >= {} AND n.start < {}", kRangeTypes,
                                 input.window.start, input.window.end));
}

// Kernels that communicate, those of exchanges alone where wanted.
Proof communicationKernels(const RuleInput& input, std::string evidence, bool exchanges) {
    const Timeline& timeline = input.context.timeline;
    const std::vector<bool>& communication = input.context.rows.communication;
    Ns sum = 0;
    std::set<std::uint32_t> names;
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i) {
        const GpuRow& row = timeline.gpu[i];
        if (!communication[i] || !inWindow(input, row.start)) continue;
        if (exchanges && !saysExchange(timeline.names.text(row.name))) continue;
        sum = saturatingAdd(sum, row.end - row.start);
        names.insert(row.name.value);
    }
    return kernelsOf(input, std::move(evidence), sum, names);
}

// Ranges of CPUs that only their name tells to communicate.
Proof communicationRanges(const RuleInput& input) {
    const std::vector<bool> collective = namedCollectives(input.context.timeline);
    Ns sum = 0;
    std::set<std::uint32_t> names;
    for (const Range& range : input.context.timeline.ranges) {
        if (!collective[range.name.value] || range.open || !inWindow(input, range.start)) continue;
        sum = saturatingAdd(sum, range.end - range.start);
        names.insert(range.name.value);
    }
    return rangesOf(input, "communication_range_ns", sum, names);
}

}  // namespace

Proof stepsProof(const RuleInput& input, std::int64_t rank, std::int64_t device) {
    constexpr std::string_view kNamed = "--step ";
    const std::string& source = input.context.steps.source;
    if (source == "ridge") return stepTime(input);
    if (source == "ProfilerStep") return namedSteps(input, "ProfilerStep#");
    if (source.starts_with(kNamed)) return namedSteps(input, std::string_view(source).substr(kNamed.size()));
    const std::size_t gpu = gpuOf(input, rank, device);
    return gpu < input.context.gpus.size() ? deviceSpan(input, gpu) : rangeSpan(input);
}

Proof namedIoTime(const RuleInput& input, bool checkpoint) {
    Ns sum = 0;
    std::set<std::uint32_t> names;
    for (const IoInterval& io : input.context.io)
        if (io.named && io.checkpoint == checkpoint && inWindow(input, io.start)) names.insert(io.name.value);
    for (const Range& range : input.context.timeline.ranges)
        if (range.work == kNoIndex && !range.open && inWindow(input, range.start) && names.contains(range.name.value))
            sum = saturatingAdd(sum, range.end - range.start);
    return rangesOf(input, checkpoint ? "checkpoint_range_ns" : "loader_range_ns", sum, names);
}

Proof ioTime(const RuleInput& input, bool checkpoint) {
    if (Proof calls = fileCallTime(input); calls.evidence.value > 0) return calls;
    if (Proof payload = kindTime(input, kOpIo); payload.evidence.value > 0) return payload;
    return namedIoTime(input, checkpoint);
}

Proof communicationTime(const RuleInput& input) {
    if (Proof payload = kindTime(input, kOpCollective); payload.evidence.value > 0) return payload;
    if (input.context.gpus.empty()) return communicationRanges(input);
    return communicationKernels(input, "communication_kernel_ns", false);
}

Proof exchangeTime(const RuleInput& input) {
    const Timeline& timeline = input.context.timeline;
    Ns sum = 0;
    std::set<std::uint32_t> names;
    for (const Range& range : timeline.ranges) {
        if (range.work == kNoIndex || range.open || !inWindow(input, range.start)) continue;
        if (timeline.works[static_cast<std::size_t>(range.work)].opKind != kOpCollective || !saysExchange(timeline.names.text(range.name))) continue;
        sum = saturatingAdd(sum, range.end - range.start);
        names.insert(range.name.value);
    }
    if (names.empty()) return communicationKernels(input, "exchange_kernel_ns", true);
    const auto list = sqlList(timeline.names, names);
    return makeProof(input, "exchange_range_ns", static_cast<double>(sum), "ns",
                     !list ? std::string()
                           : fmt::format("SELECT SUM(n.end - n.start) FROM NVTX_EVENTS n JOIN RIDGE_WORK w ON w.nvtxId = n.rowid LEFT JOIN StringIds s ON "
                                         "s.id = n.textId WHERE w.opKind = {} AND n.start >= {} AND n.start < {} AND {} IN {}",
                                         static_cast<int>(kOpCollective), input.window.start, input.window.end, kRangeName, *list));
}

}  // namespace ridge::analyzer
