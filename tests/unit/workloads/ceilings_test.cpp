// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/ceilings.h"

#include "base/clock.h"
#include "base/file.h"
#include "tests/unit/workloads_ops/cuda_on_host/host_device.h"
#include "workloads/ceilings/cal_peak.h"
#include "workloads/ceilings/checked_product.h"
#include "workloads/ceilings/device_roofs.h"
#include "workloads/ceilings/gap_watch.h"
#include "workloads/ceilings/mpi_loopback.h"
#include "workloads/ceilings/sampling.h"
#include "workloads/ops/peer_copies.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <sched.h>
#include <set>
#include <thread>
#include <unistd.h>

namespace ridge::workloads {
namespace {

TEST(FillRoof, TheBestIsTheHighestRateAndTheLowestTime) {
    Roof rate;
    rate.unit = "B/s";
    fillRoof(rate, Samples::ofSeconds({2, 1, 4}), 8);
    EXPECT_EQ(rate.value, 8);
    EXPECT_EQ(rate.min, 2);
    EXPECT_EQ(rate.median, 4);
    EXPECT_EQ(rate.max, 8);
    EXPECT_EQ(rate.samples, 3);
    Roof time;
    time.unit = "s";
    fillRoof(time, Samples::ofSeconds({2, 1, 4, 3}), 10);
    EXPECT_EQ(time.value, 0.1);
    EXPECT_EQ(time.median, 0.25);
    EXPECT_EQ(time.max, 0.4);
}

TEST(CheckedProduct, IsRightInEveryTypeAndAWrongElementIsFound) {
    for (const ridge_dtype type : {RIDGE_DTYPE_F32, RIDGE_DTYPE_INT8}) {
        CheckedProduct product(type, 96);
        EXPECT_NE(product.fault(), "") << "nothing has run yet";
        product.run();
        EXPECT_EQ(product.fault(), "");
        std::ranges::fill(product.result(), std::byte{1});
        EXPECT_NE(product.fault(), "");
        product.run();
        EXPECT_EQ(product.fault(), "");
    }
}

#if defined(__x86_64__)
// Why the left operand has seven bits; a roof is taken at sizes at which the library uses its
// kernels.
TEST(CheckedProduct, EightBitsOnTheLeftSaturateWhereThereIsNoVnni) {
    if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "no int8 products on this processor";
    CheckedProduct seven(RIDGE_DTYPE_INT8, 512), eight(RIDGE_DTYPE_INT8, 512, 255);
    seven.run();
    EXPECT_EQ(seven.fault(), "");
    if (__builtin_cpu_supports("avx512vnni") || __builtin_cpu_supports("avxvnni"))
        GTEST_SKIP() << "this processor adds in 32 bits";
    eight.run();
    EXPECT_NE(eight.fault(), "");
}
#endif

// By hand: P(Bin(6, 1/2) < 1) = 1/64; P(Bin(8, 1/2) < 2) = 9/256; P(Bin(9, 1/2) < 2) = 10/512.
TEST(MedianInterval, IsTheBinomialsByHand) {
    EXPECT_EQ(medianInterval(6).rank, 1U);
    EXPECT_NEAR(medianInterval(6).coverage, 1 - 2.0 / 64, 1e-12);
    EXPECT_EQ(medianInterval(8).rank, 1U);
    EXPECT_EQ(medianInterval(8, 0.92).rank, 2U);
    EXPECT_NEAR(medianInterval(8, 0.92).coverage, 1 - 2 * 9.0 / 256, 1e-12);
    EXPECT_EQ(medianInterval(9).rank, 2U);
    EXPECT_NEAR(medianInterval(9).coverage, 1 - 2 * 10.0 / 512, 1e-12);
    // Tables of the sign test: for 25 values the 8th and the 18th, for 200 the 86th.
    EXPECT_EQ(medianInterval(25).rank, 8U);
    EXPECT_EQ(medianInterval(200).rank, 86U);
    // Too few: the whole range, and what that covers.
    EXPECT_EQ(medianInterval(3).rank, 1U);
    EXPECT_NEAR(medianInterval(3).coverage, 0.75, 1e-12);
    EXPECT_EQ(medianInterval(1).coverage, 0.0);
    EXPECT_EQ(medianInterval(0).coverage, 0.0);
}

// Medians of uniform numbers: the interval holds 1/2 as often as it says.
TEST(MedianInterval, CoversAsOftenAsItSays) {
    std::uint64_t state = 1;
    const auto draw = [&state] {
        state = state * 6364136223846793005U + 1442695040888963407U;
        return static_cast<double>(state >> 11) * 0x1p-53;
    };
    constexpr int kRounds = 4000;
    const MedianInterval interval = medianInterval(25);
    int held = 0;
    for (int round = 0; round < kRounds; ++round) {
        std::vector<double> values(25);
        for (double& value : values) value = draw();
        std::sort(values.begin(), values.end());
        held += values[interval.rank - 1] <= 0.5 && values[25 - interval.rank] >= 0.5 ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(held) / kRounds, interval.coverage, 0.015);
}

TEST(FillRoof, KeepsEverySampleWithWhatWasTakenFromIt) {
    Samples samples = Samples::ofSeconds({1, 2, 4, 1, 1, 1, 2});
    samples.each[2].gapShare = 0.5;
    samples.each[1].waitShare = 0.021;
    samples.each[0].gapShare = 0.019;
    samples.before = {"performance", "cpufreq", 3e9};
    samples.after = {"performance", "cpufreq", 2e9};
    samples.realtimeGaps = false;
    Roof roof;
    roof.unit = "B/s";
    fillRoof(roof, samples, 8);
    EXPECT_EQ(roof.samples, 7);
    EXPECT_EQ(roof.flagged, 2);
    EXPECT_EQ(roof.sampleValues, (std::vector<double>{8, 4, 2, 8, 8, 8, 4}));
    EXPECT_EQ(roof.gapShares[2], 0.5);
    EXPECT_EQ(roof.waitShares[1], 0.021);
    EXPECT_EQ(roof.intervalLow, 2);
    EXPECT_EQ(roof.intervalHigh, 8);
    EXPECT_NEAR(roof.intervalCoverage, 1 - 2.0 / 128, 1e-12);
    Ceilings ceilings;
    ceilings.roofs.push_back(roof);
    const auto json = nlohmann::json::parse(toJson(ceilings)).at("roofs")[0];
    EXPECT_EQ(json.at("interval").at("low"), 2.0);
    EXPECT_EQ(json.at("clock").at("governor"), "performance");
    EXPECT_EQ(json.at("clock").at("hz_after"), 2e9);
    EXPECT_EQ(json.at("flagged"), 2);
    EXPECT_FALSE(json.at("realtime_gaps").get<bool>());
    EXPECT_EQ(json.at("gap_shares")[2], 0.5);
    EXPECT_EQ(json.at("sample_values").size(), 7U);
}

TEST(GapShare, IsWhatTheGapsOfThatCpuShareWithTheSample) {
    const std::vector<Gap> gaps{{0, 100, 200}, {1, 100, 900}, {0, 500, 600}, {0, 950, 2000}};
    EXPECT_EQ(gapNs(gaps, 0, 150, 1000), 50 + 100 + 50);
    EXPECT_EQ(gapNs(gaps, 1, 0, 50), 0);
    EXPECT_EQ(gapNs(gaps, 2, 0, 5000), 0);
}

TEST(SampleSeconds, KnowsItsClockAndWhatWasTaken) {
    const Samples samples = sampleSeconds(0.02, 2, [](int) {
        const std::int64_t end = monotonicNs() + 2'000'000;
        while (monotonicNs() < end) {
        }
    });
    EXPECT_GT(samples.before.hz, 1e8);
    EXPECT_LT(samples.before.hz, 8e9)
        << "no processor is that fast: more than one addition a cycle";
    EXPECT_FALSE(samples.before.source.empty());
    for (const Sample& sample : samples.each) {
        EXPECT_GE(sample.seconds, 2e-3);
        EXPECT_GE(sample.gapShare, 0);
        EXPECT_LE(sample.gapShare, 1);
        EXPECT_GE(sample.waitShare, 0);
        EXPECT_LE(sample.waitShare, 1);
    }
}

// A body that sleeps stands ready for nothing; one of four that spin on one CPU waits for it.
TEST(SampleSeconds, SeesOtherThreadsTakeItsCpu) {
    cpu_set_t before, one;
    CPU_ZERO(&one);
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
        if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    const Samples samples = sampleSeconds(0.5, 4, [](int) {
        const std::int64_t start = threadCpuNs();
        while (threadCpuNs() - start < 20'000'000) {
        }
    });
    ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
    if (readLineOr("/proc/thread-self/schedstat").empty()) GTEST_SKIP() << "no schedstat here";
    for (const Sample& sample : samples.each) {
        EXPECT_GT(sample.waitShare, 0.3) << "three quarters of the time belong to the others";
        EXPECT_TRUE(sample.flagged());
    }
}

TEST(ReadClock, TakesCpufreqWhereItIs) {
    auto folder = TempDir::create("ridge-clock-");
    ASSERT_TRUE(folder.ok());
    for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); ++cpu) {
        const auto where = folder->path() / ("cpu" + std::to_string(cpu)) / "cpufreq";
        std::filesystem::create_directories(where);
        ASSERT_TRUE(writeFileAtomically((where / "scaling_governor").string(), "powersave\n").ok());
        ASSERT_TRUE(writeFileAtomically((where / "scaling_cur_freq").string(), "2400000\n").ok());
    }
    const ClockState state = readClock(folder->path().string());
    EXPECT_EQ(state.governor, "powersave");
    EXPECT_EQ(state.source, "cpufreq");
    EXPECT_DOUBLE_EQ(state.hz, 2.4e9);
    const ClockState none = readClock("/no/such/folder");
    EXPECT_EQ(none.governor, "");
    EXPECT_EQ(none.source, "timed additions");
    EXPECT_GT(none.hz, 1e8);
}

