// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Rules for a history: one point per run, the ln of its session's median, in one environment. Positive is worse.
//
// The two complement each other (rates: tests/bench/verdict_rates). The gate looks at the newest point and is fast: a
// suspect is a warning, never a failure, until five fresh sessions confirm it. The scan looks at the last 40 points and
// finds what the gate let pass, a few runs later; at least four points lie after a change, so that one spike cannot be one.
// Rank change point: Pettitt 1979. Energy statistic: Matteson & James 2014, for exploration only (it raises one false
// alert per hundred runs).

#include <cstdint>
#include <optional>
#include <span>

namespace ridge::statistics {

inline constexpr std::size_t kGatePoints = 20;    // of history, at most
inline constexpr std::size_t kLeastGatePoints = 5;
inline constexpr double kGateFloor = 0.03;
inline constexpr std::size_t kScanWindow = 40;
inline constexpr std::size_t kLeastScanPoints = 20;
inline constexpr std::size_t kLeastAfterChange = 4;
inline constexpr double kScanFloor = 0.025;
inline constexpr std::size_t kFreshSessions = 5;  // that confirm a suspect or a drift

// suspect: x - m > max(ln 1.03, t_(.995, K-1) s sqrt(1 + 1.57 / K)), m the median, s = 1.4826 MAD of the last K <= 20 points.
struct Gate {
    bool suspect = false;
    double centre = 0, limit = 0;  // ln; a suspect lies beyond centre + limit
    std::size_t points = 0;
};
// Fewer than kLeastGatePoints of history: nothing.
std::optional<Gate> gate(std::span<const double> history, double newest);

// Z_k = (sum of the ranks of the last k - k (n + 1) / 2) / sqrt(k (n - k) (n + 1) / 12) for k = 4 ... n / 2.
struct Scan {
    std::size_t after = 0;  // points after the change: the newest so many are on the new level
    double z = 0;           // the largest, positive: worse; the most negative one where worse is false
    double critical = 0;
    double shift = 0;       // Hodges-Lehmann, after against before
    bool worse = true;
    bool change = false;    // |z| beyond the critical value and |shift| at least ln 1.025
};
// Of the last kScanWindow points; both directions, the one with the larger |z|. Fewer than 20 points: nothing.
std::optional<Scan> rankScan(std::span<const double> points);

// The critical value of max Z_k at one sided 1e-4 for n points, 20 <= n <= 50, from 2e6 permutations; between the tabulated
// n the next larger one's. (1e-3: strict = false.)
double scanCritical(std::size_t n, bool strict = true);
// max over k of Z_k alone; for simulating the null. Fewer than 8 points: 0.
double largestZ(std::span<const double> points);

// The fresh sessions against the last 20 points: U test and shift. alpha is already divided among the suspects.
struct FreshTest {
    bool confirmed = false;
    double p = 1, shift = 0;
};
FreshTest freshTest(std::span<const double> history, std::span<const double> fresh, double alpha, bool worse = true);

// E-divisive: Q(tau) = m k / (m + k) (2 E|X-Y| - E|X-X'| - E|Y-Y'|), its largest split, and p = (1 + b) / (1 + R) from R
// permutations. Fewer than 8 points: nothing.
struct EnergySplit {
    std::size_t after = 0;
    double q = 0, p = 1;
};
std::optional<EnergySplit> energySplit(std::span<const double> points, std::uint64_t seed, int permutations = 999);

}  // namespace ridge::statistics
