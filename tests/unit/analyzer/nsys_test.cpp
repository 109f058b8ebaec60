// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Exports of Nsight Systems, schema 3.0 to 3.25, against reference values in integer nanoseconds. The
// traces are not part of the repository: the tests skip, and say so, where they are absent; the same
// paths run on traces of our own in gpu_test and cpu_test.
#include <gtest/gtest.h>

#include <algorithm>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "check.h"

namespace ridge::test {
namespace {

namespace fs = std::filesystem;

// Unpacks with the system's gzip; empty when that fails.
std::string unpack(const fs::path& packed, const fs::path& folder) {
    const fs::path out = folder / packed.stem();
    const std::string command = "gzip -dc '" + packed.string() + "' > '" + out.string() + "'";
    return std::system(command.c_str()) == 0 ? out.string() : std::string();
}

void compareDevice(const analyzer::Device& device, const nlohmann::json& expected) {
    EXPECT_EQ(device.spanNs, expected["span_ns"].get<Ns>());
    EXPECT_EQ(device.busyNs, expected["busy_ns"].get<Ns>());
    EXPECT_EQ(device.computeNs, expected["compute_ns"].get<Ns>());
    EXPECT_EQ(device.commNs, expected["comm_ns"].get<Ns>());
    EXPECT_EQ(device.copyNs, expected["mem_ns"].get<Ns>());
    EXPECT_EQ(device.overlapNs, expected["comm_compute_overlap_ns"].get<Ns>());
    const auto& exclusive = expected["exclusive"];
    EXPECT_EQ(device.computeNs, exclusive["compute_ns"].get<Ns>());
    EXPECT_EQ(device.exposedCommNs, exclusive["exposed_comm_ns"].get<Ns>());
    EXPECT_EQ(device.exposedCopyNs, exclusive["exposed_mem_ns"].get<Ns>());
    EXPECT_EQ(device.idleNs, exclusive["idle_ns"].get<Ns>());
}

TEST(NsysTraces, UnionsEqualTheReferenceToTheNanosecond) {
    const fs::path root = RIDGE_TRACES_DIR;
    if (!fs::is_directory(root / "nsys")) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-analyzer-test");
    ASSERT_TRUE(folder.ok());
    int compared = 0;
    for (const auto& entry : fs::directory_iterator(root / "nsys")) {
        if (entry.path().extension() != ".gz") continue;
        SCOPED_TRACE(entry.path().string());
        const std::string trace = unpack(entry.path(), folder->path());
        ASSERT_FALSE(trace.empty());
        std::ifstream file(root / "expected" / (fs::path(trace).stem().string() + ".json"));
        const auto expected = nlohmann::json::parse(file, nullptr, false);
        ASSERT_FALSE(expected.is_discarded());
        const Analysis answer = analyzeOk(trace);
        ASSERT_FALSE(answer.steps.empty());
        EXPECT_EQ(answer.sources[0].kind, "nsys");
        std::size_t gpus = 0;
        std::int64_t kernels = 0;
        for (const auto& device : answer.devices) {
            if (device.kind != "gpu") continue;
            ++gpus;
            kernels += device.kernels;
            compareDevice(device, expected["devices"][std::to_string(device.id)]);
        }
        EXPECT_EQ(gpus, expected["devices"].size());
        EXPECT_EQ(kernels, expected["events"]["kernel"].get<std::int64_t>());
        ++compared;
    }
    EXPECT_GE(compared, 5);
}

TEST(NsysTraces, TheWallsOfKnownTracesAreNamed) {
    const fs::path root = RIDGE_TRACES_DIR;
    if (!fs::is_directory(root / "nsys")) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-analyzer-test");
    const auto analyzeNamed = [&](const char* name) { return analyzeOk(unpack(root / "nsys" / name, folder->path())); };

    const Analysis launch = analyzeNamed("s3.23.3_rtx3090_launch_bound.sqlite.gz");
    EXPECT_EQ(launch.workloads.at(0).verdict.cause, Cause::kLaunch);
    ASSERT_NE(findingOf(launch, "launch_bound"), nullptr);
    const auto& said = findingOf(launch, "launch_bound")->evidence;
    const auto kernels = std::find_if(said.begin(), said.end(), [](const auto& e) { return e.name == "kernels"; });
    ASSERT_NE(kernels, said.end());
    EXPECT_EQ(kernels->value, 6150);
    ASSERT_FALSE(launch.ceilings.empty());
    EXPECT_EQ(launch.ceilings[0].method, "data sheet (trace)");

    const Analysis sync = analyzeNamed("s3.23.3_rtx3090_sync_heavy.sqlite.gz");
    ASSERT_NE(findingOf(sync, "synchronous_calls"), nullptr);
    EXPECT_GT(findingOf(sync, "synchronous_calls")->evidence[1].value, 5000);

    const Analysis copies = analyzeNamed("s3.24.14_rtx4060ti_small.sqlite.gz");
    EXPECT_EQ(copies.workloads.at(0).verdict.cause, Cause::kCopyLink);
    EXPECT_NE(findingOf(copies, "exposed_copies"), nullptr);

    // Two processes: correlation ids repeat, 1,138 rows of each were launched before the window.
    const Analysis two = analyzeNamed("s3.25.0_h100_h100_2gpu_1s.sqlite.gz");
    ASSERT_EQ(two.devices.size(), 2U);
    EXPECT_EQ(two.devices[0].rank, 0);
    EXPECT_EQ(two.devices[1].rank, 1);
    EXPECT_EQ(gateOf(two, "unlinked_rows")->severity, Severity::kWarning);
}

}  // namespace
}  // namespace ridge::test
