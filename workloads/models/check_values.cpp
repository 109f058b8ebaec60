// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/check_values.h"

#include "workloads/models/gpt_layout.h"
#include "workloads/ops/weights.h"

#include <algorithm>
#include <cmath>

namespace ridge::workloads::tiny {

std::vector<float> draw(std::int64_t count, std::uint64_t seed) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(randomBits(seed, i) >> 40) * (1.0F / 8388608.0F) - 1.0F;
    return values;
}

Tensor put(Operators& ops, const std::vector<float>& values) {
    const Tensor tensor = ops.allocate(std::ssize(values));
    ops.upload(tensor, values);
    return tensor;
}

double largestOf(const std::vector<double>& values) {
    double largest = 0;
    for (const double value : values) largest = std::max(largest, std::abs(value));
    return largest;
}

std::vector<float> roundedTo(const std::vector<float>& values, Storage storage) {
    return unpack(pack(values, storage), storage);
}

}  // namespace ridge::workloads::tiny
