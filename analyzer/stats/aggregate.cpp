// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/stats/aggregate.h"

#include <algorithm>
#include <cmath>

namespace ridge::analyzer::stats {
namespace {

struct Group {
    const std::vector<std::string>* key;
    Aggregate values;
};

std::vector<Group> ranked(std::map<std::vector<std::string>, std::vector<std::int64_t>>& values) {
    std::vector<Group> groups;
    groups.reserve(values.size());
    for (auto& [key, list] : values) groups.push_back({&key, aggregate(list)});
    std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.values.total > b.values.total; });
    return groups;
}

}  // namespace

double tenths(double value) { return std::round(value * 10) / 10; }

Aggregate aggregate(std::vector<std::int64_t>& values) {
    std::sort(values.begin(), values.end());
    Aggregate a;
    a.count = static_cast<std::int64_t>(values.size());
    for (const std::int64_t value : values) {
        a.total += static_cast<double>(value);
        if (__builtin_add_overflow(a.exactTotal, value, &a.exactTotal)) a.exactTotal = INT64_MAX;
    }
    const auto n = static_cast<double>(values.size());
    a.average = a.total / n;
    a.smallest = static_cast<double>(values.front());
    a.largest = static_cast<double>(values.back());
    const std::size_t middle = values.size() / 2;
    a.median = static_cast<double>(values[middle]);
    if (values.size() % 2 == 0) a.median = (a.median + static_cast<double>(values[middle - 1])) / 2;
    double squares = 0;
    for (const std::int64_t value : values) squares += (static_cast<double>(value) - a.average) * (static_cast<double>(value) - a.average);
    if (values.size() > 1) a.deviation = std::sqrt(squares / (n - 1));
    return a;
}

StatsTable Groups::times(const std::string& countTitle, const std::vector<std::string>& keyTitles) {
    StatsTable table;
    for (const char* title : {"Time (%)", "Total Time (ns)"}) table.columns.push_back({title});
    table.columns.push_back({countTitle});
    for (const char* title : {"Avg (ns)", "Med (ns)", "Min (ns)", "Max (ns)", "StdDev (ns)"}) table.columns.push_back({title});
    for (const auto& title : keyTitles) table.columns.push_back({title, true});
    const auto groups = ranked(m_values);
    double all = 0;
    for (const Group& group : groups) all += group.values.total;
    for (const Group& group : groups) {
        const Aggregate& v = group.values;
        std::vector<StatsCell> row{all > 0 ? tenths(100 * v.total / all) : 0.0, v.exactTotal, v.count, tenths(v.average),
                                   tenths(v.median), static_cast<std::int64_t>(v.smallest), static_cast<std::int64_t>(v.largest), tenths(v.deviation)};
        for (const auto& key : *group.key) row.emplace_back(key);
        table.rows.push_back(std::move(row));
    }
    return table;
}

StatsTable Groups::sizes(const std::vector<std::string>& keyTitles) {
    StatsTable table;
    for (const char* title : {"Total (MB)", "Count", "Avg (MB)", "Med (MB)", "Min (MB)", "Max (MB)", "StdDev (MB)"}) table.columns.push_back({title});
    for (const auto& title : keyTitles) table.columns.push_back({title, true});
    const auto megabytes = [](double bytes) { return std::round(bytes / 1e3) / 1e3; };
    for (const Group& group : ranked(m_values)) {
        const Aggregate& v = group.values;
        std::vector<StatsCell> row{megabytes(v.total), v.count, megabytes(v.average), megabytes(v.median), megabytes(v.smallest), megabytes(v.largest), megabytes(v.deviation)};
        for (const auto& key : *group.key) row.emplace_back(key);
        table.rows.push_back(std::move(row));
    }
    return table;
}

}  // namespace ridge::analyzer::stats
