// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Records of perf rings, built as perf_event_open(2) says.
#include "collector/recorder/perf/perf_record.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace ridge::recorder::perf {
namespace {

using Bytes = std::vector<std::uint8_t>;

template <typename T>
void put(Bytes& to, T value) {
    const std::size_t at = to.size();
    to.resize(at + sizeof value);
    std::memcpy(to.data() + at, &value, sizeof value);
}

Bytes record(std::uint32_t type, std::uint16_t misc, const Bytes& body, bool trailer = true) {
    Bytes all;
    put(all, perf_event_header{type, misc, static_cast<std::uint16_t>(8 + body.size() + (trailer ? 24 : 0))});
    all.insert(all.end(), body.begin(), body.end());
    if (trailer) {
        put(all, std::uint32_t{70});
        put(all, std::uint32_t{71});
        put(all, std::uint64_t{1234});
        put(all, std::uint32_t{3});
        put(all, std::uint32_t{0});
    }
    return all;
}

Bytes sampleOf(std::uint64_t ip, const std::vector<std::uint64_t>& chain, std::uint16_t misc = PERF_RECORD_MISC_USER) {
    Bytes body;
    put(body, ip);
    put(body, std::uint32_t{70});
    put(body, std::uint32_t{71});
    put(body, std::uint64_t{999});
    put(body, std::uint32_t{2});
    put(body, std::uint32_t{0});
    put(body, std::uint64_t{1003009});
    put(body, std::uint64_t{chain.size()});
    for (const std::uint64_t entry : chain) put(body, entry);
    return record(PERF_RECORD_SAMPLE, misc, body, false);
}

Record decoded(const Bytes& bytes) {
    Record result;
    decode(bytes, result);
    return result;
}

TEST(PerfRecord, ASampleOfTheProgram) {
    const Record r = decoded(sampleOf(0x1000, {static_cast<std::uint64_t>(PERF_CONTEXT_USER), 0x1000, 0x2000, 0x3000, 0}));
    EXPECT_EQ(r.kind, Kind::kSample);
    EXPECT_EQ(r.pid, 70U);
    EXPECT_EQ(r.tid, 71U);
    EXPECT_EQ(r.time, 999U);
    EXPECT_EQ(r.cpu, 2U);
    EXPECT_EQ(r.period, 1003009U);
    EXPECT_FALSE(r.inKernel);
    EXPECT_EQ(r.addresses, (std::vector<std::uint64_t>{0x1000, 0x2000, 0x3000}));
}

TEST(PerfRecord, ASampleInTheKernelKeepsTheProgramsStackBelow) {
    const std::uint64_t kernel = 0xffffffff81000000;
    const Record r = decoded(sampleOf(kernel, {static_cast<std::uint64_t>(PERF_CONTEXT_KERNEL), kernel, 0xffffffff81000100, static_cast<std::uint64_t>(PERF_CONTEXT_USER), 0x2000, 0x3000}, PERF_RECORD_MISC_KERNEL));
    EXPECT_TRUE(r.inKernel);
    EXPECT_EQ(r.addresses, (std::vector<std::uint64_t>{kernel, 0x2000, 0x3000}));
    EXPECT_EQ(decoded(sampleOf(0x1000, {})).addresses, std::vector<std::uint64_t>{0x1000});
}

TEST(PerfRecord, MapsForksExecsSwitchesAndLosses) {
    Bytes map;
    put(map, std::uint32_t{70});
    put(map, std::uint32_t{71});
    for (const std::uint64_t v : {0x400000UL, 0x2000UL, 0x1000UL}) put(map, std::uint64_t{v});
    put(map, std::uint64_t{8});
    put(map, std::uint64_t{4711});
    put(map, std::uint64_t{1});
    put(map, std::uint64_t{5});
    const std::string path = "/usr/bin/thing";
    map.insert(map.end(), path.begin(), path.end());
    map.resize(map.size() + 16 - path.size());
    const Bytes mapRecord = record(PERF_RECORD_MMAP2, 0, map);
    const Record m = decoded(mapRecord);
    EXPECT_EQ(m.kind, Kind::kMap);
    EXPECT_EQ(m.start, 0x400000U);
    EXPECT_EQ(m.length, 0x2000U);
    EXPECT_EQ(m.fileOffset, 0x1000U);
    EXPECT_EQ(m.inode, 4711U);
    EXPECT_EQ(m.path, path);
    EXPECT_EQ(m.time, 1234U);

    Bytes fork;
    for (const std::uint32_t v : {80U, 70U, 80U, 71U}) put(fork, v);
    put(fork, std::uint64_t{5});
    const Record f = decoded(record(PERF_RECORD_FORK, 0, fork));
    EXPECT_EQ(f.kind, Kind::kFork);
    EXPECT_EQ(f.pid, 80U);
    EXPECT_EQ(f.parentPid, 70U);

    Bytes comm;
    put(comm, std::uint32_t{70});
    put(comm, std::uint32_t{70});
    put(comm, std::uint64_t{0x616263});
    EXPECT_EQ(decoded(record(PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC, comm)).kind, Kind::kExec);
    EXPECT_EQ(decoded(record(PERF_RECORD_COMM, 0, comm)).kind, Kind::kOther);

    const Record out = decoded(record(PERF_RECORD_SWITCH, PERF_RECORD_MISC_SWITCH_OUT | PERF_RECORD_MISC_SWITCH_OUT_PREEMPT, {}));
    EXPECT_EQ(out.kind, Kind::kSwitch);
    EXPECT_TRUE(out.out);
    EXPECT_TRUE(out.preempted);
    EXPECT_EQ(out.tid, 71U);
    EXPECT_EQ(out.cpu, 3U);
    EXPECT_FALSE(decoded(record(PERF_RECORD_SWITCH, 0, {})).out);

    Bytes lost;
    put(lost, std::uint64_t{1});
    put(lost, std::uint64_t{42});
    EXPECT_EQ(decoded(record(PERF_RECORD_LOST, 0, lost)).lost, 42U);
}

TEST(PerfRecord, WhatDoesNotAddUpIsBroken) {
    const Bytes good = sampleOf(0x1000, {static_cast<std::uint64_t>(PERF_CONTEXT_USER), 0x1000, 0x2000});
    for (std::size_t length = 0; length < good.size(); ++length) EXPECT_EQ(decoded(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))).kind, Kind::kBroken) << length;
    Bytes bad = good;
    bad[48] = 0xff;  // the number of addresses
    EXPECT_EQ(decoded(bad).kind, Kind::kBroken);
    EXPECT_EQ(decoded(record(PERF_RECORD_MMAP2, 0, Bytes(16))).kind, Kind::kBroken);
    EXPECT_EQ(decoded(record(PERF_RECORD_FORK, 0, Bytes(4))).kind, Kind::kBroken);
}

