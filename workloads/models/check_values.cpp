// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/check_values.h"

#include "workloads/models/gpt_layout.h"
#include "workloads/models/tiny_model.h"
#include "workloads/ops/weights.h"

#include <fmt/format.h>

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

CheckResult sameAsBefore(const std::string& what, const std::vector<float>& now, const std::vector<float>& before) {
    if (now.size() != before.size()) return {false, fmt::format("{}: {} values and {}", what, now.size(), before.size())};
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < now.size(); ++i) {
        const auto value = static_cast<double>(before[i]);
        largest = std::max(largest, std::abs(value));
        keepWorst(worst, std::abs(static_cast<double>(now[i]) - value));
    }
    return verdict(what, worst / std::max(largest, 1e-30), 1e-5);
}

CheckResult sameLosses(const std::vector<double>& again, const std::vector<double>& before, double last, bool onDevice) {
    double worst = again.size() == before.size() ? 0.0 : 1e300;
    for (std::size_t i = 0; i < std::min(again.size(), before.size()); ++i) keepWorst(worst, std::abs(again[i] - before[i]) / std::abs(before[i]));
    if (!std::isfinite(last)) return {false, "the loss of the last step is not a number"};
    return verdict(fmt::format("losses of the first {} steps, taken again", before.size()), worst, onDevice ? 1e-5 : 0.0);
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
