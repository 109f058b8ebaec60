// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/findings/evidence.h"
#include "analyzer/findings/evidence_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "analyzer/verdict/verdict.h"
#include "schemas/enums/op_kind.h"

namespace ridge::analyzer {
namespace {

constexpr std::size_t kLongestList = 20'000;  // characters of names in one query

bool allKineto(const RuleInput& input) {
    const auto& sources = input.context.timeline.sources;
    return !sources.empty() && std::all_of(sources.begin(), sources.end(), [](const Source& s) { return s.kind == "kineto"; });
}

bool inWindow(const RuleInput& input, Ns start) { return start >= input.window.start && start < input.window.end; }

std::string startsInWindow(const RuleInput& input, std::string_view alias) {
    return fmt::format("{0}.start >= {1} AND {0}.start < {2}", alias, input.window.start, input.window.end);
}

// SQL is for one file: the trace, or what `ridge import kineto` makes of the given ones.
Proof proof(const RuleInput& input, std::string name, double value, std::string unit, std::string sql) {
    Proof out{{std::move(name), value, std::move(unit)}, std::move(sql), {}};
    if (out.sql.empty()) {
        out.note = "no query: the names that it would have to list are too many, or cannot be written in SQL";
    } else if (allKineto(input)) {
        out.note = "the query runs on the file that ridge import kineto writes of the trace";
    } else if (input.context.timeline.sources.size() > 1) {
        out.sql.clear();
        out.note = "no query: the number is a sum over several files; analyze one of them, or put them into one with ridge merge";
    }
    return out;
}

double sumOfRanges(const RuleInput& input, std::uint16_t opKind, std::optional<NameId> name) {
    const Timeline& timeline = input.context.timeline;
    Ns sum = 0;
    for (const Range& range : timeline.ranges) {
        if (range.work == kNoIndex || range.open || !inWindow(input, range.start)) continue;
        if (timeline.works[static_cast<std::size_t>(range.work)].opKind != opKind) continue;
        if (!name || range.name == *name) sum = saturatingAdd(sum, range.end - range.start);
    }
    return static_cast<double>(sum);
}

}  // namespace

// "('a', 'b')"; nothing where that is too long or cannot be written.
std::optional<std::string> sqlList(const NamePool& pool, const std::set<std::uint32_t>& names) {
    std::string list;
    for (const std::uint32_t name : names) {
        const auto quoted = sqlText(pool.text(NameId{name}));
        if (!quoted || list.size() + quoted->size() > kLongestList) return std::nullopt;
        list += (list.empty() ? "(" : ", ") + *quoted;
    }
    return list.empty() ? std::nullopt : std::optional(list + ")");
}

std::string sqlRows(const RuleInput& input, std::size_t gpu, std::string_view condition, std::string_view columns) {
    const GpuPartition& p = input.context.gpus[gpu];
    const Timeline& timeline = input.context.timeline;
    const GpuDevice& device = timeline.devices[static_cast<std::size_t>(p.device)];
    // Devices of several machines in one file have equal numbers.
    const bool shared = std::any_of(timeline.devices.begin(), timeline.devices.end(), [&](const GpuDevice& d) {
        return d.id == device.id && d.machine != device.machine;
    });
    const std::string machine = shared ? fmt::format(" AND ((globalPid >> 48) & 0xFFFF) = {}", device.machine) : "";
    std::array<bool, 4> kinds{};  // a table is there where it has rows, whoever wrote the trace
    for (const std::int32_t r : p.rows) kinds[static_cast<std::size_t>(timeline.gpu[static_cast<std::size_t>(r)].kind)] = true;
    constexpr std::array<const char*, 4> kTables{"CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_MEMCPY", "CUPTI_ACTIVITY_KIND_MEMSET",
                                                 "CUPTI_ACTIVITY_KIND_GRAPH_TRACE"};
    std::string rows;
    for (std::size_t k = 0; k < kinds.size(); ++k)
        if (kinds[k])
            rows += fmt::format("{}SELECT {} FROM {} WHERE deviceId = {} AND {}{}", rows.empty() ? "" : " UNION ALL ", columns, kTables[k], device.id,
                                condition, machine);
    return rows;
}


Proof makeProof(const RuleInput& input, std::string name, double value, std::string unit, std::string sql) {
    return proof(input, std::move(name), value, std::move(unit), std::move(sql));
}

std::optional<std::string> kernelNames(const RuleInput& input, const std::set<std::uint32_t>& names) {
    const auto list = sqlList(input.context.timeline.names, names);
    if (!list) return std::nullopt;
    return "COALESCE(NULLIF(d.value, ''), s.value) IN " + *list;
}

std::optional<std::string> sqlText(std::string_view text) {
    if (text.find('\0') != std::string_view::npos || toValidUtf8(text) != text) return std::nullopt;
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c;
        if (c == '\'') quoted += '\'';
    }
    return quoted + "'";
}

