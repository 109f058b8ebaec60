// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Device memory by owner over time: the same numbers as the analyzer's, at its moments and at the peak.
#include "gui/load/memory_owners.h"

#include <gtest/gtest.h>

#include <random>

#include "analyzer/analyze.h"
#include "base/file.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace ridge::gui {
namespace {

const std::atomic<bool> kGoOn{false};
constexpr std::int64_t kPid = 100;

void event(ridge::test::TraceBuilder& b, Ns time, bool frees, std::int64_t address, std::int64_t bytes, const std::string& name, int kind = 2) {
    b.table("CUDA_GPU_MEMORY_USAGE_EVENTS");
    b.run(fmt::format("INSERT INTO CUDA_GPU_MEMORY_USAGE_EVENTS(start, globalPid, deviceId, contextId, address, pc, bytes, memKind, memoryOperationType, name) "
                      "VALUES ({}, {}, 0, 1, {}, 0, {}, {}, {}, {})",
                      time, ridge::test::TraceBuilder::gpid(kPid), address, bytes, kind, frees ? 1 : 0, name.empty() ? "NULL" : ridge::test::TraceBuilder::quote(name)));
}

TEST(MemoryOwners, AddUpToTheFootprintOfTheAnalysis) {
    for (const int events : {40, 5'000}) {
        const auto folder = std::move(TempDir::create("ridge-owners")).value();
        ridge::test::TraceBuilder b((folder.path() / "t.sqlite").string());
        const auto tid = ridge::test::TraceBuilder::tid(kPid, kPid);
        b.range(tid, 0, 10'000'000, "step", 3, 0);
        b.call(tid, 100, 200, "cudaLaunchKernel", 1);
        b.kernel(kPid, 0, 300, 9'000'000, "gemm", 1);
        std::mt19937_64 random(static_cast<std::uint64_t>(events));
        const std::vector<std::string> owners{"weights", "activations", "", "optimizer state"};
        for (int i = 0; i < events; ++i) {
            const auto address = static_cast<std::int64_t>(random() % 200);
            event(b, i * 1'000, random() % 3 == 0, address, static_cast<std::int64_t>(random() % 1'000'000), owners[random() % owners.size()], random() % 10 == 0 ? 1 : 2);
        }
        b.finish();
        const auto analysis = analyzer::analyze({b.path()}, {});
        ASSERT_TRUE(analysis.ok()) << analysis.error().message;
        const auto memory = memoryByOwner(b.path(), kGoOn);
        ASSERT_TRUE(memory.ok());
        ASSERT_EQ(memory->size(), 1U);
        ASSERT_EQ(analysis->memory.devices.size(), 1U);
        const auto& device = analysis->memory.devices[0];
        const DeviceMemory& curves = memory->front();
        EXPECT_EQ(curves.pid, kPid);
        EXPECT_LE(curves.times.size(), kOwnerSamples);
        EXPECT_EQ(*std::max_element(curves.total.begin(), curves.total.end()), static_cast<double>(device.peakBytes));
        ASSERT_LE(curves.owners.size(), device.owners.size());
        ASSERT_FALSE(curves.owners.empty());
        const auto peak = static_cast<std::size_t>(std::max_element(curves.total.begin(), curves.total.end()) - curves.total.begin());
        for (std::size_t o = 0; o < curves.owners.size(); ++o) {
            EXPECT_EQ(curves.owners[o].name, device.owners[o].name);
            EXPECT_EQ(curves.owners[o].kind, device.owners[o].kind);
            EXPECT_EQ(curves.owners[o].bytes[peak], static_cast<double>(device.owners[o].atPeakBytes));
        }
        for (std::size_t i = 0; i < curves.times.size(); ++i) {
            double sum = 0;
            for (const OwnerCurve& owner : curves.owners) sum += owner.bytes[i];
            EXPECT_EQ(sum, curves.total[i]);
        }
        for (std::size_t o = curves.owners.size(); o < device.owners.size(); ++o) EXPECT_EQ(device.owners[o].atPeakBytes, 0);
        // Not thinned: the analyzer's own curve.
        for (std::size_t i = 0; events == 40 && i < device.samples.size(); ++i) EXPECT_EQ(device.samples[i], (std::pair<Ns, double>{curves.times[i], curves.total[i]}));
    }
}

TEST(MemoryOwners, AFileWithoutAllocationsHasNone) {
    const auto folder = std::move(TempDir::create("ridge-owners")).value();
    ridge::test::TraceBuilder b((folder.path() / "t.sqlite").string());
    b.range(ridge::test::TraceBuilder::tid(1, 1), 0, 10, "x");
    b.finish();
    EXPECT_TRUE(memoryByOwner(b.path(), kGoOn)->empty());
    EXPECT_TRUE(memoryByOwner("/nowhere/at/all", kGoOn)->empty());
}

}  // namespace
}  // namespace ridge::gui
