// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Gathers the entries of one lane: pieces of time with their class and owner go in, steps come out.
//
// Pieces may cross the borders of steps and are cut there. Pieces of one class must not overlap. What the
// pieces of a class do not cover in a step goes to a node of the root, so that the entries add up to the
// step's classes whatever happened; the tests ask that nothing ever does.

#include <map>
#include <utility>
#include <vector>

#include "analyzer/compare/profile.h"
#include "analyzer/compare/tree.h"

namespace ridge::analyzer {

// A row that may own time. layer: 0 wins; of rows of one layer the one that started first, or last.
struct OwnedRow {
    Ns start = 0, end = 0;
    std::uint8_t layer = 0;
    WallClass wallClass = WallClass::kIdle;
    std::int32_t node = 0;
    bool latestFirst = false;  // of all rows of a layer
};
struct OwnedPiece {
    Ns start = 0, end = 0;
    WallClass wallClass = WallClass::kIdle;
    std::int32_t node = 0;
};
// Disjoint pieces, by start: at each instant the first layer that is active, and of it one row. O(n log n).
std::vector<OwnedPiece> ownersOf(std::vector<OwnedRow> rows);

class LaneBuilder {
public:
    // steps: with windows and classes, by start.
    LaneBuilder(ProfileLane lane, NodeTree& tree);

    void addPiece(const OwnedPiece& piece);
    // Instances are counted for the nodes that own time in some step of some lane: after all pieces.
    void count(std::int32_t node, Ns start, Ns end);
    [[nodiscard]] bool owns(std::int32_t node) const { return m_owns.contains(node); }
    [[nodiscard]] bool touches(Ns start, Ns end) const;
    ProfileLane finish();

private:
    struct Building {
        std::map<std::pair<WallClass, std::int32_t>, Ns> entries;
        std::map<std::int32_t, ProfileCount> counts;
    };
    [[nodiscard]] std::size_t firstStep(Ns instant) const;  // none before it ends after the instant

    ProfileLane m_lane;
    NodeTree& m_tree;
    std::vector<Ns> m_lastEnd;  // of this step and those before it: steps of several threads may overlap
    std::vector<Building> m_steps;
    std::map<std::int32_t, bool> m_owns;
};

}  // namespace ridge::analyzer
