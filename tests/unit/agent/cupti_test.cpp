// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// CUPTI's activity reaches the session, shown with a stand-in library.
#include "collector/agent/gpu_metrics.h"
#include "schemas/spool/cuda_records.h"
#include "tests/unit/agent/session_reader.h"

#include <gtest/gtest.h>

namespace ridge::test {
namespace {

using namespace spool;

ReadSession record(const std::string& cupti, const std::vector<std::string>& more = {},
                   const std::vector<std::string>& variables = {}, uint32_t options = 0) {
    TestSession session(1 << 20, cupti);
    session.control()->cudaOptions = options;
    auto environment = session.environment();
    environment.push_back("CUDA_INJECTION64_PATH=" RIDGE_AGENT_PATH);
    environment.insert(environment.end(), variables.begin(), variables.end());
    std::vector<std::string> command{RIDGE_CUPTI_CHILD_PATH};
    command.insert(command.end(), more.begin(), more.end());
    const auto child = runChild(command, environment);
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

class CuptiVersions : public testing::TestWithParam<const char*> {};

// Old and new structures alike: what both have is read, what only the new ones have is not invented.
TEST_P(CuptiVersions, EveryKindIsConverted) {
    const bool newer = std::string(GetParam()) == RIDGE_FAKE_CUPTI_PATH;
    const auto read = record(GetParam());
    ASSERT_EQ(read.count(RecordType::kKernel), 100u);
    const auto memory = read.of(RecordType::kCudaMemory);
    ASSERT_EQ(memory.size(), 2u);
    const auto allocation = memory[0].as<CudaMemory>();
    EXPECT_EQ(allocation.operation, 1u);
    EXPECT_EQ(allocation.bytes, 1u << 20);
    EXPECT_EQ(allocation.address, 0x700000u);
    EXPECT_EQ(allocation.poolAddress, 0x600000u);
    EXPECT_EQ(allocation.poolSizeOrProcess, 1u << 25);
    EXPECT_EQ(memory[1].as<CudaMemory>().operation, 2u);
    EXPECT_EQ(memory[1].as<CudaMemory>().poolType, 0u);
    EXPECT_EQ(read.nameOf(memory[1]), "aVariable");
    EXPECT_EQ(read.of(RecordType::kMemoryPool).at(0).as<MemoryPool>().utilizedSize, 14u);
    const auto unified = read.of(RecordType::kUnifiedMemory);
    ASSERT_EQ(unified.size(), 2u);
    EXPECT_EQ(unified[0].as<UnifiedMemory>().value, 65536u);
    EXPECT_EQ(unified[0].as<UnifiedMemory>().srcId, 0xFFFFFFFFu);
    const auto event = read.of(RecordType::kCudaEvent).at(0).as<CudaEvent>();
    EXPECT_EQ(event.eventId, 4u);
    EXPECT_EQ(event.eventSyncId, newer ? 99u : 0u);
    const auto jit = read.of(RecordType::kJit).at(0);
    EXPECT_EQ(read.nameOf(jit), "/cache");
    EXPECT_EQ(jit.as<Jit>().cacheBytes, 4321u);
    EXPECT_EQ(jit.as<Jit>().threadId, newer ? 4242u : 0u);
    EXPECT_EQ(read.of(RecordType::kCudaContext).at(0).as<CudaContext>().nullStreamId, 7u);
    ASSERT_EQ(read.count(RecordType::kCudaContextPart), newer ? 1u : 0u);
    if (newer) {
        EXPECT_EQ(read.of(RecordType::kCudaContextPart)[0].as<CudaContextPart>().smCount, 66u);
    }
    EXPECT_EQ(read.nameOf(read.of(RecordType::kOverhead).at(0)), "lazy function loading");
    const auto name = read.of(RecordType::kCudaName).at(0);
    EXPECT_EQ(read.nameOf(name), "compute stream");
    EXPECT_EQ(name.as<CudaName>().streamId, 13u);
    EXPECT_EQ(read.of(RecordType::kExternalCorrelation).at(0).as<ExternalCorrelation>().externalId, 123456789012u);
    EXPECT_EQ(read.of(RecordType::kGraphTrace).at(0).as<GraphTrace>().graphId, 5u);
    EXPECT_EQ(read.lost(kLossCuptiUnknown), 1u);
}
INSTANTIATE_TEST_SUITE_P(Both, CuptiVersions, testing::Values(RIDGE_FAKE_CUPTI_PATH, RIDGE_FAKE_CUPTI12_PATH));

TEST(Cupti, NodesOfGraphsAndErrorsInTheBackgroundAreRecorded) {
    const auto read = record(RIDGE_FAKE_CUPTI_PATH, {RIDGE_FAKE_CUPTI_PATH, "graph"});
    const auto nodes = read.of(RecordType::kGraphNode);
    ASSERT_EQ(nodes.size(), 2u);
    EXPECT_EQ(nodes[0].as<GraphNode>().nodeId, 0x500000001u);
    EXPECT_EQ(nodes[0].as<GraphNode>().originalNodeId, 0u);
    EXPECT_EQ(read.nameOf(nodes[0]), "memset");
    EXPECT_EQ(nodes[1].as<GraphNode>().nodeId, 0x600000001u);
    EXPECT_EQ(nodes[1].as<GraphNode>().originalNodeId, 0x500000001u);
    EXPECT_EQ(nodes[1].as<GraphNode>().originalGraphId, 5u);
    EXPECT_TRUE(says(read, "CUPTI reports an error: the pool ran dry"));
}

TEST(Cupti, WhoeverHoldsTheCallbacksIsNamed) {
    const auto read = record(RIDGE_FAKE_CUPTI_PATH, {}, {"RIDGE_FAKE_HOLDER=Nsight Systems"});
    EXPECT_TRUE(says(read, "held by Nsight Systems"));
    EXPECT_EQ(read.count(RecordType::kKernel), 100u) << "activity needs no subscriber";
}

TEST(Cupti, KnownFaultsOfAVersionAreTold) {
    EXPECT_TRUE(says(record(RIDGE_FAKE_CUPTI_PATH), "may give graph launches wrong correlation ids"));
    EXPECT_FALSE(says(record(RIDGE_FAKE_CUPTI12_PATH), "may give graph launches wrong correlation ids"));
}

bool has(const agent::MetricList& list, const char* name) {
    for (size_t i = 0; i < list.count; ++i)
        if (std::string(list.names[i]) == name) return true;
    return false;
}

TEST(GpuMetrics, AreChosenByTheChip) {
    EXPECT_EQ(agent::chipGeneration("gh100"), 90);
    EXPECT_EQ(agent::chipGeneration("ga100"), 80);
    EXPECT_EQ(agent::chipGeneration("ga102"), 86);
    EXPECT_EQ(agent::chipGeneration("xx1"), 0);
    for (const char* chip : {"gv100", "tu102", "ga100", "ga102", "ad102", "gh100", "gb100", "unheard-of"}) {
        const auto kernel = agent::kernelMetrics(chip);
        for (const char* name : {"dram__bytes_read.sum", "dram__bytes_write.sum", "lts__t_bytes.sum", "l1tex__t_bytes.sum"})
            EXPECT_TRUE(has(kernel, name)) << chip;
        EXPECT_LT(kernel.count, agent::kMostMetrics) << "none was cut off";
        EXPECT_LT(agent::samplingMetrics(chip).count, agent::kMostMetrics);
        EXPECT_GE(agent::samplingMetrics(chip).count, 8u);
    }
    EXPECT_TRUE(has(agent::kernelMetrics("gh100"), "sm__ops_path_tensor_src_bf16_dst_fp32.sum"));
    EXPECT_FALSE(has(agent::kernelMetrics("ga100"), "sm__ops_path_tensor_src_bf16_dst_fp32.sum"));
    EXPECT_FALSE(agent::samplesByTime("tu102"));
    EXPECT_FALSE(agent::samplesByTime("ga100"));
    EXPECT_TRUE(agent::samplesByTime("ga102"));
    EXPECT_TRUE(agent::samplesByTime("gh100"));
}

TEST(Counters, AnOlderLibraryIsToldOnceAndTheRestWorks) {
    const auto read = record(RIDGE_FAKE_CUPTI_PATH, {RIDGE_FAKE_CUPTI_PATH, "wait"}, {}, kCudaPmSampling);
    size_t told = 0;
    for (const auto& diagnostic : read.of(RecordType::kDiagnostic))
        told += read.nameOf(diagnostic).find("has no host profiler interface") != std::string::npos;
    EXPECT_EQ(told, 1u);
    EXPECT_EQ(read.count(RecordType::kKernel), 100u);
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
