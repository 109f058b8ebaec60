// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/reference/gpt_reference.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ridge::workloads::reference {

namespace {

std::size_t index(std::int64_t value) {
    return static_cast<std::size_t>(value);
}

// y(rows,out) = x(rows,in) W^T + b; bias may be negative: none.
Values linear(std::span<const double> parameters, std::int64_t weight, std::int64_t bias,
              const Values& x, std::int64_t rows, std::int64_t outputs, std::int64_t inputs) {
    Values y(index(rows * outputs));
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t o = 0; o < outputs; ++o) {
            double sum = bias < 0 ? 0.0 : parameters[index(bias + o)];
            for (std::int64_t i = 0; i < inputs; ++i)
                sum += x[index(r * inputs + i)] * parameters[index(weight + o * inputs + i)];
            y[index(r * outputs + o)] = sum;
        }
    return y;
}

// Adds to the gradients of W and b, returns that of x.
Values linearBackward(std::span<const double> parameters, std::int64_t weight, std::int64_t bias,
                      const Values& x, const Values& dY, std::int64_t rows, std::int64_t outputs,
                      std::int64_t inputs, Values& gradients) {
    Values dX(index(rows * inputs));
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t o = 0; o < outputs; ++o) {
            const double g = dY[index(r * outputs + o)];
            if (bias >= 0) gradients[index(bias + o)] += g;
            for (std::int64_t i = 0; i < inputs; ++i) {
                dX[index(r * inputs + i)] += g * parameters[index(weight + o * inputs + i)];
                gradients[index(weight + o * inputs + i)] += g * x[index(r * inputs + i)];
            }
        }
    return dX;
}

}  // namespace

Values layerNorm(std::span<const double> parameters, std::int64_t gamma, std::int64_t beta,
                 const Values& x, std::int64_t rows, std::int64_t width, Values& mean,
                 Values& rstd) {
    Values y(x.size());
    mean.assign(index(rows), 0.0);
    rstd.assign(index(rows), 0.0);
    for (std::int64_t r = 0; r < rows; ++r) {
        double sum = 0;
        for (std::int64_t i = 0; i < width; ++i) sum += x[index(r * width + i)];
        const double mu = sum / static_cast<double>(width);
        double squares = 0;
        for (std::int64_t i = 0; i < width; ++i) {
            const double off = x[index(r * width + i)] - mu;
            squares += off * off;
        }
        const double scale = 1.0 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
        for (std::int64_t i = 0; i < width; ++i)
            y[index(r * width + i)] =
                (x[index(r * width + i)] - mu) * scale * parameters[index(gamma + i)] +
                parameters[index(beta + i)];
        mean[index(r)] = mu;
        rstd[index(r)] = scale;
    }
    return y;
}

// Adds to dX.
void layerNormBackward(std::span<const double> parameters, std::int64_t gamma, std::int64_t beta,
                       const Values& x, const Values& dY, const Values& mean, const Values& rstd,
                       std::int64_t rows, std::int64_t width, Values& dX, Values& gradients) {
    for (std::int64_t r = 0; r < rows; ++r) {
        double sum = 0;
        double projected = 0;
        for (std::int64_t i = 0; i < width; ++i) {
            const double g = dY[index(r * width + i)];
            const double normalised = (x[index(r * width + i)] - mean[index(r)]) * rstd[index(r)];
            gradients[index(gamma + i)] += g * normalised;
            gradients[index(beta + i)] += g;
            sum += g * parameters[index(gamma + i)];
            projected += g * parameters[index(gamma + i)] * normalised;
        }
        for (std::int64_t i = 0; i < width; ++i) {
            const double normalised = (x[index(r * width + i)] - mean[index(r)]) * rstd[index(r)];
            dX[index(r * width + i)] +=
                rstd[index(r)] * (dY[index(r * width + i)] * parameters[index(gamma + i)] -
                                  sum / static_cast<double>(width) -
                                  normalised * projected / static_cast<double>(width));
        }
    }
}

