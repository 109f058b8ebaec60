// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What CUDA and NCCL did, from the spool into the file.
#include <gtest/gtest.h>

#include <filesystem>

#include "collector/recorder/convert/kernel_name.h"
#include "collector/recorder/convert/launch_match.h"
#include "ridge/work.h"
#include "tests/unit/recorder/convert_fixture.h"

namespace ridge::recorder {
namespace {

using namespace test;

std::string blobTail(std::uint32_t ref, std::string_view data) {
    std::string tail(8, '\0');
    const auto size = static_cast<std::uint32_t>(data.size());
    std::memcpy(tail.data(), &ref, 4);
    std::memcpy(tail.data() + 4, &size, 4);
    tail.append(data);
    tail.resize((tail.size() + 7) & ~std::size_t{7});
    return tail;
}

TEST_F(ConvertTest, CudaRecordsAreConvertedByTheirOwnClock) {
    FakeRing ring(100, 100);
    ring.name(1, "_ZN2ns4gemmIfLi4EEEvPT_i");
    ring.name(2, "cudaLaunchKernel_v7000");
    ring.name(3, "H100");
    ClockSample sample{};
    sample.ticks = 2000;
    sample.monotonicNs = 2000;
    sample.otherNs = 5'000'002'000;
    ring.add(sample, RecordType::kClockSample, static_cast<std::uint32_t>(ClockSampleKind::kCupti));
    Kernel kernel{};
    kernel.start = 5'000'003'000;
    kernel.end = 5'000'004'000;
    kernel.correlationId = 11;
    kernel.gridX = 3;
    ring.add(kernel, RecordType::kKernel, 1);
    Memcpy copy{};
    copy.start = 5'000'005'000;
    copy.end = 5'000'006'000;
    copy.bytes = 4096;
    copy.copyKind = 1;
    copy.srcKind = 2;
    copy.dstKind = 3;
    ring.add(copy, RecordType::kMemcpy, 12);
    Memset set{};
    set.bytes = 64;
    set.memoryKind = 3;
    ring.add(set, RecordType::kMemset, 13);
    Sync sync{};
    sync.syncType = 3;
    ring.add(sync, RecordType::kSync, 14);
    Api api{};
    api.start = 5'000'002'500;
    api.end = 5'000'002'600;
    api.threadId = 100;
    api.correlationId = 11;
    ring.add(api, RecordType::kApi, 2);
    Overhead overhead{};
    overhead.overheadType = 2 << 16;
    ring.add(overhead, RecordType::kOverhead, 2);
    ring.add(CudaEvent{}, RecordType::kCudaEvent, 15);
    ring.add(GraphTrace{}, RecordType::kGraphTrace, 16);
    CudaDevice device{};
    device.nameId = 3;
    device.smCount = 132;
    ring.add(device, RecordType::kCudaDevice, 0);
    ring.add(CudaContext{}, RecordType::kCudaContext, 1);
    ring.add(CudaStream{}, RecordType::kCudaStream, 7);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT k.start, k.end, d.value, s.value, k.gridX, k.launchType, r.start FROM CUPTI_ACTIVITY_KIND_KERNEL k "
                  "JOIN StringIds d ON d.id = demangledName JOIN StringIds s ON s.id = shortName "
                  "JOIN CUPTI_ACTIVITY_KIND_RUNTIME r ON r.correlationId = k.correlationId", 7),
              "2000|3000|void ns::gemm<float, 4>(float*, int)|gemm|3|1|1500");
    EXPECT_EQ(sql("SELECT start, bytes, copyKind, srcKind, dstKind FROM CUPTI_ACTIVITY_KIND_MEMCPY", 5), "4000|4096|1|1|2");
    EXPECT_EQ(sql("SELECT bytes, memKind FROM CUPTI_ACTIVITY_KIND_MEMSET", 2), "64|2");
    EXPECT_EQ(sql("SELECT syncType FROM CUPTI_ACTIVITY_KIND_SYNCHRONIZATION"), "3");
    EXPECT_EQ(sql("SELECT overheadType FROM CUPTI_ACTIVITY_KIND_OVERHEAD"), "4");
    EXPECT_EQ(sql("SELECT correlationId FROM CUPTI_ACTIVITY_KIND_CUDA_EVENT"), "15");
    EXPECT_EQ(sql("SELECT correlationId FROM CUPTI_ACTIVITY_KIND_GRAPH_TRACE"), "16");
    EXPECT_EQ(sql("SELECT name, smCount FROM TARGET_INFO_GPU", 2), "H100|132");
    EXPECT_EQ(sql("SELECT count(*) FROM TARGET_INFO_CUDA_STREAM JOIN TARGET_INFO_CUDA_CONTEXT_INFO JOIN TARGET_INFO_CUDA_DEVICE"), "1");
}

