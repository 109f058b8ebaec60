// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/runner.h"

#include <gtest/gtest.h>

namespace ridge::workloads {
namespace {

// Counts what the harness does with it.
struct Calls {
    int created = 0, prepared = 0, checked = 0, finished = 0;
    std::vector<std::uint64_t> steps;
};

class Counting : public Workload {
public:
    Counting(Calls& calls, Status prepared, bool checkPasses)
        : m_calls(calls), m_prepared(std::move(prepared)), m_checkPasses(checkPasses) {
        ++m_calls.created;
    }
    Status prepare() override {
        ++m_calls.prepared;
        return m_prepared;
    }
    CheckResult check() override {
        ++m_calls.checked;
        return {m_checkPasses, "one against two"};
    }
    void step(std::uint64_t index) override { m_calls.steps.push_back(index); }
    CheckResult finish() override {
        ++m_calls.finished;
        return {true, {}};
    }
    std::vector<Metric> report(const Timing& timing) override {
        return {{"steps", static_cast<double>(timing.steps), "1", Metric::Direction::kNone}};
    }

private:
    Calls& m_calls;
    Status m_prepared;
    bool m_checkPasses;
};

WorkloadSpec countingSpec(Calls& calls, Status prepared, bool checkPasses) {
    WorkloadSpec spec;
    spec.name = "test/counting";
    spec.warmupSteps = 2;
    spec.create = [&calls, prepared, checkPasses] {
        return std::make_unique<Counting>(calls, prepared, checkPasses);
    };
    return spec;
}

TEST(Variant, PreparesChecksAndWarmsUpOnceHoweverOftenItIsRun) {
    Calls calls;
    const WorkloadSpec spec = countingSpec(calls, {}, true);
    Variant variant(spec, nullptr);
    for (int run = 0; run < 3; ++run) {
        ASSERT_EQ(variant.makeReady(), Readiness::kReady);
        variant.warmUp();
        std::vector<double> seconds{variant.timedStep(), variant.timedStep()};
        const workloads::Run result = variant.conclude(std::move(seconds));
        ASSERT_EQ(result.metrics.size(), 1U);
        EXPECT_EQ(result.metrics[0].value, 2);
    }
    EXPECT_EQ(calls.created, 1);
    EXPECT_EQ(calls.prepared, 1);
    EXPECT_EQ(calls.checked, 1);
    EXPECT_EQ(calls.finished, 3);
    EXPECT_EQ(calls.steps, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
}

// A library that refuses a call takes no time for it: nothing is reported, and what ranks compare afterwards is not begun.
TEST(Variant, AFailedCallInAStepVoidsTheTimes) {
    class Refused final : public Counting {
    public:
        using Counting::Counting;
        Status status() const override { return Error{ErrorCode::kMeasurement, "out of memory"}; }
    };
    Calls calls;
    WorkloadSpec spec = countingSpec(calls, {}, true);
    spec.create = [&calls] { return std::make_unique<Refused>(calls, Status(), true); };
    Variant variant(spec, nullptr);
    ASSERT_EQ(variant.makeReady(), Readiness::kReady);
    variant.warmUp();
    const ridge::workloads::Run run = variant.conclude({variant.timedStep()});
    EXPECT_FALSE(run.finish.passed);
    EXPECT_EQ(run.finish.detail, "out of memory");
    EXPECT_TRUE(run.metrics.empty());
    EXPECT_EQ(calls.finished, 0);
}

TEST(Variant, AFailingCheckIsAFailureAndNothingIsTimed) {
    Calls calls;
    const WorkloadSpec spec = countingSpec(calls, {}, false);
    Variant variant(spec, nullptr);
    EXPECT_EQ(variant.makeReady(), Readiness::kFailed);
    EXPECT_EQ(variant.text(), "check failed: one against two");
    EXPECT_TRUE(calls.steps.empty());
}

TEST(Variant, UnsupportedIsSkippedAndAnyOtherErrorFails) {
    Calls calls;
    const WorkloadSpec unsupported =
        countingSpec(calls, Error{ErrorCode::kUnsupported, "no such unit"}, true);
    const WorkloadSpec broken = countingSpec(calls, Error{ErrorCode::kIo, "disk full"}, true);
    Variant first(unsupported, nullptr);
    Variant second(broken, nullptr);
    EXPECT_EQ(first.makeReady(), Readiness::kSkipped);
    EXPECT_EQ(first.text(), "no such unit");
    EXPECT_EQ(second.makeReady(), Readiness::kFailed);
    EXPECT_EQ(calls.checked, 0);
}

TEST(Variant, TooFewRanksAreSkippedWithTheWayToStart) {
    Calls calls;
    WorkloadSpec spec = countingSpec(calls, {}, true);
    spec.ranks = 2;
    Variant variant(spec, nullptr);
    EXPECT_EQ(variant.makeReady(), Readiness::kSkipped);
    EXPECT_EQ(variant.text(), "needs 2 ranks: start with mpirun -n 2");
    EXPECT_EQ(calls.created, 0);
}

TEST(ExitCode, FailureOutranksSkipAndSkipCountsOnlyWhenNothingRan) {
    EXPECT_EQ(exitCodeOf({1, 0, 0}), 0);
    EXPECT_EQ(exitCodeOf({1, 3, 0}), 0);
    EXPECT_EQ(exitCodeOf({0, 2, 0}), 77);
    EXPECT_EQ(exitCodeOf({5, 2, 1}), 4);
}

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
    EXPECT_EQ(quantile({}, 0.5), 0);
    EXPECT_EQ(quantile({3}, 0.9), 3);
    EXPECT_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
    EXPECT_EQ(quantile({4, 1, 3, 2}, 0), 1);
    EXPECT_EQ(quantile({4, 1, 3, 2}, 1), 4);
}

}  // namespace
}  // namespace ridge::workloads
