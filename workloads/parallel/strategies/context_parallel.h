// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Context parallel training: each of n ranks has T/n tokens of every sequence and all parameters.
// Norms, matrices and the loss need no other rank; only attention does, and ring_attention.h and
// ulysses.h do it in two ways behind one interface. Gradients are summed over the ranks at the end
// of a step (one all-reduce, as in data parallel), because each has seen its tokens only.
//
// A rank's tokens are one or more chunks; rows lie chunk by chunk, within a chunk sequence by
// sequence. Wire per rank and step: L times the attention's, and 2(n-1)/n * 4N for the gradients.

#include "workloads/models/gpt_pass.h"
#include "workloads/parallel/strategies/adamw_state.h"
#include "workloads/parallel/strategies/parallel_trainer.h"

namespace ridge::workloads {

// Which tokens of each sequence a rank has.
struct ContextChunks {
    std::vector<std::int64_t> ids;  // chunk i of rank: tokens [ids[i] * tokens, ...)
    std::int64_t tokens = 0;        // in a chunk
    std::int64_t sequences = 1;

    [[nodiscard]] std::int64_t rowsOfChunk() const { return sequences * tokens; }
    [[nodiscard]] std::int64_t rows() const { return std::ssize(ids) * rowsOfChunk(); }
};

// Causal attention of this rank's rows against all tokens up to each. qkv: rows x 3C; out: rows x
// C. What the backward pass needs beyond these is kept per layer.
class ContextAttention {
public:
    virtual ~ContextAttention() = default;
    virtual Status forward(std::size_t layer, const Tensor& qkv, const Tensor& out) = 0;
    virtual Status backward(std::size_t layer, const Tensor& qkv, const Tensor& out,
                            const Tensor& dOut, const Tensor& dQkv) = 0;
    [[nodiscard]] virtual const ContextChunks& chunks() const = 0;
    [[nodiscard]] virtual std::uint64_t wireBytesPerLayer() const = 0;
    [[nodiscard]] virtual std::int64_t keptBytes() const = 0;
};

using MakeContextAttention = std::function<Result<std::unique_ptr<ContextAttention>>(
    Operators& ops, Communicator& communicator, const GptConfig& config, std::int64_t sequences)>;

class ContextParallelTrainer final : public ParallelTrainer {
public:
    static Result<std::unique_ptr<ParallelTrainer>> create(Operators& ops,
                                                           Communicator& communicator,
                                                           const GptConfig& config,
                                                           std::int64_t sequences,
                                                           const MakeContextAttention& attention);

    Status load(std::span<const float> parameters) override;
    Result<double> step(std::span<const std::int32_t> tokens, std::span<const std::int32_t> targets,
                        AdamWArgs args) override;
    Result<std::vector<float>> parameters() override;
    [[nodiscard]] std::uint64_t wireBytesPerStep() const override;
    [[nodiscard]] std::int64_t stateBytes() const override { return m_state.bytes(); }
    [[nodiscard]] std::int64_t activationBytes() const override {
        return m_pass.activationBytes() + m_attention->keptBytes();
    }

private:
    ContextParallelTrainer(Operators& ops, Communicator& communicator, const GptConfig& config,
                           std::unique_ptr<ContextAttention> attention);
    void takeTokens(std::span<const std::int32_t> tokens, std::span<const std::int32_t> targets);
    Status forward(std::size_t wholeRows);
    Status backward();

    Operators& m_ops;
    Communicator& m_communicator;
    GptConfig m_config;
    GptLayout m_layout;
    std::unique_ptr<ContextAttention> m_attention;
    GptPass m_pass;
    AdamWState m_state;
    std::vector<std::int32_t> m_ownTokens, m_ownTargets;
    double m_loss = 0;
};

}  // namespace ridge::workloads