TEST_F(ConvertTest, MemoryGraphsAndCompilationHaveTheirTables) {
    FakeRing ring(100, 100);
    ring.name(1, "weights");
    ring.name(2, "kernel");
    ring.name(3, "/cache");
    ring.name(4, "compute");
    ClockSample sample{};
    sample.monotonicNs = sample.otherNs = 2000;
    ring.add(sample, RecordType::kClockSample, static_cast<std::uint32_t>(ClockSampleKind::kCupti));
    MemoryRegion region{};
    region.time = 3500;
    region.regionId = 1;
    region.address = 0x1000;
    region.bytes = 64;
    region.op = RegionOp::kRegion;
    ring.add(region, RecordType::kMemoryRegion, 0);
    region.op = RegionOp::kName;
    ring.add(region, RecordType::kMemoryRegion, 1);
    CudaMemory memory{};
    memory.timestamp = 3000;
    memory.address = 0x1000;
    memory.bytes = 64;
    memory.operation = 1;
    memory.memoryKind = 3;
    memory.poolType = 1;
    memory.poolAddress = 9;
    memory.poolSizeOrProcess = 128;
    ring.add(memory, RecordType::kCudaMemory, 0);
    memory.timestamp = 4000;
    memory.operation = 2;
    memory.poolType = 2;
    memory.poolSizeOrProcess = 77;
    ring.add(memory, RecordType::kCudaMemory, 0);
    MemoryPool pool{};
    pool.timestamp = 3000;
    pool.operation = 3;
    pool.poolType = 1;
    pool.utilizedSize = 14;
    ring.add(pool, RecordType::kMemoryPool, 21);
    UnifiedMemory unified{};
    unified.start = 5000;
    unified.end = 5100;
    unified.counterKind = 2;
    unified.value = 65536;
    unified.srcId = 1;
    unified.dstId = 0xffffffff;
    unified.flags = 4;
    unified.address = 0x2000;
    ring.add(unified, RecordType::kUnifiedMemory, 0);
    unified.counterKind = 4;
    unified.value = 3;
    unified.flags = 2;
    ring.add(unified, RecordType::kUnifiedMemory, 0);
    unified.counterKind = 3;
    ring.add(unified, RecordType::kUnifiedMemory, 0);
    GraphNode node{};
    node.time = 6000;
    node.nodeId = 0x500000001;
    ring.add(node, RecordType::kGraphNode, 2);
    node.originalNodeId = node.nodeId;
    node.nodeId = 0x600000001;
    ring.add(node, RecordType::kGraphNode, 2);
    Jit jit{};
    jit.start = 2500;
    jit.end = 2600;
    jit.entry = 1;
    jit.operation = 3;
    jit.cacheBytes = 4321;
    ring.add(jit, RecordType::kJit, 3);
    ExternalCorrelation external{};
    external.externalId = 99;
    external.kind = 3;
    ring.add(external, RecordType::kExternalCorrelation, 11);
    CudaContext context{};
    context.deviceId = 0;
    ring.add(context, RecordType::kCudaContext, 2);
    CudaContextPart part{};
    part.parentContextId = 1;
    part.isGreen = 1;
    part.smCount = 66;
    ring.add(part, RecordType::kCudaContextPart, 2);
    CudaName name{};
    name.kind = CudaObject::kStream;
    name.contextId = 2;
    name.streamId = 13;
    ring.add(name, RecordType::kCudaName, 4);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT start, bytes, memKind, memoryOperationType, name, localMemoryPoolAddress, localMemoryPoolSize, importedMemoryPoolProcessId "
                  "FROM CUDA_GPU_MEMORY_USAGE_EVENTS ORDER BY start", 8),
              "2000|64|2|0|weights|9|128|-;3000|64|2|1|weights|-|-|77");
    EXPECT_EQ(sql("SELECT operationType, poolType, correlationId, localMemoryPoolUtilizedSize FROM CUDA_GPU_MEMORY_POOL_EVENTS", 4), "2|0|21|14");
    EXPECT_EQ(sql("SELECT start, bytes, copyKind, correlationId, streamId, srcDeviceId, dstDeviceId, migrationCause, virtualAddress "
                  "FROM CUPTI_ACTIVITY_KIND_MEMCPY", 9), "4000|65536|12|0|0|1|-|4|8192");
    EXPECT_EQ(sql("SELECT deviceId, numberOfPageFaults, faultAccessType FROM CUDA_UM_GPU_PAGE_FAULT_EVENTS", 3), "1|3|2");
    EXPECT_EQ(sql("SELECT address FROM CUDA_UM_CPU_PAGE_FAULT_EVENTS"), "8192");
    EXPECT_EQ(sql("SELECT g.start, s.value, g.graphNodeId >> 32, g.originalGraphNodeId >> 32 FROM CUDA_GRAPH_NODE_EVENTS g "
                  "JOIN StringIds s ON s.id = g.nameId ORDER BY g.graphNodeId", 4), "5000|kernel|5|-;5000|kernel|6|5");
    EXPECT_EQ(sql("SELECT start, entry, operation, cacheBytes, cachePath FROM RIDGE_JIT", 5), "1500|ptx_to_cubin|compile|4321|/cache");
    EXPECT_EQ(sql("SELECT correlationId, kind, externalId FROM RIDGE_EXTERNAL_CORRELATION", 3), "11|3|99");
    EXPECT_EQ(sql("SELECT parentContextId, isGreenContext, numMultiprocessors FROM TARGET_INFO_CUDA_CONTEXT_INFO", 3), "1|1|66");
    EXPECT_EQ(sql("SELECT kind, contextId, streamId, name FROM RIDGE_CUDA_NAME", 4), "stream|2|13|compute");
}

