// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Ulysses (Jacobs et al. 2023, "DeepSpeed Ulysses"): before attention an all-to-all turns "some
// tokens, all heads" into "all tokens, some heads"; attention then needs no other rank; a second
// one turns its output back. Backward the same two the other way.
//
// Wire per layer and rank: four arrays (q, k, v, out) forward and four backward of B*(T/n)*C*4
// bytes, (n-1)/n of each: formulas::ulyssesWireBytes. q, k and v travel in one call. It does not
// grow with n as the ring's does, but n is at most the number of heads, and nothing hides it.

#include "workloads/parallel/strategies/context_parallel.h"

namespace ridge::workloads {

class UlyssesAttention final : public ContextAttention {
public:
    // The ranks must divide the context and the heads.
    static Result<std::unique_ptr<ContextAttention>> create(Operators& ops,
                                                            Communicator& communicator,
                                                            const GptConfig& config,
                                                            std::int64_t sequences);

    Status forward(std::size_t layer, const Tensor& qkv, const Tensor& out) override;
    Status backward(std::size_t layer, const Tensor& qkv, const Tensor& out, const Tensor& dOut,
                    const Tensor& dQkv) override;
    [[nodiscard]] const ContextChunks& chunks() const override { return m_chunks; }
    [[nodiscard]] std::uint64_t wireBytesPerLayer() const override;
    [[nodiscard]] std::int64_t keptBytes() const override { return m_keptBytes; }

private:
    struct Kept {
        Tensor qkv, out, logSums;  // all tokens, this rank's heads
    };

    UlyssesAttention(Operators& ops, Communicator& communicator, const GptConfig& config,
                     std::int64_t sequences);
    [[nodiscard]] AttentionArgs attention() const;
    // `parts` arrays side by side (q, k, v: 3; out: 1).
    Status tokensToHeads(std::int64_t parts, const Tensor& tokens, const Tensor& heads,
                         const char* name);
    Status headsToTokens(std::int64_t parts, const Tensor& heads, const Tensor& tokens,
                         const char* name);
    void copyBlock(std::int64_t rows, std::int64_t width, const Rows& own, const Rows& block,
                   bool pack);
    void reorder(std::int64_t parts, const Tensor& tokens, bool pack);
    void rearrange(std::int64_t parts, const Tensor& heads, bool pack);

    Operators& m_ops;
    Communicator& m_communicator;
    GptConfig m_config;
    ContextChunks m_chunks;
    std::vector<Kept> m_layers;
    std::int64_t m_keptBytes = 0;
    Tensor m_send, m_receive, m_dOut, m_dQkv;
};

}  // namespace ridge::workloads
