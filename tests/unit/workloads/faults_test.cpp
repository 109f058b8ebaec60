// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/clock.h"
#include "workloads/faults/faults.h"
#include "workloads/faults/neighbour.h"

#include <gtest/gtest.h>

#include <sched.h>
#include <unistd.h>

namespace ridge::workloads {
namespace {

int anyCpu() {
    cpu_set_t own;
    if (::sched_getaffinity(0, sizeof own, &own) != 0) return -1;
    for (int i = 0; i < CPU_SETSIZE; ++i)
        if (CPU_ISSET(static_cast<unsigned>(i), &own)) return i;
    return -1;
}

TEST(BusyNeighbour, TakesTheCpuAwayOnlyWhenItIsToldTo) {
    const int cpu = anyCpu();
    auto neighbour = BusyNeighbour::start(cpu, 30'000'000, 20'000'000);
    if (!neighbour.ok() && neighbour.error().code == ErrorCode::kUnsupported)
        GTEST_SKIP() << neighbour.error().message;
    ASSERT_TRUE(neighbour.ok()) << neighbour.error().message;
    cpu_set_t before, one;
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(cpu), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    (*neighbour)->go(true);
    // 100 ms of computing beside it take 150 ms at least, for it has the CPU for 30 of every 50 ms.
    const std::int64_t start = monotonicNs(), cpuStart = threadCpuNs();
    while (threadCpuNs() - cpuStart < 100'000'000) {
    }
    const std::int64_t beside = monotonicNs() - start;
    (*neighbour)->go(false);
    EXPECT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
    EXPECT_GE(beside, 150'000'000);
}

TEST(Faults, EachSaysWhatItDoesAndWhatTheAnalyzerMustSay) {
    for (const WorkloadSpec& spec : faultSpecs()) {
        SCOPED_TRACE(spec.name);
        EXPECT_TRUE(spec.name.starts_with("train.fault/"));
        EXPECT_TRUE(spec.params.contains("fault") || spec.params.contains("like"));
        EXPECT_NE(spec.expected.cause, "none");
        EXPECT_TRUE(spec.fasterVariant.empty());
    }
}

}  // namespace
}  // namespace ridge::workloads