TEST(Loopback, ReadsItsLinesAndPassesOverTheRest) {
    const auto lines = parseLoopback(
        "mpirun: a remark\nlatency 20 any 1e-5:0:0.25 2e-5:0.5:0\nbandwidth 8e6 host 0.5:0:0\n"
        "latency 20 any\nlatency x any 1:0:0\nbandwidth 1 any -1:0:0\nbandwidth 1 any 2:0:0 x\n"
        "latency 20 1e-5:0:0\nlatency 20 any 1e-5:0:2\nlatency 20 any 1e-5:nan:0\nlatency 20 any 1e-5;0;0\nlatency 20 any 1e-5\n");
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].what, "latency");
    ASSERT_EQ(lines[0].samples.each.size(), 2U);
    EXPECT_EQ(lines[0].samples.each[0].seconds, 1e-5);
    EXPECT_EQ(lines[0].samples.each[0].waitShare, 0.25);
    EXPECT_EQ(lines[0].samples.each[1].gapShare, 0.5);
    EXPECT_FALSE(lines[0].samples.realtimeGaps);
    EXPECT_TRUE(lines[1].samples.realtimeGaps);
    EXPECT_EQ(lines[1].amount, 8e6);
    EXPECT_TRUE(parseLoopback("").empty());
}

TEST(SampleSeconds, KeepsItsBudgetAndTheLeastNumberOfSamples) {
    int calls = 0;
    EXPECT_EQ(sampleSeconds(0, [&] { ++calls; }).each.size(),
              static_cast<std::size_t>(kMinSamples));
    EXPECT_EQ(calls, kMinSamples + 1);
    const std::int64_t start = monotonicNs();
    const auto many = sampleSeconds(0.05, [] {});
    EXPECT_LE(many.each.size(), static_cast<std::size_t>(kMaxSamples));
    EXPECT_LT(monotonicNs() - start, 2'000'000'000);
}

// Another thread has this one's only CPU: that share of the sample is seen, and it is flagged.
TEST(WatchedSamples, SeesWhatTheMachineTook) {
    cpu_set_t all, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    WatchedSamples watched;
    std::atomic<bool> stop{false};
    std::thread other([&] { while (!stop) {} });  // starts on the same CPU, alone on it
    for (int i = 0; i < 3; ++i) {
        watched.begin();
        const std::int64_t end = monotonicNs() + 60'000'000;
        while (monotonicNs() < end) {}
        watched.end();
    }
    stop = true;
    other.join();
    sched_setaffinity(0, sizeof all, &all);
    const Samples samples = watched.finish(1);
    ASSERT_EQ(samples.each.size(), 2U);
    for (const Sample& sample : samples.each) {
        EXPECT_GE(sample.seconds, 0.06);
        EXPECT_GT(sample.waitShare, 0.1);
        EXPECT_TRUE(sample.flagged());
    }
}

TEST(SampleSeconds, EveryThreadTakesPartInEverySample) {
    std::vector<int> calls(3, 0);
    const auto samples =
        sampleSeconds(0, 3, [&](int thread) { ++calls[static_cast<std::size_t>(thread)]; });
    EXPECT_EQ(calls, std::vector<int>(3, static_cast<int>(samples.each.size()) + 1));
}

// Over the CUDA sources on the host, whose times say nothing: that each is there, of the kind that
// no roofline takes for a roof, with its interval and clock.
TEST(DeviceRoofs, OverheadsAndThePeerLinkAreMeasured) {
    const auto ops = cuda::makeOperatorsOnHost();
    Ceilings out;
    const std::string prefix = "gpu.";
    const MeasuredDevice device{*ops, prefix, 0, out};
    measureOverheads(device);
    EXPECT_EQ(std::ssize(out.roofs), kOverheadRoofs);
    measurePeers(device, ops->allocate(1 << 16));
    EXPECT_EQ(std::ssize(out.roofs), kOverheadRoofs + kPeerRoofs);
    EXPECT_TRUE(ops->status().ok());
    EXPECT_TRUE(out.notes.empty());
    std::set<std::string> names;
    for (const Roof& roof : out.roofs) {
        EXPECT_TRUE(names.insert(roof.name).second) << roof.name;
        EXPECT_EQ(roof.kind, roof.unit == "s" ? "overhead" : "link") << roof.name;
        EXPECT_GT(roof.value, 0) << roof.name;
        EXPECT_GE(roof.samples, kMinSamples) << roof.name;
        EXPECT_LE(roof.intervalLow, roof.intervalHigh) << roof.name;
        EXPECT_GT(roof.clockBefore.hz, 0) << roof.name;
    }
    for (const char* name : {"gpu.launch.depth1", "gpu.launch.depth1024", "gpu.graph.launch",
                             "gpu.graph.node", "gpu.event.record", "gpu.event.cross",
                             "gpu.peer.write", "gpu.peer.read"})
        EXPECT_TRUE(names.contains(name)) << name;
}

// What went to the peer is what comes back from it.
TEST(DeviceRoofs, CopiesToAPeerArrive) {
    const auto ops = cuda::makeOperatorsOnHost();
    PeerCopies* peers = peersOf(*ops);
    ASSERT_NE(peers, nullptr);
    ASSERT_EQ(peers->peers(), 1);
    const Tensor x = ops->allocate(100), y = ops->allocate(100);
    ops->upload(x, std::vector<float>(100, 3.0F));
    peers->copyToPeer(0, x);
    peers->copyFromPeer(0, y);
    std::vector<float> back(100);
    ops->download(back, y);
    EXPECT_EQ(back, std::vector<float>(100, 3.0F));
}

TEST(ReadMachine, KnowsTheCpusThatItMayUse) {
    const Machine machine = readMachine();
    EXPECT_FALSE(machine.cpuModel.empty());
    EXPECT_GE(machine.cores, 1);
    EXPECT_FALSE(machine.affinity.empty());
}

TEST(CeilingsJson, UnknownIsNullAndNumbersThatAreNoJsonAreNull) {
    Ceilings ceilings;
    ceilings.measuredAt = "2026-01-01T00:00:00Z";
    Roof roof;
    roof.kind = "compute";
    roof.value = std::numeric_limits<double>::infinity();
    ceilings.roofs.push_back(roof);
    const auto json = nlohmann::json::parse(toJson(ceilings));
    EXPECT_TRUE(json.at("machine").at("l3_bytes").is_null());
    EXPECT_TRUE(json.at("roofs")[0].at("level").is_null());
    EXPECT_TRUE(json.at("roofs")[0].at("value").is_null());
}

// A roof that is measured twice is the better of the two, of rates and of times.
TEST(CalPeak, ReportsTheBestOfEachRoofOverItsSteps) {
    int calls = 0;
    const PeakFamily family{[&calls](const CeilingsOptions&, double, Ceilings& out) {
                                const double values[] = {9, 3, 5};
                                Roof rate = roofOf("memory", "DRAM.read", "B/s", "test");
                                Roof time = roofOf("dispatch", "operator", "s", "test");
                                rate.value = time.value = values[calls++];
                                rate.dtype = "f32";
                                out.roofs = {rate, time};
                                return Status{};
                            },
                            {"DRAM.read.f32", "operator"}};
    const auto workload = makeCalPeak(family);
    ASSERT_TRUE(workload->prepare().ok());
    EXPECT_TRUE(workload->check().passed);
    workload->step(0);  // 3 and 5: what was taken before the check is no step
    workload->step(1);
    const auto metrics = workload->report({2, 0.1, 0.1});
    ASSERT_EQ(metrics.size(), 2U);
    EXPECT_EQ(metrics[0].name, "DRAM.read.f32");
    EXPECT_EQ(metrics[0].value, 5);
    EXPECT_EQ(metrics[0].direction, Metric::Direction::kHigher);
    EXPECT_EQ(metrics[1].value, 3);
    EXPECT_EQ(metrics[1].direction, Metric::Direction::kLower);
    EXPECT_TRUE(workload->finish().passed);
}

TEST(CalPeak, ARoofThatCouldNotBeTakenFailsTheCheckWithItsReason) {
    const auto workload = makeCalPeak({[](const CeilingsOptions&, double, Ceilings& out) {
                                           out.notes.push_back("the product is wrong");
                                           return Status{};
                                       },
                                       {"gemm.f32"}});
    ASSERT_TRUE(workload->prepare().ok());
    const CheckResult check = workload->check();
    EXPECT_FALSE(check.passed);
    EXPECT_EQ(check.detail, "no roof gemm.f32; the product is wrong");
}

TEST(CalPeak, TheProcessorsFamiliesAreWhatCeilingsMeasure) {
    for (const WorkloadSpec& spec : calPeakSpecs()) {
        SCOPED_TRACE(spec.name);
        if (spec.name == "cal.peak/memory") continue;  // a gigabyte is touched for it
        const auto workload = spec.create();
        const Status prepared = workload->prepare();
        ASSERT_TRUE(prepared.ok()) << prepared.error().message;
        const CheckResult check = workload->check();
        EXPECT_TRUE(check.passed) << check.detail;
    }
    const auto specs = calPeakSpecs(true);
    EXPECT_EQ(specs.back().name, "cal.peak/gpu");
    EXPECT_EQ(specs.back().params.at("backend"), "cuda");
}

}  // namespace
}  // namespace ridge::workloads