namespace {
constexpr double kCubic = 0.044715;
double geluInner(double x) {
    return std::sqrt(2.0 / std::numbers::pi) * (x + kCubic * x * x * x);
}
}  // namespace

double gelu(double x) {
    return 0.5 * x * (1.0 + std::tanh(geluInner(x)));
}
double geluSlope(double x) {
    const double t = std::tanh(geluInner(x));
    const double inner = std::sqrt(2.0 / std::numbers::pi) * (1.0 + 3.0 * kCubic * x * x);
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner;
}

Gpt::Gpt(const GptConfig& config, std::int64_t sequences, std::int64_t tokensPerSequence)
    : m_config(config),
      m_layout(config),
      m_sequences(sequences),
      m_tokens(tokensPerSequence),
      m_rows(sequences * tokensPerSequence),
      m_layers(index(config.layers)) {}

void Gpt::attentionForward(Layer& layer) const {
    const std::int64_t c = m_config.width;
    const std::int64_t d = m_config.headDim();
    const double scale = 1.0 / std::sqrt(static_cast<double>(d));
    layer.probabilities.assign(index(m_rows * m_config.heads * m_tokens), 0.0);
    layer.attention.assign(index(m_rows * c), 0.0);
    for (std::int64_t pair = 0; pair < m_sequences * m_config.heads; ++pair) {
        const std::int64_t row0 = pair / m_config.heads * m_tokens;
        const std::int64_t column = pair % m_config.heads * d;
        for (std::int64_t t = 0; t < m_tokens; ++t) {
            double* p = &layer.probabilities[index((pair * m_tokens + t) * m_tokens)];
            double top = -1e300;
            for (std::int64_t u = 0; u <= t; ++u) {
                double dot = 0;
                for (std::int64_t i = 0; i < d; ++i)
                    dot += layer.qkv[index((row0 + t) * 3 * c + column + i)] *
                           layer.qkv[index((row0 + u) * 3 * c + c + column + i)];
                p[u] = dot * scale;
                top = std::max(top, p[u]);
            }
            double sum = 0;
            for (std::int64_t u = 0; u <= t; ++u) sum += p[u] = std::exp(p[u] - top);
            for (std::int64_t u = 0; u <= t; ++u) {
                p[u] /= sum;
                for (std::int64_t i = 0; i < d; ++i)
                    layer.attention[index((row0 + t) * c + column + i)] +=
                        p[u] * layer.qkv[index((row0 + u) * 3 * c + 2 * c + column + i)];
            }
        }
    }
}

Values Gpt::attentionBackward(const Layer& layer, const Values& dOut) const {
    const std::int64_t c = m_config.width;
    const std::int64_t d = m_config.headDim();
    const double scale = 1.0 / std::sqrt(static_cast<double>(d));
    Values dQkv(layer.qkv.size());
    Values dP(index(m_tokens));
    for (std::int64_t pair = 0; pair < m_sequences * m_config.heads; ++pair) {
        const std::int64_t row0 = pair / m_config.heads * m_tokens;
        const std::int64_t column = pair % m_config.heads * d;
        for (std::int64_t t = 0; t < m_tokens; ++t) {
            const double* p = &layer.probabilities[index((pair * m_tokens + t) * m_tokens)];
            double dot = 0;
            for (std::int64_t u = 0; u <= t; ++u) {
                dP[index(u)] = 0;
                for (std::int64_t i = 0; i < d; ++i) {
                    const double g = dOut[index((row0 + t) * c + column + i)];
                    const std::int64_t value = (row0 + u) * 3 * c + 2 * c + column + i;
                    dP[index(u)] += g * layer.qkv[index(value)];
                    dQkv[index(value)] += p[u] * g;
                }
                dot += dP[index(u)] * p[u];
            }
            for (std::int64_t u = 0; u <= t; ++u) {
                const double dScore = scale * p[u] * (dP[index(u)] - dot);
                for (std::int64_t i = 0; i < d; ++i) {
                    const std::int64_t query = (row0 + t) * 3 * c + column + i;
                    const std::int64_t key = (row0 + u) * 3 * c + c + column + i;
                    dQkv[index(query)] += dScore * layer.qkv[index(key)];
                    dQkv[index(key)] += dScore * layer.qkv[index(query)];
                }
            }
        }
    }
    return dQkv;
}

