// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// ZeRO: data parallel training whose ranks do not all hold the same state (Rajbhandari et al. 2020,
// "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models"; stage 3 is also FSDP).
//
// The model is cut into units (tables, each block, last norm); each of n ranks owns 1/n of each.
//   stage 0  nothing is sharded: gradients are all-reduced (plain data parallel)
//   stage 1  moments: gradients are reduce-scattered, each rank steps its part of the weights, and
//            the new weights are all-gathered
//   stage 2  gradients too: a unit's gradients live in a buffer shared by all units until they are
//            scattered
//   stage 3  weights too: a block's weights are gathered before its forward and again before its
//            backward pass, into two buffers shared by all blocks
// State per rank (fp32): 16N, 8N + 8N/n, 4N + 12N/n, 16N/n bytes (and the shared buffers). Wire per
// rank and step: 2(n-1)/n * 4N; stage 3: 3(n-1)/n * 4N for the blocks; tables and last norm are
// gathered once and stay, as FSDP's root does.
//
// prefetch: gathers and reductions go out ahead of use by the communication thread (the next
// block's weights while this one computes; stages 1 and 2 gather into the next forward pass).
// Without it every collective is waited for where it stands.

#include "workloads/models/gpt_pass.h"
#include "workloads/parallel/strategies/parallel_trainer.h"

#include <array>

namespace ridge::workloads {

struct ZeroOptions {
    int stage = 1;
    bool prefetch = true;
};

class ZeroTrainer final : public ParallelTrainer {
public:
    // The ranks must divide the sequences.
    static Result<std::unique_ptr<ParallelTrainer>> create(Operators& ops,
                                                           Communicator& communicator,
                                                           const GptConfig& config,
                                                           std::int64_t sequences,
                                                           ZeroOptions options);

    Status load(std::span<const float> parameters) override;
    Result<double> step(std::span<const std::int32_t> tokens, std::span<const std::int32_t> targets,
                        AdamWArgs args) override;
    Result<std::vector<float>> parameters() override;
    [[nodiscard]] std::uint64_t wireBytesPerStep() const override;
    [[nodiscard]] std::int64_t stateBytes() const override { return m_stateBytes; }
    [[nodiscard]] std::int64_t activationBytes() const override { return m_pass.activationBytes(); }

private:
    // A contiguous piece of the layout. `own` lies in `whole` unless the stage shards it.
    struct Unit {
        std::int64_t offset = 0, count = 0;  // in the layout
        std::int64_t padded = 0;             // a multiple of the ranks (stage 0: the count)
        std::int64_t shard = 0;              // this rank's elements: all of them in stage 0
        Tensor weights, ownWeights;
        Tensor gradients, ownGradients;
        Tensor firstMoments, secondMoments;
        std::uint64_t gathering = 0, reducing = 0;  // sequence numbers under way; 0: none
    };
    static constexpr std::size_t kTables = 0, kNorm = 1, kFirstBlock = 2;

    ZeroTrainer(Operators& ops, Communicator& communicator, const GptConfig& config,
                std::int64_t sequences, ZeroOptions options);
    void allocate();
    void allocateUnit(std::size_t index);
    [[nodiscard]] Tensor kept(std::int64_t count);
    Status gather(Unit& unit);
    Status reduce(Unit& unit);
    Status arrived(std::uint64_t& sequence, const char* name);
    Status useBlock(std::int64_t layer, std::int64_t next);
    Status freeGradients(std::size_t unit);
    Status forward();
    Status backward();
    Status optimise(const AdamWArgs& args);
    [[nodiscard]] RootParameters root(bool gradients) const;
    [[nodiscard]] BlockParameters block(std::int64_t layer, bool gradients) const;

    Operators& m_ops;
    Communicator& m_communicator;
    GptConfig m_config;
    GptLayout m_layout;
    ZeroOptions m_options;
    std::int64_t m_sequences;  // of this rank
    GptPass m_pass;
    std::vector<Unit> m_units;
    std::array<Tensor, 2> m_weightBuffers, m_gradientBuffers;
    std::array<std::size_t, 2> m_gradientUsers{};
    std::int64_t m_stateBytes = 0;
    std::int64_t m_steps = 0;
    double m_loss = 0;
};

}  // namespace ridge::workloads
