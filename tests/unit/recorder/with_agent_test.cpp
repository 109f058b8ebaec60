// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Recorder and agent together, on a real program.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/file.h"
#include "collector/recorder/record.h"
#include "schemas/sqlite/database.h"

namespace ridge::recorder {
namespace {

class WithAgent : public testing::Test {
protected:
    RecordOptions options(const std::string& ranges, const std::string& forks = "0") {
        RecordOptions o;
        o.command = {RIDGE_TEST_CHILD, m_counts, ranges, forks};
        o.output = m_output;
        o.force = true;
        o.traceCuda = false;
        o.agentLibDir = RIDGE_TEST_AGENT_DIR;
        return o;
    }
    std::int64_t number(const std::string& sql) {
        auto db = Database::openForReading(m_output);
        EXPECT_TRUE(db.ok());
        if (!db.ok()) return -1;
        auto statement = db->prepare(sql);
        EXPECT_TRUE(statement.ok()) << sql;
        if (!statement.ok()) return -1;
        auto row = statement->step();
        return row.ok() && *row ? statement->integer(0) : -1;
    }
    std::uint64_t counted(int which) const {
        std::uint64_t values[2] = {};
        std::ifstream(m_counts, std::ios::binary).read(reinterpret_cast<char*>(values), sizeof values);
        return values[which];
    }
    TempDir m_dir = std::move(TempDir::create("ridge-agent")).value();
    std::string m_counts = (m_dir.path() / "counts").string();
    std::string m_output = (m_dir.path() / "t.sqlite").string();
};

// In both the program is process 1 or so, which is another one here, and never ends.
TEST_F(WithAgent, ProcessesOfTwoPidNamespacesAreTwoAndEnd) {
    if (std::system("unshare -rpf true 2> /dev/null") != 0)
        GTEST_SKIP() << "this machine gives us no pid namespace";
    RecordOptions o = options("0");
    const std::string child = std::string("unshare -rpf ") + RIDGE_TEST_CHILD + " " + m_counts;
    o.command = {"/bin/sh", "-c", child + " 1000 0 & " + child + "2 60 0; wait"};
    o.waitAll = true;
    o.timeoutSeconds = 60;
    const auto outcome = record(o);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->lost, 0U);
    EXPECT_EQ(number("SELECT count(*) FROM RIDGE_RUN WHERE outcome = 'complete'"), 1);
    const std::string ranges = "SELECT count(*) AS n FROM NVTX_EVENTS WHERE eventType = 59 GROUP BY globalTid >> 24";
    EXPECT_EQ(number("SELECT count(*) FROM (" + ranges + ")"), 2);
    EXPECT_EQ(number("SELECT count(*) FROM (" + ranges + ") WHERE n IN (60, 1000)"), 2);
    EXPECT_EQ(number("SELECT count(*) FROM RIDGE_PROCESS WHERE endKind = 'running'"), 0);
}

TEST_F(WithAgent, EveryRangeOfAProgramIsInTheFile) {
    const auto outcome = record(options("300000"));
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->programStatus, 0);
    EXPECT_EQ(outcome->lost, 0U);
    EXPECT_EQ(number("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end >= start"), 300000);
    EXPECT_EQ(number("SELECT count(*) FROM NVTX_EVENTS n JOIN RIDGE_RUN r WHERE eventType = 59 AND "
                     "(n.start < 0 OR n.end > r.durationNs)"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM NVTX_EVENTS a JOIN NVTX_EVENTS b ON b.rowid = a.rowid + 1 "
                     "WHERE a.eventType = 59 AND b.eventType = 59 AND b.start < a.end"), 0);
}

TEST_F(WithAgent, ForkedProcessesLandInTheSameFile) {
    const auto outcome = record(options("2000", "5"));
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->lost, 0U);
    EXPECT_EQ(number("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59"), 6 * 2000);
    EXPECT_EQ(number("SELECT count(DISTINCT globalTid / 16777216) FROM NVTX_EVENTS WHERE eventType = 59"), 6);
    EXPECT_EQ(number("SELECT count(*) FROM PROCESSES"), 6);
}

// What was pushed and popped before the kill is there; one more may be, for the counter comes after the call. Of a child of
// the program; the integration test kills the program itself, fifty times.
TEST_F(WithAgent, TwentyKillsOfAChildLoseNothing) {
    const unsigned seed = 424242;
    std::mt19937 random(seed);
    int withRanges = 0;
    for (int round = 0; round < 20; ++round) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
        std::ofstream(m_counts, std::ios::binary | std::ios::trunc);
        auto o = options("0");
        o.detectPreemption = false;
        o.sampleSystem = false;
        const auto delay = static_cast<useconds_t>(5000 + random() % 60000);
        // The child is found by its file: it is the only process that has written to it.
        o.command = {"/bin/sh", "-c", "\"$0\" \"$1\" 0 & pid=$!; sleep $2; kill -9 $pid; wait $pid; exit 0", RIDGE_TEST_CHILD,
                     m_counts, std::to_string(static_cast<double>(delay) * 1e-6)};
        const auto outcome = record(o);
        ASSERT_TRUE(outcome.ok()) << outcome.error().message;
        EXPECT_EQ(outcome->lost, 0U);
        if (counted(0) == 0) continue;  // killed before its first range
        ++withRanges;
        const std::int64_t finished = number("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end IS NOT NULL");
        const std::int64_t all = number("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59");
        EXPECT_GE(finished, static_cast<std::int64_t>(counted(1)));
        EXPECT_LE(finished, static_cast<std::int64_t>(counted(1)) + 1);
        EXPECT_GE(all, static_cast<std::int64_t>(counted(0)));
        EXPECT_LE(all, static_cast<std::int64_t>(counted(0)) + 1);
        if (round % 10 == 0) {
            auto db = Database::openForReading(m_output);
            ASSERT_TRUE(db.ok());
            auto check = db->prepare("PRAGMA integrity_check");
            ASSERT_TRUE(check.ok() && *check->step());
            EXPECT_EQ(check->text(0), "ok");
        }
    }
    EXPECT_GT(withRanges, 10);
}

