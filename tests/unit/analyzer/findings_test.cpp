// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Findings on files, so that the SQL of each is run against its number (check.h).
#include "analyzer/findings/slow_steps.h"
#include "tests/unit/analyzer/check.h"
#include "tests/unit/analyzer/trace_builder.h"

#include <unistd.h>

#include <filesystem>
#include <string>

namespace ridge::test {
namespace {

std::string fileFor(const std::string& name) {
    const std::string path = (std::filesystem::temp_directory_path() / ("ridge_findings_" + name + "_" + std::to_string(getpid()) + ".sqlite")).string();
    std::filesystem::remove(path);
    return path;
}

// Six steps: a synchronous copy and a synchronous memset hold the host, and the GPU does little.
TEST(Findings, SynchronousCopiesAndAnIdleGpuAreToldWithTheirSql) {
    TraceBuilder b(fileFor("sync"));
    const std::int64_t thread = TraceBuilder::tid(100, 1);
    std::int64_t correlation = 1;
    for (std::int64_t s = 0; s < 6; ++s) {
        const std::int64_t t = s * 10'000'000;
        b.range(thread, t, t + 10'000'000, "step", 3, s);
        b.call(thread, t + 100'000, t + 3'000'000, "cudaMemcpy_v3020", correlation);
        b.copy(100, 0, t + 200'000, t + 1'000'000, correlation++, 1 << 20, 1, 1, 2);
        b.call(thread, t + 3'100'000, t + 3'600'000, "cudaMemset_v3020", correlation++);
        b.call(thread, t + 4'000'000, t + 4'010'000, "cudaLaunchKernel_v7000", correlation);
        b.kernel(100, 0, t + 4'020'000, t + 5'000'000, "work_kernel", correlation++);
    }
    b.finish();
    const Analysis answer = analyzeOk(b.path());
    const auto* low = findingOf(answer, "low_utilisation");
    ASSERT_TRUE(low);
    EXPECT_FALSE(low->sql.empty());
    int copies = 0;
    for (const auto& f : answer.findings)
        if (f.rule == "synchronous_copies") {
            ++copies;
            EXPECT_FALSE(f.sql.empty());
        }
    EXPECT_EQ(copies, 2);
    // One block per kernel: far fewer than a GPU has multiprocessors. Told last, for it is only likely.
    const auto* grids = findingOf(answer, "small_grids");
    ASSERT_TRUE(grids);
    EXPECT_EQ(grids->confidence, Confidence::kLow);
    bool low_seen = false;
    for (const auto& f : answer.findings) {
        if (f.confidence == Confidence::kLow) low_seen = true;
        EXPECT_TRUE(f.confidence == Confidence::kLow || !low_seen) << f.id;
    }
    std::filesystem::remove(b.path());
}

// A copy of 0.3 % of the step is counted, not shown.
TEST(Findings, WhatCostsNearlyNothingIsCountedAndNotShown) {
    TraceBuilder b(fileFor("floor"));
    const std::int64_t thread = TraceBuilder::tid(100, 1);
    std::int64_t correlation = 1;
    for (std::int64_t s = 0; s < 6; ++s) {
        const std::int64_t t = s * 10'000'000;
        b.range(thread, t, t + 10'000'000, "step", 3, s);
        b.call(thread, t, t + 5'000, "cudaLaunchKernel_v7000", correlation);
        b.kernel(100, 0, t + 10'000, t + 9'960'000, "work_kernel", correlation++);
        b.call(thread, t + 6'000, t + 8'000, "cudaMemcpyAsync_v3020", correlation);
        b.copy(100, 0, t + 9'962'000, t + 9'992'000, correlation++, 1 << 20, 1, 1, 2);
    }
    b.finish();
    const Analysis answer = analyzeOk(b.path());
    EXPECT_FALSE(findingOf(answer, "exposed_copies"));
    EXPECT_GE(answer.findingsBelowFloor, 1);
    std::filesystem::remove(b.path());
}

// The saving of a finding with a what-if is that of the replay and the closed form, never more than its cost.
TEST(Findings, SavingsComeFromTheReplay) {
    TraceBuilder b(fileFor("saving"));
    const std::int64_t thread = TraceBuilder::tid(100, 1);
    for (std::int64_t s = 0; s < 6; ++s) {
        const std::int64_t t = s * 10'000'000;
        b.range(thread, t, t + 10'000'000, "step", 3, s);
        b.io(thread, t, t + 4'000'000, "read", 3, "/data/samples.bin", 1 << 20);
        b.work(thread, t + 4'000'000, t + 10'000'000, "gemm", {});
    }
    b.finish();
    const Analysis answer = analyzeOk(b.path());
    const auto* input = findingOf(answer, "input_io");
    ASSERT_TRUE(input);
    EXPECT_EQ(input->costNs, 4'000'000);
    EXPECT_EQ(input->savingLowNs, 4'000'000);
    EXPECT_EQ(input->savingHighNs, 4'000'000);
    std::filesystem::remove(b.path());
}

// Twenty steps; each fifth one computes twice as long again.
TEST(Findings, SlowStepsThatComeBackAreToldWithTheirPeriodAndClass) {
    TraceBuilder b(fileFor("slow"));
    const std::int64_t thread = TraceBuilder::tid(100, 1);
    std::int64_t t = 0;
    for (std::int64_t s = 0; s < 20; ++s) {
        const std::int64_t start = t;
        b.work(thread, t, t + 8'000'000, "matmul", {});
        t += 8'000'000;
        if (s % 5 == 4) {
            b.range(thread, t, t + 16'000'000, "save_checkpoint");
            t += 16'000'000;
        }
        b.range(thread, start, t, "step", 3, s);
    }
    b.finish();
    const Analysis answer = analyzeOk(b.path());
    const auto* slow = findingOf(answer, "slow_steps");
    ASSERT_TRUE(slow);
    EXPECT_NE(slow->title.find("each 5th step lasts 3.0 times the median"), std::string::npos) << slow->title;
    EXPECT_NE(slow->title.find("100 % of the excess"), std::string::npos) << slow->title;
    EXPECT_EQ(slow->costNs, 4 * 16'000'000 / 20);
    EXPECT_EQ(slow->where.size(), 4U);
    EXPECT_FALSE(slow->sql.empty());
}

TEST(Findings, APeriodNeedsRepeatsAndATailNeedsATail) {
    EXPECT_FALSE(analyzer::findSlowSteps(std::vector<Ns>(9, 100)));   // too few
    EXPECT_FALSE(analyzer::findSlowSteps(std::vector<Ns>(50, 100)));  // all alike
    EXPECT_FALSE(analyzer::findSlowSteps(std::vector<Ns>(50, 0)));
    std::vector<Ns> lengths(50, 100);
    for (const std::size_t i : {3U, 13U, 23U, 33U, 43U}) lengths[i] = 300;
    auto slow = analyzer::findSlowSteps(lengths);
    ASSERT_TRUE(slow);
    EXPECT_EQ(slow->period, 10U);
    EXPECT_EQ(slow->excessNs, 5 * 200);
    lengths[29] = 300;  // one more, out of phase
    slow = analyzer::findSlowSteps(lengths);
    ASSERT_TRUE(slow);
    EXPECT_EQ(slow->period, 0U);
    lengths.assign(50, 100);
    for (const std::size_t i : {3U, 13U, 23U}) lengths[i] = 300;  // and then no more
    slow = analyzer::findSlowSteps(lengths);
    ASSERT_TRUE(slow);
    EXPECT_EQ(slow->period, 0U);
    std::vector<Ns> noisy;
    for (Ns i = 0; i < 50; ++i) noisy.push_back(100 + (i * 37) % 90);  // spread evenly over 100 to 189
    EXPECT_FALSE(analyzer::findSlowSteps(noisy));
    std::vector<Ns> two;
    for (Ns i = 0; i < 50; ++i) two.push_back(i % 2 == 0 ? 100 : 300);  // two kinds of steps, not a tail
    EXPECT_FALSE(analyzer::findSlowSteps(two));
}

}  // namespace
}  // namespace ridge::test
