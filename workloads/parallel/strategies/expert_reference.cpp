// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/expert_reference.h"

#include "workloads/models/reference/gpt_reference.h"
#include "workloads/parallel/strategies/host_memory.h"

#include <cmath>

namespace ridge::workloads {

namespace {

using reference::Values;

// What one choice of one token kept.
struct Visit {
    std::int64_t token = 0, expert = 0;
    Values up, gelu, out;
};

class ExpertGpt final : public reference::Gpt {
public:
    ExpertGpt(const GptConfig& config, std::int64_t sequences, const ExpertOptions& options,
              std::int64_t groups)
        : Gpt(config, sequences, config.context),
          m_options(options),
          m_layout(config, options),
          m_rows(sequences * config.context),
          m_groups(groups),
          m_layers(index(config.layers)) {}

protected:
    void afterBlock(std::size_t number, std::span<const double> parameters,
                    Values& stream) override;
    void beforeBlockBackward(std::size_t number, std::span<const double> parameters,
                             Values& dStream, Values& gradients) const override;

private:
    struct Layer {
        Values input, normed, mean, rstd, probabilities;
        std::vector<Visit> visits;
    };
    void visit(std::span<const double> p, Layer& layer, std::int64_t number, std::int64_t token,
               std::int64_t expert, Values& stream) const;

    ExpertOptions m_options;
    ExpertLayout m_layout;
    std::int64_t m_rows, m_groups;
    std::vector<Layer> m_layers;
};

void ExpertGpt::visit(std::span<const double> p, Layer& layer, std::int64_t number,
                      std::int64_t token, std::int64_t expert, Values& stream) const {
    const std::int64_t c = m_layout.width;
    const std::int64_t f = m_layout.hidden;
    const std::int64_t at = m_layout.expert(number, expert);
    Visit one{token, expert, Values(index(f)), Values(index(f)), Values(index(c))};
    for (std::int64_t i = 0; i < f; ++i) {
        double sum = p[index(at + f * c + i)];
        for (std::int64_t j = 0; j < c; ++j)
            sum += p[index(at + i * c + j)] * layer.normed[index(token * c + j)];
        one.up[index(i)] = sum;
        one.gelu[index(i)] = reference::gelu(sum);
    }
    const double weight = layer.probabilities[index(token * m_layout.experts + expert)];
    for (std::int64_t i = 0; i < c; ++i) {
        double sum = p[index(at + 2 * f * c + f + i)];
        for (std::int64_t j = 0; j < f; ++j)
            sum += p[index(at + f * c + f + i * f + j)] * one.gelu[index(j)];
        one.out[index(i)] = sum;
        stream[index(token * c + i)] += weight * sum;
    }
    layer.visits.push_back(std::move(one));
}

void ExpertGpt::afterBlock(std::size_t which, std::span<const double> p, Values& stream) {
    const auto number = static_cast<std::int64_t>(which);
    const std::int64_t c = m_layout.width;
    const std::int64_t e = m_layout.experts;
    Layer& layer = m_layers[which];
    layer.visits.clear();
    layer.input = stream;
    const std::int64_t norm = m_layout.shared(number);
    layer.normed =
        reference::layerNorm(p, norm, norm + c, stream, m_rows, c, layer.mean, layer.rstd);
    layer.probabilities.assign(index(m_rows * e), 0.0);
    const std::int64_t group = m_rows / m_groups;
    const std::int64_t room = expertCapacity(m_options, group);
    std::vector<std::int64_t> taken;
    for (std::int64_t t = 0; t < m_rows; ++t) {
        if (t % group == 0) taken.assign(index(e), 0);
        double* probabilities = &layer.probabilities[index(t * e)];
        double sum = 0;
        for (std::int64_t i = 0; i < e; ++i) {
            double logit = -m_options.skew * std::log(static_cast<double>(i + 1));
            for (std::int64_t j = 0; j < c; ++j)
                logit += p[index(norm + 2 * c + i * c + j)] * layer.normed[index(t * c + j)];
            sum += probabilities[i] = std::exp(logit);
        }
        for (std::int64_t i = 0; i < e; ++i) probabilities[i] /= sum;
        for (const std::int64_t expert : largest(probabilities, e, m_options.choices))
            if (taken[index(expert)]++ < room) visit(p, layer, number, t, expert, stream);
    }
}

void ExpertGpt::beforeBlockBackward(std::size_t which, std::span<const double> p, Values& dStream,
                                    Values& g) const {
    const auto number = static_cast<std::int64_t>(which);
    const std::int64_t c = m_layout.width;
    const std::int64_t f = m_layout.hidden;
    const std::int64_t e = m_layout.experts;
    const Layer& layer = m_layers[which];
    Values dNormed(index(m_rows * c));
    Values dProbabilities(index(m_rows * e));
    for (const Visit& one : layer.visits) {
        const std::int64_t at = m_layout.expert(number, one.expert);
        const double weight = layer.probabilities[index(one.token * e + one.expert)];
        Values dGelu(index(f));
        for (std::int64_t i = 0; i < c; ++i) {
            const double dY = dStream[index(one.token * c + i)];
            dProbabilities[index(one.token * e + one.expert)] += dY * one.out[index(i)];
            const double dOut = weight * dY;
            g[index(at + 2 * f * c + f + i)] += dOut;
            for (std::int64_t j = 0; j < f; ++j) {
                g[index(at + f * c + f + i * f + j)] += dOut * one.gelu[index(j)];
                dGelu[index(j)] += dOut * p[index(at + f * c + f + i * f + j)];
            }
        }
        for (std::int64_t i = 0; i < f; ++i) {
            const double dUp = dGelu[index(i)] * reference::geluSlope(one.up[index(i)]);
            g[index(at + f * c + i)] += dUp;
            for (std::int64_t j = 0; j < c; ++j) {
                g[index(at + i * c + j)] += dUp * layer.normed[index(one.token * c + j)];
                dNormed[index(one.token * c + j)] += dUp * p[index(at + i * c + j)];
            }
        }
    }
    const std::int64_t norm = m_layout.shared(number);
    for (std::int64_t t = 0; t < m_rows; ++t) {
        double mean = 0;
        for (std::int64_t i = 0; i < e; ++i)
            mean += layer.probabilities[index(t * e + i)] * dProbabilities[index(t * e + i)];
        for (std::int64_t i = 0; i < e; ++i) {
            const double dLogit =
                layer.probabilities[index(t * e + i)] * (dProbabilities[index(t * e + i)] - mean);
            for (std::int64_t j = 0; j < c; ++j) {
                g[index(norm + 2 * c + i * c + j)] += dLogit * layer.normed[index(t * c + j)];
                dNormed[index(t * c + j)] += dLogit * p[index(norm + 2 * c + i * c + j)];
            }
        }
    }
    reference::layerNormBackward(p, norm, norm + c, layer.input, dNormed, layer.mean, layer.rstd,
                                 m_rows, c, dStream, g);
}

}  // namespace

Oracle expertOracle(const ExpertOptions& options, std::int64_t groups) {
    return [options, groups](const TrajectoryInput& input) {
        ExpertGpt oracle(input.config, input.sequences, options, groups);
        return trajectoryOf(oracle, input);
    };
}

}  // namespace ridge::workloads
