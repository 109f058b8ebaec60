// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Where the parameters of the mixture-of-experts layers lie, behind the GPT's own in one array; how
// tokens choose experts. Shared by the trainer and its oracle in double precision, which share
// nothing else. Counts are elements.
//
// One layer after each block: stream += sum over the chosen experts of p_e * MLP_e(norm(stream)).
// Order per layer: norm gamma, beta (C each), router (E x C), then each expert's up (4C x C), its
// bias, down (C x 4C), its bias.

#include "workloads/models/gpt_layout.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace ridge::workloads {

struct ExpertOptions {
    std::int64_t experts = 4;
    std::int64_t choices = 1;  // k: experts per token
    double capacity = 1.25;    // room per expert, over an even share; 0: whatever comes (dropless)
    double skew = 0;           // a fixed bias of the router: expert e gets -skew * ln(e + 1)
};

struct ExpertLayout {
    ExpertLayout(const GptConfig& config, const ExpertOptions& options)
        : base(GptLayout(config).total),
          width(config.width),
          hidden(4 * config.width),
          experts(options.experts),
          layers(config.layers) {}

    std::int64_t base, width, hidden, experts, layers;

    [[nodiscard]] std::int64_t sharedSize() const { return (2 + experts) * width; }
    [[nodiscard]] std::int64_t expertSize() const { return 2 * hidden * width + hidden + width; }
    [[nodiscard]] std::int64_t layerSize() const { return sharedSize() + experts * expertSize(); }
    [[nodiscard]] std::int64_t total() const { return base + layers * layerSize(); }
    // Of a layer: norm gamma, beta and router; and one expert's parameters.
    [[nodiscard]] std::int64_t shared(std::int64_t layer) const {
        return base + layer * layerSize();
    }
    [[nodiscard]] std::int64_t expert(std::int64_t layer, std::int64_t index) const {
        return shared(layer) + sharedSize() + index * expertSize();
    }
};

// Rows that an expert takes from one rank's `rows` tokens.
[[nodiscard]] inline std::int64_t expertCapacity(const ExpertOptions& options, std::int64_t rows) {
    if (options.capacity <= 0) return rows;
    const double even =
        static_cast<double>(rows * options.choices) / static_cast<double>(options.experts);
    const auto wanted = static_cast<std::int64_t>(options.capacity * even + 0.999999);
    return std::clamp<std::int64_t>(wanted, 1, rows);
}

// The k largest of a token's probabilities, largest first; of equals the first.
template <typename Number>
[[nodiscard]] std::vector<std::int64_t> largest(const Number* probabilities, std::int64_t experts,
                                                std::int64_t k) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(experts));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return probabilities[a] > probabilities[b];
    });
    order.resize(static_cast<std::size_t>(k));
    return order;
}

// Seeded values of all of them.
[[nodiscard]] std::vector<float> expertParameters(const GptConfig& config,
                                                  const ExpertOptions& options, std::uint64_t seed,
                                                  float deviation);

}  // namespace ridge::workloads
