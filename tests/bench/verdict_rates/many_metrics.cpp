// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Whole jobs: ridge ab with 50 metrics (screen, confirm, four verdicts), and stored runs by session.
#include <fmt/format.h>

#include <cmath>

#include "analyzer/statistics/decision.h"
#include "analyzer/statistics/effect.h"
#include "tests/bench/verdict_rates/noise.h"
#include "tests/bench/verdict_rates/tables.h"

namespace ridge::bench {
namespace {

using namespace statistics;  // NOLINT: this file is about nothing else

constexpr std::size_t kMetrics = 50;
constexpr double kEffect = 0.05;
constexpr int kNullJobs = 5;  // jobs without a change for one with: their rate is the smaller one
const Rules kRules;

// What one job says. The first metric may be slower.
struct Job {
    bool accused = false;                        // a metric that did not change is called regressed or improved
    Outcome ofFirst = Outcome::kInconclusive;    // with intervals wanted
    double mde = 0;                              // of the first, where it is inconclusive
};

bool changed(Outcome o) { return o == Outcome::kRegressed || o == Outcome::kImproved; }

// Intervals are costly and say nothing about what was found: they come only when the first metric was not.
void undecidedFirst(Job& job, std::span<const Block> runs, Direction suspected) {
    const Evidence e = evidenceOf(runs, kRules);
    job.ofFirst = suspected == Direction::kNone ? undecided(e, kRules) : confirmed(e, suspected, kMetrics, kRules);
    job.mde = e.mde.value_or(INFINITY);
}

Job screenAndConfirm(Random& random, const Profile& profile, std::size_t blocks, double effect, Intervals intervals) {
    std::vector<Direction> directions;
    std::vector<Block> first;
    std::size_t found = 0;
    for (std::size_t m = 0; m < kMetrics; ++m) {
        const auto runs = randomBlocks(random, profile, blocks, m == 0 ? effect : 0);
        if (m == 0) first = runs;
        directions.push_back(screened(evidenceOf(runs, kRules, Intervals::kNo), kRules));
        found += directions.back() != Direction::kNone ? 1 : 0;
    }
    Job job;
    for (std::size_t m = 0; m < kMetrics; ++m) {
        if (directions[m] == Direction::kNone) continue;
        const auto fresh = randomBlocks(random, profile, kConfirmBlocks, m == 0 ? effect : 0);
        if (m == 0) first = fresh;
        const Outcome outcome = confirmed(evidenceOf(fresh, kRules, Intervals::kNo), directions[m], found, kRules);
        if (m == 0) job.ofFirst = outcome;
        job.accused = job.accused || (changed(outcome) && (m > 0 || effect == 0));
    }
    if (intervals == Intervals::kYes && !changed(job.ofFirst)) undecidedFirst(job, first, directions.front());
    return job;
}

Job atOnce(Random& random, const Profile& profile, std::size_t blocks, double effect, Intervals intervals) {
    std::vector<Evidence> all;
    std::vector<Block> first;
    for (std::size_t m = 0; m < kMetrics; ++m) {
        const auto runs = randomBlocks(random, profile, blocks, m == 0 ? effect : 0);
        if (m == 0) first = runs;
        all.push_back(evidenceOf(runs, kRules, Intervals::kNo));
    }
    const auto outcomes = decideAtOnce(all, kRules);
    Job job;
    job.ofFirst = outcomes.front();
    for (std::size_t m = effect == 0 ? 0 : 1; m < kMetrics; ++m) job.accused = job.accused || changed(outcomes[m]);
    if (intervals == Intervals::kYes && !changed(job.ofFirst)) undecidedFirst(job, first, Direction::kNone);
    return job;
}

template <typename Rule>
void row(std::string_view name, const Profile& profile, std::size_t blocks, int jobs, Rule rule, Random& random) {
    int alarms = 0, unchanged = 0;
    std::array<int, 4> outcomes{};
    std::vector<double> mde;
    const int nothing = kNullJobs * jobs;
    for (int i = 0; i < nothing; ++i) {
        const Job job = rule(random, profile, blocks, 0.0, i < jobs ? Intervals::kYes : Intervals::kNo);
        alarms += job.accused ? 1 : 0;
        unchanged += i < jobs && job.ofFirst == Outcome::kUnchanged ? 1 : 0;
    }
    for (int i = 0; i < jobs; ++i) {
        const Job job = rule(random, profile, blocks, kEffect, Intervals::kYes);
        ++outcomes[static_cast<std::size_t>(job.ofFirst)];
        if (job.ofFirst == Outcome::kInconclusive) mde.push_back(job.mde);
    }
    fmt::print("| {} | {} | {} | {:.2f} ({} of {}) | {:.1f} | {:.1f} | {:.1f} | {:.2f} ({}) | {} |\n", name, profile.name, 2 * blocks, 100.0 * alarms / nothing, alarms, nothing, 100.0 * unchanged / jobs,
               100.0 * outcomes[0] / jobs, 100.0 * outcomes[3] / jobs, 100.0 * outcomes[2] / jobs, outcomes[2], mde.empty() ? "-" : fmt::format("{:.1f} %", 100 * median(mde)));
    std::fflush(stdout);
}

double sessionMedian(Random& random, const Profile& profile, double effect) { return median(freshSession(random, profile, 5)) + std::log1p(effect); }

void storedRuns(Random& random, double scale) {
    const int rounds = static_cast<int>(8000 * scale);
    fmt::print("\n## Stored runs, unit = session median of 5 fresh processes, U p <= .01 and HL >= 3 %: false alarms % / found at +5 % ({} per figure)\n\n", rounds);
    fmt::print("| baseline x candidate sessions | quiet | shared | hostile |\n|---|---|---|---|\n");
    constexpr std::array<std::pair<std::size_t, std::size_t>, 5> kSizes{{{1, 1}, {5, 5}, {20, 3}, {20, 5}, {20, 8}}};
    for (const auto& [base, candidate] : kSizes) {
        fmt::print("| {} x {}{} |", base, candidate, base == 1 ? ", ratio > 3 %" : "");
        for (const Profile& profile : kProfiles) {
            std::array<int, 2> hits{};
            for (int i = 0; i < rounds; ++i)
                for (std::size_t e = 0; e < 2; ++e) {
                    std::vector<double> a, b;
                    for (std::size_t k = 0; k < base; ++k) a.push_back(sessionMedian(random, profile, 0));
                    for (std::size_t k = 0; k < candidate; ++k) b.push_back(sessionMedian(random, profile, e == 0 ? 0 : kEffect));
                    const Evidence evidence = evidenceOf(a, b, kRules, Intervals::kNo);
                    const bool sure = base == 1 || evidence.pSlow <= 0.01;
                    hits[e] += sure && evidence.shift >= std::log1p(kRules.floor()) ? 1 : 0;
                }
            fmt::print(" {:.1f} / {:.0f} |", 100.0 * hits[0] / rounds, 100.0 * hits[1] / rounds);
        }
        fmt::print("\n");
        std::fflush(stdout);
    }
}

}  // namespace

void manyMetrics(std::uint64_t seed, double scale) {
    Random random(seed);
    const int jobs = static_cast<int>(1000 * scale);
    fmt::print("\n## Jobs of {} metrics in random blocks; false alarm: any metric called regressed or improved with nothing changed; +5 % on one metric\n\n", kMetrics);
    fmt::print("| rule | noise | n | false alarms, % of jobs | nothing changed: unchanged | +5 %: regressed | inconclusive | unchanged | MDE of the inconclusive |\n|---|---|---|---|---|---|---|---|---|\n");
    for (const Profile& profile : kProfiles)
        for (const std::size_t blocks : {std::size_t{5}, std::size_t{10}}) row("**screen, then confirm**", profile, blocks, jobs, screenAndConfirm, random);
    for (const Profile& profile : kProfiles)
        for (const std::size_t blocks : {std::size_t{5}, std::size_t{10}}) row("at once (--no-confirm)", profile, blocks, jobs, atOnce, random);
    storedRuns(random, scale);
}

}  // namespace ridge::bench
