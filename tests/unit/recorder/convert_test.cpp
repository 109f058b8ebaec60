// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/convert.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/file.h"
#include "base/text.h"
#include "collector/recorder/convert/kernel_name.h"
#include "collector/recorder/convert/launch_match.h"
#include "collector/recorder/convert/payload_json.h"
#include "ridge/work.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/ddl.h"
#include "tests/unit/recorder/fake_producer.h"

namespace ridge::recorder {
namespace {

using namespace test;

class ConvertTest : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directory(m_session);
        std::filesystem::create_directory(m_rings);
        ASSERT_TRUE(writeSession(m_session, fakeSession(m_rings)).ok());
    }
    ConvertOutcome convertNow() {
        auto outcome = convert(m_session, m_output);
        EXPECT_TRUE(outcome.ok()) << (outcome.ok() ? "" : outcome.error().message);
        auto db = Database::openForReading(m_output);
        EXPECT_TRUE(db.ok());
        m_db = std::make_unique<Database>(std::move(*db));
        EXPECT_EQ(sql("PRAGMA integrity_check"), "ok");
        return outcome.ok() ? *outcome : ConvertOutcome{};
    }
    // Rows joined by '|' and ';'.
    std::string sql(const std::string& query, int columns = 1) {
        auto statement = m_db->prepare(query);
        EXPECT_TRUE(statement.ok()) << (statement.ok() ? "" : statement.error().message);
        if (!statement.ok()) return "?";
        std::string all;
        for (;;) {
            auto row = statement->step();
            if (!row.ok() || !*row) return all;
            if (!all.empty()) all += ";";
            for (int i = 0; i < columns; ++i)
                all += (i ? "|" : "") + (statement->isNull(i) ? std::string("-") : std::string(statement->text(i)));
        }
    }
    TempDir m_dir = std::move(TempDir::create("ridge-convert")).value();
    std::string m_session = (m_dir.path() / "s").string();
    std::string m_rings = (m_dir.path() / "rings").string();
    std::string m_output = (m_dir.path() / "t.sqlite").string();
    std::unique_ptr<Database> m_db;
};

std::string blobTail(std::uint32_t ref, std::string_view data) {
    std::string tail(8, '\0');
    const auto size = static_cast<std::uint32_t>(data.size());
    std::memcpy(tail.data(), &ref, 4);
    std::memcpy(tail.data() + 4, &size, 4);
    tail.append(data);
    tail.resize((tail.size() + 7) & ~std::size_t{7});
    return tail;
}

TEST_F(ConvertTest, NvtxOfEveryKind) {
    FakeRing ring(100, 101);
    ring.name(1, "step");
    ring.name(2, "my domain");
    ring.name(3, "cat");
    ring.name(4, "worker");
    ring.range(1, 2000, 3000);
    ring.add(Domain{}, RecordType::kDomain, 5);
    reinterpret_cast<Domain*>(ring.bytes().data() + ring.bytes().size() - sizeof(Domain))->nameId = 2;
    Category category{};
    category.domainId = 5;
    category.nameId = 3;
    ring.add(category, RecordType::kCategory, 9);
    ThreadName thread{};
    thread.tid = 101;
    ring.add(thread, RecordType::kThreadName, 4);
    std::string value(16, '\0');
    value[0] = NVTX_PAYLOAD_TYPE_INT64;
    value[8] = 42;
    ring.range(1, 2100, 2200, value, kHasValue, 5);
    Mark mark{};
    mark.time = 2500;
    ring.add(mark, RecordType::kMark, 3);
    RangeOpen open{};
    open.start = 2600;
    open.rangeId = 77;
    ring.add(open, RecordType::kRangeOpen, 1, {}, kStartEnd);
    open.rangeId = 78;
    ring.add(open, RecordType::kRangeOpen, 1, {}, kStartEnd);
    ring.open(2900, 2);
    ring.saveSpool(m_session, "100-7-agent-0");

    FakeRing other(100, 102);
    RangeClose close{};
    close.end = 9000;
    close.rangeId = 77;
    other.add(close, RecordType::kRangeClose, 0);
    other.saveSpool(m_session, "100-7-agent-1");

    EXPECT_EQ(convertNow().events, 6U);
    EXPECT_EQ(sql("SELECT n.start, n.end, n.eventType, s.value, n.domainId, n.int64Value, n.rangeId, n.endGlobalTid % 16777216 "
                  "FROM NVTX_EVENTS n JOIN StringIds s ON n.textId = s.id WHERE eventType IN (34,59,60) ORDER BY n.rowid", 8),
              "1000|2000|59|step|0|-|-|-;1100|1200|59|step|5|42|-|-;1500|-|34|cat|0|-|-|-;"
              "1600|8000|60|step|0|-|77|102;1600|-|60|step|0|-|78|-;1900|-|59|my domain|0|-|-|-");
    EXPECT_EQ(sql("SELECT s.value, n.domainId, n.category FROM NVTX_EVENTS n JOIN StringIds s ON n.textId = s.id "
                  "WHERE eventType IN (75, 33, 39) ORDER BY eventType", 3),
              "cat|5|9;worker|-|-;my domain|5|-");
    EXPECT_EQ(sql("SELECT globalTid / 16777216, globalTid % 16777216 FROM ThreadNames", 2), "100|101");
    EXPECT_EQ(sql("SELECT count(*) FROM StringIds WHERE value = 'step'"), "1");
}