Proof opTime(const RuleInput& input, NameId name, std::uint16_t opKind) {
    const auto quoted = sqlText(input.context.timeline.names.text(name));
    return proof(input, "op_time_ns", sumOfRanges(input, opKind, name), "ns",
                 !quoted ? std::string()
                         : fmt::format("SELECT SUM(n.end - n.start) FROM NVTX_EVENTS n JOIN RIDGE_WORK w ON w.nvtxId = n.rowid "
                                       "LEFT JOIN StringIds s ON s.id = n.textId WHERE w.opKind = {} AND "
                                       "COALESCE(n.text, s.value) = {} AND {}",
                                       opKind, *quoted, startsInWindow(input, "n")));
}

Proof kindTime(const RuleInput& input, std::uint16_t opKind) {
    return proof(input, fmt::format("{}_range_ns", kOpKindNames[opKind]), sumOfRanges(input, opKind, std::nullopt), "ns",
                 fmt::format("SELECT SUM(n.end - n.start) FROM NVTX_EVENTS n JOIN RIDGE_WORK w ON w.nvtxId = n.rowid "
                             "WHERE w.opKind = {} AND {}",
                             opKind, startsInWindow(input, "n")));
}

Proof fileCallTime(const RuleInput& input) {
    Ns sum = 0;
    for (const IoRow& row : input.context.timeline.io)
        if (inWindow(input, row.start)) sum = saturatingAdd(sum, row.end - row.start);
    constexpr std::string_view kRegular =
        "d.filePath <> '' AND d.filePath NOT GLOB '/dev/*' AND d.filePath NOT GLOB '/proc/*' AND d.filePath NOT GLOB "
        "'/sys/*' AND d.filePath NOT GLOB 'pipe:*' AND d.filePath NOT GLOB 'socket:*' AND d.filePath NOT GLOB "
        "'anon_inode:*' AND d.filePath NOT GLOB 'std[ioe]*'";
    const bool ours = input.context.timeline.sources.front().kind == "ridge";
    std::string sql =
        ours ? fmt::format("SELECT SUM(o.end - o.start) FROM OSRT_API o JOIN RIDGE_IO i ON i.osrtId = o.rowid JOIN "
                           "OSRT_FILE_ACCESS_DESCRIPTORS d ON d.fileAccessId = i.fileAccessId WHERE {} AND {}",
                           kRegular, startsInWindow(input, "o"))
             : fmt::format("SELECT SUM(e.endedAt - e.startedAt) FROM OSRT_FILE_ACCESS_EVENTS e JOIN "
                           "OSRT_FILE_ACCESS_DESCRIPTORS d ON d.fileAccessId = e.fileAccessId WHERE {} AND "
                           "e.startedAt >= {} AND e.startedAt < {}",
                           kRegular, input.window.start, input.window.end);
    return proof(input, "file_call_ns", static_cast<double>(sum), "ns", std::move(sql));
}

Proof preemptionTime(const RuleInput& input) {
    Ns sum = 0;
    for (const Preemption& gap : input.context.timeline.preemptions)
        sum = saturatingAdd(sum, std::max<Ns>(0, std::min(gap.end, input.window.end) - std::max(gap.start, input.window.start)));
    return proof(input, "preemption_ns", static_cast<double>(sum), "ns",
                 fmt::format("SELECT SUM(MIN(end, {1}) - MAX(start, {0})) FROM RIDGE_PREEMPTION WHERE end > {0} AND start < {1}",
                             input.window.start, input.window.end));
}

Proof stepTime(const RuleInput& input) {
    Ns sum = 0;
    for (const Range& range : input.context.timeline.ranges)
        if (range.frame == Frame::kStep && !range.open && range.start >= input.window.start && range.end <= input.window.end)
            sum = saturatingAdd(sum, range.end - range.start);
    return proof(input, "step_range_ns", static_cast<double>(sum), "ns",
                 fmt::format("SELECT SUM(n.end - n.start) FROM NVTX_EVENTS n WHERE n.category = 3 AND n.eventType IN (59, 60) "
                             "AND n.start >= {} AND n.end <= {} AND EXISTS (SELECT 1 FROM NVTX_EVENTS d LEFT JOIN StringIds s "
                             "ON s.id = d.textId WHERE d.eventType = 75 AND COALESCE(d.text, s.value) = 'ridge' AND "
                             "d.domainId = n.domainId AND d.globalTid / 0x1000000 = n.globalTid / 0x1000000)",
                             input.window.start, input.window.end));
}

