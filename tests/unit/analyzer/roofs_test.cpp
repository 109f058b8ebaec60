// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/roofline/device_roofs.h"
#include "analyzer/roofline/roofs.h"

#include <gtest/gtest.h>

#include "analyzer/ceilings.h"

namespace ridge::analyzer {
namespace {

Ceiling compute(double value, const char* dtype = "f32") {
    Ceiling c;
    c.kind = "compute";
    c.name = std::string("peak ") + dtype;
    c.dtype = dtype;
    c.value = value;
    return c;
}
Ceiling memory(double value, const char* level = "DRAM", const char* access = "read", std::int64_t capacity = 0) {
    Ceiling c;
    c.kind = "memory";
    c.name = std::string(level) + " " + access;
    c.level = level;
    c.access = access;
    if (capacity > 0) c.capacityBytes = capacity;
    c.value = value;
    return c;
}
Ceiling dispatch(double seconds) {
    Ceiling c;
    c.kind = "dispatch";
    c.value = seconds;
    c.unit = "s";
    return c;
}
Work op(double flops, double read, double written = 0) {
    Work w;
    w.opKind = 1;
    w.dtype = 1;
    w.flops = flops;
    w.bytesRead = read;
    w.bytesWritten = written;
    return w;
}

// metrics 1.3: F = 2e12, B = 1e10, P = 1e15, BW = 2e12, T = 8 ms: 2 ms / 5 ms, memory wall, a = 0.625.
TEST(Roofs, PublishedVector) {
    const Roofs roofs({compute(1e15), memory(2e12)});
    const RoofAnswer answer = roofs.judge(op(2e12, 1e10), 8e6, 0);
    EXPECT_EQ(answer.bound, "memory");
    EXPECT_EQ(answer.wallClass, WallClass::kMemoryWall);
    EXPECT_DOUBLE_EQ(*answer.attainment, 0.625);
    EXPECT_DOUBLE_EQ(8e6 - answer.roofNs, 3e6);
    EXPECT_EQ(answer.ceiling, "DRAM read");
}

TEST(Roofs, EveryBound) {
    const Roofs roofs({compute(1e12), memory(1e10), dispatch(1e-6)});
    EXPECT_EQ(roofs.judge(op(1e9, 1e5), 1.2e6, 0).bound, "compute");       // 1 ms of arithmetic in 1.2 ms
    EXPECT_EQ(roofs.judge(op(1e9, 1e5), 2e6, 0).bound, "latency");         // a = 0.5
    EXPECT_EQ(roofs.judge(op(1e9, 1e5), 0.9e6, 0).bound, "unreliable");    // faster than the roof
    EXPECT_EQ(roofs.judge(op(1e9, 1e5), 0.9e6, 0).wallClass, WallClass::kComputeUnknown);
    EXPECT_EQ(roofs.judge(op(1e9, 1.05e7), 1.1e6, 0).bound, "balanced");   // 1 ms and 1.05 ms
    EXPECT_EQ(roofs.judge(op(1e9, 1.05e7), 1.1e6, 0).wallClass, WallClass::kMemoryWall);
    EXPECT_EQ(roofs.judge(op(4e6, 0), 4.5e3, 0).bound, "latency");         // below 5 dispatches
    EXPECT_EQ(roofs.judge(op(0, 0), 1e6, 0).bound, "unknown");
    EXPECT_EQ(roofs.judge(op(1e9, 1e5), 0, 0).bound, "unknown");
}

// 1 to 2 ms of arithmetic: which of the two binds depends on where in its interval the peak is.
TEST(Roofs, BalancedWhereTheIntervalsOfTheRoofsCrossTheRidgePoint) {
    Ceiling wide = compute(1e12);
    wide.typical = 0.5e12;
    const Roofs roofs({wide, memory(1e10), dispatch(1e-6)});
    EXPECT_EQ(roofs.judge(op(1e9, 1.5e7), 1.7e6, 0).bound, "balanced");
    EXPECT_EQ(roofs.judge(op(1e9, 1.5e7), 1.7e6, 0).wallClass, WallClass::kMemoryWall);
    EXPECT_EQ(roofs.judge(op(1e9, 2.5e7), 2.7e6, 0).bound, "memory");
    EXPECT_EQ(roofs.judge(op(1e9, 5e6), 1.2e6, 0).bound, "compute");
    EXPECT_EQ(
        Roofs({compute(1e12), memory(1e10), dispatch(1e-6)}).judge(op(1e9, 1.5e7), 1.7e6, 0).bound,
        "memory")
        << "known exactly";
    Ceiling slowest = memory(1e10);
    slowest.typical = 0.5e10;
    EXPECT_EQ(Roofs({compute(1e12), slowest, dispatch(1e-6)}).judge(op(1e9, 6e6), 1.2e6, 0).bound,
              "balanced")
        << "0.6 to 1.2 ms of bytes";
}

TEST(Roofs, WithoutRoofsNothingIsClaimed) {
    EXPECT_EQ(Roofs({}).judge(op(1e9, 1e6), 1e6, 0).wallClass, WallClass::kComputeUnknown);
    // Only a memory roof: an op near it is memory bound, one far from it may be at the missing peak.
    const Roofs onlyMemory({memory(1e10)});
    EXPECT_EQ(onlyMemory.judge(op(1e9, 1e7), 1.1e6, 0).bound, "memory");
    EXPECT_EQ(onlyMemory.judge(op(1e9, 1e7), 9e6, 0).bound, "unknown");
}

TEST(Roofs, SmallOpsAreHeldAgainstTheCacheThatHoldsThem) {
    const Roofs roofs({memory(1e11, "L2", "read", 1 << 20), memory(1e10)});
    // 100 kB fit twice into 1 MiB: 1 us at the L2 roof.
    EXPECT_DOUBLE_EQ(roofs.judge(op(0, 1e5), 1.1e3, 1e5).roofNs, 1e3);
    // The step moves 1 GB: the data came from memory unless the time says otherwise.
    EXPECT_DOUBLE_EQ(roofs.judge(op(0, 1e5), 11e3, 1e9).roofNs, 10e3);
    EXPECT_DOUBLE_EQ(roofs.judge(op(0, 1e5), 1.1e3, 1e9).roofNs, 1e3);
    // Between the two: from both, and faster than memory alone, so not slow.
    const RoofAnswer both = roofs.judge(op(0, 1e5), 4e3, 1e9);
    EXPECT_EQ(both.bound, "memory");
    EXPECT_DOUBLE_EQ(*both.attainment, 0.25);
    EXPECT_EQ(roofs.judge(op(0, 1e5), 4e3, 1e5).bound, "latency");  // all of it fits the cache
}

TEST(Roofs, ASpreadBetweenBeforeAndAfterTurnsNoVerdict) {
    const Roofs roofs({memory(2e10), memory(1e10)});  // the machine lost half its speed between the two
    const RoofAnswer slow = roofs.judge(op(0, 1e7), 1.1e6, 0);
    EXPECT_EQ(slow.bound, "memory");
    EXPECT_NEAR(*slow.attainment, 0.4545, 1e-3);
    EXPECT_EQ(roofs.judge(op(0, 1e7), 0.55e6, 0).bound, "memory");
    EXPECT_EQ(roofs.judge(op(0, 1e7), 2e6, 0).bound, "latency");
}

TEST(Roofs, TypicalSamplesWidenTheRoofBothWays) {
    Ceiling shared = memory(2e10);
    shared.typical = 1e10;  // the best sample of a machine that others use too, and the usual one
    const Roofs roofs({shared});
    EXPECT_EQ(roofs.judge(op(0, 1e7), 1.1e6, 0).bound, "memory");   // against the usual: 0.91
    EXPECT_EQ(roofs.judge(op(0, 1e7), 2e6, 0).bound, "latency");
    EXPECT_EQ(roofs.judge(op(0, 1e7), 0.4e6, 0).bound, "memory");   // 1.25 of a roof that moved by 2
    EXPECT_EQ(roofs.judge(op(0, 1e7), 0.2e6, 0).bound, "unreliable");
    shared.typical = 3e10;  // nonsense in the file: no better than the best
    EXPECT_EQ(Roofs({shared}).judge(op(0, 1e7), 0.4e6, 0).bound, "unreliable");
}

TEST(Roofs, AccessChoosesTheRoof) {
    const Roofs roofs({memory(1e10, "DRAM", "read"), memory(2e10, "DRAM", "triad")});
    EXPECT_DOUBLE_EQ(roofs.judge(op(0, 1e7), 1.2e6, 0).roofNs, 1e6);
    EXPECT_DOUBLE_EQ(roofs.judge(op(0, 6e6, 4e6), 1.2e6, 0).roofNs, 0.5e6);
}

// Two processes do the same op in the same time; one of them on a GPU that is a hundred times as fast.
TEST(Roofs, EachOpIsHeldAgainstTheRoofsOfWhereItRuns) {
    Timeline timeline;
    timeline.devices.push_back({0, 0, "Fast GPU 1", 0});
    StepSet steps;
    steps.workloads = {""};
    Ops ops;
    for (const std::int32_t process : {0, 1}) {
        OpRow row;
        row.process = process;
        row.group = process;
        ops.rows.push_back(row);
        OpGroup group;
        group.workload = 0;
        group.work = op(1e9, 1e3);
        group.count = 1;
        group.medianNs = 1'100'000;
        ops.groups.push_back(group);
    }
    const std::vector<CpuShare> share(1);
    std::vector<Ceiling> ceilings{compute(1e12), memory(1e10)};
    judgeGroupsWhereTheyRun(ops, timeline, steps, ceilings, share, {false, true});
    EXPECT_EQ(ops.groups[0].answer.bound, "compute");
    EXPECT_EQ(ops.groups[1].answer.bound, "compute");  // no roof says that it is a device's
    ceilings.push_back(compute(1e14));
    ceilings.back().name = "GPU FMA f32";
    ceilings.push_back(memory(1e12));
    ceilings.back().name = "Fast GPU 1 memory";
    EXPECT_FALSE(isRoofOfDevice(timeline, ceilings[0]));
    EXPECT_TRUE(isRoofOfDevice(timeline, ceilings[2]));
    EXPECT_TRUE(isRoofOfDevice(timeline, ceilings[3]));
    judgeGroupsWhereTheyRun(ops, timeline, steps, ceilings, share, {false, true});
    EXPECT_EQ(ops.groups[0].answer.bound, "compute");
    EXPECT_EQ(ops.groups[0].answer.ceiling, "peak f32");
    EXPECT_EQ(ops.groups[1].answer.bound, "latency");
    EXPECT_EQ(ops.groups[1].answer.ceiling, "GPU FMA f32");
}

TEST(Ceilings, JsonIsReadAndFaultsAreNamed) {
    auto roofs = parseCeilings(R"({"roofs":[{"kind":"memory","name":"DRAM read","level":"DRAM","dtype":null,
        "access":"read","capacity_bytes":null,"value":2e10,"median":1.5e10,"unit":"B/s","method":"stream","more":1},
        {"kind":"memory","level":"L2","capacity_bytes":1048576,"value":1e11}]})");
    ASSERT_TRUE(roofs.ok()) << roofs.error().message;
    ASSERT_EQ(roofs->size(), 2U);
    EXPECT_FALSE(roofs->at(0).capacityBytes);
    EXPECT_EQ(roofs->at(1).capacityBytes, 1048576);
    EXPECT_EQ(roofs->at(0).typical, 1.5e10);
    EXPECT_FALSE(roofs->at(1).typical);
    for (const char* bad : {"", "{", "[]", "{\"roofs\":1}", "{\"roofs\":[1]}", "{\"roofs\":[{\"kind\":\"compute\"}]}",
                            "{\"roofs\":[{\"kind\":\"compute\",\"value\":-1}]}", "{\"roofs\":[{\"kind\":\"compute\",\"value\":1e999}]}"})
        EXPECT_FALSE(parseCeilings(bad).ok()) << bad;
    EXPECT_FALSE(readCeilings("/nonexistent/ceilings.json").ok());
}

}  // namespace
}  // namespace ridge::analyzer
