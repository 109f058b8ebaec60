// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/tiny_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ridge::workloads::tiny {

namespace {
constexpr float kTinyDeviation = 0.3F;  // large, so that no branch of the model is negligible
}

TinyBatch tinyBatch(std::int64_t sequences, const GptConfig& config) {
    const std::int64_t rows = sequences * config.context;
    return {randomTokens(rows, config.vocabulary, kSeed + 1),
            randomTokens(rows, config.vocabulary, kSeed + 2)};
}

TinyBatch TinyBatch::sequences(std::int64_t first, std::int64_t count) const {
    const auto from = first * kTiny.context;
    const auto to = from + count * kTiny.context;
    return {{tokens.begin() + from, tokens.begin() + to},
            {targets.begin() + from, targets.begin() + to}};
}

std::vector<float> tinyParameters(const GptConfig& config) {
    const GptLayout layout(config);
    std::vector<float> values(static_cast<std::size_t>(layout.total));
    for (const GptParameter& parameter : layout.parameters) {
        GptParameter random = parameter;
        random.init = GptParameter::Init::kRandom;
        const std::vector<float> drawn = initialValues(config, random, kSeed, kTinyDeviation);
        const float centre = parameter.init == GptParameter::Init::kOne ? 1.0F : 0.0F;
        for (std::size_t i = 0; i < drawn.size(); ++i)
            values[static_cast<std::size_t>(parameter.offset) + i] = drawn[i] + centre;
    }
    return values;
}

std::vector<float> host(Operators& ops, const Tensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.count));
    ops.download(values, tensor);
    return values;
}

CheckResult verdict(const std::string& what, double worst, double limit, const std::string& where) {
    // Written so that NaN fails.
    return {worst <= limit, fmt::format("{}: worst {:.1e} (limit {:.1e}){}{}", what, worst, limit,
                                        where.empty() ? "" : " at ", where)};
}

CheckResult compareArrays(const std::string& what, const std::vector<float>& got,
                          const reference::Values& wanted, double factor, double limit) {
    double worst = 0;
    std::string where;
    for (const GptParameter& parameter : GptLayout(kTiny).parameters) {
        double largest = 0;
        double difference = 0;
        for (std::int64_t i = parameter.offset; i < parameter.offset + parameter.count; ++i) {
            const auto at = static_cast<std::size_t>(i);
            largest = std::max(largest, std::abs(factor * wanted[at]));
            const double off = std::abs(static_cast<double>(got[at]) - factor * wanted[at]);
            if (!(off <= difference)) difference = off;
        }
        if (const double error = difference / largest; !(error <= worst)) {
            worst = error;
            where = parameter.name;
        }
    }
    return verdict(what, worst, limit, where);
}

}  // namespace ridge::workloads::tiny
