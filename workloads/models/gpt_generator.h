// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Greedy generation of one or several sequences in step with each other by a GptEngine: prefill of
// one prompt, then one token per sequence at a time. It keeps the positions and gives each sequence
// its cache blocks, in order where the cache is contiguous, scattered where it is paged. Phase
// ranges: "prefill", "decode", "verify".
//
// The cache holds `context` tokens per sequence and never grows: decode() at a full cache is a bug
// of the caller, who rewinds first (rewind(p) forgets everything after the first p tokens).
// Operators must outlive it. Not thread-safe.

#include "workloads/models/gpt_engine.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace ridge::workloads {

class GptGenerator {
public:
    // Prompts of at most maxPrompt tokens; logits are kept for all of them when allLogits,
    // otherwise for the last only. options.maxRows is seen to.
    [[nodiscard]] static Result<std::unique_ptr<GptGenerator>> create(Operators& ops,
                                                                      EngineOptions options,
                                                                      std::int64_t maxPrompt,
                                                                      bool allLogits = false);
    [[nodiscard]] static Result<std::unique_ptr<GptGenerator>> create(Operators& ops,
                                                                      const GptConfig& config,
                                                                      std::int64_t maxPrompt,
                                                                      bool allLogits = false);
    void initialise(std::uint64_t seed, float deviation = 0.1F);
    void load(std::span<const float> parameters) { m_engine->load(parameters); }

    // Forgets the cache of sequence 0, reads the prompt (in chunks of `chunk` tokens; 0: whole),
    // returns the token that follows.
    std::int32_t prefill(std::span<const std::int32_t> prompt, std::int64_t chunk = 0);
    // The same for each sequence of a batch, one after the other; equally long prompts.
    std::span<const std::int32_t> prefillAll(std::span<const std::vector<std::int32_t>> prompts);
    // Reads one token at position(), returns the token that follows.
    std::int32_t decode(std::int32_t token);
    // The same for every sequence in one pass.
    std::span<const std::int32_t> decodeAll(std::span<const std::int32_t> tokens);
    // decode() and decodeAll() by one launch of a graph from now on (GptEngine::recordPass()):
    // after the longest prompt, where the next token fits the cache.
    [[nodiscard]] Status recordDecode();
    // Reads several tokens of sequence 0 in one pass and returns what follows after each.
    std::span<const std::int32_t> verify(std::span<const std::int32_t> tokens);
    void rewind(std::int64_t position);

    [[nodiscard]] std::int64_t position() const { return m_position; }
    [[nodiscard]] Operators& operators() const { return m_engine->operators(); }
    [[nodiscard]] const GptConfig& config() const { return m_engine->config(); }
    [[nodiscard]] const GptLayout& layout() const { return m_engine->layout(); }
    [[nodiscard]] GptEngine& engine() const { return *m_engine; }
    [[nodiscard]] std::int64_t sequences() const { return m_engine->options().sequences; }
    // Of the last call: one row of V per sequence, or after prefill with allLogits one row for each
    // prompt token.
    [[nodiscard]] std::vector<float> logits() { return m_engine->logits(); }

private:
    explicit GptGenerator(std::unique_ptr<GptEngine> engine, bool allLogits);
    [[nodiscard]] std::span<const std::int32_t> blocksOf(std::int64_t sequence) const;
    std::int32_t read(std::int64_t sequence, std::span<const std::int32_t> prompt,
                      std::int64_t chunk);

    std::unique_ptr<GptEngine> m_engine;
    bool m_allLogits;
    std::int64_t m_position = 0;
    std::vector<std::int32_t> m_blocks, m_first;
    std::vector<GptEngine::Item> m_items;
};

}  // namespace ridge::workloads