TEST_F(ConvertTest, PayloadsAreDecodedAndWorkGoesToItsTable) {
    FakeRing ring(100, 100);
    ring.name(1, "op");
    ring.name(2, "ridge");
    ring.name(3, "bytes");
    ring.name(4, "label");
    ring.add(Domain{}, RecordType::kDomain, 1);
    reinterpret_cast<Domain*>(ring.bytes().data() + ring.bytes().size() - sizeof(Domain))->nameId = 2;
    Schema work{};
    work.schemaId = RIDGE_WORK_SCHEMA_ID;
    work.domainId = 1;
    work.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    ring.add(work, RecordType::kSchema, 1);
    Schema own{};
    own.schemaId = 0x100000001;
    own.domainId = 1;
    own.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    own.entryCount = 2;
    own.payloadSize = 16;
    SchemaEntry entries[2] = {{0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, 0, 0, 3, 0},
                              {NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE, NVTX_PAYLOAD_ENTRY_TYPE_CHAR, 8, 8, 4, 0}};
    ring.add(own, RecordType::kSchema, 2, {reinterpret_cast<const char*>(entries), sizeof entries});
    const ridge_work_t payload = {RIDGE_OP_GEMM, RIDGE_DTYPE_F32, 0, 1000, 200, 300, 0, 0, 0};
    ring.range(1, 2000, 3000, blobTail(1, {reinterpret_cast<const char*>(&payload), sizeof payload}), kHasBlobs, 1);
    char raw[16] = {7, 0, 0, 0, 0, 0, 0, 0, 'h', 'i', 0, 0, 0, 0, 0, 0};
    ring.range(1, 4000, 5000, blobTail(2, {raw, sizeof raw}), kHasBlobs, 1);
    ring.range(1, 6000, 7000, blobTail(99, "unknown"), kHasBlobs, 1);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT n.start, w.opKind, w.dtype, w.flops, w.bytesRead, w.bytesWritten, n.jsonText FROM RIDGE_WORK w "
                  "JOIN NVTX_EVENTS n ON n.rowid = w.nvtxId", 7), "1000|1|1|1000|200|300|-");
    EXPECT_EQ(sql("SELECT jsonText, length(binaryData) FROM NVTX_EVENTS WHERE eventType = 59 AND start > 1000 ORDER BY start", 2),
              "{\"bytes\":7,\"label\":\"hi\"}|16;-|7");
    EXPECT_EQ(sql("SELECT name FROM NVTX_PAYLOAD_SCHEMA_ENTRIES ORDER BY idx"), "bytes;label");
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

