// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Stable sorting of long lists by a time: nothing where they are in order, else by digits of the key, in time linear
// in the list (std::stable_sort compares 20 times a row where there are a million). Memory: 32 bytes a row meanwhile.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "analyzer/model/analysis.h"
#include "schemas/sqlite/bulk_table.h"

namespace ridge::analyzer {

// The order of n items by timeOf(i), of equals by i.
template <typename TimeOf>
std::vector<bulk::IndexKey> orderByTime(std::size_t n, const TimeOf& timeOf) {
    std::vector<bulk::IndexKey> keys(n);
    for (std::size_t i = 0; i < n; ++i) keys[i] = {timeOf(i), static_cast<std::int64_t>(i)};
    bulk::sortIndexKeys(keys);
    return keys;
}

// Sorts the items by timeOf(item), stable.
template <typename Item, typename TimeOf>
void stableSortByTime(std::vector<Item>& items, const TimeOf& timeOf) {
    if (std::is_sorted(items.begin(), items.end(), [&](const Item& a, const Item& b) { return timeOf(a) < timeOf(b); })) return;
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
