// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/statistics/change_points.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "analyzer/statistics/distributions.h"
#include "analyzer/statistics/effect.h"
#include "analyzer/statistics/mann_whitney.h"
#include "analyzer/statistics/ranks.h"

namespace ridge::statistics {
namespace {

struct Peak {
    std::size_t after = 0;
    double z = 0;
};

// The largest and the smallest Z_k.
std::pair<Peak, Peak> peaks(std::span<const double> points) {
    const std::size_t n = points.size();
    const std::vector<std::int64_t> ranks = doubledMidranks(points);
    const auto all = static_cast<double>(n);
    Peak high, low;
    std::int64_t sum = 0;
    for (std::size_t k = 1; k <= n / 2; ++k) {
        sum += ranks[n - k];
        if (k < kLeastAfterChange) continue;
        const auto of = static_cast<double>(k);
        const double z = (static_cast<double>(sum) / 2 - of * (all + 1) / 2) / std::sqrt(of * (all - of) * (all + 1) / 12);
        if (z > high.z) high = {k, z};
        if (z < low.z) low = {k, z};
    }
    return {high, low};
}

struct Split {
    std::size_t after = 0;
    double q = 0;
};

// The split of the points, in the given order, with the largest energy.
Split largestEnergy(const std::vector<std::vector<double>>& distance, const std::vector<std::size_t>& order) {
    const std::size_t n = order.size();
    double within = 0, across = 0, other = 0;  // sums over pairs: before, between, after
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j) other += distance[order[i]][order[j]];
    Split best;
    for (std::size_t tau = 1; tau < n; ++tau) {
        // order[tau - 1] moves from after to before.
        for (std::size_t i = 0; i + 1 < tau; ++i) {
            within += distance[order[i]][order[tau - 1]];
            across -= distance[order[i]][order[tau - 1]];
        }
        for (std::size_t j = tau; j < n; ++j) {
            across += distance[order[tau - 1]][order[j]];
            other -= distance[order[tau - 1]][order[j]];
        }
        if (tau < kLeastAfterChange || n - tau < kLeastAfterChange) continue;
        const auto m = static_cast<double>(tau), k = static_cast<double>(n - tau);
        const double q = m * k / (m + k) * (2 * across / (m * k) - 2 * within / (m * (m - 1)) - 2 * other / (k * (k - 1)));
        if (best.after == 0 || q > best.q) best = {n - tau, q};
    }
    return best;
}

}  // namespace

std::optional<Gate> gate(std::span<const double> history, double newest) {
    const std::size_t points = std::min(history.size(), kGatePoints);
    if (points < kLeastGatePoints) return std::nullopt;
    const auto last = history.last(points);
    const std::vector<double> values(last.begin(), last.end());
    Gate result;
    result.points = points;
    result.centre = median(values);
    const auto k = static_cast<double>(points);
    const double s = 1.4826 * medianAbsoluteDeviation(values);
    result.limit = std::max(std::log1p(kGateFloor), studentQuantile(0.995, k - 1) * s * std::sqrt(1 + 1.57 / k));
    result.suspect = newest - result.centre > result.limit;
    return result;
}

double scanCritical(std::size_t n, bool strict) {
    struct Row {
        std::size_t n;
        double strict, loose;  // 1e-4, 1e-3
    };
    constexpr std::array<Row, 7> kTable{{{20, 3.53, 3.18}, {24, 3.63, 3.27}, {28, 3.72, 3.32}, {32, 3.82, 3.37}, {36, 3.84, 3.42}, {40, 3.89, 3.44}, {50, 3.99, 3.50}}};
    const auto row = std::find_if(kTable.begin(), kTable.end(), [n](const Row& r) { return r.n >= n; });
    const Row& use = row == kTable.end() ? kTable.back() : *row;
    return strict ? use.strict : use.loose;
}

double largestZ(std::span<const double> points) { return points.size() < 2 * kLeastAfterChange ? 0 : peaks(points).first.z; }

std::optional<Scan> rankScan(std::span<const double> points) {
    if (points.size() < kLeastScanPoints) return std::nullopt;
    const auto window = points.last(std::min(points.size(), kScanWindow));
    const auto [high, low] = peaks(window);
    Scan scan;
    scan.worse = high.z >= -low.z;
    const Peak& peak = scan.worse ? high : low;
    scan.after = peak.after;
    scan.z = peak.z;
    scan.critical = scanCritical(window.size());
    if (peak.after == 0) return scan;  // all points are equal
    scan.shift = hodgesLehmann(window.first(window.size() - peak.after), window.last(peak.after));
    const double towards = scan.worse ? scan.shift : -scan.shift;
    scan.change = std::abs(scan.z) > scan.critical && towards >= std::log1p(kScanFloor);
    return scan;
}

FreshTest freshTest(std::span<const double> history, std::span<const double> fresh, double alpha, bool worse) {
    const auto last = history.last(std::min(history.size(), kGatePoints));
    FreshTest test;
    test.shift = hodgesLehmann(last, fresh);
    const MannWhitney u = mannWhitney(last, fresh);
    test.p = worse ? u.pGreater : u.pLess;
    test.confirmed = fresh.size() >= kFreshSessions && test.p <= alpha && (worse ? test.shift : -test.shift) >= std::log1p(kGateFloor);
    return test;
}

std::optional<EnergySplit> energySplit(std::span<const double> points, std::uint64_t seed, int permutations) {
    const std::size_t n = points.size();
    if (n < 2 * kLeastAfterChange) return std::nullopt;
    std::vector<std::vector<double>> distance(n, std::vector<double>(n));
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) distance[i][j] = std::abs(points[i] - points[j]);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const Split real = largestEnergy(distance, order);
    std::mt19937_64 random(seed);
    int beyond = 0;
    for (int r = 0; r < permutations; ++r) {
        std::shuffle(order.begin(), order.end(), random);
        beyond += largestEnergy(distance, order).q >= real.q ? 1 : 0;
    }
    return EnergySplit{real.after, real.q, (1.0 + beyond) / (1.0 + permutations)};
}

}  // namespace ridge::statistics