// Neither schema nor payload is trusted: nested in circles, with lengths that lie, offsets beyond the end.
TEST(Payloads, RandomSchemasAndBytesNeverHarm) {
    const unsigned seed = 20240917;
    std::mt19937_64 random(seed);
    constexpr std::uint64_t kTypes[] = {1, 5, 16, 18, 19, 20, 21, 22, 32, 42, 45, 50, 68, 75, 77, 78, 80, 100, 1022,
                                        1u << 24, (1u << 24) + 1, (1u << 24) + 2, (1u << 24) + 3, (1u << 24) + 9};
    std::size_t decoded = 0;
    for (int round = 0; round < 20000; ++round) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
        Source source;
        StringTable strings;
        for (std::uint32_t id = 0; id < 4; ++id) {
            SchemaDefinition schema;
            schema.record.schemaId = (1u << 24) + id;
            schema.record.type = random() % 2 ? 1 : static_cast<std::uint32_t>(1 + random() % 4);
            schema.record.payloadSize = random() % 3 ? random() % 64 : random();
            schema.record.alignTo = random() % 4 ? 0 : static_cast<std::uint32_t>(random() % 32);
            schema.entries.resize(random() % 6);
            for (auto& entry : schema.entries) {
                entry.flags = random() % 3 ? 0 : random() & 0x13FE;
                entry.type = kTypes[random() % std::size(kTypes)];
                entry.arrayOrUnionDetail = random() % 8 ? random() % 8 : random();
                entry.offset = random() % 4 ? 0 : random() % 8 ? random() % 64 : random();
            }
            source.schemas[id + 1] = schema;
        }
        EnumDefinition known;
        known.record.enumId = (1u << 24) + 9;
        known.record.bytes = static_cast<std::uint32_t>(random() % 10);
        known.entries = {{1, 1, 0}, {~std::uint64_t{0}, 1, 1}};
        source.enums[1] = known;
        std::string payload(random() % 80, '\0');
        for (char& c : payload) c = static_cast<char>(random() % 3 ? random() % 6 : random());
        decoded += decodePayload(source, strings, source.schemas[1 + static_cast<std::uint32_t>(random() % 4)], payload).values.size();
    }
    EXPECT_GT(decoded, 5000U) << "much of it has to be decodable, or this says nothing";
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

