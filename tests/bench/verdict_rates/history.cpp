// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A history of runs, judged after every run as CI does: false alerts without a change, and delay after a step of 5 %.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "analyzer/statistics/change_points.h"
#include "analyzer/statistics/ranks.h"
#include "tests/bench/verdict_rates/noise.h"
#include "tests/bench/verdict_rates/tables.h"

namespace ridge::bench {
namespace {

using namespace statistics;  // NOLINT: this file is about nothing else

constexpr std::size_t kWarm = 40, kRuns = 140, kStepAt = 100, kHorizon = 20;

// One point is the ln of the median of one run: session noise, AR(1) between runs, rare bad sessions, a slow walk.
struct Walk {
    std::string_view name;
    double white, ar, phi, outlier, outlierMean, walk;
};
constexpr std::array<Walk, 2> kWalks{{{"quiet", .005, .003, .4, .01, .05, .0003}, {"shared", .015, .010, .4, .03, .12, .0005}}};

double normal(Random& random, double sd) { return std::normal_distribution<double>(0, sd)(random); }
double spike(Random& random, const Walk& w) {
    return std::bernoulli_distribution(w.outlier)(random) ? std::exponential_distribution<double>(1 / w.outlierMean)(random) : 0;
}

struct Series {
    std::vector<double> points, level;
};
Series series(Random& random, const Walk& w, double effect) {
    Series s;
    double ar = normal(random, w.ar), level = 0;
    for (std::size_t i = 0; i < kRuns; ++i) {
        ar = w.phi * ar + normal(random, w.ar * std::sqrt(1 - w.phi * w.phi));
        level += normal(random, w.walk);
        s.level.push_back(level + (i >= kStepAt ? std::log1p(effect) : 0));
        s.points.push_back(s.level.back() + ar + normal(random, w.white) + spike(random, w));
    }
    return s;
}

using Rule = std::function<bool(Random&, const Walk&, const Series&, std::size_t)>;

bool scanned(Random&, const Walk&, const Series& s, std::size_t t) {
    const auto scan = rankScan(std::span<const double>(s.points).first(t + 1));
    return scan && scan->change && scan->worse;
}
bool gated(Random&, const Walk&, const Series& s, std::size_t t) { return gate(std::span<const double>(s.points).first(t), s.points[t])->suspect; }
bool gatedAndConfirmed(Random& random, const Walk& w, const Series& s, std::size_t t) {
    if (!gated(random, w, s, t)) return false;
    std::vector<double> fresh;
    for (std::size_t i = 0; i < kFreshSessions; ++i) fresh.push_back(s.level[t] + normal(random, std::hypot(w.white, w.ar)) + spike(random, w));
    return freshTest(std::span<const double>(s.points).first(t), fresh, 0.01).confirmed;
}

void row(std::string_view name, const Walk& walk, const Rule& rule, int histories, std::uint64_t seed) {
    Random random(seed);
    int episodes = 0, touched = 0, within10 = 0, within20 = 0;
    std::vector<double> delays;
    for (int h = 0; h < histories; ++h) {
        const Series still = series(random, walk, 0);
        bool before = false, any = false;
        for (std::size_t t = kWarm; t < kRuns; ++t) {
            const bool alert = rule(random, walk, still, t);
            episodes += alert && !before ? 1 : 0;
            any = any || alert;
            before = alert;
        }
        touched += any ? 1 : 0;
        const Series step = series(random, walk, 0.05);
        double delay = INFINITY;
        for (std::size_t t = kStepAt; t < kStepAt + kHorizon && std::isinf(delay); ++t)
            if (rule(random, walk, step, t)) delay = static_cast<double>(t - kStepAt + 1);
        within10 += delay <= 10 ? 1 : 0;
        within20 += delay <= 20 ? 1 : 0;
        delays.push_back(delay);
    }
    std::sort(delays.begin(), delays.end());
    const double middle = delays[(delays.size() - 1) / 2];
    fmt::print("| {} | {} | {:.3f} | {:.1f} % | {:.0f} / {:.0f} % | {} |\n", name, walk.name, static_cast<double>(episodes) / histories, 100.0 * touched / histories,
               100.0 * within10 / histories, 100.0 * within20 / histories, std::isinf(middle) ? "-" : fmt::format("{:.0f}", middle));
    std::fflush(stdout);
}

void criticalValues(Random& random, double scale) {
    const auto rounds = static_cast<std::size_t>(2e6 * scale);
    fmt::print("\n## Critical values of the rank scan from {} permutations, beside those in the code\n\n| n | 1e-3 | in the code | 1e-4 | in the code |\n|---|---|---|---|---|\n", rounds);
    for (const std::size_t n : {20U, 24U, 28U, 32U, 36U, 40U, 50U}) {
        std::vector<double> points(n), largest;
        for (std::size_t i = 0; i < n; ++i) points[i] = static_cast<double>(i);
        largest.reserve(rounds);
        for (std::size_t i = 0; i < rounds; ++i) {
            std::shuffle(points.begin(), points.end(), random);
            largest.push_back(largestZ(points));
        }
        std::sort(largest.begin(), largest.end());
        const auto at = [&](double tail) { return largest[largest.size() - 1 - static_cast<std::size_t>(tail * static_cast<double>(rounds))]; };
        fmt::print("| {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |\n", n, at(1e-3), scanCritical(n, false), at(1e-4), scanCritical(n));
        std::fflush(stdout);
    }
}

}  // namespace

void history(std::uint64_t seed, double scale) {
    const int histories = static_cast<int>(1000 * scale);
    fmt::print("\n## Histories, judged after every run ({} of 100 runs each)\n\n", histories);
    fmt::print("| rule | noise | false alerts per 100 runs | histories with any | +5 % found within 10 / 20 runs | median delay, runs |\n|---|---|---|---|---|---|\n");
    for (const Walk& walk : kWalks) {
        row("gate alone: a warning", walk, gated, histories, seed);
        row("**gate, then 5 fresh sessions: U p <= .01, HL >= 3 %**", walk, gatedAndConfirmed, histories, seed + 1);
        row("**rank scan, 1e-4, floor 2.5 %**", walk, scanned, histories, seed + 2);
    }
    Random random(seed + 3);
    criticalValues(random, scale);
}

}  // namespace ridge::bench
