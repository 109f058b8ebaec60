// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// From samples to verdicts: what is the unit, what is refused, what is put aside.
#include "analyzer/regression/judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analyzer/regression/sessions.h"
#include "tests/unit/regression/runs.h"

namespace ridge::analyzer::test {
namespace {

using statistics::Outcome;

const JudgeOptions kOptions;

std::vector<double> around(std::size_t n, double level) {
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i) values.push_back(level * (1 + 0.001 * static_cast<double>((i * 3) % 7)));
    return values;
}

TEST(Sessions, medianOfTheProcessesMedians) {
    StoredRun run = runOf("s", {});
    RunMetric& metric = run.run.benchmarks[0].metrics[0];
    for (const auto& [process, value, valid] : {std::tuple(0, 10.0, true), std::tuple(0, 12.0, true), std::tuple(0, 99.0, true), std::tuple(1, 20.0, true), std::tuple(2, 30.0, true), std::tuple(2, 1.0, false)}) {
        RunSample sample;
        sample.process = process;
        sample.value = value;
        sample.valid = valid;
        metric.samples.push_back(sample);
    }
    EXPECT_EQ(sessionMedians({run}, "step", "time"), (std::vector<double>{20})) << "of 12, 20 and 30";
    EXPECT_TRUE(sessionMedians({run}, "step", "other").empty());
}

TEST(Sessions, ranksOfOneSessionAreOneValue) {
    const std::vector<StoredRun> runs{runOf("s", {10}), runOf("s", {14}), runOf("t", {20})};
    EXPECT_EQ(sessionMedians(runs, "step", "time"), (std::vector<double>{12, 20}));
}

TEST(Sessions, passesOfOneInvocationAreReadBackAsSessions) {
    StoredRun run = runOf("r", {1, 2, 3, 4});
    EXPECT_EQ(sessionsWithin(run).size(), 1U);
    for (std::size_t i = 0; i < 4; ++i) run.run.benchmarks[0].metrics[0].samples[i].block = static_cast<std::int64_t>(i / 2);
    run.run.labels["sessions"] = "2";
    const auto sessions = everySession({run, runOf("other", {7})});
    ASSERT_EQ(sessions.size(), 3U);
    EXPECT_EQ(sessions[0].run.sessionId, "r#1");
    EXPECT_EQ(sessions[2].run.sessionId, "other");
    EXPECT_EQ(sessionMedians(sessions, "step", "time"), (std::vector<double>{1.5, 3.5, 7}));
    run.run.labels["sessions"] = "many";
    EXPECT_EQ(sessionsWithin(run).size(), 1U) << "a label that is no number";
}

TEST(Costs, worseIsAlwaysPositive) {
    EXPECT_NEAR(*costOf(2, "lower") - *costOf(1, "lower"), std::log(2), 1e-15);
    EXPECT_NEAR(*costOf(1, "higher") - *costOf(2, "higher"), std::log(2), 1e-15);
    EXPECT_FALSE(costOf(0, "lower"));
    EXPECT_FALSE(costOf(-1, "lower"));
    EXPECT_FALSE(costOf(INFINITY, "lower"));
    EXPECT_NEAR(valueOf(*costOf(7, "higher"), "higher"), 7, 1e-12);
}

TEST(Stored, regressedImprovedUnchanged) {
    const auto base = sessions("a", around(20, 100)), slow = sessions("b", around(5, 108)), same = sessions("c", around(8, 100.2));
    const Verdicts worse = judgeStored(base, slow, kOptions);
    ASSERT_EQ(worse.results.size(), 1U);
    EXPECT_EQ(worse.results[0].outcome, Outcome::kRegressed);
    EXPECT_NEAR(*worse.results[0].ratio, 1.08, 0.01);
    EXPECT_NEAR(*worse.results[0].p, 2.0 / 53130, 1e-9);
    EXPECT_EQ(worse.overall(), Outcome::kRegressed);
    EXPECT_EQ(judgeStored(slow, base, kOptions).results[0].outcome, Outcome::kImproved);
    EXPECT_EQ(judgeStored(base, same, kOptions).results[0].outcome, Outcome::kUnchanged);
}

TEST(Stored, tooFewSessionsForSoManyMetricsIsSaid) {
    const auto noted = [](std::size_t sessionsOfBaseline, std::size_t metrics) {
        std::vector<StoredRun> base = sessions("a", std::vector<double>(sessionsOfBaseline, 100)), slow = sessions("b", std::vector<double>(5, 200));
        for (auto* side : {&base, &slow})
            for (StoredRun& r : *side)
                for (std::size_t i = 1; i < metrics; ++i) {
                    RunMetric other = r.run.benchmarks[0].metrics[0];
                    other.name = "other" + std::to_string(i);
                    r.run.benchmarks[0].metrics.push_back(other);
                }
        const Verdicts v = judgeStored(base, slow, {});
        return std::any_of(v.notes.begin(), v.notes.end(), [](const std::string& n) { return n.find("cannot accuse one of") != std::string::npos; });
    };
    EXPECT_FALSE(noted(5, 1)) << "2 / 252 is 0.8 %";
    EXPECT_TRUE(noted(5, 2));
    EXPECT_FALSE(noted(20, 50));
}

TEST(Stored, ofRatesLessIsWorse) {
    const auto base = sessions("a", around(8, 100), "higher"), slow = sessions("b", around(8, 90), "higher");
    const MetricVerdict v = judgeStored(base, slow, kOptions).results.at(0);
    EXPECT_EQ(v.outcome, Outcome::kRegressed);
    EXPECT_NEAR(*v.ratio, 0.9, 0.01);
    EXPECT_LT(*v.ciLow, *v.ratio);
    EXPECT_GT(*v.ciHigh, *v.ratio);
    EXPECT_LT(*v.ciHigh, 1);
}

TEST(Stored, fewSessionsDecideNothing) {
    const MetricVerdict v = judgeStored(sessions("a", around(20, 100)), sessions("b", around(4, 300)), kOptions).results.at(0);
    EXPECT_EQ(v.outcome, Outcome::kInconclusive);
    EXPECT_NE(v.reason.find("only 4 sessions"), std::string::npos);
    EXPECT_FALSE(v.pAdjusted);
}

TEST(Stored, otherEnvironmentsAreRefusedUnlessAllowed) {
    auto base = sessions("a", around(5, 100)), other = sessions("b", around(5, 100));
    for (StoredRun& r : other) r.run.keyFields = {{"cpu.model", "y"}, {"gpu", "1"}}, r.run.recorded["host"] = "h";
    const Verdicts refused = judgeStored(base, other, kOptions);
    EXPECT_FALSE(refused.comparable());
    EXPECT_TRUE(refused.results.empty());
    ASSERT_EQ(refused.mismatches.size(), 3U);
    EXPECT_EQ(refused.mismatches[0].field, "cpu.model");
    JudgeOptions options;
    options.allowedMismatches = {"cpu.model"};
    EXPECT_FALSE(judgeStored(base, other, options).comparable());
    options.allowedMismatches.push_back("gpu");
    EXPECT_TRUE(judgeStored(base, other, options).comparable());
    EXPECT_TRUE(judgeStored(base, other, {{}, {"*"}}).comparable());
    for (StoredRun& r : other) r.run.keyFields = base[0].run.keyFields;
    EXPECT_TRUE(judgeStored(base, other, kOptions).comparable()) << "a recorded field is only told";
}

TEST(Stored, valuesWithoutALogarithm) {
    const auto zeros = sessions("a", std::vector<double>(5, 0.0)), mixed = sessions("b", {0, 1, 2, 3, 4});
    EXPECT_EQ(judgeStored(zeros, zeros, kOptions).results[0].outcome, Outcome::kUnchanged);
    const MetricVerdict v = judgeStored(zeros, mixed, kOptions).results[0];
    EXPECT_EQ(v.outcome, Outcome::kInconclusive);
    EXPECT_FALSE(v.ratio);
    EXPECT_FALSE(v.reason.empty());
}

TEST(Stored, missingAddedFailed) {
    auto base = sessions("a", around(5, 100)), other = base;
    for (StoredRun& r : other) {
        r.run.benchmarks[0].metrics[0].name = "latency";
        r.run.benchmarks.push_back({"new", "t", "new", {}, "error", "it broke", {}});
    }
    const Verdicts v = judgeStored(base, other, kOptions);
    EXPECT_EQ(v.missing, (std::vector<std::string>{"step time"}));
    EXPECT_EQ(v.added, (std::vector<std::string>{"step latency"}));
    EXPECT_EQ(v.failed, (std::vector<std::string>{"new: it broke"}));
    EXPECT_EQ(v.overall(), Outcome::kInconclusive) << "nothing was judged";
}

TEST(Stored, aUnitThatChangedIsNotCompared) {
    const auto base = sessions("a", around(8, 100));
    auto other = sessions("b", around(8, 0.2));
    for (StoredRun& r : other) r.run.benchmarks[0].metrics[0].unit = "s";
    const MetricVerdict v = judgeStored(base, other, kOptions).results[0];
    EXPECT_EQ(v.outcome, Outcome::kInconclusive);
    EXPECT_NE(v.reason.find("unit"), std::string::npos);
}

BlockedMetric blocked(std::size_t blocks, double a, double b, const std::string& direction = "lower") {
    BlockedMetric m{"command", "time", "ns", direction, {}};
    for (std::size_t i = 0; i < blocks; ++i) {
        const double wobble = 1 + 0.002 * static_cast<double>((i * 5) % 7);
        m.blocks.push_back({{a * wobble, a * wobble * 1.003}, {b * wobble * 1.001, b * wobble * 1.002}});
    }
    return m;
}

TEST(Blocks, confirmationIsOnFreshDataAlone) {
    BlockedJob job;
    job.screen = {blocked(5, 100, 110)};
    EXPECT_EQ(flagged(job.screen, {}), (std::vector<std::size_t>{0}));
    job.confirm = std::vector<BlockedMetric>{blocked(10, 100, 110)};
    EXPECT_EQ(judgeBlocks(job, {})[0].outcome, Outcome::kRegressed);
    EXPECT_TRUE(judgeBlocks(job, {})[0].confirmed);
    job.confirm = std::vector<BlockedMetric>{blocked(10, 100, 100.1)};
    EXPECT_EQ(judgeBlocks(job, {})[0].outcome, Outcome::kUnchanged) << "the screen's ratio does not count";
    EXPECT_FALSE(judgeBlocks(job, {})[0].confirmed);
    job.confirm = std::vector<BlockedMetric>{{"command", "time", "ns", "lower", {}}};
    EXPECT_EQ(judgeBlocks(job, {})[0].outcome, Outcome::kInconclusive) << "cut off before the fresh blocks";
    job.confirm = std::vector<BlockedMetric>{blocked(10, 110, 100)};
    EXPECT_EQ(judgeBlocks(job, {})[0].outcome, Outcome::kInconclusive) << "faster is not what was suspected";
}

TEST(Blocks, withoutConfirmationEveryMetricCounts) {
    BlockedJob job;
    job.screen = {blocked(5, 100, 110), blocked(5, 100, 100)};
    auto results = judgeBlocks(job, {});
    EXPECT_EQ(results[0].outcome, Outcome::kRegressed);
    EXPECT_EQ(results[1].outcome, Outcome::kUnchanged);
    job.screen.resize(1);
    for (int i = 0; i < 60; ++i) job.screen.push_back(blocked(5, 100, 100));
    EXPECT_EQ(judgeBlocks(job, {})[0].outcome, Outcome::kInconclusive) << "2 x 6^-5 is more than .01 / 61";
}

TEST(Blocks, tooFewAndTheSameCode) {
    BlockedJob job;
    job.screen = {blocked(2, 100, 200)};
    EXPECT_EQ(judgeBlocks(job, {})[0].outcome, Outcome::kInconclusive);
    BlockedMetric noisy = blocked(3, 100, 100);
    noisy.blocks[0].a[0] = 140;
    job.screen = {noisy};
    job.confirm = std::vector<BlockedMetric>{{"command", "time", "ns", "lower", {}}};
    EXPECT_EQ(judgeBlocks(job, {})[0].outcome, Outcome::kInconclusive);
    job.identical = true;
    EXPECT_EQ(judgeBlocks(job, {})[0].outcome, Outcome::kUnchanged);
    job.screen = {blocked(5, 100, 110)};
    job.confirm = std::vector<BlockedMetric>{blocked(10, 100, 110)};
    EXPECT_EQ(judgeBlocks(job, {})[0].outcome, Outcome::kRegressed) << "knowing that it is the same hides no accusation";
}

TEST(Verdicts, sortedForReaders) {
    std::vector<MetricVerdict> all(4);
    all[0].outcome = Outcome::kUnchanged;
    all[1].outcome = Outcome::kInconclusive;
    all[2].outcome = Outcome::kRegressed, all[2].ratio = 1.05;
    all[3].outcome = Outcome::kRegressed, all[3].ratio = 0.5;
    sortResults(all);
    EXPECT_EQ(*all[0].ratio, 0.5);
    EXPECT_EQ(all[3].outcome, Outcome::kUnchanged);
}

}  // namespace
}  // namespace ridge::analyzer::test
