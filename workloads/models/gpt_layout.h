// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The shape of a GPT (pre-norm, learned positions, tied head, biases) and where each parameter lies
// in one flat array. Training, inference and the double-precision oracle share this layout, so that
// parameters and gradients compare element by element. Counts are elements.
//
// Order: token table (V x C), position table (T x C), the blocks, the last norm. A block is one
// contiguous range, so that its gradient can be sent off as soon as its backward pass is done.
// Matrices are stored (outputs x inputs): y = x W^T + b.

#include "workloads/formulas/transformer.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ridge::workloads {

struct GptConfig {
    std::int64_t layers = 1;
    std::int64_t width = 16;
    std::int64_t heads = 1;
    std::int64_t context = 8;
    std::int64_t vocabulary = 16;

    [[nodiscard]] std::int64_t headDim() const { return width / heads; }
    [[nodiscard]] formulas::TransformerShape shape() const;
    // "L4 C256 H4 T256 V4096"
    [[nodiscard]] std::string text() const;
};

struct GptBlockOffsets {
    std::int64_t norm1Gamma, norm1Beta;
    std::int64_t qkvWeight, qkvBias;  // 3C x C: q, then k, then v
    std::int64_t outWeight, outBias;  // C x C
    std::int64_t norm2Gamma, norm2Beta;
    std::int64_t upWeight, upBias;      // 4C x C
    std::int64_t downWeight, downBias;  // C x 4C
    std::int64_t begin, end;            // of the whole block
};

struct GptParameter {
    std::string name;
    std::int64_t offset = 0;
    std::int64_t count = 0;
    enum class Init { kZero, kOne, kRandom, kRandomResidual } init = Init::kZero;
};

struct GptLayout {
    explicit GptLayout(const GptConfig& config);

    std::int64_t tokenTable = 0;
    std::int64_t positionTable = 0;
    std::vector<GptBlockOffsets> blocks;
    std::int64_t normGamma = 0;
    std::int64_t normBeta = 0;
    std::int64_t total = 0;
    std::vector<GptParameter> parameters;  // in order of offset, without gaps
};

// Values of one parameter array from a seed: uniform with the given standard deviation, the two
// projections into the residual stream smaller by sqrt(2 L). The same on every machine.
// Seeded values of a parameter, into as many floats as it has.
void fillInitial(const GptConfig& config, const GptParameter& parameter, std::uint64_t seed,
                 float deviation, std::span<float> values);
[[nodiscard]] std::vector<float> initialValues(const GptConfig& config,
                                               const GptParameter& parameter, std::uint64_t seed,
                                               float deviation);
// Tokens in [0, vocabulary), the same on every machine.
[[nodiscard]] std::vector<std::int32_t> randomTokens(std::int64_t count, std::int64_t vocabulary,
                                                     std::uint64_t seed);
// Counter-based random bits: the index-th of a seed (splitmix64).
[[nodiscard]] std::uint64_t randomBits(std::uint64_t seed, std::uint64_t index);

}  // namespace ridge::workloads
