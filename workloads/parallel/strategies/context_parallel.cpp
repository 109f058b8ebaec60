// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/context_parallel.h"

#include "workloads/parallel/strategies/host_memory.h"

#include <algorithm>

namespace ridge::workloads {

ContextParallelTrainer::ContextParallelTrainer(Operators& ops, Communicator& communicator,
                                               const GptConfig& config,
                                               std::unique_ptr<ContextAttention> attention)
    : m_ops(ops),
      m_communicator(communicator),
      m_config(config),
      m_layout(config),
      m_attention(std::move(attention)),
      // To the pass a chunk of a sequence is a short sequence.
      m_pass(ops, config,
             {m_attention->chunks().rows() / m_attention->chunks().tokens,
              m_attention->chunks().tokens, 0, true, false},
             PassScratch::allocate(ops, config, m_attention->chunks().rows())) {
    m_state.allocate(m_ops, m_layout.total);
}

Result<std::unique_ptr<ParallelTrainer>> ContextParallelTrainer::create(
    Operators& ops, Communicator& communicator, const GptConfig& config, std::int64_t sequences,
    const MakeContextAttention& make) {
    RIDGE_TRY(auto attention, make(ops, communicator, config, sequences));
    std::unique_ptr<ParallelTrainer> trainer(
        new ContextParallelTrainer(ops, communicator, config, std::move(attention)));
    if (!ops.status().ok()) return withContext(ops.status().error(), "context parallel");
    return trainer;
}

Status ContextParallelTrainer::load(std::span<const float> parameters) {
    m_ops.upload(m_state.weights, parameters);
    m_state.restart(m_ops);
    return m_ops.status();
}

// This rank's tokens of every sequence, in the order of its rows.
void ContextParallelTrainer::takeTokens(std::span<const std::int32_t> tokens,
                                        std::span<const std::int32_t> targets) {
    const ContextChunks& chunks = m_attention->chunks();
    m_ownTokens.clear();
    m_ownTargets.clear();
    for (const std::int64_t id : chunks.ids)
        for (std::int64_t sequence = 0; sequence < chunks.sequences; ++sequence) {
            const auto at = sequence * m_config.context + id * chunks.tokens;
            m_ownTokens.insert(m_ownTokens.end(), tokens.begin() + at,
                               tokens.begin() + at + chunks.tokens);
            m_ownTargets.insert(m_ownTargets.end(), targets.begin() + at,
                                targets.begin() + at + chunks.tokens);
        }
    m_pass.setBatch(m_ownTokens, m_ownTargets);
}

Status ContextParallelTrainer::forward(std::size_t wholeRows) {
    const WorkRange phase("forward");
    const RootParameters root(m_config, m_layout, m_state.weights);
    const ContextChunks& chunks = m_attention->chunks();
    for (std::size_t i = 0; i < chunks.ids.size(); ++i)
        m_pass.embedPart(root, static_cast<std::int64_t>(i) * chunks.rowsOfChunk(),
                         chunks.rowsOfChunk(), chunks.ids[i] * chunks.tokens);
    Status status;
    for (std::size_t layer = 0; layer < m_layout.blocks.size(); ++layer) {
        m_pass.block(layer, {m_config, m_layout.blocks[layer], m_state.weights},
                     [&](const BlockBuffers& buffers) {
                         status = m_attention->forward(layer, buffers.qkv, buffers.attention);
                     });
        RIDGE_TRY_STATUS(status);
    }
    const auto rows = static_cast<double>(wholeRows);
    m_loss = m_pass.loss(root, static_cast<float>(1.0 / rows)) / rows;
    return {};
}

Status ContextParallelTrainer::backward() {
    const WorkRange phase("backward");
    const RootParameters root(m_config, m_layout, m_state.weights);
    const RootParameters gradients(m_config, m_layout, m_state.gradients);
    const ContextChunks& chunks = m_attention->chunks();
    m_pass.lossBackward(root, gradients, false);
    Status status;
    for (std::size_t layer = m_layout.blocks.size(); layer-- > 0;) {
        const GptBlockOffsets& at = m_layout.blocks[layer];
        m_pass.blockBackward(
            layer, {m_config, at, m_state.weights}, {m_config, at, m_state.gradients}, false,
            [&](const BlockBuffers& buffers, const Tensor& dOut, const Tensor& dQkv) {
                status = m_attention->backward(layer, buffers.qkv, buffers.attention, dOut, dQkv);
            });
        RIDGE_TRY_STATUS(status);
    }
    m_ops.clear("positions.zero", gradients.positionTable);  // of tokens that other ranks have
    for (std::size_t i = 0; i < chunks.ids.size(); ++i)
        m_pass.embedBackwardPart(gradients, static_cast<std::int64_t>(i) * chunks.rowsOfChunk(),
                                 chunks.rowsOfChunk(), chunks.ids[i] * chunks.tokens);
    return m_communicator.allReduceSum({m_state.gradients.f32(), index(m_state.gradients.count)},
                                       "gradients.allreduce");
}

Result<double> ContextParallelTrainer::step(std::span<const std::int32_t> tokens,
                                            std::span<const std::int32_t> targets, AdamWArgs args) {
    takeTokens(tokens, targets);
    RIDGE_TRY_STATUS(forward(tokens.size()));
    RIDGE_TRY_STATUS(backward());
    const WorkRange phase("optimizer");
    RIDGE_TRY_STATUS(m_state.update(m_ops, args));
    return m_loss;
}

Result<std::vector<float>> ContextParallelTrainer::parameters() {
    std::vector<float> whole(index(m_layout.total));
    m_ops.download(whole, m_state.weights);
    return whole;
}

std::uint64_t ContextParallelTrainer::wireBytesPerStep() const {
    const auto total = static_cast<std::uint64_t>(m_layout.total);
    return static_cast<std::uint64_t>(m_config.layers) * m_attention->wireBytesPerLayer() +
           formulas::dataParallelWireBytes(total, static_cast<std::uint64_t>(m_communicator.size()),
                                           4, 0);
}

}  // namespace ridge::workloads