Proof kernelCount(const RuleInput& input) {
    std::int64_t count = 0;
    for (const GpuRow& row : input.context.timeline.gpu)
        count += row.kind == GpuKind::kKernel && inWindow(input, row.start) ? 1 : 0;
    return proof(input, "kernels", static_cast<double>(count), "1",
                 fmt::format("SELECT COUNT(*) FROM CUPTI_ACTIVITY_KIND_KERNEL k WHERE k.end >= k.start AND {}",
                             startsInWindow(input, "k")));
}

Proof blockingTime(const RuleInput& input) {
    Ns sum = 0;
    for (const Call& call : input.context.timeline.calls)
        if (call.blocking && inWindow(input, call.start)) sum = saturatingAdd(sum, call.end - call.start);
    return proof(input, "blocking_call_ns", static_cast<double>(sum), "ns",
                 fmt::format("SELECT SUM(r.end - r.start) FROM CUPTI_ACTIVITY_KIND_RUNTIME r JOIN StringIds s ON s.id = r.nameId "
                             "WHERE {} AND {}",
                             kBlockingName, startsInWindow(input, "r")));
}

namespace {

// Calls of which the name begins with one of the three and holds no "Async".
Proof syncCallTime(const RuleInput& input, std::string_view what, std::string name) {
    constexpr std::array<std::string_view, 3> kApis{"cuda", "cu", "hip"};
    const Timeline& timeline = input.context.timeline;
    std::vector<std::int8_t> known(timeline.names.size(), -1);  // per name: is it such a call?
    Ns sum = 0;
    for (const Call& call : timeline.calls) {
        if (!inWindow(input, call.start)) continue;
        std::int8_t& is = known[call.name.value];
        if (is < 0) {
            const std::string_view text = timeline.names.text(call.name);
            const bool starts = std::any_of(kApis.begin(), kApis.end(), [&](std::string_view api) {
                return text.starts_with(api) && text.substr(api.size()).starts_with(what);
            });
            is = starts && text.find("Async") == std::string_view::npos ? 1 : 0;
        }
        if (is == 1) sum = saturatingAdd(sum, call.end - call.start);
    }
    return proof(input, std::move(name), static_cast<double>(sum), "ns",
                 fmt::format("SELECT SUM(r.end - r.start) FROM CUPTI_ACTIVITY_KIND_RUNTIME r JOIN StringIds s ON s.id = r.nameId "
                             "WHERE (s.value GLOB 'cuda{0}*' OR s.value GLOB 'cu{0}*' OR s.value GLOB 'hip{0}*') AND "
                             "instr(s.value, 'Async') = 0 AND {1}",
                             what, startsInWindow(input, "r")));
}

}  // namespace

Proof syncCopyTime(const RuleInput& input) { return syncCallTime(input, "Memcpy", "synchronous_copy_call_ns"); }
Proof syncSetTime(const RuleInput& input) { return syncCallTime(input, "Memset", "synchronous_memset_call_ns"); }

bool isSmallGrid(const GpuRow& row, std::int32_t blocks) {
    return row.kind == GpuKind::kKernel && row.blocks > 0 && row.blocks < blocks;
}

Proof smallGridTime(const RuleInput& input, std::int32_t blocks) {
    Ns sum = 0;
    for (const GpuRow& row : input.context.timeline.gpu)
        if (isSmallGrid(row, blocks) && inWindow(input, row.start)) sum = saturatingAdd(sum, row.end - row.start);
    return proof(input, "small_grid_kernel_ns", static_cast<double>(sum), "ns",
                 fmt::format("SELECT SUM(k.end - k.start) FROM CUPTI_ACTIVITY_KIND_KERNEL k WHERE k.end >= k.start AND "
                             "k.gridX * k.gridY * k.gridZ BETWEEN 1 AND {} AND {}",
                             blocks - 1, startsInWindow(input, "k")));
}

