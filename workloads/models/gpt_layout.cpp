// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/gpt_layout.h"

#include <algorithm>
#include <cmath>

namespace ridge::workloads {

using Init = GptParameter::Init;

formulas::TransformerShape GptConfig::shape() const {
    formulas::TransformerShape shape;
    shape.layers = static_cast<std::uint64_t>(layers);
    shape.width = static_cast<std::uint64_t>(width);
    shape.heads = static_cast<std::uint64_t>(heads);
    shape.vocabulary = static_cast<std::uint64_t>(vocabulary);
    shape.context = static_cast<std::uint64_t>(context);
    return shape;
}

std::string GptConfig::text() const {
    return "L" + std::to_string(layers) + " C" + std::to_string(width) + " H" +
           std::to_string(heads) + " T" + std::to_string(context) + " V" +
           std::to_string(vocabulary);
}

GptLayout::GptLayout(const GptConfig& config) {
    const std::int64_t c = config.width;
    const auto place = [this](const std::string& name, std::int64_t count, Init init) {
        const std::int64_t offset = total;
        parameters.push_back({name, offset, count, init});
        total += count;
        return offset;
    };
    tokenTable = place("tokens", config.vocabulary * c, Init::kRandom);
    positionTable = place("positions", config.context * c, Init::kRandom);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        const std::string block = "block" + std::to_string(layer) + ".";
        GptBlockOffsets at{};
        at.begin = total;
        at.norm1Gamma = place(block + "norm1.gamma", c, Init::kOne);
        at.norm1Beta = place(block + "norm1.beta", c, Init::kZero);
        at.qkvWeight = place(block + "qkv.weight", 3 * c * c, Init::kRandom);
        at.qkvBias = place(block + "qkv.bias", 3 * c, Init::kZero);
        at.outWeight = place(block + "out.weight", c * c, Init::kRandomResidual);
        at.outBias = place(block + "out.bias", c, Init::kZero);
        at.norm2Gamma = place(block + "norm2.gamma", c, Init::kOne);
        at.norm2Beta = place(block + "norm2.beta", c, Init::kZero);
        at.upWeight = place(block + "up.weight", 4 * c * c, Init::kRandom);
        at.upBias = place(block + "up.bias", 4 * c, Init::kZero);
        at.downWeight = place(block + "down.weight", 4 * c * c, Init::kRandomResidual);
        at.downBias = place(block + "down.bias", c, Init::kZero);
        at.end = total;
        blocks.push_back(at);
    }
    normGamma = place("norm.gamma", c, Init::kOne);
    normBeta = place("norm.beta", c, Init::kZero);
}

std::uint64_t randomBits(std::uint64_t seed, std::uint64_t index) {
    std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

void fillInitial(const GptConfig& config, const GptParameter& parameter, std::uint64_t seed,
                 float deviation, std::span<float> values) {
    if (parameter.init == Init::kZero || parameter.init == Init::kOne) {
        std::fill(values.begin(), values.end(), parameter.init == Init::kOne ? 1.0F : 0.0F);
        return;
    }
    float reach = deviation * std::sqrt(3.0F);  // of the uniform distribution with this deviation
    if (parameter.init == Init::kRandomResidual)
        reach /= std::sqrt(2.0F * static_cast<float>(config.layers));
    // 24 random bits are exact in a float: [-1, 1) * reach.
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto bits = randomBits(seed, static_cast<std::uint64_t>(parameter.offset) + i) >> 40;
        values[i] = (static_cast<float>(bits) * (1.0F / 8388608.0F) - 1.0F) * reach;
    }
}

std::vector<float> initialValues(const GptConfig& config, const GptParameter& parameter,
                                 std::uint64_t seed, float deviation) {
    std::vector<float> values(static_cast<std::size_t>(parameter.count));
    fillInitial(config, parameter, seed, deviation, values);
    return values;
}

std::vector<std::int32_t> randomTokens(std::int64_t count, std::int64_t vocabulary,
                                       std::uint64_t seed) {
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < tokens.size(); ++i)
        tokens[i] =
            static_cast<std::int32_t>(randomBits(seed, i) % static_cast<std::uint64_t>(vocabulary));
    return tokens;
}

}  // namespace ridge::workloads
