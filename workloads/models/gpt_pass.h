// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One forward and backward pass of the GPT in pieces (embedding, block, loss, and back). GptTrainer
// does them one after the other; strategies of parallel training have something to do in between:
// gather a layer's parameters, pass activations on, hold several micro-batches. It owns the
// activations of one batch; parameters and gradients are given with each call, so they may come
// and go.
//
// A pass may hold some of the blocks (a pipeline's stage) and some tokens of each sequence (a
// context's part: rows of one sequence are neighbours). Rows of losses are scaled by the caller, so
// that gradients of all parts add up to the whole batch's mean. Nothing allocates after the
// constructor; failures show in ops.status().
//
// What the backward pass needs of a block is kept, or computed again (Korthikanti et al. 2022), in
// the range "recompute" of blockBackward():
//   none       everything is kept
//   selective  the attention's probabilities (heads * T floats a token and layer) are recomputed
//   full       only each block's output is kept; the block's whole forward pass is repeated
// Gradients are equal to the bit in all three.

#include "workloads/models/gpt_block.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace ridge::workloads {

// The parameters outside of the blocks, or their gradients: views.
struct RootParameters {
    Tensor tokenTable, positionTable, normGamma, normBeta;

    RootParameters() = default;
    RootParameters(const GptConfig& config, const GptLayout& layout, const Tensor& flat);
};

// A block's offsets counted from its own beginning.
[[nodiscard]] GptBlockOffsets offsetsWithinBlock(const GptBlockOffsets& at);

enum class Recompute { kNone, kSelective, kFull };

struct PassShape {
    std::int64_t sequences = 1;
    std::int64_t tokens = 0;                 // of each sequence; 0: the whole context
    std::int64_t layers = 0;                 // blocks; 0: all
    bool head = true;                        // final norm, logits and loss
    bool attention = true;                   // its own: whole sequences, probabilities kept
    Recompute recompute = Recompute::kNone;  // other than none with attention of its own only
    // Attention of its own in one pass: no probabilities are kept, and above the diagonal nothing
    // is computed.
    bool fused = false;
};

// What passes that are not in use at the same moment can share.
struct PassScratch {
    Tensor branch;   // rows x C
    Tensor dStream;  // rows x C: the gradient that travels down the pass
    BlockScratch block;

    static PassScratch allocate(Operators& ops, const GptConfig& config, std::int64_t rows);
};

class GptPass {
public:
    using Attend = std::function<void(const BlockBuffers& buffers)>;
    using AttendBackward =
        std::function<void(const BlockBuffers& buffers, const Tensor& dOut, const Tensor& dQkv)>;

    GptPass(Operators& ops, const GptConfig& config, const PassShape& shape,
            const PassScratch& scratch);

    void setBatch(std::span<const std::int32_t> tokens, std::span<const std::int32_t> targets);
    void embed(const RootParameters& root);
    // Some rows only, whose sequences begin at that position.
    void embedPart(const RootParameters& root, std::int64_t firstRow, std::int64_t rows,
                   std::int64_t firstPosition);
    void block(std::size_t layer, const BlockParameters& parameters, const Attend& attention = {});
    // Sum of the rows' losses; the logits become their gradient times scale.
    [[nodiscard]] double loss(const RootParameters& root, float scale) {
        issueLoss(root, scale);
        return readLoss();
    }
    // The same in two: what computes it, and what waits for it.
    void issueLoss(const RootParameters& root, float scale);
    [[nodiscard]] double readLoss();

    // Each gives its gradients, or adds to them, and leaves its input's gradient in dStream().
    void lossBackward(const RootParameters& root, const RootParameters& gradients, bool accumulate);
    void blockBackward(std::size_t layer, const BlockParameters& parameters,
                       const BlockParameters& gradients, bool accumulate,
                       const AttendBackward& attention = {});
    // Adds to the token table's gradients (the head has begun them).
    void embedBackward(const RootParameters& gradients, bool accumulatePositions);
    // Replaces the positions' gradients.
    void embedBackwardPart(const RootParameters& gradients, std::int64_t firstRow,
                           std::int64_t rows, std::int64_t firstPosition);

    [[nodiscard]] std::int64_t rows() const { return m_rows; }
    [[nodiscard]] const PassShape& shape() const { return m_shape; }
    // What the first block reads; a stage receives it.
    [[nodiscard]] const Tensor& input() const { return m_input; }
    [[nodiscard]] const Tensor& output() const { return m_buffers.back().output; }
    [[nodiscard]] const Tensor& outputOf(std::size_t layer) const {
        return m_buffers[layer].output;
    }
    [[nodiscard]] const Tensor& dStream() const { return m_scratch.dStream; }
    // Bytes held for the backward pass: all of it, and the blocks' (buffers, probabilities,
    // outputs) alone.
    [[nodiscard]] std::int64_t activationBytes() const { return m_activationBytes; }
    [[nodiscard]] std::int64_t blockBytes() const { return m_blockBytes; }

private:
    [[nodiscard]] const Tensor& inputOf(std::size_t layer) const {
        return layer == 0 ? m_input : m_buffers[layer - 1].output;
    }
    [[nodiscard]] AttentionArgs attention() const;
    void allocateBlocks();
    void attend(std::size_t layer);

    Operators& m_ops;
    GptConfig m_config;
    PassShape m_shape;
    PassScratch m_scratch;
    std::int64_t m_rows;
    std::int64_t m_activationBytes = 0, m_blockBytes = 0;
    Tensor m_tokens, m_targets, m_losses;
    Tensor m_input, m_normed, m_mean, m_rstd, m_logits;
    std::vector<BlockBuffers> m_buffers;
    std::vector<Tensor> m_probabilities;  // of each layer; fused: the logarithms of their sums
    std::vector<float> m_hostLosses;
};

}  // namespace ridge::workloads
