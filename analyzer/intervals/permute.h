// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Rows put into an order. Linear; each row moves once. Few rows move within their own vector; many are copied from
// front to back into another, which beyond the caches is several times faster.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "schemas/sqlite/index_keys.h"

namespace ridge::analyzer {

inline constexpr std::size_t kFewRows = 200'000;

// order[i].rowid: which row comes to place i; spent afterwards. Returns old index -> new index.
template <typename Row>
std::vector<std::int32_t> permute(std::vector<Row>& rows, std::vector<bulk::IndexKey>& order,
                                  std::size_t few = kFewRows) {
    std::vector<std::int32_t> newIndex(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) newIndex[static_cast<std::size_t>(order[i].rowid)] = static_cast<std::int32_t>(i);
    if (rows.size() > few) {
        std::vector<Row> ordered;
        ordered.reserve(rows.size());
        for (const bulk::IndexKey& key : order) ordered.push_back(std::move(rows[static_cast<std::size_t>(key.rowid)]));
        rows = std::move(ordered);
        return newIndex;
    }
    for (std::size_t first = 0; first < rows.size(); ++first) {  // each cycle of the permutation once
        if (order[first].rowid < 0) continue;
        Row kept = std::move(rows[first]);
        std::size_t to = first;
        for (;;) {
            const auto from = static_cast<std::size_t>(order[to].rowid);
            order[to].rowid = -1;
            if (from == first) break;
            rows[to] = std::move(rows[from]);
            to = from;
        }
        rows[to] = std::move(kept);
    }
    return newIndex;
}

}  // namespace ridge::analyzer
