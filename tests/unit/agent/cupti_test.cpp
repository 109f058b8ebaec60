// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// CUPTI's activity reaches the session, shown with a stand-in library.
#include "tests/unit/agent/session_reader.h"

#include <gtest/gtest.h>

namespace ridge::test {
namespace {

using namespace spool;

ReadSession record(const std::string& cupti) {
    const TestSession session(1 << 20, cupti);
    auto environment = session.environment();
    environment.push_back("CUDA_INJECTION64_PATH=" RIDGE_AGENT_PATH);
    const auto child = runChild({RIDGE_CUPTI_CHILD_PATH}, environment);
    EXPECT_EQ(child.status, 0);
    EXPECT_EQ(child.output + child.errors, "");
    return session.read();
}

bool says(const ReadSession& read, const std::string& text) {
    for (const auto& diagnostic : read.of(RecordType::kDiagnostic))
        if (read.nameOf(diagnostic).find(text) != std::string::npos) return true;
    return false;
}

TEST(Cupti, ActivityIsConverted) {
    const auto read = record(RIDGE_FAKE_CUPTI_PATH);
    const auto kernels = read.of(RecordType::kKernel);
    ASSERT_EQ(kernels.size(), 100u);
    const auto kernel = kernels[41].as<Kernel>();
    EXPECT_EQ(read.nameOf(kernels[41]), "_Z4fakev");
    EXPECT_EQ(kernel.start, 42000u);
    EXPECT_EQ(kernel.end, 42500u);
    EXPECT_EQ(kernel.correlationId, 42u);
    EXPECT_EQ(kernel.gridX, 7);
    EXPECT_EQ(kernel.blockX, 256);
    EXPECT_EQ(kernel.streamId, 13u);
    const auto apis = read.of(RecordType::kApi);
    ASSERT_EQ(apis.size(), 100u);
    EXPECT_EQ(read.nameOf(apis[0]), "cudaLaunchKernel_v7000");
    EXPECT_EQ(apis[0].as<Api>().threadId, 4242u);
    EXPECT_EQ(apis[0].as<Api>().isDriver, 0u);
    EXPECT_EQ(read.of(RecordType::kMemcpy).at(0).as<Memcpy>().bytes, 4096u);
    EXPECT_EQ(read.of(RecordType::kMemset).at(0).as<Memset>().value, 9u);
    EXPECT_EQ(read.of(RecordType::kSync).at(0).as<Sync>().contextId, 2u);
    const auto device = read.of(RecordType::kCudaDevice).at(0);
    EXPECT_EQ(read.name(device.ring, device.as<CudaDevice>().nameId), "Fake GPU");
    EXPECT_EQ(device.as<CudaDevice>().memoryBandwidthBytesPerSecond, 3350000000000u);
    EXPECT_EQ(read.lost(kLossCuptiUnknown), 1u);
    EXPECT_EQ(read.lost(kLossCuptiDropped), 17u);
    size_t samples = 0;
    for (const auto& sample : read.of(RecordType::kClockSample)) {
        const auto s = sample.as<ClockSample>();
        if (s.header.id != uint32_t(ClockSampleKind::kCupti)) continue;
        ++samples;
        EXPECT_NEAR(double(s.otherNs), double(s.realtimeNs), 5e6);
    }
    EXPECT_GE(samples, 2u);
    EXPECT_TRUE(says(read, "does not record copies between devices: CUPTI_ERROR_NOT_COMPATIBLE"));
}

// cudaProfilerStart and Stop of the runtime, by the numbers of their callbacks.
constexpr const char* kStart = "171";
constexpr const char* kStop = "172";

struct Windows {
    uint32_t state, begun, left;
    Window first;
};
Windows afterCalls(const std::vector<std::string>& calls, uint32_t windows) {
    TestSession session(1 << 20, RIDGE_FAKE_CUPTI_PATH);
    ControlBlock& control = *session.control();
    control.capture = Capture::kCudaProfiler;
    control.stopped = kPaused;
    control.partial = 1;
    control.windowsLeft = windows;
    auto environment = session.environment();
    environment.push_back("CUDA_INJECTION64_PATH=" RIDGE_AGENT_PATH);
    std::vector<std::string> command{RIDGE_CUPTI_CHILD_PATH, RIDGE_FAKE_CUPTI_PATH};
    command.insert(command.end(), calls.begin(), calls.end());
    EXPECT_EQ(runChild(command, environment).status, 0);
    // What CUPTI hands over late may belong to a window: it is kept, to be sorted out by its times.
    EXPECT_EQ(session.read().count(RecordType::kKernel), 100u);
    return {control.stopped, control.windows, control.windowsLeft, control.window[0]};
}

TEST(Cupti, ProfilerCallsBeginAndEndARecording) {
    const Windows one = afterCalls({kStart, kStop, kStart}, 1);
    EXPECT_EQ(one.state, kPaused) << "one window was asked for";
    EXPECT_EQ(one.begun, 1u);
    EXPECT_EQ(one.left, 0u);
    EXPECT_GT(one.first.startNs, 0u);
    EXPECT_GT(one.first.endNs, one.first.startNs);
    const Windows open = afterCalls({kStop, kStart, kStop, kStart}, kWindowsWithoutEnd);
    EXPECT_EQ(open.state, kRecording);
    EXPECT_EQ(open.begun, 2u);
}

TEST(Cupti, AnOldLibraryIsRefusedWithADiagnostic) {
    const auto read = record(RIDGE_OLD_CUPTI_PATH);
    EXPECT_EQ(read.count(RecordType::kKernel), 0u);
    EXPECT_TRUE(says(read, "older than CUDA 12.0"));
}

}  // namespace
}  // namespace ridge::test