// What NCCL says in its own domain is laid on the kernels that its calls launched, and on no others.
TEST_F(ConvertTest, NcclsCallsDescribeTheirKernels) {
    FakeRing ring(100, 100);
    const char* names[] = {"NCCL", "ncclCommInitRank", "ncclAllReduce", "NCCL communicator ID", "Message size [bytes]",
                           "No. of ranks", "_Z17ncclDevKernel_Genv", "_Z4gemmv", "cudaLaunchKernel"};
    for (std::uint32_t i = 0; i < std::size(names); ++i) ring.name(i + 1, names[i]);
    ClockSample sample{};
    sample.monotonicNs = sample.otherNs = 2000;
    ring.add(sample, RecordType::kClockSample, static_cast<std::uint32_t>(ClockSampleKind::kCupti));
    Domain domain{};
    domain.nameId = 1;
    ring.add(domain, RecordType::kDomain, 1);
    const auto schema = [&](std::uint32_t ref, std::uint32_t second) {
        Schema record{};
        record.schemaId = (1u << 24) + ref;
        record.domainId = 1;
        record.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
        record.entryCount = 2;
        record.payloadSize = 16;
        const SchemaEntry entries[2] = {{0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, 0, 0, 4, 0}, {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, 0, 8, second, 0}};
        ring.add(record, RecordType::kSchema, ref, {reinterpret_cast<const char*>(entries), sizeof entries});
    };
    schema(1, 6);
    schema(2, 5);
    const std::uint64_t init[2] = {0xABC, 8}, reduce[2] = {0xABC, 4096};
    ring.range(2, 2000, 2100, blobTail(1, {reinterpret_cast<const char*>(init), 16}), kHasBlobs, 1);
    ring.range(3, 3000, 4000, blobTail(2, {reinterpret_cast<const char*>(reduce), 16}), kHasBlobs, 1);
    for (std::uint32_t i = 0; i < 3; ++i) {  // in the call: NCCL's kernel and another; behind it: NCCL's again
        Api api{};
        api.start = 3100 + 600 * i;
        api.end = api.start + 10;
        api.threadId = 100;
        api.correlationId = 10 + i;
        ring.add(api, RecordType::kApi, 9);
        Kernel kernel{};
        kernel.start = 5000 + 100 * i;
        kernel.end = kernel.start + 50;
        kernel.correlationId = 10 + i;
        ring.add(kernel, RecordType::kKernel, i == 1 ? 8 : 7);
    }
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT k.correlationId, n.value, g.value, c.bytesIn, c.bytesOut, c.groupSize FROM RIDGE_COLLECTIVE c "
                  "JOIN CUPTI_ACTIVITY_KIND_KERNEL k ON k.rowid = c.kernelId JOIN StringIds n ON n.id = c.nameId JOIN StringIds g ON g.id = c.groupId", 6),
              "10|allreduce|0xabc|4096|4096|8");
}

