// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Speculative decoding: a small model drafts `gamma` tokens one by one, the large one verifies them
// in a single pass over gamma + 1 rows and keeps those that it would have chosen, plus one of its
// own. Greedy text is that of plain decoding, token by token.
//
// Random weights make no draft model that agrees with its target. So the drafting is real work (a
// model of two layers decodes), but what it proposes is drawn: with probability `acceptance` the
// token that the target will choose, otherwise another one, independently and from a seed. Expected
// tokens per verification are then (1 - a^(g+1)) / (1 - a), which the measured ones must meet.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"
#include "workloads/models/gpt_generator.h"

#include <vector>

namespace ridge::workloads {

// The process apart from any workload: what was drafted, what was kept.
class SpeculativeDecoder {
public:
    // `truth`: what plain greedy decoding gives after the prompt, the drafts' source of right
    // tokens. Both generators have read the prompt.
    SpeculativeDecoder(GptGenerator& target, GptGenerator& draft, std::vector<std::int32_t> truth,
                       std::int64_t gamma, double acceptance, std::uint64_t seed);

    // One round: drafts, verifies, appends 1 to gamma + 1 tokens. Returns how many.
    std::int64_t round();
    // True when the next round would go past what `truth` can judge.
    [[nodiscard]] bool exhausted() const;
    // Back to the prompt; the drawing goes on where it was.
    void restart();
    [[nodiscard]] const std::vector<std::int32_t>& tokens() const { return m_tokens; }

private:
    GptGenerator& m_target;
    GptGenerator& m_draft;
    std::vector<std::int32_t> m_truth;
    std::int64_t m_gamma;
    double m_acceptance;
    std::uint64_t m_seed;
    std::uint64_t m_draws = 0;
    std::int64_t m_prompt;
    std::vector<std::int32_t> m_tokens;  // after the prompt; the first came with it
    std::vector<std::int32_t> m_pass;
};

struct SpeculativeOptions {
    GptConfig config;
    std::int64_t draftLayers = 2;
    std::int64_t gamma = 4;
    double acceptance = 0.8;
    std::int64_t prompt = 32;
};

[[nodiscard]] std::vector<WorkloadSpec> speculativeSpecs(const Backend& backend = {});
[[nodiscard]] std::unique_ptr<Workload> makeSpeculativeWorkload(const Backend& backend,
                                                                const SpeculativeOptions& options);

}  // namespace ridge::workloads
