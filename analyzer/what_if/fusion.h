// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Ops made one, in a plan of the replay: runs of elementwise ops, and attention in one pass.
//
// A run of elementwise ops as one does not write, and read again, what lies between them; it keeps the bandwidth
// that its ops have now. Certainly a run is what reads exactly as many bytes as the op before wrote; an op that
// reads more and writes as many (a residual is added) is likely to be of it.
//
// Attention that stores its scores (or reads them again for its gradients) says so by its bytes. Of x = B H T d
// elements of a row tensor and S = B H T^2 of scores, in bytes, with f FLOP (workloads/formulas/op_cost.h):
//   forward   reads 3x, writes x + S, f = 4 S d     in one pass: writes x
//   backward  reads 4x + S, writes 3x, f = 8 S d    in one pass: reads 5x, and a fifth product makes the scores anew (5/4 f)
// Or it is in three passes: scores (reads 2x, writes S, f = 2 S d), what reads S and writes S (softmax, a
// mask), and values (reads x + S, writes x, f = 2 S d), one after the other. In one pass S is never moved: the
// products keep their arithmetic and 2x each of their bytes, and what lies between keeps its arithmetic, so that
// nothing is left of it where its bytes are its wall.
// In one pass it moves fewer bytes, and under a causal mask can leave out half of the arithmetic; the trace does
// not say whether there is a mask (Dao 2022, arXiv 2205.14135). A backward op by itself may be taken for a fused
// forward one: it is only known beside the forward op of the same x and S.

#include "analyzer/critical_path/graph.h"
#include "analyzer/what_if/replay.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace ridge::analyzer {

// What fusing gains, over all steps of a graph.
struct FusionGain {
    std::int64_t ops = 0;
    double certainNs = 0;  // of what certainly is a run
    double atRoofNs = 0;   // were the fused op at its roof
};
// groups: per node of the graph, into Ops::groups. Changes the plan.
FusionGain fuseElementwise(const Context& context, const PathGraph& graph, const std::vector<std::int32_t>& groups,
                           std::int32_t workload, ReplayPlan& plan);

// The bytes x and S of a forward op that stores its scores.
struct StoredScores {
    double row = 0, scores = 0;
};
std::optional<StoredScores> storedScores(const Work& work);
// Are these the gradients of such an op?
bool isBackwardOf(const Work& work, const StoredScores& forward);

// What is left of an attention op's time in one pass, as a part of it, at the share of its roof that it has now.
struct OnePass {
    double whole = 1;   // of the square
    double masked = 1;  // of the half under a mask
};
// memoryBound: is it its memory roof that it is held against?
OnePass inOnePass(const StoredScores& stored, bool backward, bool memoryBound);

// The bytes x and S of attention in three passes, of its first and its last op.
std::optional<StoredScores> scoresAndValues(const Work& scores, const Work& values);
// Does this op read and write such scores?
bool isBetween(const Work& work, const StoredScores& passes);
// What is left of either product, and of what lies between them.
OnePass productInOnePass(const StoredScores& passes, bool memoryBound);
OnePass betweenInOnePass(bool memoryBound);

// Attention ops without a mask in the plan; what they gain with one, over all steps of the graph. groups: as above.
double fuseAttention(const Context& context, const PathGraph& graph, const std::vector<std::int32_t>& groups, std::int32_t workload,
                     ReplayPlan& plan);

}  // namespace ridge::analyzer
