// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/ulysses.h"

#include <utility>

namespace ridge::workloads {

UlyssesAttention::UlyssesAttention(Operators& ops, Communicator& communicator,
                                   const GptConfig& config, std::int64_t sequences)
    : m_ops(ops), m_communicator(communicator), m_config(config) {
    m_chunks.ids = {communicator.rank()};
    m_chunks.tokens = config.context / communicator.size();
    m_chunks.sequences = sequences;
    const std::int64_t plain = m_chunks.rows() * config.width;  // also all tokens, some heads
    const auto kept = [&](std::int64_t count) {
        m_keptBytes += 4 * count;
        return ops.allocate(count);
    };
    for (std::int64_t layer = 0; layer < config.layers; ++layer)
        m_layers.push_back({kept(3 * plain), kept(plain), kept(m_chunks.rows() * config.heads)});
    m_send = ops.allocate(3 * plain);
    m_receive = ops.allocate(3 * plain);
    m_dQkv = ops.allocate(3 * plain);
    m_dOut = ops.allocate(plain);
}

Result<std::unique_ptr<ContextAttention>> UlyssesAttention::create(Operators& ops,
                                                                   Communicator& communicator,
                                                                   const GptConfig& config,
                                                                   std::int64_t sequences) {
    if (config.context % communicator.size() != 0 || config.heads % communicator.size() != 0)
        return Error{ErrorCode::kBadInput, "the ranks must divide the context and the heads"};
    return std::unique_ptr<ContextAttention>(
        new UlyssesAttention(ops, communicator, config, sequences));
}

AttentionArgs UlyssesAttention::attention() const {
    return {m_chunks.sequences, m_config.heads / m_communicator.size(), m_config.context,
            m_config.headDim()};
}

void UlyssesAttention::copyBlock(std::int64_t rows, std::int64_t width, const Rows& own,
                                 const Rows& block, bool pack) {
    m_ops.copyRows(pack ? "ulysses.pack" : "ulysses.unpack", rows, width, pack ? own : block,
                   pack ? block : own);
}

// Own tokens, rows x (parts * C), to or from m_send or m_receive as [rank][row][part][C/n].
void UlyssesAttention::reorder(std::int64_t parts, const Tensor& tokens, bool pack) {
    const std::int64_t n = m_communicator.size();
    const std::int64_t c = m_config.width;
    const std::int64_t own = c / n;
    const std::int64_t rows = m_chunks.rows();
    for (std::int64_t rank = 0; rank < n; ++rank)
        for (std::int64_t part = 0; part < parts; ++part)
            copyBlock(rows, own, {tokens, part * c + rank * own, parts * c},
                      {pack ? m_send : m_receive, (rank * rows * parts + part) * own, parts * own},
                      pack);
}

// All tokens, [sequence][T] x (parts * C/n), to or from the same as [rank][sequence][T/n].
void UlyssesAttention::rearrange(std::int64_t parts, const Tensor& heads, bool pack) {
    const std::int64_t n = m_communicator.size();
    const std::int64_t wide = parts * m_config.width / n;
    const std::int64_t run = m_chunks.tokens * wide;  // neighbours on both sides
    for (std::int64_t rank = 0; rank < n; ++rank)
        copyBlock(m_chunks.sequences, run, {heads, rank * run, n * run},
                  {pack ? m_send : m_receive, rank * m_chunks.sequences * run, run}, pack);
}

Status UlyssesAttention::tokensToHeads(std::int64_t parts, const Tensor& tokens,
                                       const Tensor& heads, const char* name) {
    const auto bytes = static_cast<std::size_t>(4 * parts * m_chunks.rows() * m_config.width);
    reorder(parts, tokens, true);
    RIDGE_TRY_STATUS(m_communicator.allToAll({static_cast<const std::byte*>(m_send.data), bytes},
                                             {static_cast<std::byte*>(m_receive.data), bytes},
                                             name));
    rearrange(parts, heads, false);
    return {};
}

Status UlyssesAttention::headsToTokens(std::int64_t parts, const Tensor& heads,
                                       const Tensor& tokens, const char* name) {
    const auto bytes = static_cast<std::size_t>(4 * parts * m_chunks.rows() * m_config.width);
    rearrange(parts, heads, true);
    RIDGE_TRY_STATUS(m_communicator.allToAll({static_cast<const std::byte*>(m_send.data), bytes},
                                             {static_cast<std::byte*>(m_receive.data), bytes},
                                             name));
    reorder(parts, tokens, false);
    return {};
}

Status UlyssesAttention::forward(std::size_t layer, const Tensor& qkv, const Tensor& out) {
    const Kept& kept = m_layers[layer];
    RIDGE_TRY_STATUS(tokensToHeads(3, qkv, kept.qkv, "ulysses.qkv.alltoall"));
    m_ops.attentionFused("attention.ulysses", attention(), kept.qkv, kept.out, kept.logSums);
    return headsToTokens(1, kept.out, out, "ulysses.out.alltoall");
}

Status UlyssesAttention::backward(std::size_t layer, const Tensor& /*qkv*/, const Tensor& /*out*/,
                                  const Tensor& dOut, const Tensor& dQkv) {
    const Kept& kept = m_layers[layer];
    RIDGE_TRY_STATUS(tokensToHeads(1, dOut, m_dOut, "ulysses.dout.alltoall"));
    m_ops.attentionFusedBackward("attention.ulysses.dx", attention(), kept.qkv, kept.out,
                                 kept.logSums, m_dOut, m_dQkv);
    return headsToTokens(3, m_dQkv, dQkv, "ulysses.dqkv.alltoall");
}

std::uint64_t UlyssesAttention::wireBytesPerLayer() const {
    return formulas::ulyssesWireBytes(static_cast<std::uint64_t>(m_chunks.sequences),
                                      static_cast<std::uint64_t>(m_config.context),
                                      static_cast<std::uint64_t>(m_config.width), 4,
                                      static_cast<std::uint64_t>(m_communicator.size()));
}

}  // namespace ridge::workloads
