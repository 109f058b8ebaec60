// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/statistics/mann_whitney.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analyzer/statistics/distributions.h"

namespace ridge::statistics {
namespace {

// Number of arrangements per U, as doubles: C(100, 50) is 1e29, and only sums of positive terms occur.
std::vector<double> counts(std::size_t n, std::size_t m) {
    const std::size_t top = n * m;
    // of[j] is N(.; i, j) for the i of the loop.
    std::vector<std::vector<double>> of(m + 1, std::vector<double>(top + 1, 0.0));
    for (auto& row : of) row[0] = 1;
    for (std::size_t i = 1; i <= n; ++i)
        for (std::size_t j = 1; j <= m; ++j)
            for (std::size_t u = i * j + 1; u-- > 0;) of[j][u] = (u >= j ? of[j][u - j] : 0) + of[j - 1][u];
    return of[m];
}

// In how many ways m of the doubled ranks add up to each sum, as a share of all choices of m.
std::vector<double> subsetSums(const std::vector<std::int64_t>& ranks, std::size_t m) {
    const auto total = static_cast<std::size_t>(std::accumulate(ranks.begin(), ranks.end(), std::int64_t{0}));
    std::vector<std::vector<double>> ways(m + 1, std::vector<double>(total + 1, 0.0));
    ways[0][0] = 1;
    std::size_t seen = 0, reach = 0;
    for (const std::int64_t rank : ranks) {
        const auto r = static_cast<std::size_t>(rank);
        ++seen;
        reach += r;
        for (std::size_t k = std::min(m, seen); k >= 1; --k)
            for (std::size_t s = r; s <= reach; ++s) ways[k][s] += ways[k - 1][s - r];
    }
    const double all = std::accumulate(ways[m].begin(), ways[m].end(), 0.0);
    for (double& share : ways[m]) share /= all;
    return ways[m];
}

struct Tails {
    double upper = 0, lower = 0;
};
Tails tailsAt(const std::vector<double>& shares, std::size_t at) {
    Tails tails;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        if (i >= at) tails.upper += shares[i];
        if (i <= at) tails.lower += shares[i];
    }
    return {std::min(1.0, tails.upper), std::min(1.0, tails.lower)};
}

// Sum of t^3 - t over the groups of equal values.
double tieTerm(std::vector<double> pooled) {
    std::sort(pooled.begin(), pooled.end());
    double sum = 0;
    for (std::size_t first = 0; first < pooled.size();) {
        std::size_t last = first;
        while (last < pooled.size() && pooled[last] == pooled[first]) ++last;
        const auto t = static_cast<double>(last - first);
        sum += t * t * t - t;
        first = last;
    }
    return sum;
}

Tails normalTails(double u, double n, double m, double ties) {
    const double all = n + m;
    const double variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)));
    if (!(variance > 0)) return {1, 1};  // all values are equal
    const double sd = std::sqrt(variance), distance = u - n * m / 2;
    return {normalUpperTail((distance - 0.5) / sd), normalUpperTail((-distance - 0.5) / sd)};
}

}  // namespace

double MannWhitney::twoSided() const { return std::min(1.0, 2 * std::min(pGreater, pLess)); }

std::vector<double> mannWhitneyCdf(std::size_t n, std::size_t m) {
    std::vector<double> cdf = counts(n, m);
    const double all = std::accumulate(cdf.begin(), cdf.end(), 0.0);
    double sum = 0;
    for (double& value : cdf) {
        sum += value;
        value = sum / all;
    }
    return cdf;
}

MannWhitney mannWhitney(std::span<const double> x, std::span<const double> y) {
    MannWhitney result;
    const std::size_t n = x.size(), m = y.size();
    if (n == 0 || m == 0) return result;
    std::vector<double> pooled(x.begin(), x.end());
    pooled.insert(pooled.end(), y.begin(), y.end());
    const std::vector<std::int64_t> ranks = doubledMidranks(pooled);
    const std::int64_t sumY = std::accumulate(ranks.begin() + static_cast<std::ptrdiff_t>(n), ranks.end(), std::int64_t{0});
    result.doubledU = sumY - static_cast<std::int64_t>(m * (m + 1));
    result.exact = n <= kMostExact && m <= kMostExact;
    Tails tails;
    if (!result.exact) {
        tails = normalTails(static_cast<double>(result.doubledU) / 2, static_cast<double>(n), static_cast<double>(m), tieTerm(std::move(pooled)));
    } else if (hasTies(pooled)) {
        tails = tailsAt(subsetSums(ranks, m), static_cast<std::size_t>(sumY));
    } else {
        std::vector<double> shares = counts(n, m);
        const double all = std::accumulate(shares.begin(), shares.end(), 0.0);
        for (double& share : shares) share /= all;
        tails = tailsAt(shares, static_cast<std::size_t>(result.doubledU / 2));
    }
    result.pGreater = tails.upper;
    result.pLess = tails.lower;
    return result;
}

}  // namespace ridge::statistics
