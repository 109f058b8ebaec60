// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/ring_attention.h"

#include "workloads/parallel/strategies/host_memory.h"

#include <utility>

namespace ridge::workloads {

RingAttention::RingAttention(Operators& ops, Communicator& communicator, const GptConfig& config,
                             ContextChunks chunks, RingOptions options)
    : m_ops(ops),
      m_communicator(communicator),
      m_config(config),
      m_chunks(std::move(chunks)),
      m_options(options) {
    m_chunks.ids = chunkIds(communicator.rank());
    const std::int64_t c = config.width;
    const std::int64_t rows = m_chunks.rows();
    const std::int64_t pair = m_chunks.rowsOfChunk();
    for (std::int64_t layer = 0; layer < config.layers; ++layer)
        m_lse.push_back(ops.allocate(rows * config.heads));
    for (Tensor* travelling : {m_keys.data(), &m_keys[1], m_gradients.data(), &m_gradients[1]})
        *travelling = ops.allocate(rows * 2 * c);
    m_contribution = ops.allocate(rows * 2 * c);
    m_pairQkv = ops.allocate(pair * 3 * c);
    m_pairGradient = ops.allocate(pair * 3 * c);
    m_pairOut = ops.allocate(pair * c);
    m_pairLse = ops.allocate(pair * config.heads);
}

Result<std::unique_ptr<ContextAttention>> RingAttention::create(Operators& ops,
                                                                Communicator& communicator,
                                                                const GptConfig& config,
                                                                std::int64_t sequences,
                                                                RingOptions options) {
    const std::int64_t chunks = communicator.size() * (options.zigzag ? 2 : 1);
    if (config.context % chunks != 0)
        return Error{ErrorCode::kBadInput, "the chunks must divide the context"};
    ContextChunks own;
    own.tokens = config.context / chunks;
    own.sequences = sequences;
    own.ids.resize(options.zigzag ? 2 : 1);
    return std::unique_ptr<ContextAttention>(
        new RingAttention(ops, communicator, config, own, options));
}

std::vector<std::int64_t> RingAttention::chunkIds(std::int64_t rank) const {
    if (!m_options.zigzag) return {rank};
    return {rank, 2 * m_communicator.size() - 1 - rank};
}

AttentionArgs RingAttention::pairArgs(bool causal) const {
    return {m_chunks.sequences, m_config.heads, m_chunks.tokens, m_config.headDim(), causal};
}

// To the next rank, from the one before.
Status RingAttention::pass(const Tensor& from, const Tensor& to, const char* name) {
    const int n = m_communicator.size();
    const int next = (m_communicator.rank() + 1) % n;
    const int before = (m_communicator.rank() + n - 1) % n;
    return m_options.overlap
               ? m_communicator.sendReceiveAsync(bytesOf(from), next, roomOf(to), before, name)
               : m_communicator.sendReceive(bytesOf(from), next, roomOf(to), before, name);
}

Status RingAttention::finishPassing() {
    if (!m_options.overlap) return {};
    const WorkRange range("ring.wait");
    return m_communicator.wait();
}

void RingAttention::packKeys(const Tensor& qkv) {
    const std::int64_t c = m_config.width;
    m_ops.copyRows("ring.pack", m_chunks.rows(), 2 * c, {qkv, c, 3 * c}, {m_keys[0], 0, 2 * c});
}

void RingAttention::composePair(const Tensor& qkv, std::int64_t i, std::int64_t j) {
    const std::int64_t c = m_config.width;
    const std::int64_t rows = m_chunks.rowsOfChunk();
    m_ops.copyRows("ring.pair.q", rows, c, {qkv, i * rows * 3 * c, 3 * c}, {m_pairQkv, 0, 3 * c});
    m_ops.copyRows("ring.pair.kv", rows, 2 * c, {m_keys[0], j * rows * 2 * c, 2 * c},
                   {m_pairQkv, c, 3 * c});
}

// m_pairOut and m_pairLse into a chunk's output and LSE so far.
void RingAttention::merge(const Tensor& out, const Tensor& lse, bool first) {
    if (first) {
        m_ops.copyRows("ring.first", 1, m_pairOut.count, {m_pairOut, 0, m_pairOut.count},
                       {out, 0, m_pairOut.count});
        m_ops.copyRows("ring.first", 1, m_pairLse.count, {m_pairLse, 0, m_pairLse.count},
                       {lse, 0, m_pairLse.count});
        return;
    }
    m_ops.mergeAttention("ring.merge", pairArgs(false), m_pairOut, m_pairLse, out, lse);
}

void RingAttention::forwardHop(std::size_t layer, std::int64_t source, const Tensor& qkv,
                               const Tensor& out, std::vector<bool>& seen) {
    const std::int64_t rows = m_chunks.rowsOfChunk();
    const std::vector<std::int64_t> theirs = chunkIds(source);
    for (std::size_t i = 0; i < m_chunks.ids.size(); ++i)
        for (std::size_t j = 0; j < theirs.size(); ++j) {
            if (theirs[j] > m_chunks.ids[i]) continue;
            const auto own = static_cast<std::int64_t>(i);
            composePair(qkv, own, static_cast<std::int64_t>(j));
            m_ops.attentionFused("attention.ring", pairArgs(theirs[j] == m_chunks.ids[i]),
                                 m_pairQkv, m_pairOut, m_pairLse);
            merge(out.slice(own * rows * m_config.width, rows * m_config.width),
                  m_lse[layer].slice(own * rows * m_config.heads, rows * m_config.heads), !seen[i]);
            seen[i] = true;
        }
}

Status RingAttention::forward(std::size_t layer, const Tensor& qkv, const Tensor& out) {
    const std::int64_t n = m_communicator.size();
    packKeys(qkv);
    std::vector<bool> seen(m_chunks.ids.size());
    for (std::int64_t hop = 0; hop < n; ++hop) {
        const bool more = hop + 1 < n;
        if (more) RIDGE_TRY_STATUS(pass(m_keys[0], m_keys[1], "ring.keys"));
        forwardHop(layer, (m_communicator.rank() + n - hop) % n, qkv, out, seen);
        if (!more) break;
        RIDGE_TRY_STATUS(finishPassing());
        std::swap(m_keys[0], m_keys[1]);
    }
    return {};
}

void RingAttention::backwardHop(std::size_t layer, std::int64_t source, const Tensor& qkv,
                                const Tensor& out, const Tensor& dOut, const Tensor& dQkv) {
    const std::int64_t c = m_config.width;
    const std::int64_t rows = m_chunks.rowsOfChunk();
    const std::vector<std::int64_t> theirs = chunkIds(source);
    m_ops.clear("ring.zero", m_contribution);
    for (std::size_t i = 0; i < m_chunks.ids.size(); ++i)
        for (std::size_t j = 0; j < theirs.size(); ++j) {
            if (theirs[j] > m_chunks.ids[i]) continue;
            const auto own = static_cast<std::int64_t>(i);
            const auto other = static_cast<std::int64_t>(j);
            composePair(qkv, own, other);
            // The merged output and LSE make each pair's gradient that of the whole softmax.
            m_ops.attentionFusedBackward(
                "attention.ring.dx", pairArgs(theirs[j] == m_chunks.ids[i]), m_pairQkv,
                out.slice(own * rows * c, rows * c),
                m_lse[layer].slice(own * rows * m_config.heads, rows * m_config.heads),
                dOut.slice(own * rows * c, rows * c), m_pairGradient);
            m_ops.addRows("ring.dq", rows, c, {m_pairGradient, 0, 3 * c},
                          {dQkv, own * rows * 3 * c, 3 * c});
            m_ops.addRows("ring.dkv", rows, 2 * c, {m_pairGradient, c, 3 * c},
                          {m_contribution, other * rows * 2 * c, 2 * c});
        }
}

Status RingAttention::backward(std::size_t layer, const Tensor& qkv, const Tensor& out,
                               const Tensor& dOut, const Tensor& dQkv) {
    const std::int64_t n = m_communicator.size();
    const std::int64_t c = m_config.width;
    const std::int64_t rows = m_chunks.rows();
    packKeys(qkv);
    m_ops.clear("ring.zero", dQkv.slice(0, rows * 3 * c));
    for (std::int64_t hop = 0; hop < n; ++hop) {
        const bool more = hop + 1 < n;
        if (more) RIDGE_TRY_STATUS(pass(m_keys[0], m_keys[1], "ring.keys"));
        // The sum so far for the keys of this hop comes from the rank that had them before.
        if (hop > 0) RIDGE_TRY_STATUS(pass(m_gradients[0], m_gradients[1], "ring.gradients"));
        backwardHop(layer, (m_communicator.rank() + n - hop) % n, qkv, out, dOut, dQkv);
        RIDGE_TRY_STATUS(finishPassing());
        if (more) std::swap(m_keys[0], m_keys[1]);
        if (hop == 0)
            std::swap(m_gradients[0], m_contribution);
        else
            m_ops.add("ring.sum", m_gradients[1], m_contribution, m_gradients[0]);
    }
    RIDGE_TRY_STATUS(pass(m_gradients[0], m_gradients[1], "ring.gradients"));
    RIDGE_TRY_STATUS(finishPassing());
    m_ops.copyRows("ring.unpack", rows, 2 * c, {m_gradients[1], 0, 2 * c}, {dQkv, c, 3 * c});
    return {};
}

std::uint64_t RingAttention::wireBytesPerLayer() const {
    return formulas::ringAttentionWireBytes(static_cast<std::uint64_t>(m_chunks.rows()),
                                            static_cast<std::uint64_t>(m_config.width), 4,
                                            static_cast<std::uint64_t>(m_communicator.size()));
}

}  // namespace ridge::workloads