double Gpt::forward(std::span<const double> parameters, std::span<const std::int32_t> tokens,
                    std::span<const std::int32_t> targets) {
    const std::int64_t c = m_config.width;
    Values stream(index(m_rows * c));
    for (std::int64_t r = 0; r < m_rows; ++r)
        for (std::int64_t i = 0; i < c; ++i)
            stream[index(r * c + i)] =
                parameters[index(m_layout.tokenTable + tokens[index(r)] * c + i)] +
                parameters[index(m_layout.positionTable + r % m_tokens * c + i)];
    for (std::size_t n = 0; n < m_layers.size(); ++n) {
        Layer& layer = m_layers[n];
        const GptBlockOffsets& at = m_layout.blocks[n];
        layer.input = stream;
        layer.norm1 = layerNorm(parameters, at.norm1Gamma, at.norm1Beta, stream, m_rows, c,
                                layer.mean1, layer.rstd1);
        layer.qkv = linear(parameters, at.qkvWeight, at.qkvBias, layer.norm1, m_rows, 3 * c, c);
        attentionForward(layer);
        const Values out =
            linear(parameters, at.outWeight, at.outBias, layer.attention, m_rows, c, c);
        for (std::size_t i = 0; i < stream.size(); ++i) stream[i] += out[i];
        layer.middle = stream;
        layer.norm2 = layerNorm(parameters, at.norm2Gamma, at.norm2Beta, stream, m_rows, c,
                                layer.mean2, layer.rstd2);
        layer.up = linear(parameters, at.upWeight, at.upBias, layer.norm2, m_rows, 4 * c, c);
        layer.gelu.resize(layer.up.size());
        std::transform(layer.up.begin(), layer.up.end(), layer.gelu.begin(), gelu);
        const Values down =
            linear(parameters, at.downWeight, at.downBias, layer.gelu, m_rows, c, 4 * c);
        for (std::size_t i = 0; i < stream.size(); ++i) stream[i] += down[i];
        afterBlock(n, parameters, stream);
    }
    m_final = stream;
    m_normed = layerNorm(parameters, m_layout.normGamma, m_layout.normBeta, stream, m_rows, c,
                         m_mean, m_rstd);
    m_logits =
        linear(parameters, m_layout.tokenTable, -1, m_normed, m_rows, m_config.vocabulary, c);
    double loss = 0;
    for (std::int64_t r = 0; r < m_rows; ++r) {
        const double* row = &m_logits[index(r * m_config.vocabulary)];
        const double top = *std::max_element(row, row + m_config.vocabulary);
        double sum = 0;
        for (std::int64_t v = 0; v < m_config.vocabulary; ++v) sum += std::exp(row[v] - top);
        loss += std::log(sum) + top - row[targets[index(r)]];
    }
    return loss / static_cast<double>(m_rows);
}

