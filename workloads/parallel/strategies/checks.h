// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What parallel training owes before it is timed: five AdamW steps of a tiny model on all ranks
// together are those of one rank's run in double precision on the whole batch. Every rank calls;
// the verdict is the same on all.
//
// Losses agree within 1e-5 of their size. Every parameter after the steps agrees within 1e-6: float
// rounds a weight of up to 1.5 five times (5 u |w| <= 4.5e-7, u = 6e-8), and gradients, right to
// 1e-4 (checks.h of the models), move it by five learning rates of 1e-3 (5e-7). AdamW runs with
// epsilon 1e-3 here: with 1e-8 a gradient that is zero but for rounding (the keys' bias) would move
// its weight by a whole learning rate, in a direction that only rounding decides.

#include "workloads/harness/workload.h"
#include "workloads/models/reference/gpt_reference.h"
#include "workloads/parallel/strategies/data_parallel.h"
#include "workloads/parallel/strategies/parallel_trainer.h"

namespace ridge::workloads {

// Whether these floats are rank 0's to the bit, on this rank. By way of the operators' memory,
// which is what the transport moves.
[[nodiscard]] Result<bool> equalsRankZero(Operators& ops, Communicator& communicator,
                                          const std::vector<float>& own);

// microBatches per rank and step; their gradients are added up before they are sent.
[[nodiscard]] CheckResult checkDataParallel(Operators& ops, Communicator& communicator,
                                            const GradientBuckets& buckets,
                                            std::int64_t microBatches);

// What the run in double precision saw: the loss before each step, the parameters after the last.
struct Trajectory {
    std::vector<double> losses;
    std::vector<double> parameters;
};
struct TrajectoryInput {
    const GptConfig& config;
    std::int64_t sequences = 1;
    std::span<const float> parameters;
    std::span<const std::int32_t> tokens, targets;
    AdamWArgs args;
    std::int64_t steps = 1;
};
using Oracle = std::function<Trajectory(const TrajectoryInput&)>;
[[nodiscard]] Trajectory trajectoryOf(reference::Gpt& oracle, const TrajectoryInput& input);
// The GPT of models/reference.
[[nodiscard]] Trajectory gptTrajectory(const TrajectoryInput& input);

struct ParallelProof {
    // Small, but divisible by what strategies divide on up to four ranks.
    GptConfig config{.layers = 4, .width = 16, .heads = 4, .context = 8, .vocabulary = 24};
    std::int64_t sequences = 4;
    Oracle oracle = gptTrajectory;
    // Parameters beyond the layout's, in the order in which the trainer takes them.
    std::vector<float> moreParameters;
};
[[nodiscard]] CheckResult checkParallelTraining(Operators& ops, Communicator& communicator,
                                                const MakeTrainer& make,
                                                const ParallelProof& proof);

}  // namespace ridge::workloads
