// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Stable sorting of long lists by a time: nothing where they are in order; few runs that are in
// order are merged, few items that come late are put back; else by digits of the key, in time
// linear in the list (std::stable_sort compares 20 times a row where there are a million). Memory:
// 32 bytes a row meanwhile, or the list once more.

#include "analyzer/model/analysis.h"
#include "schemas/sqlite/index_keys.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace ridge::analyzer {

// The order of n items by timeOf(i), of equals by i.
template <typename TimeOf>
std::vector<bulk::IndexKey> orderByTime(std::size_t n, const TimeOf& timeOf) {
    std::vector<bulk::IndexKey> keys(n);
    for (std::size_t i = 0; i < n; ++i) keys[i] = {timeOf(i), static_cast<std::int64_t>(i)};
    bulk::sortIndexKeys(keys);
    return keys;
}

namespace sorting {

inline constexpr std::size_t kMostRuns = 4;
inline constexpr std::size_t kLateShare = 4;  // at most a quarter of the items

// Where the runs that are in order begin, and the end of the last; empty: they are more than
// kMostRuns.
template <typename Item, typename Less>
std::vector<std::size_t> runsOf(const std::vector<Item>& items, const Less& less) {
    std::vector<std::size_t> ends{0};
    for (auto it = items.begin(); it != items.end();) {
        if (ends.size() > kMostRuns) return {};
        it = std::is_sorted_until(it, items.end(), less);
        ends.push_back(static_cast<std::size_t>(it - items.begin()));
    }
    return ends;
}

template <typename Item, typename Less>
void mergeRuns(std::vector<Item>& items, std::vector<std::size_t> ends, const Less& less) {
    const auto from = [](std::vector<Item>& list, std::size_t i) {
        return std::make_move_iterator(list.begin() + static_cast<std::ptrdiff_t>(i));
    };
    std::vector<Item> merged;
    while (ends.size() > 2) {
        merged.clear();
        merged.reserve(items.size());
        std::vector<std::size_t> next{0};
        for (std::size_t r = 0; r + 1 < ends.size(); r += 2) {
            const std::size_t a = ends[r], b = ends[r + 1],
                              c = r + 2 < ends.size() ? ends[r + 2] : b;
            std::merge(from(items, a), from(items, b), from(items, b), from(items, c),
                       std::back_inserter(merged), less);
            next.push_back(c);
        }
        items.swap(merged);
        ends = std::move(next);
    }
}

// Items that come after a later one are taken out, sorted and merged in again. False, and nothing
// is done, where they are many.
template <typename Item, typename Less>
bool putBackLate(std::vector<Item>& items, const Less& less) {
    std::size_t many = 0, latest = 0;
    for (std::size_t i = 1; i < items.size(); ++i) {
        if (less(items[i], items[latest]))
            ++many;
        else
            latest = i;
    }
    if (many * kLateShare > items.size()) return false;
    std::vector<Item> late;
    late.reserve(many);
    std::size_t kept = 1;
    for (std::size_t i = 1; i < items.size(); ++i) {
        if (less(items[i], items[kept - 1]))
            late.push_back(std::move(items[i]));
        else if (kept++ != i)
            items[kept - 1] = std::move(items[i]);
    }
    std::stable_sort(late.begin(), late.end(), less);
    // From behind: of equal ones those that were kept stood before.
    for (std::size_t to = items.size(); !late.empty();) {
        const bool takesLate = kept == 0 || !less(late.back(), items[kept - 1]);
        items[--to] = std::move(takesLate ? late.back() : items[kept - 1]);
        if (takesLate)
            late.pop_back();
        else
            --kept;
    }
    return true;
}

}  // namespace sorting

// Sorts the items by timeOf(item), stable.
template <typename Item, typename TimeOf>
void stableSortByTime(std::vector<Item>& items, const TimeOf& timeOf) {
    const auto less = [&](const Item& a, const Item& b) { return timeOf(a) < timeOf(b); };
    if (std::is_sorted(items.begin(), items.end(), less)) return;
    if (std::vector<std::size_t> ends = sorting::runsOf(items, less); !ends.empty())
        return sorting::mergeRuns(items, std::move(ends), less);
    if (sorting::putBackLate(items, less)) return;
    const std::vector<bulk::IndexKey> keys = orderByTime(items.size(), [&](std::size_t i) { return timeOf(items[i]); });
    std::vector<Item> sorted;
    sorted.reserve(items.size());
    for (const bulk::IndexKey& key : keys) sorted.push_back(std::move(items[static_cast<std::size_t>(key.rowid)]));
    items = std::move(sorted);
}

// Of items in the order of their times: sorts each run of equal times by less, stable.
template <typename Items, typename TimeOf, typename Less>
void sortEqualTimes(Items& items, const TimeOf& timeOf, const Less& less) {
    for (std::size_t i = 0; i < items.size();) {
        std::size_t j = i + 1;
        while (j < items.size() && timeOf(items[j]) == timeOf(items[i])) ++j;
        if (j > i + 1) std::stable_sort(items.begin() + static_cast<std::ptrdiff_t>(i), items.begin() + static_cast<std::ptrdiff_t>(j), less);
        i = j;
    }
}

}  // namespace ridge::analyzer