// A GPU clock that runs 300 ppm fast and is then set back by two seconds, read every 500 ms.
TEST_F(ConvertTest, ADriftingAndSteppedClockIsFollowed) {
    FakeRing ring(100, 100);
    ring.name(1, "k");
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::int64_t kEpoch = 1'700'000'000 * kSecond;
    const auto gpu = [](std::int64_t monotonic) {
        const std::int64_t step = monotonic >= 5'250'000'000 ? -2 * kSecond : 0;
        return static_cast<std::uint64_t>(kEpoch + monotonic + monotonic * 3 / 10'000 + step);
    };
    for (std::int64_t at = 1; at <= 20; ++at) {
        ClockSample sample{};
        sample.monotonicNs = static_cast<std::int64_t>(sample.ticks = static_cast<std::uint64_t>(at * kSecond / 2));
        sample.otherNs = static_cast<std::int64_t>(gpu(sample.monotonicNs));
        sample.windowTicks = 400;
        ring.add(sample, RecordType::kClockSample, static_cast<std::uint32_t>(ClockSampleKind::kCupti));
    }
    const std::int64_t times[] = {700'000'000, 2'600'000'000, 8'000'000'001, 9'900'000'000};
    std::uint32_t correlation = 0;
    for (const std::int64_t at : times) {
        Kernel kernel{};
        kernel.start = gpu(at);
        kernel.end = gpu(at + 1000);
        kernel.correlationId = ++correlation;
        Api api{};
        // The last call begins after its kernel: the file has to say so.
        api.start = gpu(correlation == 4 ? at + 250 : at - 500);
        api.end = api.start + 100;
        api.correlationId = correlation;
        if (correlation % 2) ring.add(kernel, RecordType::kKernel, 1);
        ring.add(api, RecordType::kApi, 1);
        if (correlation % 2 == 0) ring.add(kernel, RecordType::kKernel, 1);
    }
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    auto statement = m_db->prepare("SELECT start FROM CUPTI_ACTIVITY_KIND_KERNEL ORDER BY start");
    ASSERT_TRUE(statement.ok());
    for (const std::int64_t at : times) {
        ASSERT_TRUE(*statement->step());
        EXPECT_NEAR(static_cast<double>(statement->integer(0)), static_cast<double>(at - 1000), 3.0);
    }
    EXPECT_EQ(sql("SELECT value FROM META_DATA_CAPTURE WHERE name LIKE 'KERNELS_BEFORE_LAUNCH%'"), "1 of 4");
    EXPECT_EQ(sql("SELECT count(*) FROM DIAGNOSTIC_EVENT WHERE text LIKE '1 of 4 kernels begin before the call%by up to 250 ns%'"), "1");
    EXPECT_EQ(sql("SELECT count(*) FROM DIAGNOSTIC_EVENT WHERE text LIKE 'the clock of the GPU''s times was set 1 times%by up to 1999850000 ns%'"), "1");
    EXPECT_EQ(sql("SELECT clockErrorNs BETWEEN 200 AND 1000 FROM RIDGE_RUN"), "1") << "half of a reading's own length at least";
}

TEST_F(ConvertTest, IoCallsNameTheirFiles) {
    FakeRing ring(100, 100);
    ring.header().agent = AgentKind::kIo;
    ring.name(1, "pread64");
    ring.name(2, "/data/x");
    IoFile file{};
    file.time = 1500;
    file.pathNameId = 2;
    ring.add(file, RecordType::kIoFile, 4);
    IoCall call{};
    call.start = 2000;
    call.end = 2500;
    call.result = 100;
    call.offset = 4096;
    call.requested = 128;
    call.op = IoOp::kPread;
    call.functionId = 1;
    ring.add(call, RecordType::kIoCall, 4);
    call.result = -1;
    call.errorNumber = 5;
    call.offset = -1;
    ring.add(call, RecordType::kIoCall, 0);
    ring.saveSpool(m_session, "100-7-io-0");
    convertNow();
    EXPECT_EQ(sql("SELECT o.start, s.value, o.returnValue, i.bytes, i.requested, i.offset, i.errorNumber, d.filePath FROM OSRT_API o "
                  "JOIN StringIds s ON s.id = o.nameId JOIN RIDGE_IO i ON i.osrtId = o.rowid "
                  "LEFT JOIN OSRT_FILE_ACCESS_DESCRIPTORS d USING (fileAccessId) ORDER BY o.rowid", 8),
              "1000|pread64|100|100|128|4096|0|/data/x;1000|pread64|-1|0|128|-|5|-");
    EXPECT_EQ(sql("SELECT eventType, bytesProcessed FROM OSRT_FILE_ACCESS_EVENTS", 2), "3|100");
}

// Invariant 6 of the layout: killed between publishing a range and lowering openCount.
TEST_F(ConvertTest, AFrameWhoseRangeIsTheLastRecordHasEnded) {
    FakeRing ring(100, 100);
    ring.name(1, "outer");
    ring.name(2, "inner");
    ring.open(1500, 1);
    ring.open(1600, 2);
    ring.range(2, 1600, 1700);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    EXPECT_EQ(sql("SELECT start, end FROM NVTX_EVENTS WHERE eventType = 59 ORDER BY start", 2), "500|-;600|700");
}

TEST_F(ConvertTest, WhatIsStillInARingIsNotLost) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    for (std::uint64_t i = 0; i < 1000; ++i) ring.range(1, 2000 + i, 3000 + i);
    ring.header().lost[kLossUnbalancedPop] = 3;
    ring.header().lost[kLossNestedEvent] = 2;
    ring.saveRing(m_session, m_rings, "100-7-agent-0", 16016 + 8);
    const ConvertOutcome outcome = convertNow();
    EXPECT_EQ(outcome.events, 1000U);
    EXPECT_EQ(outcome.lost, 5U);
    EXPECT_EQ(sql("SELECT source, globalPid / 16777216, count FROM RIDGE_LOSS ORDER BY source", 3), "nested_event|100|2;unbalanced_pop|100|3");
    const std::string first = sql("SELECT sum(start), count(*) FROM NVTX_EVENTS", 2);
    convertNow();  // doing it again changes nothing
    EXPECT_EQ(sql("SELECT sum(start), count(*) FROM NVTX_EVENTS", 2), first);
}

TEST_F(ConvertTest, ATruncatedSpoolLosesItsEndAndSaysSo) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    ring.range(1, 2000, 3000);
    ring.range(1, 4000, 5000);
    ring.saveSpool(m_session, "100-7-agent-0");
    std::filesystem::resize_file(m_session + "/100-7-agent-0.spool", ring.bytes().size() - 9);
    EXPECT_EQ(convertNow().events, 1U);
    EXPECT_EQ(sql("SELECT source, count FROM RIDGE_LOSS ORDER BY source", 2), "corrupt_spool|1;missing_spool_bytes|9");
}

