// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/statistics/distributions.h"

#include <cmath>
#include <limits>

namespace ridge::statistics {
namespace {

// The continued fraction of DLMF 8.17.22 by Lentz's method; converges fast for x < (a + 1) / (a + b + 2).
double betaFraction(double a, double b, double x) {
    constexpr double kTiny = 1e-300;
    constexpr int kMostTerms = 500;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    if (std::abs(d) < kTiny) d = kTiny;
    d = 1 / d;
    double h = d;
    const auto step = [&](double coefficient) {
        d = 1 + coefficient * d;
        if (std::abs(d) < kTiny) d = kTiny;
        c = 1 + coefficient / c;
        if (std::abs(c) < kTiny) c = kTiny;
        d = 1 / d;
        h *= d * c;
        return d * c;
    };
    for (int m = 1; m <= kMostTerms; ++m) {
        step(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)));
        const double change = step(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)));
        if (std::abs(change - 1) < 4 * std::numeric_limits<double>::epsilon()) break;
    }
    return h;
}

double incompleteBeta(double a, double b, double x) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * betaFraction(a, b, x) / a;
    return 1 - front * betaFraction(b, a, 1 - x) / b;
}

// P(T <= t).
double studentCdf(double t, double degrees) {
    const double tail = 0.5 * incompleteBeta(degrees / 2, 0.5, degrees / (degrees + t * t));
    return t > 0 ? 1 - tail : tail;
}

// Where an increasing function meets p.
template <typename Function>
double invert(Function cdf, double p) {
    double low = -1, high = 1;
    while (cdf(low) > p && low > -1e12) low *= 2;
    while (cdf(high) < p && high < 1e12) high *= 2;
    for (int i = 0; i < 200 && high > low; ++i) {
        const double middle = low + (high - low) / 2;
        if (middle == low || middle == high) break;
        (cdf(middle) < p ? low : high) = middle;
    }
    return low + (high - low) / 2;
}

}  // namespace

double normalUpperTail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

double normalQuantile(double p) {
    return invert([](double z) { return normalUpperTail(-z); }, p);
}

double studentQuantile(double p, double degrees) {
    return invert([degrees](double t) { return studentCdf(t, degrees); }, p);
}

}  // namespace ridge::statistics
