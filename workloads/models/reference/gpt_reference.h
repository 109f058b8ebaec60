// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The oracle: the same GPT in double precision and plain loops, for tiny models. It shares nothing
// with Operators but the parameter layout, so agreement means that both are right. Forward keeps
// what backward needs. Slow on purpose: no blocking, no tricks.

#include "workloads/models/gpt_layout.h"
#include "workloads/ops/operators.h"

#include <cstdint>
#include <span>
#include <vector>

namespace ridge::workloads::reference {

using Values = std::vector<double>;

class Gpt {
public:
    Gpt(const GptConfig& config, std::int64_t sequences, std::int64_t tokensPerSequence);

    // Mean loss over all tokens, nats.
    double forward(std::span<const double> parameters, std::span<const std::int32_t> tokens,
                   std::span<const std::int32_t> targets);
    // Gradient of that loss, in the parameters' order.
    [[nodiscard]] Values backward(std::span<const double> parameters,
                                  std::span<const std::int32_t> tokens,
                                  std::span<const std::int32_t> targets) const;
    // rows x V, of the last forward().
    [[nodiscard]] const Values& logits() const { return m_logits; }

private:
    struct Layer {
        Values input, norm1, mean1, rstd1, qkv, probabilities, attention, middle, norm2, mean2,
            rstd2, up, gelu;
    };
    void attentionForward(Layer& layer) const;
    [[nodiscard]] Values attentionBackward(const Layer& layer, const Values& dOut) const;
    void blockBackward(std::span<const double> parameters, std::size_t index, Values& dStream,
                       Values& gradients) const;

    GptConfig m_config;
    GptLayout m_layout;
    std::int64_t m_sequences;
    std::int64_t m_tokens;
    std::int64_t m_rows;
    std::vector<Layer> m_layers;
    Values m_final, m_normed, m_mean, m_rstd, m_logits;
};

// One AdamW step with decoupled weight decay; args.step counts from 1.
void adamW(const AdamWArgs& args, std::span<double> weights, std::span<const double> gradients,
           std::span<double> firstMoments, std::span<double> secondMoments);

}  // namespace ridge::workloads::reference