// The recorder was killed, its ring has the rest: what is written behind a cut spool leaves a hole in it.
TEST_F(ConvertTest, WhatWasCutOffBeforeTheRestOfARingIsMissed) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    for (std::uint64_t i = 0; i < 100; ++i) ring.range(1, 2000 + i, 3000 + i);
    const std::size_t name = ring.bytes().size() - 100 * sizeof(Range);
    ring.saveRing(m_session, m_rings, "100-7-agent-0", name + 50 * sizeof(Range));
    std::filesystem::resize_file(m_session + "/100-7-agent-0.spool", name + 20 * sizeof(Range) + 12);
    for (int again = 0; again < 2; ++again) {
        const ConvertOutcome outcome = convertNow();
        EXPECT_EQ(outcome.events, 70U);
        ASSERT_EQ(outcome.damage.size(), 1U);
        EXPECT_NE(outcome.damage[0].find("100-7-agent-0.spool: 960 of"), std::string::npos) << outcome.damage[0];
        EXPECT_EQ(sql("SELECT source, count FROM RIDGE_LOSS", 2), "missing_spool_bytes|960");
        EXPECT_EQ(sql("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end <> start + 1000"), "0");
    }
}

TEST_F(ConvertTest, FilesThatAreGoneAreMissed) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    ring.range(1, 2000, 3000);
    ring.saveSpool(m_session, "100-7-agent-0");
    const std::size_t bytes = ring.bytes().size();
    std::filesystem::remove(m_session + "/100-7-agent-0.spool");
    FakeRing other(100, 103);
    other.header().ringIndex = 3;
    other.range(1, 2000, 3000);
    other.saveSpool(m_session, "100-7-agent-3");
    SessionInfo info = fakeSession(m_rings);
    info.recorderBytes = 56;
    ASSERT_TRUE(writeSession(m_session, info).ok());
    const ConvertOutcome outcome = convertNow();
    EXPECT_EQ(outcome.damage.size(), 3U);
    EXPECT_EQ(sql("SELECT source, count, globalPid / 16777216, substr(detail, 1, 14) FROM RIDGE_LOSS ORDER BY count", 4),
              fmt::format("missing_ring|2|100|100-7-*-1.spoo;missing_spool_bytes|{}|100|100-7-agent-0.;"
                          "missing_spool_bytes|56|-|recorder.spool", bytes));
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

// A full disk: the producer left the gap itself, and counted it.
TEST_F(ConvertTest, AGapThatWasCountedIsNotMissed) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    ring.bytes().resize(ring.bytes().size() + 320);
    ring.range(1, 2000, 3000);
    ring.header().lost[kLossSpoolWrite] = 10;
    ring.saveSpool(m_session, "100-7-agent-0");
    EXPECT_EQ(convertNow().lost, 10U);
    EXPECT_EQ(sql("SELECT source, count FROM RIDGE_LOSS", 2), "spool_write|10");
}

