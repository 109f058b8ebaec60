// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <algorithm>

#include "analyzer/stats/aggregate.h"
#include "analyzer/stats/reports.h"
#include "schemas/timeline/ids.h"

namespace ridge::analyzer::stats {
namespace {

using timeline::pidOf;
using timeline::tidOf;

const char* styleOf(const RangeRow& range) { return range.nests ? "PushPop" : "StartEnd"; }

StatsTable summary(Rows& rows, bool pushPop, bool startEnd) {
    const bool both = pushPop && startEnd;
    Groups groups;
    for (const RangeRow& range : rows.ranges()) {
        if (!(range.nests ? pushPop : startEnd)) continue;
        std::vector<std::string> key;
        if (both) key.emplace_back(styleOf(range));
        key.push_back(rows.rangeNames()[range.name]);
        groups.add(key, range.end - range.start);
    }
    return groups.times("Instances", both ? std::vector<std::string>{"Style", "Range"} : std::vector<std::string>{"Range"});
}

// "1:4:9": the row ids of the ranges it lies in, itself last.
std::string stackOf(const std::vector<RangeRow>& ranges, std::size_t index) {
    std::string text;
    for (std::size_t r = index; r != kNone; r = ranges[r].parent) text = ":" + std::to_string(ranges[r].rowid) + text;
    return text;
}

StatsCell parentOf(const std::vector<RangeRow>& ranges, const RangeRow& range) {
    return range.parent == kNone ? StatsCell() : StatsCell(ranges[range.parent].rowid);
}

}  // namespace

StatsTable nvtxSum(Rows& rows) { return summary(rows, true, true); }
StatsTable nvtxPushPopSum(Rows& rows) { return summary(rows, true, false); }
StatsTable nvtxStartEndSum(Rows& rows) { return summary(rows, false, true); }

StatsTable nvtxPushPopTrace(Rows& rows) {
    StatsTable table;
    table.columns = {{"Start (ns)"}, {"End (ns)"}, {"Duration (ns)"}, {"DurChild (ns)"}, {"DurNonChild (ns)"}, {"Name", true}, {"PID"}, {"TID"},
                     {"Lvl"}, {"NumChild"}, {"RangeId"}, {"ParentId"}, {"RangeStack", true}, {"NameTree", true}};
    const auto& ranges = rows.ranges();
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        const RangeRow& r = ranges[i];
        if (!r.nests) continue;
        const std::string& name = rows.rangeNames()[r.name];
        const std::int64_t ns = r.end - r.start;
        table.rows.push_back({r.start, r.end, ns, r.childrenNs, ns - r.childrenNs, name, pidOf(r.tid), tidOf(r.tid), r.level, r.children, r.rowid,
                              parentOf(ranges, r), stackOf(ranges, i), std::string(static_cast<std::size_t>(r.level) * 2, ' ') + name});
    }
    return table;
}

StatsTable nvtxStartEndTrace(Rows& rows) {
    StatsTable table;
    table.columns = {{"Start (ns)"}, {"End (ns)"}, {"Duration (ns)"}, {"Name", true}, {"PID"}, {"TID"}, {"RangeId"}};
    for (const RangeRow& r : rows.ranges())
        if (!r.nests) table.rows.push_back({r.start, r.end, r.end - r.start, rows.rangeNames()[r.name], pidOf(r.tid), tidOf(r.tid), r.rowid});
    return table;
}

StatsTable nvtxGpuProjTrace(Rows& rows) {
    StatsTable table;
    table.columns = {{"Name", true}, {"Projected Start (ns)"}, {"Projected Duration (ns)"}, {"Orig Start (ns)"}, {"Orig Duration (ns)"}, {"Style", true},
                     {"PID"}, {"TID"}, {"NumGPUOps"}, {"Lvl"}, {"NumChild"}, {"RangeId"}, {"ParentId"}, {"RangeStack", true}};
    const auto& ranges = rows.ranges();
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        const RangeRow& r = ranges[i];
        if (r.operations == 0) continue;
        table.rows.push_back({rows.rangeNames()[r.name], r.projectedStart, r.projectedEnd - r.projectedStart, r.start, r.end - r.start, std::string(styleOf(r)),
                              pidOf(r.tid), tidOf(r.tid), r.operations, r.level, r.children, r.rowid, parentOf(ranges, r), stackOf(ranges, i)});
    }
    return table;
}