void Gpt::blockBackward(std::span<const double> parameters, std::size_t n, Values& dStream,
                        Values& gradients) const {
    const std::int64_t c = m_config.width;
    const Layer& layer = m_layers[n];
    const GptBlockOffsets& at = m_layout.blocks[n];
    Values dUp = linearBackward(parameters, at.downWeight, at.downBias, layer.gelu, dStream, m_rows,
                                c, 4 * c, gradients);
    for (std::size_t i = 0; i < dUp.size(); ++i) dUp[i] *= geluSlope(layer.up[i]);
    const Values dNorm2 = linearBackward(parameters, at.upWeight, at.upBias, layer.norm2, dUp,
                                         m_rows, 4 * c, c, gradients);
    layerNormBackward(parameters, at.norm2Gamma, at.norm2Beta, layer.middle, dNorm2, layer.mean2,
                      layer.rstd2, m_rows, c, dStream, gradients);
    const Values dAttention = linearBackward(parameters, at.outWeight, at.outBias, layer.attention,
                                             dStream, m_rows, c, c, gradients);
    const Values dQkv = attentionBackward(layer, dAttention);
    const Values dNorm1 = linearBackward(parameters, at.qkvWeight, at.qkvBias, layer.norm1, dQkv,
                                         m_rows, 3 * c, c, gradients);
    layerNormBackward(parameters, at.norm1Gamma, at.norm1Beta, layer.input, dNorm1, layer.mean1,
                      layer.rstd1, m_rows, c, dStream, gradients);
}

Values Gpt::backward(std::span<const double> parameters, std::span<const std::int32_t> tokens,
                     std::span<const std::int32_t> targets) const {
    const std::int64_t c = m_config.width;
    const std::int64_t vocabulary = m_config.vocabulary;
    Values gradients(parameters.size());
    Values dLogits(m_logits.size());
    for (std::int64_t r = 0; r < m_rows; ++r) {
        const double* row = &m_logits[index(r * vocabulary)];
        const double top = *std::max_element(row, row + vocabulary);
        double sum = 0;
        for (std::int64_t v = 0; v < vocabulary; ++v) sum += std::exp(row[v] - top);
        for (std::int64_t v = 0; v < vocabulary; ++v) {
            const double wanted = v == targets[index(r)] ? 1.0 : 0.0;
            dLogits[index(r * vocabulary + v)] =
                (std::exp(row[v] - top) / sum - wanted) / static_cast<double>(m_rows);
        }
    }
    const Values dNormed = linearBackward(parameters, m_layout.tokenTable, -1, m_normed, dLogits,
                                          m_rows, vocabulary, c, gradients);
    Values dStream(index(m_rows * c));
    layerNormBackward(parameters, m_layout.normGamma, m_layout.normBeta, m_final, dNormed, m_mean,
                      m_rstd, m_rows, c, dStream, gradients);
    for (std::size_t n = m_layers.size(); n-- > 0;) {
        beforeBlockBackward(n, parameters, dStream, gradients);
        blockBackward(parameters, n, dStream, gradients);
    }
    for (std::int64_t r = 0; r < m_rows; ++r)
        for (std::int64_t i = 0; i < c; ++i) {
            gradients[index(m_layout.tokenTable + tokens[index(r)] * c + i)] +=
                dStream[index(r * c + i)];
            gradients[index(m_layout.positionTable + r % m_tokens * c + i)] +=
                dStream[index(r * c + i)];
        }
    return gradients;
}

void adamW(const AdamWArgs& args, std::span<double> weights, std::span<const double> gradients,
           std::span<double> firstMoments, std::span<double> secondMoments) {
    const double beta1 = static_cast<double>(args.beta1);
    const double beta2 = static_cast<double>(args.beta2);
    const double rate = static_cast<double>(args.learningRate);
    const auto steps = static_cast<double>(args.step);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        firstMoments[i] = beta1 * firstMoments[i] + (1.0 - beta1) * gradients[i];
        secondMoments[i] = beta2 * secondMoments[i] + (1.0 - beta2) * gradients[i] * gradients[i];
        const double m = firstMoments[i] / (1.0 - std::pow(beta1, steps));
        const double v = secondMoments[i] / (1.0 - std::pow(beta2, steps));
        weights[i] -= rate * (m / (std::sqrt(v) + static_cast<double>(args.epsilon)) +
                              static_cast<double>(args.weightDecay) * weights[i]);
    }
}

}  // namespace ridge::workloads::reference
