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

// One by one over rows, as the model's own are; gradients are added to.
[[nodiscard]] Values layerNorm(std::span<const double> parameters, std::int64_t gamma,
                               std::int64_t beta, const Values& x, std::int64_t rows,
                               std::int64_t width, Values& mean, Values& rstd);
void layerNormBackward(std::span<const double> parameters, std::int64_t gamma, std::int64_t beta,
                       const Values& x, const Values& dY, const Values& mean, const Values& rstd,
                       std::int64_t rows, std::int64_t width, Values& dX, Values& gradients);
[[nodiscard]] double gelu(double x);
[[nodiscard]] double geluSlope(double x);

class Gpt {
public:
    virtual ~Gpt() = default;
    Gpt(const GptConfig& config, std::int64_t sequences, std::int64_t tokensPerSequence);

    // Mean loss over all tokens, nats.
    double forward(std::span<const double> parameters, std::span<const std::int32_t> tokens,
                   std::span<const std::int32_t> targets);
    // Gradient of that loss, in the parameters' order and of their number.
    [[nodiscard]] Values backward(std::span<const double> parameters,
                                  std::span<const std::int32_t> tokens,
                                  std::span<const std::int32_t> targets) const;
    // rows x V, of the last forward().
    [[nodiscard]] const Values& logits() const { return m_logits; }

protected:
    // For models that put a layer of their own behind each block; its parameters lie behind the
    // GPT's. The stream is rows x C.
    virtual void afterBlock(std::size_t /*layer*/, std::span<const double> /*parameters*/,
                            Values& /*stream*/) {}
    virtual void beforeBlockBackward(std::size_t /*layer*/, std::span<const double> /*parameters*/,
                                     Values& /*dStream*/, Values& /*gradients*/) const {}

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
