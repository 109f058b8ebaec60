// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/pieces.h"

#include <algorithm>

#include "analyzer/intervals/sort_by_time.h"

namespace ridge::analyzer {
namespace {

class Cutter {
public:
    Cutter(const std::vector<PieceItem>& items, const std::function<void(const Piece&)>& take)
        : m_items(items), m_take(take) {}

    void add(std::int32_t i) {
        const PieceItem& item = m_items[static_cast<std::size_t>(i)];
        runUntil(item.start);
        m_cursor = std::max(m_cursor, item.start);
        // Under an item that keeps its time nothing begins; what outlasts it begins when it ends.
        if (m_keeper != kNoIndex && endOf(m_keeper) > m_cursor) {
            if (item.end > endOf(m_keeper)) m_stack.insert(m_stack.end() - 1, i);
            return;
        }
        m_stack.push_back(i);
        if (item.keeps) m_keeper = i;
    }
    void finish() {
        runUntil(kMaxTime * 4);
        if (m_piece.item != kNoIndex) m_take(m_piece);
    }

private:
    [[nodiscard]] Ns endOf(std::int32_t i) const { return m_items[static_cast<std::size_t>(i)].end; }
    void runUntil(Ns until) {
        while (!m_stack.empty() && m_cursor < until) {
            const std::int32_t top = m_stack.back();
            const Ns end = std::min(endOf(top), until);
            if (end > m_cursor) {
                if (m_piece.item != top || m_piece.end != m_cursor) {
                    if (m_piece.item != kNoIndex) m_take(m_piece);
                    m_piece = {m_cursor, end, top};
                }
                m_piece.end = end;
                m_cursor = end;
            }
            if (endOf(top) <= m_cursor) {
                if (top == m_keeper) m_keeper = kNoIndex;
                m_stack.pop_back();
            }
        }
    }
    const std::vector<PieceItem>& m_items;
    std::vector<std::int32_t> m_stack;
    const std::function<void(const Piece&)>& m_take;
    Piece m_piece;  // that may go on
    Ns m_cursor = -kMaxTime * 4;
    std::int32_t m_keeper = kNoIndex;
};

}  // namespace

std::vector<Piece> cutPieces(std::vector<PieceItem>& items) {
    std::vector<Piece> pieces;
    cutPieces(items, [&](const Piece& piece) { pieces.push_back(piece); });
    return pieces;
}

void cutPieces(std::vector<PieceItem>& items, const std::function<void(const Piece&)>& take) {
    std::erase_if(items, [](const PieceItem& i) { return i.end <= i.start; });
    const auto start = [](const PieceItem& item) { return item.start; };
    stableSortByTime(items, start);
    sortEqualTimes(items, start, [](const PieceItem& a, const PieceItem& b) { return a.end > b.end; });
    Cutter cutter(items, take);
    for (std::size_t i = 0; i < items.size(); ++i) cutter.add(static_cast<std::int32_t>(i));
    cutter.finish();
}

}  // namespace ridge::analyzer
