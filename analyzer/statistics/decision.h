// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// From samples to one of four verdicts. All in ln, positive is worse (ranks.h).
//
// Rules, with e = the smallest change that the user cares about (min effect) and alpha for the whole job:
//   screen    p <= 0.05 and a ratio of at least 1 + 0.4 e, in either direction
//   confirm   fresh blocks for the k metrics that the screen found: a two-sided p <= alpha / k on the fresh data alone, in
//             the direction that was screened, and a ratio of at least 1 + 0.6 e. Whatever the screen did and whatever
//             the noise is, a job without a change is accused with at most alpha / 2: the direction is given, so only
//             one of the two sides can accuse. (The one-sided p would use up all of alpha where the noise is so large
//             that the ratio alone stops nothing.)
//   at once   without fresh data: Benjamini-Hochberg (1995) at q = alpha over all metrics, both directions, and 1 + 0.6 e
//   unchanged the interval lies inside (1 / (1 + e), 1 + e). Blocks: the 99.9 % one, so that a change of just e passes for
//             none in at most 0.05 % of looks, 0.1 % with the second look that fresh blocks are; that needs 5 blocks.
//             Sessions: the 98 % one, since 5 against 5 can give no higher one; a change of e passes in at most 1 %.
//   otherwise inconclusive, with the smallest effect that could have been found
// Nothing is ever decided by adding runs until a p-value is small: fresh data or nothing.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "analyzer/statistics/block_rank.h"
#include "analyzer/statistics/ranks.h"

namespace ridge::statistics {

enum class Outcome : std::uint8_t { kRegressed, kImproved, kUnchanged, kInconclusive };
inline constexpr std::array<std::string_view, 4> kOutcomeNames{"regressed", "improved", "unchanged", "inconclusive"};
[[nodiscard]] constexpr std::string_view name(Outcome o) { return kOutcomeNames[static_cast<std::size_t>(o)]; }

inline constexpr double kScreenLevel = 0.05;
inline constexpr double kUnchangedLevel = 0.999;          // of blocks
inline constexpr double kUnchangedSessionsLevel = 0.98;  // of stored runs
inline constexpr double kReportLevel = 0.99;
inline constexpr std::size_t kLeastSessions = 5;    // a side, for a verdict on stored runs
inline constexpr std::size_t kConfirmBlocks = 10;

struct Rules {
    double minEffect = 0.05;
    double alpha = 0.01;
    [[nodiscard]] double floor() const { return 0.6 * minEffect; }
    [[nodiscard]] double screenFloor() const { return 0.4 * minEffect; }
};

// What the samples of one metric say.
struct Evidence {
    std::size_t baseline = 0, candidate = 0;  // how many values
    double shift = 0;                         // ln(candidate / baseline), positive is worse
    double pSlow = 1, pFast = 1;
    Interval reported;   // 99 %
    Interval unchanged;  // what undecided() looks at: 99.9 % of blocks, 98 % of sessions
    std::optional<double> mde;
    [[nodiscard]] double twoSided() const;
};
// wanted: intervals cost hundreds of times what the test does; simulations of the screen go without.
enum class Intervals : std::uint8_t { kYes, kNo };
Evidence evidenceOf(std::span<const Block> blocks, const Rules& rules, Intervals wanted = Intervals::kYes);
// Independent values: medians of sessions.
Evidence evidenceOf(std::span<const double> baseline, std::span<const double> candidate, const Rules& rules, Intervals wanted = Intervals::kYes);

enum class Direction : std::uint8_t { kNone, kSlower, kFaster };
Direction screened(const Evidence& evidence, const Rules& rules);
// On fresh data; k: how many metrics the screen found. kRegressed, kImproved, or what the interval says.
Outcome confirmed(const Evidence& fresh, Direction direction, std::size_t k, const Rules& rules);
// kUnchanged or kInconclusive; kUnchanged also for a change that is surely too small to matter.
Outcome undecided(const Evidence& evidence, const Rules& rules);

// p_(1) <= ... <= p_(m): rejects the k smallest with k = max{i : p_(i) <= q i / m}; in the order given.
std::vector<bool> benjaminiHochberg(std::span<const double> p, double q);
// min over i >= rank of m p_(i) / i: what q would have to be for the value to be rejected.
std::vector<double> adjustedForDiscoveries(std::span<const double> p);

// One verdict per metric of a job, without fresh data. Two-sided p, so that both directions are counted.
std::vector<Outcome> decideAtOnce(std::span<const Evidence> all, const Rules& rules);

}  // namespace ridge::statistics
