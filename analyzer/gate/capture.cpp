// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/gate/capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string>

namespace ridge::analyzer {
namespace {

constexpr std::int64_t kWarningSeverity = 2;      // of DIAGNOSTIC_EVENT
constexpr std::size_t kFewestReplays = 3;
constexpr double kMostlyUnlinked = 0.5, kPartial = 0.5;
constexpr std::size_t kLongestDetail = 400;

void add(Analysis& answer, std::string check, std::int64_t count, Severity whenSeen, std::string detail) {
    if (detail.size() > kLongestDetail) detail = detail.substr(0, kLongestDetail) + " ...";
    answer.gate.push_back({std::move(check), count > 0 ? whenSeen : Severity::kInfo, count, count > 0 ? std::move(detail) : std::string("none")});
}

void checkSchema(const Timeline& timeline, Analysis& answer) {
    std::int64_t versions = 0, columns = 0;
    std::string version, column;
    for (const std::string& lack : timeline.missing) {
        const bool ofVersion = lack.starts_with("schema ") || lack.starts_with("the export says");
        (ofVersion ? versions : columns) += 1;
        std::string& text = ofVersion ? version : column;
        text += (text.empty() ? "" : "; ") + lack;
    }
    std::string timeless;
    std::int64_t lost = 0;
    for (const TableReport& t : timeline.tables) {
        if (t.withoutTimes <= 0) continue;
        const bool gpu = t.table == "CUPTI_ACTIVITY_KIND_KERNEL" || t.table == "CUPTI_ACTIVITY_KIND_MEMCPY" || t.table == "CUPTI_ACTIVITY_KIND_MEMSET" ||
                         t.table == "CUPTI_ACTIVITY_KIND_GRAPH_TRACE";
        timeless += (timeless.empty() ? "" : ", ") + t.table;
        lost += gpu ? t.withoutTimes : 0;
    }
    for (const Remark& r : timeline.remarks) lost += r.check == kViewCheck && r.detail.starts_with("CUPTI_ACTIVITY_KIND_KERNEL ") ? 1 : 0;
    if (!timeless.empty() && lost == 0)
        add(answer, "tables_without_times", 1, Severity::kError, fmt::format("{} has no column of starts or of ends; its rows were left out", timeless));
    if (lost > 0)
        add(answer, std::string(kNoVerdictCheck), lost, Severity::kError,
            timeless.empty() ? std::string("the kernels are in a view, which is not read: when the GPU worked cannot be told, so there is no verdict")
                             : fmt::format("{} has no column of starts or of ends: when the GPU worked cannot be told, so there is no verdict", timeless));
    const bool nsys = std::any_of(timeline.sources.begin(), timeline.sources.end(), [](const Source& s) { return s.kind == "nsys"; });
    if (!nsys) return;
    add(answer, "schema_version", versions, Severity::kWarning, version);
    add(answer, "missing_columns", columns, Severity::kError, column + "; what depends on it is withheld");
}

bool saysRecordsAreMissing(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    static constexpr std::array<std::string_view, 6> kWords{"dropped", "lost", "events might have been collected", "out of memory",
                                                            "incomplete", "buffer overflow"};
    return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

void checkDiagnostics(const Timeline& timeline, Analysis& answer) {
    std::int64_t count = 0;
    std::string detail;
    for (const Diagnostic& d : timeline.diagnostics) {
        if (d.severity < kWarningSeverity || !saysRecordsAreMissing(d.text)) continue;
        ++count;
        detail += (detail.empty() ? "" : "; ") + d.text;
    }
    if (!timeline.diagnostics.empty())
        add(answer, "collector_lost_records", count, Severity::kWarning, "the collector says: " + detail);
}

void checkWindow(const Timeline& timeline, Analysis& answer) {
    if (timeline.outsideChecked)
        add(answer, "rows_outside_capture", timeline.outsideCapture, Severity::kWarning,
            "GPU rows lie outside of the time that the capture says it took; its clocks disagree");
}

void checkUnlinked(const Timeline& timeline, Analysis& answer) {
    if (timeline.gpu.empty()) return;
    const auto unlinked = std::count_if(timeline.gpu.begin(), timeline.gpu.end(), [](const GpuRow& row) { return row.launch == kNoIndex; });
    const bool most = static_cast<double>(unlinked) > kMostlyUnlinked * static_cast<double>(timeline.gpu.size());
    add(answer, "mostly_unlinked", most ? unlinked : 0, Severity::kWarning,
        "more than half of the GPU rows have no launch call: what the host did before them cannot be told");
}

// Replays that show fewer rows than most replays that begin with the same kernel.
void checkReplays(const Timeline& timeline, Analysis& answer) {
    if (timeline.graphLaunches == 0) return;
    struct Replay {
        std::uint32_t first = 0;
        std::int64_t rows = 0;
        bool whole = false;
    };
    std::map<std::int32_t, Replay> replays;  // by call
    for (const GpuRow& row : timeline.gpu) {
        if (row.launch == kNoIndex) continue;
        const Call& call = timeline.calls[static_cast<std::size_t>(row.launch)];
        if (timeline.names.text(call.name).find("GraphLaunch") == std::string::npos) continue;
        Replay& replay = replays[row.launch];
        if (replay.rows++ == 0) replay.first = row.name.value;
        replay.whole = replay.whole || row.kind == GpuKind::kGraph;
    }
    std::map<std::uint32_t, std::map<std::int64_t, std::int64_t>> sizes;
    for (const auto& [call, replay] : replays)
        if (!replay.whole) ++sizes[replay.first][replay.rows];
    std::int64_t shorter = 0;
    for (const auto& [first, counts] : sizes) {
        std::int64_t all = 0, mode = 0, most = 0;
        for (const auto& [rows, count] : counts) {
            all += count;
            if (count >= most) {
                most = count;
                mode = rows;
            }
        }
        if (all < static_cast<std::int64_t>(kFewestReplays)) continue;
        for (const auto& [rows, count] : counts) shorter += rows < mode ? count : 0;
    }
    add(answer, "short_graph_replays", shorter, Severity::kWarning,
        "replays of graphs show fewer rows than most replays of the same graph: rows are missing, and idle time is not to be trusted");
}

// The first and the last step of each process against the median of its others, by what they launched.
void checkBorders(const Context& context, Analysis& answer) {
    if (context.steps.whole() || context.steps.source == "ridge") return;
    std::vector<std::int64_t> launched(context.steps.steps.size(), 0);
    for (const GpuRow& row : context.timeline.gpu) {
        if (row.launch == kNoIndex || row.process == kNoIndex) continue;
        const Call& call = context.timeline.calls[static_cast<std::size_t>(row.launch)];
        if (const std::int32_t s = context.steps.at(row.process, call.thread, call.start); s != kNoIndex) ++launched[static_cast<std::size_t>(s)];
    }
    std::int64_t partial = 0;
    for (const auto& list : context.steps.ofProcess) {
        if (list.size() < 4) continue;
        std::vector<std::int64_t> inner;
        for (std::size_t i = 1; i + 1 < list.size(); ++i) inner.push_back(launched[static_cast<std::size_t>(list[i])]);
        std::nth_element(inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(inner.size() / 2), inner.end());
        const double usual = static_cast<double>(inner[inner.size() / 2]);
        for (const std::int32_t s : {list.front(), list.back()})
            partial += static_cast<double>(launched[static_cast<std::size_t>(s)]) < kPartial * usual ? 1 : 0;
    }
    add(answer, "partial_border_steps", partial, Severity::kInfo, "the first or last step launched less than half of what the others did: the capture cuts it");
}

}  // namespace

void checkCapture(const Context& context, Analysis& answer) {
    checkSchema(context.timeline, answer);
    checkDiagnostics(context.timeline, answer);
    checkWindow(context.timeline, answer);
    checkUnlinked(context.timeline, answer);
    checkReplays(context.timeline, answer);
    checkBorders(context, answer);
    if (context.steps.source == "kernel periodicity")
        answer.gate.push_back({"steps_by_periodicity", Severity::kInfo, static_cast<std::int64_t>(context.steps.steps.size()),
                               "the trace names no steps: they are the repetitions of its kernel sequence"});
}

}  // namespace ridge::analyzer
