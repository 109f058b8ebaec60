// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The nested ranges and calls of one thread as disjoint pieces: at each instant the item that began last
// among those that run. O(n log n).

#include "analyzer/timeline/timeline.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace ridge::analyzer {

struct PieceItem {
    Ns start = 0, end = 0;
    std::uint8_t what = 0;      // the caller's; items with keeps win over what began after them
    bool keeps = false;
    std::int32_t index = kNoIndex;
};

struct Piece {
    Ns start = 0, end = 0;
    std::int32_t item = kNoIndex;  // into the items
};

// Sorts the items. Items of no length are left out. Times that no item covers are in no piece.
// Pieces come in time.
void cutPieces(std::vector<PieceItem>& items, const std::function<void(const Piece&)>& take);
std::vector<Piece> cutPieces(std::vector<PieceItem>& items);

}  // namespace ridge::analyzer