TEST_F(ConvertTest, CountersOfKernelsAndSamplesOfTheGpuHaveTheirTables) {
    FakeRing ring(100, 100);
    ring.name(1, "_Z4gemmv");
    ring.name(2, "dram__bytes_read.sum");
    ring.name(3, "sm__cycles_active.avg.pct_of_peak_sustained_elapsed");
    ClockSample sample{};
    sample.monotonicNs = sample.otherNs = 2000;
    ring.add(sample, RecordType::kClockSample, static_cast<std::uint32_t>(ClockSampleKind::kCupti));
    KernelMetric metric{};
    metric.contextId = 1;
    metric.index = 4;
    metric.value = 4096.5;
    ring.add(metric, RecordType::kKernelMetric, 2);  // before its launch's record, as another thread may have it
    metric.index = 5;
    ring.add(metric, RecordType::kKernelMetric, 2);
    KernelLaunch launch{};
    launch.time = 3000;
    launch.contextId = 1;
    launch.index = 4;
    launch.correlationId = 77;
    ring.add(launch, RecordType::kKernelLaunch, 1);
    GpuMetricSample gpu{};
    gpu.time = 5000;
    gpu.value = 62.6;
    ring.add(gpu, RecordType::kGpuMetricSample, 3);
    gpu.time = 6000;
    gpu.value = 0;
    ring.add(gpu, RecordType::kGpuMetricSample, 3);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT correlationId, graphNodeId, metric, value FROM RIDGE_KERNEL_METRIC", 4), "77|-|dram__bytes_read.sum|4096.5");
    EXPECT_EQ(sql("SELECT launchIndex, correlationId, value FROM RIDGE_KERNEL_LAUNCH JOIN StringIds ON id = nameId", 3), "4|77|_Z4gemmv");
    EXPECT_EQ(sql("SELECT rawTimestamp, timestamp, metricName, value FROM GPU_METRICS JOIN TARGET_INFO_GPU_METRICS USING (typeId, metricId) ORDER BY 1", 4),
              "5000|4000|sm__cycles_active.avg.pct_of_peak_sustained_elapsed|63;6000|5000|sm__cycles_active.avg.pct_of_peak_sustained_elapsed|0");
}

