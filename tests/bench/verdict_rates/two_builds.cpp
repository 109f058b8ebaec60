// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// One metric, two builds: how often each rule accuses when nothing changed, and finds +5 %.
#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "analyzer/statistics/decision.h"
#include "analyzer/statistics/effect.h"
#include "analyzer/statistics/mann_whitney.h"
#include "tests/bench/verdict_rates/noise.h"
#include "tests/bench/verdict_rates/tables.h"

namespace ridge::bench {
namespace {

using namespace statistics;  // NOLINT: this file is about nothing else

constexpr std::array<std::size_t, 4> kRuns{6, 10, 20, 30};
constexpr double kEffect = 0.05;
const double kFloor = std::log(1.03);

void row(std::string_view rule, std::string_view design, const std::function<bool(std::size_t, double)>& accuses, int rounds) {
    fmt::print("| {} | {} |", rule, design);
    for (const std::size_t n : kRuns) {
        int wrong = 0, found = 0;
        for (int i = 0; i < rounds; ++i) {
            wrong += accuses(n, 0) ? 1 : 0;
            found += accuses(n, kEffect) ? 1 : 0;
        }
        fmt::print(" {:.1f} / {:.0f} |", 100.0 * wrong / rounds, 100.0 * found / rounds);
    }
    fmt::print("\n");
}

}  // namespace

void twoBuilds(std::uint64_t seed, double scale) {
    const int rounds = static_cast<int>(3000 * scale);
    Random random(seed);
    fmt::print("\n## Two builds, one metric: false alarms % / found at +5 % ({} comparisons per figure)\n", rounds);
    for (const Profile& profile : kProfiles) {
        fmt::print("\n### {}\n\n| rule | design | n=6 | n=10 | n=20 | n=30 |\n|---|---|---|---|---|---|\n", profile.name);
        row("ratio of medians > 1.05", "stored", [&](std::size_t n, double effect) {
            const Sides s = sides(random, profile, Design::kStored, n, effect);
            return median(s.b) - median(s.a) > std::log1p(kEffect);
        }, rounds);
        constexpr std::array<std::pair<Design, std::string_view>, 3> kDesigns{{{Design::kStored, "stored"}, {Design::kInProcess, "in-process"}, {Design::kOneAfterTheOther, "A then B, fresh processes"}}};
        for (const auto& [design, text] : kDesigns)
            row("U p < .05 two-sided (compare.py)", text, [&, d = design](std::size_t n, double effect) {
                const Sides s = sides(random, profile, d, n, effect);
                return mannWhitney(s.a, s.b).pGreater < 0.025;
            }, rounds);
        row("U p <= .005, HL >= 3 %", "random blocks", [&](std::size_t n, double effect) {
            Sides s;
            for (const Block& b : randomBlocks(random, profile, n / 2, effect)) {
                s.a.insert(s.a.end(), b.a.begin(), b.a.end());
                s.b.insert(s.b.end(), b.b.begin(), b.b.end());
            }
            return mannWhitney(s.a, s.b).pGreater <= 0.005 && hodgesLehmann(s.a, s.b) >= kFloor;
        }, rounds);
        row("**block rank p <= .005, HL >= 3 %**", "random blocks", [&](std::size_t n, double effect) {
            const auto blocks = randomBlocks(random, profile, n / 2, effect);
            return blockRank(blocks).pSlow <= 0.005 && blockedShift(blocks) >= kFloor;
        }, rounds);
        for (const Design design : {Design::kOneAfterTheOther, Design::kStored})
            row("the same rule, misused", design == Design::kStored ? "stored" : "A then B, fresh processes", [&](std::size_t n, double effect) {
                const Sides s = sides(random, profile, design, n, effect);
                std::vector<Block> blocks;
                for (std::size_t i = 0; i + 1 < n; i += 2) blocks.push_back({{s.a[i], s.a[i + 1]}, {s.b[i], s.b[i + 1]}});
                return blockRank(blocks).pSlow <= 0.005 && blockedShift(blocks) >= kFloor;
            }, rounds);
        std::fflush(stdout);
    }
}

}  // namespace ridge::bench
