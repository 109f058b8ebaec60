// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/statistics/effect.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analyzer/statistics/distributions.h"
#include "analyzer/statistics/mann_whitney.h"

namespace ridge::statistics {
namespace {

std::vector<double> differences(std::span<const double> x, std::span<const double> y) {
    std::vector<double> all;
    all.reserve(x.size() * y.size());
    for (const double b : y)
        for (const double a : x) all.push_back(b - a);
    return all;
}

}  // namespace

double hodgesLehmann(std::span<const double> x, std::span<const double> y) { return median(differences(x, y)); }

std::optional<std::size_t> intervalCut(std::size_t n, std::size_t m, double level) {
    const double side = (1 - level) / 2;
    if (n == 0 || m == 0) return std::nullopt;
    if (n > kMostExact || m > kMostExact) {
        const auto a = static_cast<double>(n), b = static_cast<double>(m);
        const double at = a * b / 2 - normalQuantile(1 - side) * std::sqrt(a * b * (a + b + 1) / 12) - 0.5;
        if (at < 0) return std::nullopt;
        return static_cast<std::size_t>(at);
    }
    const std::vector<double> cdf = mannWhitneyCdf(n, m);
    std::optional<std::size_t> cut;
    for (std::size_t u = 0; u < cdf.size() && cdf[u] <= side; ++u) cut = u;
    return cut;
}

Interval shiftInterval(std::span<const double> x, std::span<const double> y, double level) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const auto cut = intervalCut(x.size(), y.size(), level);
    if (!cut) return {-kInfinity, kInfinity};
    std::vector<double> all = differences(x, y);
    std::sort(all.begin(), all.end());
    return {all[*cut], all[all.size() - 1 - *cut]};
}

std::optional<double> minimumDetectableEffect(const Interval& interval95, double floor) {
    if (!interval95.bounded()) return std::nullopt;
    const double s = 1.2 * (interval95.high - interval95.low) / 3.92;
    return std::expm1(std::max(std::log1p(floor) + 1.65 * s, 4.6 * s));
}

}  // namespace ridge::statistics