TEST(LaunchMatch, TheKthLaunchOfAKernelIsTheKthOfTheOtherRun) {
    // Another context number and another order between kernels; one kernel was launched once more.
    const std::vector<LaunchId> timeline = {{7, 1, "a"}, {7, 1, "b"}, {7, 1, "a"}, {7, 2, "a"}, {7, 1, "c"}};
    const std::vector<LaunchId> counted = {{9, 5, "a"}, {9, 5, "a"}, {9, 5, "b"}, {9, 6, "a"}, {9, 5, "c"}, {9, 5, "c"}};
    const LaunchMatch match = matchLaunches(timeline, counted);
    EXPECT_EQ(match.counted, (std::vector<std::int64_t>{0, 2, 1, 3, -1}));
    EXPECT_EQ(match.matched, 4U);
    EXPECT_EQ(match.differing, 1U);
    EXPECT_EQ(matchLaunches(timeline, {}).differing, 5U);
    EXPECT_TRUE(matchLaunches({}, counted).counted.empty());
}

TEST_F(ConvertTest, CountersOfAnotherRunAreJoined) {
    const auto makeFile = [&](bool counters, const std::string& output) {
        std::filesystem::remove_all(m_session);
        std::filesystem::create_directory(m_session);
        ASSERT_TRUE(writeSession(m_session, fakeSession(m_rings)).ok());
        FakeRing ring(counters ? 200 : 100, 100);
        ring.name(1, "_Z4gemmv");
        ring.name(2, "dram__bytes_read.sum");
        for (std::uint32_t i = 0; i < 3; ++i) {
            Kernel kernel{};
            kernel.start = 1'700'000'000'000'001'000 + i;
            kernel.end = kernel.start + 1;
            kernel.contextId = 1;
            kernel.correlationId = 10 + i;
            KernelLaunch launch{};
            launch.index = i;
            launch.correlationId = 50 + i;
            KernelMetric metric{};
            metric.index = i;
            metric.value = 100.0 * i;
            if (!counters) ring.add(kernel, RecordType::kKernel, 1);
            if (counters) ring.add(launch, RecordType::kKernelLaunch, 1);
            if (counters) ring.add(metric, RecordType::kKernelMetric, 2);
        }
        ring.name(3, "GPU counters are not recorded: a reason");
        Diagnostic reason{};
        reason.severity = 3;
        if (counters) ring.add(reason, RecordType::kDiagnostic, 3);
        ring.saveSpool(m_session, "1-7-agent-0");
        ASSERT_TRUE(convert(m_session, output).ok());
    };
    const std::string counters = m_output + ".counters";
    makeFile(true, counters);
    makeFile(false, m_output);
    const auto joined = joinKernelCounters(m_output, counters);
    ASSERT_TRUE(joined.ok()) << joined.error().message;
    EXPECT_EQ(*joined, 3U);
    auto db = Database::openForReading(m_output);
    ASSERT_TRUE(db.ok());
    m_db = std::make_unique<Database>(std::move(*db));
    EXPECT_EQ(sql("SELECT k.correlationId, m.metric, m.value FROM CUPTI_ACTIVITY_KIND_KERNEL k JOIN RIDGE_KERNEL_METRIC m "
                  "USING (globalPid, correlationId) ORDER BY 1", 3),
              "10|dram__bytes_read.sum|0.0;11|dram__bytes_read.sum|100.0;12|dram__bytes_read.sum|200.0");
    EXPECT_EQ(sql("SELECT text FROM DIAGNOSTIC_EVENT WHERE text LIKE 'GPU counters%'"), "GPU counters are not recorded: a reason");
    EXPECT_EQ(sql("PRAGMA integrity_check"), "ok");
}