TEST(PerfRecord, ARingIsReadOverItsEnd) {
    Bytes stream;
    std::vector<std::uint64_t> wanted;
    Bytes ring(4096);
    std::vector<std::uint8_t> scratch;
    std::vector<std::uint64_t> got;
    std::uint64_t head = 4096 - 40, tail = head, broken = 0;
    Record r;
    for (std::uint64_t i = 0; i < 500; ++i) {
        const Bytes one = sampleOf(0x1000 + i, std::vector<std::uint64_t>(i % 7, 5));
        for (const std::uint8_t byte : one) ring[head++ & 4095] = byte;
        wanted.push_back(0x1000 + i);
        if (i % 5 != 4) continue;
        tail = readRing(ring, head, tail, scratch, broken, [&](std::span<const std::uint8_t> bytes) {
            decode(bytes, r);
            ASSERT_EQ(r.kind, Kind::kSample);
            got.push_back(r.addresses[0]);
        });
        EXPECT_EQ(tail, head);
    }
    EXPECT_EQ(got, wanted);
    EXPECT_EQ(broken, 0U);
}

TEST(PerfRecord, ARingOfRubbishIsGivenUpAndCounted) {
    std::uint32_t state = 7;
    for (int round = 0; round < 2000; ++round) {
        Bytes ring(1024);
        for (std::uint8_t& byte : ring) byte = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24);
        std::vector<std::uint8_t> scratch;
        std::uint64_t broken = 0;
        Record r;
        const std::uint64_t tail = readRing(ring, 5000, 5000 - 1000, scratch, broken, [&](std::span<const std::uint8_t> bytes) { decode(bytes, r); });
        EXPECT_TRUE(tail == 5000 || 5000 - tail < 8);
    }
}

}  // namespace
}  // namespace ridge::recorder::perf
