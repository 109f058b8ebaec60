// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Greedy generation by a GPT over Operators: prefill of one prompt, then one token at a time from a
// contiguous KV cache (2 L C floats per token). Batch 1. Phase ranges: "prefill", "decode".
//
// The cache holds `context` tokens and never grows: decode() at a full cache is a bug of the
// caller, who rewinds first (rewind(p) forgets everything after the first p tokens). Operators must
// outlive it. Not thread-safe.

#include "workloads/models/gpt_block.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace ridge::workloads {

class GptGenerator {
public:
    // Prompts of at most maxPrompt tokens; logits are kept for all of them when allLogits,
    // otherwise for the last only.
    [[nodiscard]] static Result<std::unique_ptr<GptGenerator>> create(Operators& ops,
                                                                      const GptConfig& config,
                                                                      std::int64_t maxPrompt,
                                                                      bool allLogits = false);
    // The default makes the blocks outweigh the token itself, so that greedy text does not repeat
    // one.
    void initialise(std::uint64_t seed, float deviation = 0.1F);

    // Forgets the cache, reads the prompt, returns the token that follows.
    std::int32_t prefill(std::span<const std::int32_t> prompt);
    // Reads one token at position(), returns the token that follows.
    std::int32_t decode(std::int32_t token);
    void rewind(std::int64_t position);

    [[nodiscard]] std::int64_t position() const { return m_position; }
    [[nodiscard]] Operators& operators() const { return m_ops; }
    [[nodiscard]] const GptConfig& config() const { return m_config; }
    [[nodiscard]] const GptLayout& layout() const { return m_layout; }
    [[nodiscard]] Tensor parameters() const { return m_parameters; }
    // Of the last call: one row of V, or after prefill with allLogits one row for each prompt
    // token.
    [[nodiscard]] std::vector<float> logits();

private:
    GptGenerator(Operators& ops, const GptConfig& config, std::int64_t maxPrompt, bool allLogits);
    void allocate();
    std::int32_t run(std::span<const std::int32_t> tokens);
    void attend(std::size_t layer, std::int64_t rows);

    Operators& m_ops;
    GptConfig m_config;
    GptLayout m_layout;
    std::int64_t m_maxPrompt;
    bool m_allLogits;
    std::int64_t m_position = 0;
    std::int64_t m_logitRows = 0;
    Tensor m_parameters, m_tokens, m_probabilities, m_branch, m_stream, m_normed, m_mean, m_rstd,
        m_logits;
    BlockBuffers m_buffers;
    std::vector<BlockParameters> m_weights;
    std::vector<Tensor> m_keys, m_values;
};

}  // namespace ridge::workloads