Proof pageableTime(const RuleInput& input) {
    const Timeline& timeline = input.context.timeline;
    Ns sum = 0;
    for (const GpuRow& row : timeline.gpu) {
        if (row.kind != GpuKind::kCopy || row.launch == kNoIndex || !inWindow(input, row.start)) continue;
        if (row.srcKind != 0 && row.dstKind != 0) continue;
        const Call& call = timeline.calls[static_cast<std::size_t>(row.launch)];
        if (timeline.names.text(call.name).find("Async") != std::string::npos) sum = saturatingAdd(sum, row.end - row.start);
    }
    return proof(input, "pageable_async_copy_ns", static_cast<double>(sum), "ns",
                 fmt::format("SELECT SUM(m.end - m.start) FROM CUPTI_ACTIVITY_KIND_MEMCPY m WHERE (m.srcKind = 0 OR m.dstKind = 0) "
                             "AND {} AND EXISTS (SELECT 1 FROM CUPTI_ACTIVITY_KIND_RUNTIME r JOIN StringIds s ON s.id = r.nameId "
                             "WHERE r.correlationId = m.correlationId AND (r.globalTid & ~0xFFFFFF) = m.globalPid AND "
                             "instr(s.value, 'Async') > 0)",
                             startsInWindow(input, "m")));
}

Proof copyTime(const RuleInput& input) {
    Ns sum = 0;
    for (const GpuRow& row : input.context.timeline.gpu)
        if (row.kind == GpuKind::kCopy && inWindow(input, row.start)) sum = saturatingAdd(sum, row.end - row.start);
    return proof(input, "copy_ns", static_cast<double>(sum), "ns",
                 fmt::format("SELECT SUM(m.end - m.start) FROM CUPTI_ACTIVITY_KIND_MEMCPY m WHERE {}", startsInWindow(input, "m")));
}

IntervalSet gapsOf(const GpuPartition& gpu, Ns minimumNs) {
    IntervalSet gaps;
    for (std::size_t i = 0; i + 1 < gpu.busy.size(); ++i) {
        const Interval gap{gpu.busy[i].end, gpu.busy[i + 1].start};
        if (gap.end - gap.start >= std::max<Ns>(minimumNs, 1)) gaps.push_back(gap);
    }
    return gaps;
}

std::optional<std::string> sqlPieces(const IntervalSet& pieces) {
    constexpr std::size_t kMost = 400;
    if (pieces.empty() || pieces.size() > kMost) return std::nullopt;
    std::string list;
    for (const Interval& piece : pieces) list += fmt::format("{}({}, {})", list.empty() ? "" : ", ", piece.start, piece.end);
    return list;
}

Proof gapTimeIn(const RuleInput& input, std::size_t gpu, Ns minimumNs, const IntervalSet& inside) {
    const Ns sum = length(intersect(gapsOf(input.context.gpus[gpu], minimumNs), inside));
    const auto pieces = sqlPieces(inside);
    Proof out = proof(input, "idle_in_steps_ns", static_cast<double>(sum), "ns",
                      !pieces ? std::string()
                                     : fmt::format("WITH busy AS ({}), seen AS (SELECT start, MAX(end) OVER (ORDER BY start, end ROWS BETWEEN UNBOUNDED "
                                                   "PRECEDING AND 1 PRECEDING) AS before FROM busy), piece(a, b) AS (VALUES {}) SELECT "
                                                   "SUM(MIN(start, b) - MAX(before, a)) FROM seen JOIN piece ON before < b AND start > a WHERE start - before >= {}",
                                                   sqlRows(input, gpu, "end > start"), *pieces, std::max<Ns>(minimumNs, 1)));
    if (!pieces && !inside.empty()) out.note = kTooManyPieces;
    return out;
}

