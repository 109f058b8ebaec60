// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A program of known shares, recorded: the right functions, in the right shares, under the right callers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "base/file.h"
#include "collector/recorder/perf/perf_events.h"
#include "collector/recorder/record.h"
#include "schemas/sqlite/database.h"

namespace ridge::recorder {
namespace {

class StacksTest : public testing::Test {
protected:
    RecordOptions options(std::vector<std::string> arguments) {
        RecordOptions o;
        o.command = {RIDGE_TEST_BUSY};
        o.command.insert(o.command.end(), arguments.begin(), arguments.end());
        o.output = m_output;
        o.traceCuda = o.traceNvtx = false;
        o.detectPreemption = false;
        o.sampleStacks = true;
        return o;
    }
    double number(const std::string& sql) {
        auto db = Database::openForReading(m_output);
        if (!db.ok()) return -1;
        auto statement = db->prepare(sql);
        EXPECT_TRUE(statement.ok()) << sql;
        if (!statement.ok()) return -1;
        auto row = statement->step();
        return row.ok() && *row ? statement->real(0) : -1;
    }
    TempDir m_dir = std::move(TempDir::create("ridge-stacks")).value();
    std::string m_output = (m_dir.path() / "t.sqlite").string();
};

constexpr const char* kLeaf = "FROM SAMPLING_CALLCHAINS c JOIN StringIds s ON s.id = c.symbol WHERE c.stackDepth = 0 AND s.value = '{}'";

TEST_F(StacksTest, SharesOfTwoFunctions) {
    if (const std::string trouble = perfTrouble(); !trouble.empty()) GTEST_SKIP() << trouble;
    const auto outcome = record(options({"1.5"}));
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->programStatus, 0);
    EXPECT_EQ(number("SELECT count(*) FROM RIDGE_SOURCE WHERE name = 'cpu_stacks' AND state = 'on'"), 1);
    // 1.5 s of CPU time at 997 a second; where the program runs in slices of less than a millisecond there are fewer.
    const double samples = number("SELECT count(*) FROM COMPOSITE_EVENTS");
    EXPECT_GT(samples, 150);
    EXPECT_LT(samples, 2500);
    const double most = number(fmt::format("SELECT count(*) {}", fmt::format(fmt::runtime(kLeaf), "ridgeThreeQuarters")));
    const double least = number(fmt::format("SELECT count(*) {}", fmt::format(fmt::runtime(kLeaf), "ridgeOneQuarter")));
    EXPECT_GT((most + least) / samples, 0.9);
    // Four standard deviations of a share of 3/4 among so many.
    EXPECT_NEAR(most / (most + least), 0.75, 4 * std::sqrt(0.75 * 0.25 / (most + least)));
    // The caller of both, with its C++ name, is one below.
    const double called = number("SELECT count(*) FROM SAMPLING_CALLCHAINS a JOIN SAMPLING_CALLCHAINS b ON b.id = a.id AND b.stackDepth = 1 JOIN StringIds s ON s.id = a.symbol JOIN StringIds t ON t.id = b.symbol "
                                 "WHERE a.stackDepth = 0 AND s.value IN ('ridgeThreeQuarters', 'ridgeOneQuarter') AND t.value = 'busy::caller(double)'");
    EXPECT_GT(called / (most + least), 0.9);
    EXPECT_EQ(number("SELECT count(*) FROM COMPOSITE_EVENTS e JOIN RIDGE_RUN r WHERE e.start < 0 OR e.start > r.durationNs"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM SAMPLING_CALLCHAINS WHERE id NOT IN (SELECT id FROM COMPOSITE_EVENTS)"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM sqlite_master WHERE name = 'RIDGE_LOSS'"), 0);
    EXPECT_EQ(number("SELECT count(DISTINCT globalTid) FROM COMPOSITE_EVENTS"), 1);
}

TEST_F(StacksTest, EveryThreadIsSampledAndCounted) {
    if (const std::string trouble = perfTrouble(); !trouble.empty()) GTEST_SKIP() << trouble;
    RecordOptions o = options({"0.6", "3"});
    o.countHardware = true;
    o.traceSwitches = true;
    const auto outcome = record(o);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(number("SELECT count(*) FROM (SELECT globalTid FROM COMPOSITE_EVENTS GROUP BY globalTid HAVING count(*) > 40)"), 3);
    EXPECT_GE(number("SELECT count(DISTINCT globalTid) FROM SCHED_EVENTS"), 3);
    EXPECT_GT(number("SELECT count(*) FROM SCHED_EVENTS WHERE isSchedIn = 0"), 0);
    EXPECT_GE(number("SELECT count(*) FROM RIDGE_COUNTER WHERE name LIKE 'thread.cpu/%'"), 3);
    // Software counters are there with every kernel; hardware ones or the reason.
    EXPECT_GT(number("SELECT max(value) FROM RIDGE_COUNTER_SAMPLE s JOIN RIDGE_COUNTER c ON c.id = s.counterId WHERE name = 'program.faults.minor'"), 50);
    if (hardwareTrouble(PERF_COUNT_HW_INSTRUCTIONS).empty()) {
        EXPECT_GT(number("SELECT max(value) FROM RIDGE_COUNTER_SAMPLE s JOIN RIDGE_COUNTER c ON c.id = s.counterId WHERE name = 'program.instructions'"), 1e8);
    } else {
        EXPECT_EQ(number("SELECT reason LIKE 'without program.cycles, program.instructions%' FROM RIDGE_SOURCE WHERE name = 'cpu_counters'"), 1);
    }
}

TEST_F(StacksTest, ChildrenOfAShellAreSampledUnderTheirOwnNames) {
    if (const std::string trouble = perfTrouble(); !trouble.empty()) GTEST_SKIP() << trouble;
    RecordOptions o = options({});
    o.command = {"/bin/sh", "-c", std::string(RIDGE_TEST_BUSY) + " 0.3; exit 5"};
    const auto outcome = record(o);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->programStatus, 5);
    EXPECT_GT(number(fmt::format("SELECT count(*) {}", fmt::format(fmt::runtime(kLeaf), "ridgeThreeQuarters"))), 15);
}

TEST_F(StacksTest, WithoutThemTheSourceSaysNotAskedFor) {
    RecordOptions o = options({"0.01"});
    o.sampleStacks = false;
    ASSERT_TRUE(record(o).ok());
    EXPECT_EQ(number("SELECT count(*) FROM RIDGE_SOURCE WHERE name IN ('cpu_stacks', 'cpu_switches', 'cpu_counters') AND state = 'off' AND reason = 'not asked for'"), 3);
}

}  // namespace
}  // namespace ridge::recorder
