// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The columns that every summary shares: total, count, average, median, smallest, largest, deviation.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analyzer/model/stats_table.h"

namespace ridge::analyzer::stats {

struct Aggregate {
    std::int64_t count = 0;
    std::int64_t exactTotal = 0;  // held at the largest value instead of overflowing
    double total = 0, average = 0, median = 0, smallest = 0, largest = 0;
    double deviation = 0;  // of the sample, n - 1; 0 for one value
};

// At least one value; sorts them.
Aggregate aggregate(std::vector<std::int64_t>& values);

// Values by key, each key a list of cells (names, grid, ...).
class Groups {
public:
    void add(const std::vector<std::string>& key, std::int64_t value) { m_values[key].push_back(value); }

    // "Time (%)", "Total Time (ns)", count, averages; the keys' columns last. The largest total first.
    StatsTable times(const std::string& countTitle, const std::vector<std::string>& keyTitles);
    // "Total (MB)", "Count", ..., without shares: bytes in units of 10^6.
    StatsTable sizes(const std::vector<std::string>& keyTitles);

private:
    std::map<std::vector<std::string>, std::vector<std::int64_t>> m_values;
};

// Averages are given in tenths of a nanosecond, as nsys does.
double tenths(double value);

}  // namespace ridge::analyzer::stats
