// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Tensor parallel training: every matrix of a block is split over the ranks (Shoeybi et al. 2019,
// "Megatron-LM"; with sequence parallel: Korthikanti et al. 2022). Rank r of n has heads/n heads
// and 4C/n of the MLP's width: qkv and up are split by outputs ("column parallel", no communication
// before the non-linearity), attention.out and down by inputs ("row parallel", each rank has a part
// of the sum). All ranks work on the whole batch.
//
//   plain              an all-reduce after attention.out and after down, forward; one for the
//                      gradient of either norm's output, backward
//   sequence parallel  norms and residuals hold rows/n rows per rank: each all-reduce becomes a
//                      reduce-scatter behind the split matrices and an all-gather before the next
// Wire per layer and rank: 4 all-reduces of rows * C * 4 bytes either way. Sequence parallel adds
// an all-gather before the head, one before the embedding's gradient, and one small all-reduce of
// the norms' gradients a step. The gathered norms are kept for the backward pass, not gathered
// again. Embedding, last norm and head are whole on every rank. None of it can be hidden behind
// computing that does not depend on it: this is the traffic that wants the fastest link.

#include "workloads/models/gpt_pass.h"
#include "workloads/parallel/strategies/adamw_state.h"
#include "workloads/parallel/strategies/parallel_trainer.h"

namespace ridge::workloads {

class TensorParallelTrainer final : public ParallelTrainer {
public:
    // The ranks must divide the heads and, with sequence parallel, the sequences.
    static Result<std::unique_ptr<ParallelTrainer>> create(Operators& ops,
                                                           Communicator& communicator,
                                                           const GptConfig& config,
                                                           std::int64_t sequences,
                                                           bool sequenceParallel);

    Status load(std::span<const float> parameters) override;
    Result<double> step(std::span<const std::int32_t> tokens, std::span<const std::int32_t> targets,
                        AdamWArgs args) override;
    Result<std::vector<float>> parameters() override;
    [[nodiscard]] std::uint64_t wireBytesPerStep() const override;
    [[nodiscard]] std::int64_t stateBytes() const override { return m_state.bytes(); }
    [[nodiscard]] std::int64_t activationBytes() const override { return m_activationBytes; }

private:
    // rows x length of the whole model's array that lie together in this rank's.
    struct Piece {
        std::int64_t own, whole, rows, length, stride;
        bool everywhere;  // the same on every rank
    };
    // What a block keeps. Names end in Full where all rows of the batch are meant, which without
    // sequence parallel is the same memory.
    struct Buffers {
        Tensor norm1, norm1Full, mean1, rstd1, qkv, probabilities, attention, middle;
        Tensor norm2, norm2Full, mean2, rstd2, up, gelu, output;
    };

    TensorParallelTrainer(Operators& ops, Communicator& communicator, const GptConfig& config,
                          std::int64_t sequences, bool sequenceParallel);
    void allocate();
    void placeParameters();
    [[nodiscard]] std::vector<Piece> piecesOf(int rank) const;
    [[nodiscard]] BlockParameters block(std::size_t layer, const Tensor& flat) const;
    [[nodiscard]] RootParameters root(const Tensor& flat) const;
    [[nodiscard]] AttentionArgs attention() const;
    Status enter(const Tensor& own, const Tensor& full, const char* name);
    struct LeaveNames {
        const char* plain;
        const char* sequenceParallel;
    };
    Status leave(const Tensor& full, const Tensor& own, const LeaveNames& names);
    Status forwardBlock(std::size_t layer);
    Status backwardBlock(std::size_t layer);
    Status forward();
    Status backward();

    Operators& m_ops;
    Communicator& m_communicator;
    GptConfig m_config;
    GptLayout m_layout;
    bool m_sequenceParallel;
    std::int64_t m_sequences, m_rows, m_ownRows;
    std::int64_t m_own = 0;    // parameters of this rank
    std::int64_t m_norms = 0;  // of them the norms', which come first
    std::vector<GptBlockOffsets> m_blocks;
    std::int64_t m_normGamma = 0, m_tables = 0;
    std::int64_t m_activationBytes = 0;
    AdamWState m_state;
    Tensor m_gathered;  // every rank's weights, once they were asked for
    Tensor m_tokens, m_targets, m_losses;
    Tensor m_embedded, m_normed, m_normedFull, m_mean, m_rstd, m_logits;
    Tensor m_partial, m_branch, m_dStream, m_dFull, m_wide, m_dNormed;
    std::vector<Buffers> m_buffers;
    std::vector<float> m_hostLosses;
    double m_loss = 0;
};

}  // namespace ridge::workloads