std::string words(std::string_view name) {
    std::string text(name);
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

std::string ofRank(const RuleInput& input, std::int64_t rank) {
    return input.answer.ranks.size() > 1 ? fmt::format(" of rank {}", rank) : std::string();
}

void prove(Finding& finding, Proof proof) {
    finding.evidence.insert(finding.evidence.begin(), std::move(proof.evidence));
    finding.sql = std::move(proof.sql);
    finding.sqlNote = std::move(proof.note);
}

std::vector<const OpGroup*> groupsOf(const RuleInput& input, WallClass wallClass) {
    std::vector<const OpGroup*> groups;
    for (const OpGroup& g : input.context.ops.groups) {
        if (g.workload == input.workload && computes(g.work.opKind) && g.answer.wallClass == wallClass) groups.push_back(&g);
    }
    std::stable_sort(groups.begin(), groups.end(), [](const OpGroup* a, const OpGroup* b) { return a->timeNs > b->timeNs; });
    return groups;
}

namespace {

// Summed duration of the kernels of one name that start in the window.
Proof kernelTime(const RuleInput& input, NameId name) {
    Ns sum = 0;
    for (const GpuRow& row : input.context.timeline.gpu)
        if (row.kind == GpuKind::kKernel && row.name == name && inWindow(input, row.start)) sum = saturatingAdd(sum, row.end - row.start);
    const auto quoted = sqlText(input.context.timeline.names.text(name));
    return proof(input, "kernel_time_ns", static_cast<double>(sum), "ns",
                 !quoted ? std::string()
                         : fmt::format("SELECT SUM(k.end - k.start) FROM CUPTI_ACTIVITY_KIND_KERNEL k LEFT JOIN StringIds d ON d.id = "
                                       "k.demangledName LEFT JOIN StringIds s ON s.id = k.shortName WHERE COALESCE(NULLIF(d.value, ''), "
                                       "s.value) = {} AND k.end >= k.start AND {}",
                                       *quoted, startsInWindow(input, "k")));
}

// The same of kernels with counters, where no payload tells of ops.
std::optional<Finding> measuredFinding(const RuleInput& input, WallClass wallClass) {
    const MeasuredRoofline& measured = input.context.measured;
    Finding finding;
    finding.wallClass = wallClass;
    finding.cause = causeOf(wallClass);
    finding.costNs = input.perStep(input.total(wallClass));
    double time = 0, roof = 0;
    const MeasuredKernel* top = nullptr;
    for (const MeasuredKernel& k : measured.kernels) {
        if (k.workload != input.workload || k.answer.wallClass != wallClass) continue;
        if (!top) top = &k;  // the largest comes first
        time += static_cast<double>(k.timeNs);
        roof += std::min(k.answer.roofNs * static_cast<double>(k.count), static_cast<double>(k.timeNs));
        const std::string name = toValidUtf8(input.context.timeline.names.text(k.name));
        if (finding.ops.size() < 5 && std::find(finding.ops.begin(), finding.ops.end(), name) == finding.ops.end()) finding.ops.push_back(name);
    }
    if (!top || time <= 0) return std::nullopt;
    const bool checked = measured.copyRatio || measured.gemmRatio;
    finding.confidence = checked ? Confidence::kHigh : Confidence::kMedium;
    finding.savingHighNs = static_cast<Ns>((1 - roof / time) * static_cast<double>(finding.costNs));
    prove(finding, kernelTime(input, top->name));
    finding.evidence.push_back({"attainment", roof / time, "1"});
    finding.evidence.push_back({"class_ns", static_cast<double>(input.total(wallClass)), "ns"});
    finding.assumptions.push_back(checked ? "bytes and FLOP are those of the device's counters" : "bytes and FLOP are those of the device's counters, which nothing of known size verified");
    return finding;
}

}  // namespace

std::optional<Finding> roofFinding(const RuleInput& input, WallClass wallClass) {
    if (input.total(wallClass) <= 0) return std::nullopt;
    const std::vector<const OpGroup*> groups = groupsOf(input, wallClass);
    if (groups.empty()) return measuredFinding(input, wallClass);
    Finding finding;
    finding.wallClass = wallClass;
    finding.cause = causeOf(wallClass);
    finding.costNs = input.perStep(input.total(wallClass));
    finding.confidence = Confidence::kMedium;  // bytes and FLOP are the model's
    double time = 0, roof = 0;
    for (const OpGroup* g : groups) {
        time += static_cast<double>(g->timeNs);
        roof += std::min(g->answer.roofNs * static_cast<double>(g->count), static_cast<double>(g->timeNs));
        const std::string name = toValidUtf8(input.context.timeline.names.text(g->name));
        if (finding.ops.size() < 5 && std::find(finding.ops.begin(), finding.ops.end(), name) == finding.ops.end())
            finding.ops.push_back(name);
    }
    const double above = time > 0 ? 1 - roof / time : 0;
    finding.savingHighNs = static_cast<Ns>(above * static_cast<double>(finding.costNs));
    const OpGroup& top = *groups.front();
    prove(finding, opTime(input, top.name, top.work.opKind));
    finding.evidence.push_back({"attainment", time > 0 ? roof / time : 0, "1"});
    finding.evidence.push_back({"class_ns", static_cast<double>(input.total(wallClass)), "ns"});
    finding.assumptions.push_back("bytes and FLOP are those of the work payload, each operand moved once");
    return finding;
}

}  // namespace ridge::analyzer
