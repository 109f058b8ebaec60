// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/statistics/decision.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analyzer/statistics/effect.h"
#include "analyzer/statistics/mann_whitney.h"

namespace ridge::statistics {
namespace {

constexpr double kPowerLevel = 0.95;

std::vector<std::size_t> ascending(std::span<const double> p) {
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
    return order;
}

Outcome changed(double shift) { return shift > 0 ? Outcome::kRegressed : Outcome::kImproved; }

}  // namespace

double Evidence::twoSided() const { return std::min(1.0, 2 * std::min(pSlow, pFast)); }

Evidence evidenceOf(std::span<const Block> blocks, const Rules& rules, Intervals wanted) {
    Evidence e;
    e.baseline = e.candidate = 2 * blocks.size();
    const Aligned aligned = align(blocks);
    e.shift = hodgesLehmann(aligned.a, aligned.b);
    const BlockRank test = blockRank(blocks);
    e.pSlow = test.pSlow;
    e.pFast = test.pFast;
    if (wanted == Intervals::kNo) return e;
    e.reported = blockedInterval(blocks, kReportLevel);
    e.unchanged = blockedInterval(blocks, kUnchangedLevel);
    e.mde = minimumDetectableEffect(shiftInterval(aligned.a, aligned.b, kPowerLevel), rules.floor());
    return e;
}

Evidence evidenceOf(std::span<const double> baseline, std::span<const double> candidate, const Rules& rules, Intervals wanted) {
    Evidence e;
    e.baseline = baseline.size();
    e.candidate = candidate.size();
    e.shift = hodgesLehmann(baseline, candidate);
    const MannWhitney test = mannWhitney(baseline, candidate);
    e.pSlow = test.pGreater;
    e.pFast = test.pLess;
    if (wanted == Intervals::kNo) return e;
    e.reported = shiftInterval(baseline, candidate, kReportLevel);
    e.unchanged = shiftInterval(baseline, candidate, kUnchangedSessionsLevel);
    e.mde = minimumDetectableEffect(shiftInterval(baseline, candidate, kPowerLevel), rules.floor());
    return e;
}

Direction screened(const Evidence& e, const Rules& rules) {
    const double least = std::log1p(rules.screenFloor());
    if (e.pSlow <= kScreenLevel && e.shift >= least) return Direction::kSlower;
    if (e.pFast <= kScreenLevel && e.shift <= -least) return Direction::kFaster;
    return Direction::kNone;
}

Outcome undecided(const Evidence& e, const Rules& rules) {
    const double edge = std::log1p(rules.minEffect);
    return e.unchanged.inside(-edge, edge) ? Outcome::kUnchanged : Outcome::kInconclusive;
}

Outcome confirmed(const Evidence& fresh, Direction direction, std::size_t k, const Rules& rules) {
    const double level = rules.alpha / static_cast<double>(2 * std::max<std::size_t>(k, 1));
    const double least = std::log1p(rules.floor());
    if (direction == Direction::kSlower && fresh.pSlow <= level && fresh.shift >= least) return Outcome::kRegressed;
    if (direction == Direction::kFaster && fresh.pFast <= level && fresh.shift <= -least) return Outcome::kImproved;
    return undecided(fresh, rules);
}

std::vector<bool> benjaminiHochberg(std::span<const double> p, double q) {
    const auto order = ascending(p);
    const auto m = static_cast<double>(p.size());
    std::size_t reject = 0;
    for (std::size_t i = 0; i < order.size(); ++i)
        if (p[order[i]] <= q * static_cast<double>(i + 1) / m) reject = i + 1;
    std::vector<bool> rejected(p.size(), false);
    for (std::size_t i = 0; i < reject; ++i) rejected[order[i]] = true;
    return rejected;
}

std::vector<double> adjustedForDiscoveries(std::span<const double> p) {
    const auto order = ascending(p);
    std::vector<double> adjusted(p.size(), 1.0);
    double least = 1;
    for (std::size_t i = order.size(); i-- > 0;) {
        least = std::min(least, p[order[i]] * static_cast<double>(order.size()) / static_cast<double>(i + 1));
        adjusted[order[i]] = least;
    }
    return adjusted;
}

std::vector<Outcome> decideAtOnce(std::span<const Evidence> all, const Rules& rules) {
    std::vector<double> p;
    p.reserve(all.size());
    for (const Evidence& e : all) p.push_back(e.twoSided());
    const std::vector<bool> found = benjaminiHochberg(p, rules.alpha);
    std::vector<Outcome> outcomes;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool large = std::abs(all[i].shift) >= std::log1p(rules.floor());
        outcomes.push_back(found[i] && large ? changed(all[i].shift) : undecided(all[i], rules));
    }
    return outcomes;
}

}  // namespace ridge::statistics