TEST_F(ConvertTest, WithoutADriverOneRowSaysThatCudaIsNotRecorded) {
    SessionInfo info = fakeSession(m_rings);
    info.sources = {{"nvtx", true, ""}, {"cuda", true, ""}};
    info.cudaTrouble = "there is no CUDA driver here (libcuda.so.1: none)";
    ASSERT_TRUE(writeSession(m_session, info).ok());
    FakeRing ring(100, 100);
    ring.name(1, "r");
    ring.range(1, 2000, 3000);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT severity, text FROM DIAGNOSTIC_EVENT", 2),
              "1|CUDA is not recorded: there is no CUDA driver here (libcuda.so.1: none)");
    EXPECT_EQ(sql("SELECT state, reason FROM RIDGE_SOURCE WHERE name = 'cuda'", 2), "off|" + info.cudaTrouble);
    FakeRing other(101, 101);  // whatever the recorder found, records are records
    other.name(1, "k");
    other.add(Kernel{}, RecordType::kKernel, 1);
    other.saveSpool(m_session, "101-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT count(*) FROM sqlite_master WHERE name = 'DIAGNOSTIC_EVENT'"), "0");
    EXPECT_EQ(sql("SELECT state FROM RIDGE_SOURCE WHERE name = 'cuda'"), "on");
}

// CUPTI hands over in one window what ran before it, and after one what ran in it.
TEST_F(ConvertTest, WhatTheGpuDidOutsideOfTheWindowsIsLeftOut) {
    auto control = std::make_unique<ControlBlock>();
    control->magic = kControlMagic;
    control->windows = 2;
    control->window[0] = {11'000, 20'000};  // t = 0 is 1000
    control->window[1] = {31'000, 0};
    control->lostWithoutRing = 6;
    FakeRing::write(m_session + "/control", {reinterpret_cast<const char*>(control.get()), sizeof(ControlBlock)});
    FakeRing ring(40, 40);
    ring.name(1, "kernel");
    ClockSample sample{};
    sample.monotonicNs = 2'000;
    sample.otherNs = 5'000'002'000;
    ring.add(sample, RecordType::kClockSample, static_cast<std::uint32_t>(ClockSampleKind::kCupti));
    CudaDevice device{};
    ring.add(device, RecordType::kCudaDevice, 3);  // what others refer to stays
    std::uint32_t correlation = 0;
    for (const std::uint64_t start : {5'000, 10'500, 15'000, 19'900, 25'000, 31'500, 99'000}) {
        Kernel kernel{};
        kernel.start = 5'000'000'000 + start;
        kernel.end = kernel.start + 600;
        kernel.correlationId = ++correlation;
        ring.add(kernel, RecordType::kKernel, 1);
        CudaEvent event{};
        event.timestamp = kernel.start;
        ring.add(event, RecordType::kCudaEvent, correlation);
    }
    ring.saveSpool(m_session, "40-7-1-0");
    EXPECT_EQ(convertNow().lost, 6U);
    EXPECT_EQ(sql("SELECT correlationId FROM CUPTI_ACTIVITY_KIND_KERNEL ORDER BY start"), "2;3;4;6;7")
        << "what reaches into a window is in";
    EXPECT_EQ(sql("SELECT timestamp FROM CUPTI_ACTIVITY_KIND_CUDA_EVENT ORDER BY 1"), "14000;18900;30500;98000");
    EXPECT_EQ(sql("SELECT value FROM META_DATA_CAPTURE WHERE name = 'WINDOWS_NS'"), "[[10000, 19000], [30000, null]]");
    EXPECT_EQ(sql("SELECT source, count FROM RIDGE_LOSS", 2), "no_ring|6");
}

TEST(KernelName, ShortNames) {
    EXPECT_EQ(shortKernelName("void ns::gemm<float, 4>(float*, int)"), "gemm");
    EXPECT_EQ(shortKernelName("(anonymous namespace)::k(int)"), "k");
    EXPECT_EQ(shortKernelName("plain"), "plain");
    EXPECT_EQ(shortKernelName(""), "");
}

}  // namespace
}  // namespace ridge::recorder