TEST_F(ConvertTest, HostileBytesNeverHarm) {
    std::mt19937_64 random(20240607);
    FakeRing good(100, 100);
    good.name(1, "r");
    for (std::uint8_t type = 1; type < 60; ++type) {
        RecordHeader header{static_cast<RecordType>(type), 0xff, 24, 1};
        const std::size_t at = good.bytes().size();
        good.bytes().resize(at + 192);
        std::memcpy(good.bytes().data() + at, &header, sizeof header);
        for (std::size_t i = sizeof header; i < 192; ++i) good.bytes()[at + i] = static_cast<char>(random());
    }
    for (int round = 0; round < 150; ++round) {
        SCOPED_TRACE(round);
        FakeRing ring(100, 100);
        ring.bytes() = good.bytes();
        const int flips = round == 0 ? 0 : 1 << (round % 8);
        for (int i = 0; i < flips; ++i) ring.bytes()[random() % ring.bytes().size()] = static_cast<char>(random());
        auto* header = reinterpret_cast<unsigned char*>(&ring.header());
        for (int i = 0; i < round % 5; ++i)
            header[offsetof(RingHeader, openCount) + random() % (sizeof(RingHeader) - offsetof(RingHeader, openCount))] =
                static_cast<unsigned char>(random());
        ring.header().openCount = static_cast<std::uint32_t>(random());
        ring.saveSpool(m_session, "100-7-agent-0");
        convertNow();
        FakeRing::write(m_rings + "/junk.ring", std::string(static_cast<std::size_t>(random() % 70000), static_cast<char>(random())));
    }
}

TEST_F(ConvertTest, AProcessThatRanExecIsKnownByWhatItBecame) {
    for (const auto& [image, path] : {std::pair(20, "/usr/bin/sort"), std::pair(10, "/bin/sh"), std::pair(15, "/usr/bin/env")}) {
        FakeRing ring(42, 42, static_cast<std::uint64_t>(image));
        ring.name(1, path);
        Process process{};
        process.pid = 42;
        process.rank = image == 20 ? 3 : -1;
        process.worldSize = 4;
        process.localRank = -1;
        ring.add(process, RecordType::kProcess, 1);
        ring.saveSpool(m_session, fmt::format("42-{}-1-0", image));
    }
    EXPECT_EQ(convertNow().processes, 1U);
    EXPECT_EQ(sql("SELECT pid, name FROM PROCESSES", 2), "42|/usr/bin/sort");
    EXPECT_EQ(sql("SELECT rank, worldSize FROM RIDGE_RANK", 2), "3|4");
}

// What a reader closes open ranges with: fakeSession begins at 1000 and ends at 1'000'001'000.
void addEnds(const std::string& folder, const std::vector<std::pair<std::uint32_t, std::uint64_t>>& ends) {
    FakeRing recorder(0, 0);
    for (const auto& [pid, time] : ends) {
        ProcessEnd end{};
        end.time = time;
        recorder.add(end, RecordType::kProcessEnd, pid);
    }
    recorder.write(folder + "/recorder.spool", {recorder.bytes().data(), recorder.bytes().size()});
}

TEST_F(ConvertTest, EachProcessSaysWhenItEnded) {
    SessionInfo info = fakeSession(m_rings);
    info.programPid = 20;
    info.exitStatus = 137;
    ASSERT_TRUE(writeSession(m_session, info).ok());
    const auto image = [&](int pid, std::uint64_t begin, AgentKind agent = AgentKind::kAgent) {
        FakeRing ring(pid, pid, begin);
        ring.header().agent = agent;
        ring.name(1, "r");
        ring.range(1, begin + 10, begin + 20);
        ring.open(begin + 30, 1);
        ring.saveSpool(m_session, fmt::format("{}-{}-{}-0", pid, begin, static_cast<int>(agent)));
    };
    image(20, 2000);                   // killed
    image(20, 1500, AgentKind::kIo);   // its other agent was there before
    image(21, 3000);                   // runs when the recording ends
    image(22, 4000);                   // runs exec
    image(22, 5000);
    image(23, 6000);                   // ends, and another process gets its pid
    image(23, 8000);
    image(24, 9000);                   // ends after the recording did
    addEnds(m_session, {{20, 700'001'000}, {22, 9'500}, {23, 7'000}, {23, 8'500}, {24, 2'000'000'000}});
    convertNow();
    EXPECT_EQ(sql("SELECT globalPid / 16777216, start, end, endKind, exitStatus FROM RIDGE_PROCESS ORDER BY 1, 2", 5),
              "20|500|700000000|ended|137;21|2000|1000000000|running|-;22|3000|4000|exec|-;22|4000|8500|ended|-;"
              "23|5000|6000|ended|-;23|7000|7500|ended|-;24|8000|1000000000|running|-");
    EXPECT_EQ(sql("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end IS NULL"), "7");
}

