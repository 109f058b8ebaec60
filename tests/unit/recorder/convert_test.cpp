// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Sessions as a whole: clocks, processes, and what is open, cut off, missing or hostile.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "base/file.h"
#include "collector/recorder/convert/ring_file.h"

#include "tests/unit/recorder/convert_fixture.h"

namespace ridge::recorder {
namespace {

using namespace test;

// kB of the mapping at this address that are in our memory; -1: there is no such mapping.
long residentKb(const void* address) {
    std::ifstream maps("/proc/self/smaps");
    const std::string begin = fmt::format("{:x}-", reinterpret_cast<std::uintptr_t>(address));
    bool found = false;
    for (std::string line; std::getline(maps, line);) {
        found = found || line.starts_with(begin);
        if (found && line.starts_with("Rss:")) return std::stol(line.substr(4));
    }
    return -1;
}

TEST(ReadBehind, givesBackWhatAWalkHasRead) {
    auto folder = TempDir::create("ridge-read-behind");
    ASSERT_TRUE(folder.ok());
    const std::string path = (folder->path() / "1.spool").string();
    constexpr std::size_t kBytes = std::size_t{32} << 20;
    std::ofstream(path, std::ios::binary) << std::string(kBytes, 'x');
    RingFile ring;
    ring.spool = MappedFile::open(path);
    const auto bytes = ring.stream();
    ASSERT_EQ(bytes.size(), kBytes);
    long most = 0;
    const auto walk = [&](ReadBehind* behind) {
        std::uint64_t sum = 0;
        for (std::size_t at = 0; at < kBytes; at += 4096) {
            if (behind) behind->at(at);
            sum += bytes[at];
            if (at % (std::size_t{1} << 20) == 0) most = std::max(most, residentKb(bytes.data()));
        }
        return sum;
    };
    {
        ReadBehind behind(ring);
        EXPECT_EQ(walk(&behind), kBytes / 4096 * 'x');
    }
    EXPECT_GT(most, 1024);
    EXPECT_LE(most, 8 << 10);  // a piece of 4 MiB, and what the kernel maps ahead
    EXPECT_EQ(residentKb(bytes.data()), 0);
    EXPECT_EQ(walk(nullptr), kBytes / 4096 * 'x');  // read again
    EXPECT_GT(residentKb(bytes.data()), 30 << 10);
}

// A GPU clock that runs 300 ppm fast and is then set back by two seconds, read every 500 ms.
TEST_F(ConvertTest, ADriftingAndSteppedClockIsFollowed) {
    FakeRing ring(100, 100);
    ring.name(1, "k");
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::int64_t kEpoch = 1'700'000'000 * kSecond;
    const auto gpu = [](std::int64_t monotonic) {
        const std::int64_t step = monotonic >= 5'250'000'000 ? -2 * kSecond : 0;
        return static_cast<std::uint64_t>(kEpoch + monotonic + monotonic * 3 / 10'000 + step);
    };
    for (std::int64_t at = 1; at <= 20; ++at) {
        ClockSample sample{};
        sample.monotonicNs = static_cast<std::int64_t>(sample.ticks = static_cast<std::uint64_t>(at * kSecond / 2));
        sample.otherNs = static_cast<std::int64_t>(gpu(sample.monotonicNs));
        sample.windowTicks = 400;
        ring.add(sample, RecordType::kClockSample, static_cast<std::uint32_t>(ClockSampleKind::kCupti));
    }
    const std::int64_t times[] = {700'000'000, 2'600'000'000, 8'000'000'001, 9'900'000'000};
    std::uint32_t correlation = 0;
    for (const std::int64_t at : times) {
        Kernel kernel{};
        kernel.start = gpu(at);
        kernel.end = gpu(at + 1000);
        kernel.correlationId = ++correlation;
        Api api{};
        // The last call begins after its kernel: the file has to say so.
        api.start = gpu(correlation == 4 ? at + 250 : at - 500);
        api.end = api.start + 100;
        api.correlationId = correlation;
        if (correlation % 2) ring.add(kernel, RecordType::kKernel, 1);
        ring.add(api, RecordType::kApi, 1);
        if (correlation % 2 == 0) ring.add(kernel, RecordType::kKernel, 1);
    }
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    auto statement = m_db->prepare("SELECT start FROM CUPTI_ACTIVITY_KIND_KERNEL ORDER BY start");
    ASSERT_TRUE(statement.ok());
    for (const std::int64_t at : times) {
        ASSERT_TRUE(*statement->step());
        EXPECT_NEAR(static_cast<double>(statement->integer(0)), static_cast<double>(at - 1000), 3.0);
    }
    EXPECT_EQ(sql("SELECT value FROM META_DATA_CAPTURE WHERE name LIKE 'KERNELS_BEFORE_LAUNCH%'"), "1 of 4");
    EXPECT_EQ(sql("SELECT count(*) FROM DIAGNOSTIC_EVENT WHERE text LIKE '1 of 4 kernels begin before the call%by up to 250 ns%'"), "1");
    EXPECT_EQ(sql("SELECT count(*) FROM DIAGNOSTIC_EVENT WHERE text LIKE 'the clock of the GPU''s times was set 1 times%by up to 1999850000 ns%'"), "1");
    EXPECT_EQ(sql("SELECT clockErrorNs BETWEEN 200 AND 1000 FROM RIDGE_RUN"), "1") << "half of a reading's own length at least";
}

// Invariant 6 of the layout: killed between publishing a range and lowering openCount.
TEST_F(ConvertTest, AFrameWhoseRangeIsTheLastRecordHasEnded) {
    FakeRing ring(100, 100);
    ring.name(1, "outer");
    ring.name(2, "inner");
    ring.open(1500, 1);
    ring.open(1600, 2);
    ring.range(2, 1600, 1700);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT start, end FROM NVTX_EVENTS WHERE eventType = 59 ORDER BY start", 2), "500|-;600|700");
}

TEST_F(ConvertTest, WhatIsStillInARingIsNotLost) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    for (std::uint64_t i = 0; i < 1000; ++i) ring.range(1, 2000 + i, 3000 + i);
    ring.header().lost[kLossUnbalancedPop] = 3;
    ring.header().lost[kLossNestedEvent] = 2;
    ring.saveRing(m_session, m_rings, "100-7-agent-0", 16016 + 8);
    const ConvertOutcome outcome = convertNow();
    EXPECT_EQ(outcome.events, 1000U);
    EXPECT_EQ(outcome.lost, 5U);
    EXPECT_EQ(sql("SELECT source, globalPid / 16777216, count FROM RIDGE_LOSS ORDER BY source", 3), "nested_event|100|2;unbalanced_pop|100|3");
    const std::string first = sql("SELECT sum(start), count(*) FROM NVTX_EVENTS", 2);
    convertNow();  // doing it again changes nothing
    EXPECT_EQ(sql("SELECT sum(start), count(*) FROM NVTX_EVENTS", 2), first);
}

TEST_F(ConvertTest, ATruncatedSpoolLosesItsEndAndSaysSo) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    ring.range(1, 2000, 3000);
    ring.range(1, 4000, 5000);
    ring.saveSpool(m_session, "100-7-agent-0");
    std::filesystem::resize_file(m_session + "/100-7-agent-0.spool", ring.bytes().size() - 9);
    EXPECT_EQ(convertNow().events, 1U);
    EXPECT_EQ(sql("SELECT source, count FROM RIDGE_LOSS ORDER BY source", 2), "corrupt_spool|1;missing_spool_bytes|9");
}

// The recorder was killed, its ring has the rest: what is written behind a cut spool leaves a hole in it.
TEST_F(ConvertTest, WhatWasCutOffBeforeTheRestOfARingIsMissed) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    for (std::uint64_t i = 0; i < 100; ++i) ring.range(1, 2000 + i, 3000 + i);
    const std::size_t name = ring.bytes().size() - 100 * sizeof(Range);
    ring.saveRing(m_session, m_rings, "100-7-agent-0", name + 50 * sizeof(Range));
    std::filesystem::resize_file(m_session + "/100-7-agent-0.spool", name + 20 * sizeof(Range) + 12);
    for (int again = 0; again < 2; ++again) {
        const ConvertOutcome outcome = convertNow();
        EXPECT_EQ(outcome.events, 70U);
        ASSERT_EQ(outcome.damage.size(), 1U);
        EXPECT_NE(outcome.damage[0].find("100-7-agent-0.spool: 960 of"), std::string::npos) << outcome.damage[0];
        EXPECT_EQ(sql("SELECT source, count FROM RIDGE_LOSS", 2), "missing_spool_bytes|960");
        EXPECT_EQ(sql("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end <> start + 1000"), "0");
    }
}

TEST_F(ConvertTest, FilesThatAreGoneAreMissed) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    ring.range(1, 2000, 3000);
    ring.saveSpool(m_session, "100-7-agent-0");
    const std::size_t bytes = ring.bytes().size();
    std::filesystem::remove(m_session + "/100-7-agent-0.spool");
    FakeRing other(100, 103);
    other.header().ringIndex = 3;
    other.range(1, 2000, 3000);
    other.saveSpool(m_session, "100-7-agent-3");
    SessionInfo info = fakeSession(m_rings);
    info.recorderBytes = 56;
    ASSERT_TRUE(writeSession(m_session, info).ok());
    const ConvertOutcome outcome = convertNow();
    EXPECT_EQ(outcome.damage.size(), 3U);
    EXPECT_EQ(sql("SELECT source, count, globalPid / 16777216, substr(detail, 1, 14) FROM RIDGE_LOSS ORDER BY count", 4),
              fmt::format("missing_ring|2|100|100-7-*-1.spoo;missing_spool_bytes|{}|100|100-7-agent-0.;"
                          "missing_spool_bytes|56|-|recorder.spool", bytes));
}

