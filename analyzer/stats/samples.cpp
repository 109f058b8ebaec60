// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Sampled call stacks as a flat view, as Nsight Systems shows it: how many samples were in a function
// itself, and in how many it stood anywhere on the stack (once each, however deep it called itself).
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "analyzer/stats/aggregate.h"
#include "analyzer/stats/reports.h"

namespace ridge::analyzer::stats {
namespace {

struct Function {
    std::int64_t self = 0, total = 0;
    std::int64_t lastSample = INT64_MIN;  // counted in total already
    std::set<std::int64_t> threads;
};

}  // namespace

StatsTable cpuSamplesSum(Rows& rows) {
    std::map<std::pair<std::string, std::string>, Function> functions;
    std::map<std::pair<std::int64_t, std::int64_t>, Function*> known;  // names are looked up once
    for (const SampledFrame& frame : rows.frames()) {
        // Addresses without a name are one entry for each module: a function has many of them.
        Function*& function = known[{frame.unresolved ? -1 : frame.symbol, frame.module}];
        if (!function) function = &functions[{frame.unresolved ? "[no symbol]" : rows.string(frame.symbol), rows.string(frame.module)}];
        function->self += frame.depth == 0;
        if (function->lastSample != frame.sample) ++function->total;
        function->lastSample = frame.sample;
        function->threads.insert(frame.tid);
    }
    const auto samples = static_cast<double>(rows.sampleCount());
    std::vector<std::pair<const std::pair<std::string, std::string>*, const Function*>> ranked;
    for (const auto& [name, function] : functions) ranked.emplace_back(&name, &function);
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
        return a.second->self != b.second->self ? a.second->self > b.second->self : a.second->total > b.second->total;
    });
    StatsTable table;
    table.columns = {{"Self (%)"}, {"Total (%)"}, {"Self Samples"}, {"Total Samples"}, {"Threads"}, {"Symbol Name", true}, {"Module Name", true}};
    for (const auto& [name, function] : ranked)
        table.rows.push_back({tenths(100 * static_cast<double>(function->self) / samples), tenths(100 * static_cast<double>(function->total) / samples), function->self,
                              function->total, static_cast<std::int64_t>(function->threads.size()), name->first, name->second});
    return table;
}

}  // namespace ridge::analyzer::stats