TEST_F(ConvertTest, WhenTheRecorderWasKilledAProcessLivedAtItsLastHeartbeat) {
    SessionInfo info = fakeSession(m_rings);
    info.endMonotonicNs = 0;
    info.exitStatus.reset();
    ASSERT_TRUE(writeSession(m_session, info).ok());
    auto control = std::make_unique<ControlBlock>();
    control->magic = kControlMagic;
    control->heartbeatNs = 50'000;
    FakeRing::write(m_session + "/control", {reinterpret_cast<const char*>(control.get()), sizeof(ControlBlock)});
    for (const auto& [pid, last] : {std::pair(30, 3'000), std::pair(31, 90'000), std::pair(32, 4'000)}) {
        FakeRing ring(pid, pid, 2000);
        ring.name(1, "r");
        ring.range(1, 2500, static_cast<std::uint64_t>(last));
        ring.saveSpool(m_session, fmt::format("{}-2000-1-0", pid));
    }
    addEnds(m_session, {{32, 5'000}});
    EXPECT_EQ(convertNow().durationNs, 89'000);
    EXPECT_EQ(sql("SELECT globalPid / 16777216, end, endKind FROM RIDGE_PROCESS ORDER BY 1", 3),
              "30|49000|last_seen;31|89000|last_seen;32|4000|ended");
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

// Names that a full disk drove out of their ring stand in a file of their own.
TEST_F(ConvertTest, NamesThatWereGivenUpAreRead) {
    FakeRing ring(41, 41);
    ring.range(5, 2'000, 3'000);
    ring.header().lost[kLossSpoolWrite] = 9;
    ring.saveSpool(m_session, "41-7-1-0");
    FakeRing names(41, 41);
    names.name(5, "given up");
    FakeRing::write(m_rings + "/41-7-1-0.names", {names.bytes().data(), names.bytes().size()});
    EXPECT_EQ(convertNow().lost, 9U);
    EXPECT_EQ(sql("SELECT COALESCE(n.text, s.value) FROM NVTX_EVENTS n LEFT JOIN StringIds s ON s.id = n.textId WHERE eventType = 59"), "given up");
}

TEST_F(ConvertTest, SchemaIsThatOfTheContract) {
    FakeRing ring(100, 100);
    ring.name(1, "r");
    ring.range(1, 2000, 3000);
    ring.saveSpool(m_session, "100-7-agent-0");
    convertNow();
    auto query = m_db->prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table'");
    ASSERT_TRUE(query.ok());
    int found = 0;
    int enums = 0;
    while (*query->step()) {
        const timeline::TableDdl* ddl = timeline::findTable(query->text(0));
        ASSERT_NE(ddl, nullptr) << query->text(0);
        std::string expected(trim(ddl->createTable));
        if (expected.ends_with(';')) expected.pop_back();
        EXPECT_EQ(query->text(1), expected);
        ++found;
        enums += ddl->name.starts_with("ENUM_") ? 1 : 0;
    }
    EXPECT_GT(found, 10);
    for (const timeline::TableDdl& ddl : timeline::tables()) enums -= ddl.name.starts_with("ENUM_") ? 1 : 0;
    EXPECT_EQ(enums, 0);
    EXPECT_EQ(sql("PRAGMA application_id"), std::to_string(timeline::kApplicationId));
    EXPECT_EQ(sql("PRAGMA user_version"), std::to_string(timeline::kSchemaVersion));
    EXPECT_EQ(sql("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'NVTX_EVENTS'"), "idx_NVTX_EVENTS_start");
}

TEST_F(ConvertTest, NoSessionIsAnError) {
    const auto outcome = convert((m_dir.path() / "nothing").string(), m_output);
    ASSERT_FALSE(outcome.ok());
    EXPECT_NE(outcome.error().message.find("nothing"), std::string::npos);
}

TEST(KernelName, ShortNames) {
    EXPECT_EQ(shortKernelName("void ns::gemm<float, 4>(float*, int)"), "gemm");
    EXPECT_EQ(shortKernelName("(anonymous namespace)::k(int)"), "k");
    EXPECT_EQ(shortKernelName("plain"), "plain");
    EXPECT_EQ(shortKernelName(""), "");
}

}  // namespace
}  // namespace ridge::recorder