// A full disk: the producer left the gap itself, and counted it.
TEST_F(ConvertTest, AGapThatWasCountedIsNotMissed) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    ring.bytes().resize(ring.bytes().size() + 320);
    ring.range(1, 2000, 3000);
    ring.header().lost[kLossSpoolWrite] = 10;
    ring.saveSpool(m_session, "100-7-agent-0");
    EXPECT_EQ(convertNow().lost, 10U);
    EXPECT_EQ(sql("SELECT source, count FROM RIDGE_LOSS", 2), "spool_write|10");
}

TEST_F(ConvertTest, HostileBytesNeverHarm) {
    std::mt19937_64 random(20240607);
    FakeRing good(100, 100);
    good.name(1, "r");
    for (std::uint8_t type = 1; type < 60; ++type) {
        RecordHeader header{static_cast<RecordType>(type), 0xff, 24, 1};
        const std::size_t at = good.bytes().size();
        good.bytes().resize(at + 192);
        std::memcpy(good.bytes().data() + at, &header, sizeof header);
        for (std::size_t i = sizeof header; i < 192; ++i) good.bytes()[at + i] = static_cast<char>(random());
    }
    for (int round = 0; round < 150; ++round) {
        SCOPED_TRACE(round);
        FakeRing ring(100, 100);
        ring.bytes() = good.bytes();
        const int flips = round == 0 ? 0 : 1 << (round % 8);
        for (int i = 0; i < flips; ++i) ring.bytes()[random() % ring.bytes().size()] = static_cast<char>(random());
        auto* header = reinterpret_cast<unsigned char*>(&ring.header());
        for (int i = 0; i < round % 5; ++i)
            header[offsetof(RingHeader, openCount) + random() % (sizeof(RingHeader) - offsetof(RingHeader, openCount))] =
                static_cast<unsigned char>(random());
        ring.header().openCount = static_cast<std::uint32_t>(random());
        ring.saveSpool(m_session, "100-7-agent-0");
        convertNow();
        FakeRing::write(m_rings + "/junk.ring", std::string(static_cast<std::size_t>(random() % 70000), static_cast<char>(random())));
    }
}

