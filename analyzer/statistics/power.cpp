// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/statistics/power.h"

#include <algorithm>
#include <cmath>

namespace ridge::statistics {
namespace {

constexpr std::size_t kMostSessions = 1000;
constexpr double kMostMetrics = 1e9;

}  // namespace

double leastTwoSidedP(std::size_t baseline, std::size_t candidate) {
    double combinations =
        1;  // C(baseline + candidate, candidate), up to where a double would be too small
    const std::size_t few = std::min(baseline, candidate), many = std::max(baseline, candidate);
    for (std::size_t i = 1; i <= few; ++i)
        combinations *= static_cast<double>(many + i) / static_cast<double>(i);
    return std::min(1.0, 2 / combinations);
}

bool canAccuseOne(std::size_t baseline, std::size_t candidate, std::size_t metrics, double alpha) {
    return mostMetrics(baseline, candidate, alpha) >= std::max<std::size_t>(metrics, 1);
}

std::size_t mostMetrics(std::size_t baseline, std::size_t candidate, double alpha) {
    // Of a quotient that is whole but for the last bit, the whole.
    return static_cast<std::size_t>(
        std::min(alpha / leastTwoSidedP(baseline, candidate) * (1 + 1e-12), kMostMetrics));
}

std::optional<std::size_t> leastBaseline(std::size_t candidate, std::size_t metrics, double alpha) {
    for (std::size_t n = 1; n <= kMostSessions; ++n)
        if (canAccuseOne(n, candidate, metrics, alpha)) return n;
    return std::nullopt;
}

}  // namespace ridge::statistics