StatsTable nvtxGpuProjSum(Rows& rows) {
    struct Group {
        std::vector<std::int64_t> projected;
        std::int64_t rangeNs = 0, operations = 0, levels = 0, children = 0;
    };
    std::map<std::pair<std::string, std::string>, Group> groups;
    for (const RangeRow& r : rows.ranges()) {
        if (r.operations == 0) continue;
        Group& group = groups[{rows.rangeNames()[r.name], styleOf(r)}];
        group.projected.push_back(r.projectedEnd - r.projectedStart);
        group.rangeNs += r.end - r.start;
        group.operations += r.operations;
        group.levels += r.level;
        group.children += r.children;
    }
    StatsTable table;
    table.columns = {{"Range", true}, {"Style", true}, {"Total Proj Time (ns)"}, {"Total Range Time (ns)"}, {"Range Instances"}, {"Proj Avg (ns)"}, {"Proj Med (ns)"},
                     {"Proj Min (ns)"}, {"Proj Max (ns)"}, {"Proj StdDev (ns)"}, {"Total GPU Ops"}, {"Avg GPU Ops"}, {"Avg Range Lvl"}, {"Avg Num Child"}};
    for (auto& [key, group] : groups) {
        const Aggregate a = aggregate(group.projected);
        const auto mean = [&](std::int64_t sum) { return tenths(static_cast<double>(sum) / static_cast<double>(a.count)); };
        table.rows.push_back({key.first, key.second, a.exactTotal, group.rangeNs, a.count, tenths(a.average), tenths(a.median), tenths(a.smallest), tenths(a.largest),
                              tenths(a.deviation), group.operations, mean(group.operations), mean(group.levels), mean(group.children)});
    }
    std::stable_sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) { return std::get<std::int64_t>(a[2]) > std::get<std::int64_t>(b[2]); });
    return table;
}

StatsTable nvtxKernSum(Rows& rows) {
    const auto& ranges = rows.ranges();
    const auto& device = rows.device();
    struct Group {
        std::vector<std::int64_t> values;
        std::vector<std::size_t> instances;
    };
    std::map<std::tuple<std::string, std::string, std::int64_t, std::string>, Group> groups;
    for (const auto& [range, kernel] : rows.kernelsInRanges()) {
        const RangeRow& r = ranges[range];
        Group& group = groups[{rows.rangeNames()[r.name], styleOf(r), r.tid, rows.string(device[kernel].name)}];
        group.values.push_back(device[kernel].end - device[kernel].start);
        group.instances.push_back(range);
    }
    StatsTable table;
    table.columns = {{"NVTX Range", true}, {"Style", true}, {"PID"}, {"TID"}, {"NVTX Inst"}, {"Kern Inst"}, {"Total Time (ns)"}, {"Avg (ns)"}, {"Med (ns)"},
                     {"Min (ns)"}, {"Max (ns)"}, {"StdDev (ns)"}, {"Kernel Name", true}};
    for (auto& [key, group] : groups) {
        std::sort(group.instances.begin(), group.instances.end());
        const auto distinct = std::unique(group.instances.begin(), group.instances.end()) - group.instances.begin();
        const Aggregate a = aggregate(group.values);
        const auto& [name, style, tid, kernel] = key;
        table.rows.push_back({name, style, pidOf(tid), tidOf(tid), static_cast<std::int64_t>(distinct), a.count, a.exactTotal, tenths(a.average), tenths(a.median),
                              tenths(a.smallest), tenths(a.largest), tenths(a.deviation), kernel});
    }
    std::stable_sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) { return std::get<std::int64_t>(a[6]) > std::get<std::int64_t>(b[6]); });
    return table;
}

}  // namespace ridge::analyzer::stats