// A reader closes the ranges that a kill left open at the end of their process, which a child of the program
// meets long before the session's.
TEST_F(WithAgent, AKilledProcessSaysWhenItEnded) {
    auto o = options("0");
    o.command = {"/bin/sh", "-c", "\"$0\" \"$1\" 0 & pid=$!; sleep 0.5; kill -9 $pid; wait $pid; sleep 1; exit 3",
                 RIDGE_TEST_CHILD, m_counts};
    const auto outcome = record(o);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(number("SELECT count(*) FROM RIDGE_PROCESS WHERE endKind = 'ended' AND exitStatus IS NULL"), 1);
    EXPECT_EQ(number("SELECT p.end >= (SELECT max(max(n.start, ifnull(n.end, 0))) FROM NVTX_EVENTS n WHERE eventType = 59) "
                     "FROM RIDGE_PROCESS p"), 1);
    EXPECT_GE(number("SELECT r.durationNs - p.end FROM RIDGE_PROCESS p JOIN RIDGE_RUN r"), 900'000'000);
}

// A child that outlives the program does not hold the recorder; the file says that it was still there.
TEST_F(WithAgent, AProcessThatStaysBehindIsToldOf) {
    auto o = options("0");
    o.command = {"/bin/sh", "-c", "\"$0\" \"$1\" 0 >/dev/null 2>&1 & echo $! > \"$1.pid\"; sleep 0.4", RIDGE_TEST_CHILD, m_counts};
    const auto outcome = record(o);
    int pid = 0;
    std::ifstream(m_counts + ".pid") >> pid;
    ASSERT_GT(pid, 0);
    const bool alive = kill(pid, 0) == 0;  // stopping the recording leaves the program alone
    kill(pid, SIGKILL);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_TRUE(alive);
    ASSERT_EQ(outcome->notes.size(), 1U);
    EXPECT_NE(outcome->notes[0].find("still ran"), std::string::npos);
    EXPECT_EQ(number("SELECT count(*) FROM RIDGE_RUN WHERE outcome = 'detached'"), 1);
    EXPECT_GT(number("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59"), 1000);
}

// The session's disk fills up while the program runs: the program ends well, and every range is either in the
// file or counted as lost.
TEST_F(WithAgent, AFullDiskWhileSpoolingIsCounted) {
    const std::string mountPoint = (m_dir.path() / "small").string();
    std::filesystem::create_directory(mountPoint);
    if (geteuid() != 0 || mount("ridge", mountPoint.c_str(), "tmpfs", 0, "size=3m") != 0)
        GTEST_SKIP() << "a small file system cannot be mounted here";
    auto o = options("400000");  // 12.8 MB of records
    o.ringBytes = 65536;
    o.sampleSystem = false;
    o.detectPreemption = false;
    o.spoolDir = mountPoint + "/s";
    const auto outcome = record(o);
    const std::uint64_t made = counted(1);
    if (!outcome.ok()) {  // no room for the ring's header either: it is made once there is room
        EXPECT_EQ(outcome.error().code, ErrorCode::kMeasurement);
        EXPECT_EQ(made, 400000U);
        ASSERT_EQ(mount(nullptr, mountPoint.c_str(), nullptr, MS_REMOUNT, "size=64m"), 0);
        const auto recovered = recover(o.spoolDir, m_output, true);
        ASSERT_TRUE(recovered.ok()) << recovered.error().message;
    }
    umount2(mountPoint.c_str(), MNT_DETACH);
    EXPECT_EQ(made, 400000U);
    const std::int64_t there = number("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59");
    const std::int64_t lost = number("SELECT coalesce(sum(count), 0) FROM RIDGE_LOSS WHERE source = 'spool_write'");
    EXPECT_GT(lost, 0);
    EXPECT_EQ(number("SELECT count(*) FROM RIDGE_LOSS WHERE source = 'corrupt_spool'"), 0);
    // Clock readings among the records given up are counted, too; there are few.
    EXPECT_LE(there + lost, 400000 + 16);
    EXPECT_GE(there + lost, 400000) << "there " << there << " counted as lost " << lost << ", recorder "
                                    << (outcome.ok() ? "ok" : outcome.error().message);
}

}  // namespace
}  // namespace ridge::recorder
