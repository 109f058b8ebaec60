// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Traces of other tools (PyTorch profiler on NVIDIA and AMD, Nsight Systems) against reference values in
// integer nanoseconds. They are not part of the repository: the tests skip, and say so, where they are
// absent; the same paths run on traces of our own in kineto_test.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "analyzer/kernels/classify.h"
#include "analyzer/timeline/load.h"
#include "json_trace.h"

namespace ridge::test {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = RIDGE_TRACES_DIR;

nlohmann::json expectedOf(const fs::path& trace) {
    std::string name = trace.filename().string();
    for (const char* ending : {".gz", ".json", ".sqlite"})
        if (name.ends_with(ending)) name.resize(name.size() - std::string_view(ending).size());
    std::ifstream file(kRoot / "expected" / (name + ".json"));
    return nlohmann::json::parse(file, nullptr, false);
}

void compareDevice(const analyzer::Device& device, const nlohmann::json& expected) {
    EXPECT_EQ(device.spanNs, expected["span_ns"].get<Ns>());
    EXPECT_EQ(device.busyNs, expected["busy_ns"].get<Ns>());
    EXPECT_EQ(device.computeNs, expected["compute_ns"].get<Ns>());
    EXPECT_EQ(device.commNs, expected["comm_ns"].get<Ns>());
    EXPECT_EQ(device.copyNs, expected["mem_ns"].get<Ns>());
    EXPECT_EQ(device.overlapNs, expected["comm_compute_overlap_ns"].get<Ns>());
    const auto& exclusive = expected["exclusive"];
    EXPECT_EQ(device.exposedCommNs, exclusive["exposed_comm_ns"].get<Ns>());
    EXPECT_EQ(device.exposedCopyNs, exclusive["exposed_mem_ns"].get<Ns>());
    EXPECT_EQ(device.idleNs, exclusive["idle_ns"].get<Ns>());
}

void compareDevices(const Analysis& answer, const nlohmann::json& expected) {
    std::size_t gpus = 0;
    for (const auto& device : answer.devices) {
        if (device.kind != "gpu") continue;
        ++gpus;
        SCOPED_TRACE("device " + std::to_string(device.id));
        ASSERT_TRUE(expected["devices"].contains(std::to_string(device.id)));
        compareDevice(device, expected["devices"][std::to_string(device.id)]);
    }
    EXPECT_EQ(gpus, expected["devices"].size());
}

// Unpacked with the system's gzip: nsys files come as SQLite.
std::string unpack(const fs::path& packed, const fs::path& folder) {
    const fs::path out = folder / packed.stem();
    const std::string command = "gzip -dc '" + packed.string() + "' > '" + out.string() + "'";
    return std::system(command.c_str()) == 0 ? out.string() : std::string();
}

std::vector<fs::path> tracesIn(const char* folder) {
    std::vector<fs::path> list;
    for (const auto& entry : fs::directory_iterator(kRoot / folder))
        if (entry.path().extension() == ".gz") list.push_back(entry.path());
    std::sort(list.begin(), list.end());
    return list;
}

TEST(TracesOfOthers, KinetoUnionsEqualTheReferenceToTheNanosecond) {
    if (!fs::is_directory(kRoot / "kineto")) GTEST_SKIP() << "no traces of other tools at " << kRoot;
    int compared = 0;
    for (const fs::path& trace : tracesIn("kineto")) {
        SCOPED_TRACE(trace.filename().string());
        auto expected = expectedOf(trace);
        // The overlay of a path on a trace changes none of its rows.
        if (expected.is_discarded() && trace.string().find("_EXPECTED") != std::string::npos)
            expected = expectedOf(kRoot / "hta_a100_simple_add_critical_path.json.gz");
        ASSERT_FALSE(expected.is_discarded());
        const Analysis answer = analyzeText(trace.string());
        EXPECT_EQ(answer.sources.at(0).kind, "kineto");
        compareDevices(answer, expected);
        ++compared;
    }
    EXPECT_GE(compared, 20);
}

TEST(TracesOfOthers, OneFilePlainOrPackedIsTheSame) {
    if (!fs::is_directory(kRoot / "kineto")) GTEST_SKIP() << "no traces of other tools at " << kRoot;
    auto folder = TempDir::create("ridge-import-test");
    ASSERT_TRUE(folder.ok());
    const fs::path packed = kRoot / "kineto" / "hta_cuda_event_sync.json.gz";
    const Analysis a = analyzeText(packed.string()), b = analyzeText(unpack(packed, folder->path()));
    ASSERT_EQ(a.steps.size(), b.steps.size());
    for (std::size_t i = 0; i < a.steps.size(); ++i) EXPECT_EQ(a.steps[i].classes, b.steps[i].classes);
}

TEST(TracesOfOthers, EightRanksAreOneRunOnOneClock) {
    if (!fs::is_directory(kRoot / "kineto")) GTEST_SKIP() << "no traces of other tools at " << kRoot;
    std::vector<std::string> paths;
    for (int rank = 0; rank < 8; ++rank)
        paths.push_back((kRoot / "kineto" / ("param_v100_dlrm_8rank_w" + std::to_string(rank) + ".json.gz")).string());
    auto answer = analyzer::analyze(paths, {});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    ASSERT_EQ(answer->ranks.size(), 8U);
    ASSERT_EQ(answer->devices.size(), 8U);
    for (std::size_t i = 0; i < 8; ++i) {
        const auto& device = answer->devices[i];
        const auto expected = expectedOf(paths[static_cast<std::size_t>(device.rank)]);
        compareDevice(device, expected["devices"][std::to_string(device.id)]);
    }
    EXPECT_EQ(gateOf(*answer, "missing_ranks")->count, 0);

    const auto twice = analyzer::analyze({paths[0], paths[1], paths[0]}, {});
    ASSERT_FALSE(twice.ok());
    EXPECT_NE(twice.error().message.find("given twice"), std::string::npos);
    auto folder = TempDir::create("ridge-import-test");
    const std::string copy = unpack(paths[3], folder->path());
    const auto sameRank = analyzer::analyze({paths[0], paths[3], copy}, {});
    ASSERT_FALSE(sameRank.ok());
    EXPECT_NE(sameRank.error().message.find("both of rank 3"), std::string::npos) << sameRank.error().message;
}

TEST(TracesOfOthers, LaunchesAreJoinedWithinTheirProcess) {
    if (!fs::is_directory(kRoot / "nsys")) GTEST_SKIP() << "no traces of other tools at " << kRoot;
    auto folder = TempDir::create("ridge-import-test");
    const auto timeline = analyzer::load({unpack(kRoot / "nsys" / "s3.25.0_h100_h100_2gpu_1s.sqlite.gz", folder->path())});
    ASSERT_TRUE(timeline.ok());
    int kernels = 0, linked = 0, withOp = 0, withBlocks = 0;
    for (const auto& row : timeline->gpu) {
        if (row.kind != analyzer::GpuKind::kKernel) continue;
        ++kernels;
        linked += row.launch != analyzer::kNoIndex ? 1 : 0;
        withOp += row.op != analyzer::kNoIndex ? 1 : 0;
        withBlocks += row.blocks > 0 ? 1 : 0;
    }
    EXPECT_EQ(kernels, 3442);
    EXPECT_EQ(linked, 1632);
    EXPECT_EQ(withBlocks, 3442);
    EXPECT_GT(withOp, 1000);  // aten ops in NVTX
    EXPECT_EQ(timeline->syncs.size(), 244U);
}

TEST(TracesOfOthers, KernelClassesLeaveAtMostTwoPercentOfMachineLearningUnclassified) {
    if (!fs::is_directory(kRoot / "kineto")) GTEST_SKIP() << "no traces of other tools at " << kRoot;
    std::printf("%-46s %12s %8s\n", "trace", "kernel ms", "other %");
    for (const fs::path& trace : tracesIn("kineto")) {
        const auto timeline = analyzer::load({trace.string()});
        ASSERT_TRUE(timeline.ok());
        double all = 0, other = 0;
        std::map<double, std::string> worst;
        for (const auto& row : timeline->gpu) {
            if (row.kind != analyzer::GpuKind::kKernel) continue;
            const double ns = static_cast<double>(row.end - row.start);
            all += ns;
            if (analyzer::classifyKernel(timeline->names.text(row.name)) != analyzer::KernelClass::kOther) continue;
            other += ns;
            worst[ns] = timeline->names.text(row.name).substr(0, 60);
        }
        if (all <= 0) continue;
        std::printf("%-46s %12.3f %8.2f\n", trace.filename().string().c_str(), all / 1e6, 100 * other / all);
        // A test program that spins on purpose is no model.
        if (trace.string().find("cuda_event_sync") != std::string::npos) continue;
        EXPECT_LE(other, 0.02 * all) << trace << ": " << (worst.empty() ? "" : worst.rbegin()->second);
    }
}

}  // namespace
}  // namespace ridge::test