TEST_F(ConvertTest, AProcessThatRanExecIsKnownByWhatItBecame) {
    for (const auto& [image, path] : {std::pair(20, "/usr/bin/sort"), std::pair(10, "/bin/sh"), std::pair(15, "/usr/bin/env")}) {
        FakeRing ring(42, 42, static_cast<std::uint64_t>(image));
        ring.name(1, path);
        Process process{};
        process.pid = 42;
        process.rank = image == 20 ? 3 : -1;
        process.worldSize = 4;
        process.localRank = -1;
        ring.add(process, RecordType::kProcess, 1);
        ring.saveSpool(m_session, fmt::format("42-{}-1-0", image));
    }
    EXPECT_EQ(convertNow().processes, 1U);
    EXPECT_EQ(sql("SELECT pid, name FROM PROCESSES", 2), "42|/usr/bin/sort");
    EXPECT_EQ(sql("SELECT rank, worldSize FROM RIDGE_RANK", 2), "3|4");
}

// What a reader closes open ranges with: fakeSession begins at 1000 and ends at 1'000'001'000.
void addEnds(const std::string& folder, const std::vector<std::pair<std::uint32_t, std::uint64_t>>& ends) {
    FakeRing recorder(0, 0);
    for (const auto& [pid, time] : ends) {
        ProcessEnd end{};
        end.time = time;
        recorder.add(end, RecordType::kProcessEnd, pid);
    }
    recorder.write(folder + "/recorder.spool", {recorder.bytes().data(), recorder.bytes().size()});
}

