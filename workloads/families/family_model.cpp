// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/family_model.h"

#include "workloads/models/gpt_layout.h"

#include <numeric>

namespace ridge::workloads {

double DenseParameters::squares(Operators& ops) const {
    std::vector<float> host(static_cast<std::size_t>(gradients.count));
    ops.download(host, gradients);
    double sum = 0;
    for (const float g : host) sum += static_cast<double>(g) * static_cast<double>(g);
    return sum;
}

std::vector<float> uniformValues(std::int64_t count, std::uint64_t seed, float bound) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = bound * (static_cast<float>(randomBits(seed, i) >> 40) * 0x1p-23F - 1.0F);
    return values;
}

double meanOf(Operators& ops, const Tensor& losses, std::int64_t count) {
    std::vector<float> host(static_cast<std::size_t>(count));
    ops.download(host, losses);
    return std::accumulate(host.begin(), host.end(), 0.0) / static_cast<double>(count);
}

}  // namespace ridge::workloads
