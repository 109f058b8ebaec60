// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Ring attention (Liu et al. 2023, "Ring Attention with Blockwise Transformers"): queries stay,
// keys and values go round. In hop h a rank works on the keys of the rank h before it, while they
// are sent on; after n hops it has seen all. Each pair of chunks gives an output and the logarithm
// of its sum of exponentials (LSE); two of them merge exactly:
//   lse = log(e^a + e^b),  out = e^(a - lse) out_a + e^(b - lse) out_b
// Backward, keys go round again, and their gradients behind them: a pair's probabilities are
// e^(score - lse) with the merged LSE, so each pair is differentiated by itself; a rank adds its
// part to the gradient that arrives, and one more hop brings it home.
//
// Causal: a chunk does not look at later ones, so with one chunk per rank the last rank works n
// times as long as the first. Zig-zag gives rank r the chunks r and 2n-1-r: all work alike.
// Wire per layer and rank, M = 2 * B*(T/n)*C*4: (n-1) M forward; (n-1) M for the keys and n M for
// their gradients backward (formulas::ringAttentionWireBytes). A hop hides behind a pair from
// T/n >= F s C_kv / (2 C Bw) on (formulas::ringAttentionHiddenTokens).

#include "workloads/parallel/strategies/context_parallel.h"

#include <array>

namespace ridge::workloads {

struct RingOptions {
    bool zigzag = true;
    bool overlap = true;  // hops by the communication thread, beside the pairs' products
};

class RingAttention final : public ContextAttention {
public:
    // The chunks (n, zig-zag 2n) must divide the context.
    static Result<std::unique_ptr<ContextAttention>> create(Operators& ops,
                                                            Communicator& communicator,
                                                            const GptConfig& config,
                                                            std::int64_t sequences,
                                                            RingOptions options);

    Status forward(std::size_t layer, const Tensor& qkv, const Tensor& out) override;
    Status backward(std::size_t layer, const Tensor& qkv, const Tensor& out, const Tensor& dOut,
                    const Tensor& dQkv) override;
    [[nodiscard]] const ContextChunks& chunks() const override { return m_chunks; }
    [[nodiscard]] std::uint64_t wireBytesPerLayer() const override;
    [[nodiscard]] std::int64_t keptBytes() const override {
        return 4 * m_config.layers * m_config.heads * m_chunks.rows();
    }

private:
    RingAttention(Operators& ops, Communicator& communicator, const GptConfig& config,
                  ContextChunks chunks, RingOptions options);
    [[nodiscard]] std::vector<std::int64_t> chunkIds(std::int64_t rank) const;
    [[nodiscard]] AttentionArgs pairArgs(bool causal) const;
    Status pass(const Tensor& from, const Tensor& to, const char* name);
    Status finishPassing();
    void packKeys(const Tensor& qkv);
    // Queries of own chunk i beside keys and values of travelling chunk j.
    void composePair(const Tensor& qkv, std::int64_t i, std::int64_t j);
    void merge(const Tensor& out, const Tensor& lse, bool first);
    void forwardHop(std::size_t layer, std::int64_t source, const Tensor& qkv, const Tensor& out,
                    std::vector<bool>& seen);
    void backwardHop(std::size_t layer, std::int64_t source, const Tensor& qkv, const Tensor& out,
                     const Tensor& dOut, const Tensor& dQkv);

    Operators& m_ops;
    Communicator& m_communicator;
    GptConfig m_config;
    ContextChunks m_chunks;
    RingOptions m_options;
    std::vector<Tensor> m_lse;          // per layer: chunk, sequence, head, token
    std::array<Tensor, 2> m_keys;       // rows x 2C: here, and arriving
    std::array<Tensor, 2> m_gradients;  // of the keys that are here, and arriving
    Tensor m_contribution;              // this rank's part of them
    Tensor m_pairQkv, m_pairOut, m_pairLse, m_pairGradient;
};

}  // namespace ridge::workloads
