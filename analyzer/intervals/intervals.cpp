// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/intervals/intervals.h"

#include <algorithm>
#include <limits>

namespace ridge::analyzer {

IntervalSet normalize(std::vector<Interval> intervals) {
    std::erase_if(intervals, [](const Interval& i) { return i.end <= i.start; });
    const auto byStart = [](const Interval& a, const Interval& b) { return a.start < b.start; };
    if (!std::is_sorted(intervals.begin(), intervals.end(), byStart))
        std::sort(intervals.begin(), intervals.end(), byStart);
    std::size_t used = 0;
    for (const Interval& i : intervals) {
        if (used > 0 && i.start <= intervals[used - 1].end)
            intervals[used - 1].end = std::max(intervals[used - 1].end, i.end);
        else
            intervals[used++] = i;
    }
    intervals.resize(used);
    return intervals;
}

IntervalSet unite(const IntervalSet& a, const IntervalSet& b) {
    IntervalSet all;
    all.reserve(a.size() + b.size());
    std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all),
               [](const Interval& x, const Interval& y) { return x.start < y.start; });
    return normalize(std::move(all));
}

IntervalSet intersect(const IntervalSet& a, const IntervalSet& b) {
    IntervalSet result;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        const Ns start = std::max(a[i].start, b[j].start);
        const Ns end = std::min(a[i].end, b[j].end);
        if (start < end) result.push_back({start, end});
        if (a[i].end < b[j].end)
            ++i;
        else
            ++j;
    }
    return result;
}

IntervalSet subtract(const IntervalSet& a, const IntervalSet& b) {
    IntervalSet result;
    std::size_t j = 0;
    for (const Interval& whole : a) {
        Ns from = whole.start;
        while (j < b.size() && b[j].end <= from) ++j;
        for (std::size_t k = j; k < b.size() && b[k].start < whole.end; ++k) {
            if (b[k].start > from) result.push_back({from, b[k].start});
            from = std::max(from, b[k].end);
            if (from >= whole.end) break;
        }
        if (from < whole.end) result.push_back({from, whole.end});
    }
    return result;
}

IntervalSet clip(const IntervalSet& set, Interval window) {
    if (window.end <= window.start) return {};
    return intersect(set, {window});
}

Ns length(const IntervalSet& set) {
    Ns sum = 0;
    for (const Interval& i : set) sum = saturatingAdd(sum, i.end - i.start);
    return sum;
}

bool contains(const IntervalSet& set, Ns instant) {
    const auto after = std::upper_bound(set.begin(), set.end(), instant,
                                        [](Ns t, const Interval& i) { return t < i.start; });
    return after != set.begin() && instant < std::prev(after)->end;
}

Ns saturatingAdd(Ns a, Ns b) {
    Ns sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return a > 0 ? std::numeric_limits<Ns>::max() : std::numeric_limits<Ns>::min();
}

}  // namespace ridge::analyzer
