// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which node of one step's tree is which node of another's.
//
// From the root downwards, the children of two matched nodes are matched in this order:
//   1. equal kind, name and shape (children of one parent are unique in these);
//   2. equal kind and shape, the longest with the longest as far as both sides have some: renamed (other kernels
//      for the same op on the same shapes);
//   3. equal kind and name where only one of each is left: reshaped;
//   4. those left between the same two matched neighbours (a longest increasing run of 1 to 3), where both sides
//      have equally many of a kind: renamed; kernels only if they are of one class (or of one that no name tells).
// What is left over after that and is the only leaf of its kind, name and shape on both sides: moved.
// Everything else was added or removed. Symmetric: aligning B with A gives the same pairs (the two sides are
// put in an order of their content first). A tree aligned with itself matches every node with itself.
// O(n log n) in nodes.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "analyzer/compare/profile.h"

namespace ridge::analyzer {

enum class NodeMatch : std::uint8_t { kSame, kReshaped, kRenamed, kMoved, kAdded, kRemoved };
inline constexpr std::array<std::string_view, 6> kNodeMatchNames{"same", "reshaped", "renamed", "moved", "added", "removed"};

struct NodePair {
    std::int32_t a = -1, b = -1;  // -1: only on the other side
    NodeMatch match = NodeMatch::kSame;
};

// counts: the nodes that the step has, with the time at which they were first seen. Every leaf of either side is in
// exactly one pair; scopes are left out of the answer.
std::vector<NodePair> alignSteps(const std::vector<ProfileNode>& nodesA, std::span<const ProfileCount> countsA,
                                 const std::vector<ProfileNode>& nodesB, std::span<const ProfileCount> countsB);

}  // namespace ridge::analyzer