TEST_F(ConvertTest, EachProcessSaysWhenItEnded) {
    SessionInfo info = fakeSession(m_rings);
    info.programPid = 20;
    info.exitStatus = 137;
    ASSERT_TRUE(writeSession(m_session, info).ok());
    const auto image = [&](int pid, std::uint64_t begin, AgentKind agent = AgentKind::kAgent) {
        FakeRing ring(pid, pid, begin);
        ring.header().agent = agent;
        ring.name(1, "r");
        ring.range(1, begin + 10, begin + 20);
        ring.open(begin + 30, 1);
        ring.saveSpool(m_session, fmt::format("{}-{}-{}-0", pid, begin, static_cast<int>(agent)));
    };
    image(20, 2000);                   // killed
    image(20, 1500, AgentKind::kIo);   // its other agent was there before
    image(21, 3000);                   // runs when the recording ends
    image(22, 4000);                   // runs exec
    image(22, 5000);
    image(23, 6000);                   // ends, and another process gets its pid
    image(23, 8000);
    image(24, 9000);                   // ends after the recording did
    addEnds(m_session, {{20, 700'001'000}, {22, 9'500}, {23, 7'000}, {23, 8'500}, {24, 2'000'000'000}});
    convertNow();
    EXPECT_EQ(sql("SELECT globalPid / 16777216, start, end, endKind, exitStatus FROM RIDGE_PROCESS ORDER BY 1, 2", 5),
              "20|500|700000000|ended|137;21|2000|1000000000|running|-;22|3000|4000|exec|-;22|4000|8500|ended|-;"
              "23|5000|6000|ended|-;23|7000|7500|ended|-;24|8000|1000000000|running|-");
    EXPECT_EQ(sql("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end IS NULL"), "7");
}

TEST_F(ConvertTest, WhenTheRecorderWasKilledAProcessLivedAtItsLastHeartbeat) {
    SessionInfo info = fakeSession(m_rings);
    info.endMonotonicNs = 0;
    info.exitStatus.reset();
    ASSERT_TRUE(writeSession(m_session, info).ok());
    auto control = std::make_unique<ControlBlock>();
    control->magic = kControlMagic;
    control->heartbeatNs = 50'000;
    FakeRing::write(m_session + "/control", {reinterpret_cast<const char*>(control.get()), sizeof(ControlBlock)});
    for (const auto& [pid, last] : {std::pair(30, 3'000), std::pair(31, 90'000), std::pair(32, 4'000)}) {
        FakeRing ring(pid, pid, 2000);
        ring.name(1, "r");
        ring.range(1, 2500, static_cast<std::uint64_t>(last));
        ring.saveSpool(m_session, fmt::format("{}-2000-1-0", pid));
    }
    addEnds(m_session, {{32, 5'000}});
    EXPECT_EQ(convertNow().durationNs, 89'000);
    EXPECT_EQ(sql("SELECT globalPid / 16777216, end, endKind FROM RIDGE_PROCESS ORDER BY 1", 3),
              "30|49000|last_seen;31|89000|last_seen;32|4000|ended");
}

// Names that a full disk drove out of their ring stand in a file of their own.
TEST_F(ConvertTest, NamesThatWereGivenUpAreRead) {
    FakeRing ring(41, 41);
    ring.range(5, 2'000, 3'000);
    ring.header().lost[kLossSpoolWrite] = 9;
    ring.saveSpool(m_session, "41-7-1-0");
    FakeRing names(41, 41);
    names.name(5, "given up");
    FakeRing::write(m_rings + "/41-7-1-0.names", {names.bytes().data(), names.bytes().size()});
    EXPECT_EQ(convertNow().lost, 9U);
    EXPECT_EQ(sql("SELECT COALESCE(n.text, s.value) FROM NVTX_EVENTS n LEFT JOIN StringIds s ON s.id = n.textId WHERE eventType = 59"), "given up");
}

TEST_F(ConvertTest, NoSessionIsAnError) {
    const auto outcome = convert((m_dir.path() / "nothing").string(), m_output);
    ASSERT_FALSE(outcome.ok());
    EXPECT_NE(outcome.error().message.find("nothing"), std::string::npos);
}

}  // namespace
}  // namespace ridge::recorder
