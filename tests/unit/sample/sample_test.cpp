// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Counters of GPUs, packages and threads, each from a source of the test's own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "collector/recorder/sample/nvml.h"
#include "collector/recorder/sample/rapl.h"
#include "collector/recorder/sample/threads.h"
#include "tests/unit/sample/series.h"

namespace ridge::recorder {
namespace {

namespace fs = std::filesystem;

class SampleTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(m_spool.open(m_file).ok()); }
    std::map<std::string, std::vector<double>> series() {
        m_spool.flush();
        return test::seriesOf(m_file, &m_units);
    }
    void write(const std::string& path, const std::string& text) {
        fs::create_directories((m_dir.path() / path).parent_path());
        std::ofstream(m_dir.path() / path) << text;
    }
    void thread(int tid, long run, long wait, int voluntary, int forced, int minor, int major) {
        const std::string folder = fmt::format("proc/7/task/{}/", tid);
        write(folder + "schedstat", fmt::format("{} {} 9\n", run, wait));
        write(folder + "status", fmt::format("Name:\tx\nvoluntary_ctxt_switches:\t{}\nnonvoluntary_ctxt_switches:\t{}\n", voluntary, forced));
        write(folder + "stat", fmt::format("{} (a) b)) S 1 1 1 0 -1 4194304 {} 0 {} 0 5 6 0 0 20 0 1 0 100 1000 10\n", tid, minor, major));
    }
    TempDir m_dir = std::move(TempDir::create("ridge-sample")).value();
    std::string m_file = (m_dir.path() / "recorder.spool").string();
    RecorderSpool m_spool;
    std::map<std::string, std::string> m_units;
};

TEST_F(SampleTest, NvmlEveryFieldOfAGpu) {
    unsetenv("FAKE_NVML");
    Nvml nvml;
    ASSERT_TRUE(nvml.open(m_spool)) << nvml.reason();
    nvml.sample(100);
    nvml.sample(200);
    auto all = series();
    const std::map<std::string, std::pair<double, std::string>> expected = {
        {"gpu.power", {350.5, "W"}},        {"gpu.energy", {123.456, "J"}},     {"gpu.clock.sm", {1755e6, "Hz"}},   {"gpu.clock.memory", {2619e6, "Hz"}},
        {"gpu.clock.graphics", {1700e6, "Hz"}}, {"gpu.temperature", {61, "C"}}, {"gpu.busy", {0.87, "1"}},          {"gpu.memory.busy", {0.43, "1"}},
        {"gpu.memory.used", {26843545600.0, "B"}}, {"gpu.throttle", {0x24, "mask"}}, {"gpu.ecc.corrected", {5, "1"}}, {"gpu.ecc.uncorrected", {1, "1"}}};
    for (const auto& [name, value] : expected) {
        ASSERT_EQ(all[name].size(), 2U) << name;
        EXPECT_NEAR(all[name][1], value.first, 1e-6 * value.first) << name;
        EXPECT_EQ(m_units[name], value.second) << name;
    }
    // From the first look on, over the end of 32 bits, in B.
    EXPECT_EQ(all["gpu.pcie.sent"], (std::vector<double>{0, 1000}));
    EXPECT_EQ(all["gpu.pcie.received"], (std::vector<double>{0, 2000}));
    EXPECT_EQ(all["gpu.nvlink.sent"], (std::vector<double>{0, 30 * 1024}));
    EXPECT_EQ(all["gpu.nvlink.received"], (std::vector<double>{0, 40 * 1024}));
}

TEST_F(SampleTest, NvmlWithoutAFieldHasNoSamplesOfIt) {
    setenv("FAKE_NVML", "bare", 1);
    Nvml nvml;
    ASSERT_TRUE(nvml.open(m_spool));
    nvml.sample(100);
    auto all = series();
    EXPECT_EQ(all.size(), 1U);
    EXPECT_EQ(all["gpu.power"].size(), 1U);
}

TEST_F(SampleTest, NvmlThatRefusesSaysWhy) {
    setenv("FAKE_NVML", "refuses", 1);
    Nvml nvml;
    EXPECT_FALSE(nvml.open(m_spool));
    EXPECT_EQ(nvml.reason(), "nvmlInit: Driver Not Loaded");
}

TEST_F(SampleTest, RaplCountsOnOverTheEndOfItsRegister) {
    for (const auto& [zone, name] : {std::pair("intel-rapl:0", "package-0"), std::pair("intel-rapl:0:0", "core"), std::pair("intel-rapl:0:1", "dram"), std::pair("intel-rapl:1", "package-1")}) {
        write(fmt::format("rapl/{}/name", zone), std::string(name) + "\n");
        write(fmt::format("rapl/{}/energy_uj", zone), "900000\n");
        write(fmt::format("rapl/{}/max_energy_range_uj", zone), "1000000\n");
    }
    Rapl rapl((m_dir.path() / "rapl").string());
    ASSERT_TRUE(rapl.open(m_spool)) << rapl.reason();
    rapl.sample(1);
    write("rapl/intel-rapl:0/energy_uj", "950000\n");
    rapl.sample(2);
    write("rapl/intel-rapl:0/energy_uj", "20000\n");
    rapl.sample(3);
    auto all = series();
    EXPECT_EQ(m_units["cpu.energy"], "J");
    ASSERT_EQ(all["memory.energy"].size(), 3U);
    ASSERT_EQ(all["cpu.energy"].size(), 6U) << "two packages, no cores";
    std::sort(all["cpu.energy"].begin(), all["cpu.energy"].end());
    EXPECT_NEAR(all["cpu.energy"][4], 0.05, 1e-9);
    EXPECT_NEAR(all["cpu.energy"][5], 0.12, 1e-9);
}

TEST_F(SampleTest, RaplThatIsNotThereSaysSo) {
    Rapl rapl((m_dir.path() / "nothing").string());
    EXPECT_FALSE(rapl.open(m_spool));
    EXPECT_NE(rapl.reason().find("no intel-rapl"), std::string::npos);
}

TEST_F(SampleTest, ThreadsAreToldApartAndIdleOnesAreSilent) {
    ThreadSampler threads(m_spool, (m_dir.path() / "proc").string());
    constexpr std::int64_t kSecond = 1'000'000'000;
    thread(11, 0, 0, 1, 2, 3, 4);
    thread(12, 500, 0, 0, 0, 0, 0);
    const auto round = [&](std::int64_t at) {
        threads.sample(7, at);
        threads.endRound(at, at + 1000);
    };
    round(1 * kSecond);
    thread(11, kSecond / 2, kSecond / 4, 10, 20, 30, 40);
    round(2 * kSecond);
    thread(11, kSecond / 2 + kSecond, kSecond / 4, 11, 21, 31, 41);
    round(3 * kSecond);
    round(4 * kSecond);
    round(5 * kSecond);
    auto all = series();
    EXPECT_EQ(all["thread.cpu/11"], (std::vector<double>{0.5, 1, 0}));
    EXPECT_EQ(all["thread.wait/11"], (std::vector<double>{0.25, 0, 0}));
    EXPECT_EQ(all["thread.switches.voluntary/11"], (std::vector<double>{1, 10, 11}));
    EXPECT_EQ(all["thread.switches.forced/11"], (std::vector<double>{2, 20, 21}));
    EXPECT_EQ(all["thread.faults.minor/11"], (std::vector<double>{3, 30, 31}));
    EXPECT_EQ(all["thread.faults.major/11"], (std::vector<double>{4, 40, 41}));
    EXPECT_EQ(all["thread.cpu/12"], (std::vector<double>{0})) << "idle from the start: once, then silence";
    EXPECT_EQ(threads.untold(), 0U);
}

TEST_F(SampleTest, RoundsOfThreadsAreSpreadByTheirCost) {
    ThreadSampler threads(m_spool, (m_dir.path() / "proc").string());
    EXPECT_TRUE(threads.due(0));
    threads.endRound(0, 1'000'000);  // 1 ms at 0.5 %: every 200 ms
    EXPECT_FALSE(threads.due(199'000'000));
    EXPECT_TRUE(threads.due(200'000'000));
}

TEST_F(SampleTest, MoreThreadsThanAreFollowedAreCounted) {
    ThreadSampler threads(m_spool, (m_dir.path() / "proc").string());
    for (int tid = 100; tid < 100 + static_cast<int>(ThreadSampler::kMostThreads) + 3; ++tid) thread(tid, 1, 1, 0, 0, 0, 0);
    threads.sample(7, 1000);
    EXPECT_EQ(threads.threads(), ThreadSampler::kMostThreads);
    EXPECT_EQ(threads.untold(), 3U);
}

}  // namespace
}  // namespace ridge::recorder
