// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Payloads, counters, memory regions and NCCL's events by the agent's own code, compiled into this
// program so that a sanitizer sees it: many threads at once, and schemas that make no sense.
#include "collector/agent/index.h"
#include "collector/agent/nccl_abi.h"
#include "collector/agent/nvtx_events.h"
#include "collector/agent/nvtx_extensions.h"
#include "tests/unit/agent/session_reader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

extern "C" ridge::agent::nccl::Plugin5 ncclProfiler_v5;

namespace ridge::agent {
namespace {

using namespace spool;
using test::TestSession;

constexpr int kThreads = 4;
constexpr int kEach = 3000;

// One session for the program: an agent opens the one it finds first.
TestSession& session() {
    static TestSession the(uint64_t{1} << 18);
    static const bool named = [] {
        the.control()->traceCuda = 1;
        for (const auto& variable : the.environment()) {
            const auto equals = variable.find('=');
            setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
        }
        return true;
    }();
    (void)named;
    return the;
}

uint64_t schema(uint32_t domainId, const std::vector<nvtxPayloadSchemaEntry_t>& entries, uint64_t type, uint64_t id, size_t size) {
    nvtxPayloadSchemaAttr_t a{};
    a.fieldMask = NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES |
                  NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE |
                  NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_SCHEMA_ID;
    a.type = type;
    a.entries = entries.data();
    a.numEntries = entries.size();
    a.payloadStaticSize = size;
    a.schemaId = id;
    return withRingAlways(uint64_t{0}, [&](Ring* ring) { return registerSchema(ring, domainId, &a); });
}

void markWith(uint32_t domainId, const nvtxPayloadData_t* data, size_t count) {
    withRing([&](Ring* ring) {
        Event event;
        event.domainId = domainId;
        addPayloads(ring, event, data, count);
        mark(ring, event);
    });
}

struct Deep {
    const char* text;
    const int32_t* values;
    uint64_t n;
};

void oneThread(int which) {
    intptr_t counters[6] = {}, memory[7] = {};
    fillCounters(counters, 6);
    fillMemory(memory, 7);
    auto* registerCounter = reinterpret_cast<uint64_t (*)(nvtxDomainHandle_t, const NvtxCounterAttributes*)>(counters[0]);
    auto* sample = reinterpret_cast<void (*)(nvtxDomainHandle_t, uint64_t, int64_t)>(counters[1]);
    auto* regions = reinterpret_cast<void (*)(nvtxDomainHandle_t, const NvtxRegionsRegister*)>(memory[3]);
    nvtxPayloadSchemaEntry_t text{}, values{}, n{};
    text.type = NVTX_PAYLOAD_ENTRY_TYPE_CSTRING;
    values.type = NVTX_PAYLOAD_ENTRY_TYPE_INT32;
    values.flags = NVTX_PAYLOAD_ENTRY_FLAG_POINTER | NVTX_PAYLOAD_ENTRY_FLAG_DEEP_COPY | NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE;
    values.arrayOrUnionDetail = 3;
    n.type = NVTX_PAYLOAD_ENTRY_TYPE_UINT64;
    // All threads register the same ids, and meet each other's.
    constexpr uint64_t kId = NVTX_PAYLOAD_SCHEMA_ID_STATIC_START + 7;
    NvtxCounterAttributes counter{};
    counter.structSize = sizeof counter;
    counter.schemaId = NVTX_PAYLOAD_ENTRY_TYPE_INT64;
    counter.name = "counter";
    const uint64_t own = registerCounter(nullptr, &counter);
    void* context = nullptr;
    int mask = 0;
    ASSERT_EQ(ncclProfiler_v5.init(&context, 99, &mask, "comm", 1, kThreads, which, nullptr), 0);
    for (int i = 0; i < kEach; ++i) {
        if (i % 100 == 0) schema(0, {text, values, n}, NVTX_PAYLOAD_SCHEMA_TYPE_STATIC, kId, sizeof(Deep));
        const int32_t numbers[] = {i, i + 1, which};
        const Deep deep{"some text", numbers, static_cast<uint64_t>(i)};
        const nvtxPayloadData_t data{kId, sizeof deep, &deep};
        markWith(0, &data, 1);
        sample(nullptr, own, i);
        const NvtxMemoryRange range{4096, &deep};
        uintptr_t handle = 0;
        const NvtxRegionsRegister batch{0x102, sizeof batch, 1, 0, 1, sizeof range, &range, &handle};
        regions(nullptr, &batch);
        EXPECT_NE(handle, 0u);
        nccl::Descriptor5 d{};
        d.type = nccl::kCollective;
        d.detail.coll.func = "AllReduce";
        d.detail.coll.datatype = "ncclFloat32";
        void* event = nullptr;
        EXPECT_EQ(ncclProfiler_v5.startEvent(context, &event, &d), 0);
        EXPECT_EQ(ncclProfiler_v5.stopEvent(event), 0);
    }
}

struct Numbered {
    uint64_t key;
    uint32_t value;
};

// A writer adds and replaces while a reader looks up what it was told of.
TEST(Extensions, AnIndexIsReadWhileItGrows) {
    constexpr uint32_t kCount = 20000;
    const auto keyOf = [](uint32_t i) { return uint64_t{i % 7} << 40 | i; };
    std::vector<Numbered> first(kCount), second(kCount);
    Index<Numbered> index;
    EXPECT_EQ(index.find(1, [](const Numbered&) { return true; }), nullptr);
    std::atomic<uint32_t> told{0};
    const auto find = [&](uint32_t i) {
        return index.find(keyOf(i), [&](const Numbered& known) { return known.key == keyOf(i); });
    };
    std::thread reader([&] {
        for (uint32_t seen = 0; seen < kCount; seen = told.load(std::memory_order_acquire))
            for (uint32_t i = 0; i < seen; i += 1 + seen / 64) {
                const Numbered* found = find(i);
                ASSERT_TRUE(found == &first[i] || found == &second[i]) << i;
            }
    });
    for (uint32_t i = 0; i < kCount; ++i) {
        first[i] = second[i] = {keyOf(i), i};
        const auto same = [&](const Numbered& known) { return known.key == keyOf(i); };
        ASSERT_TRUE(index.put(keyOf(i), &first[i], same));
        if (i % 3 == 0) {
            ASSERT_TRUE(index.put(keyOf(i), &second[i], same));
        }
        told.store(i + 1, std::memory_order_release);
    }
    reader.join();
    for (uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(find(i), i % 3 == 0 ? &second[i] : &first[i]) << i;
    EXPECT_EQ(find(kCount), nullptr);
}

TEST(Extensions, ThreadsRecordSideBySide) {
    session();
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(oneThread, i);
    for (auto& thread : threads) thread.join();
    const auto read = session().read();
    constexpr uint64_t kAll = uint64_t{kThreads} * kEach;
    EXPECT_EQ(read.count(RecordType::kMark), kAll);
    EXPECT_EQ(read.count(RecordType::kCounterSample), kAll);
    EXPECT_EQ(read.count(RecordType::kMemoryRegion), kAll);
    EXPECT_EQ(read.count(RecordType::kNcclEvent), kAll);
    EXPECT_EQ(read.count(RecordType::kRangeClose), kAll);
    EXPECT_EQ(read.count(RecordType::kSchema), 1u) << "the same schema is one";
    EXPECT_EQ(read.count(RecordType::kCounter), uint64_t{kThreads});
    for (uint32_t kind = 0; kind < kLossKinds; ++kind) EXPECT_EQ(read.lost(LossKind(kind)), 0u) << kind;
    // Blob head, the payload with its two pointers replaced, the text, the numbers.
    for (const auto& record : read.of(RecordType::kMark)) {
        ASSERT_EQ(record.bytes.size(), sizeof(Mark) + 8 + sizeof(Deep) + 16 + 16);
        const uint8_t* blob = record.bytes.data() + sizeof(Mark) + 8;
        uint64_t packed[2];
        std::memcpy(packed, blob, sizeof packed);
        ASSERT_EQ(packed[0], 24u | uint64_t{9} << 32);
        ASSERT_EQ(packed[1], 40u | uint64_t{12} << 32);
        ASSERT_EQ(std::memcmp(blob + 24, "some text", 9), 0);
        int32_t numbers[3];
        uint64_t n = 0;
        std::memcpy(numbers, blob + 40, sizeof numbers);
        std::memcpy(&n, blob + 16, sizeof n);
        ASSERT_EQ(uint64_t(numbers[0]), n);
    }
}

// What a careless program might register: in circles, lengths beyond the payload, pointers everywhere.
TEST(Extensions, SchemasThatMakeNoSenseHarmNobody) {
    session();
    const unsigned seed = 77;
    std::mt19937_64 random(seed);
    constexpr uint64_t kTypes[] = {1, 5, 16, 18, 20, 22, 33, 75, 76, 77, 78, 100, 1u << 24, (1u << 24) + 1, (1u << 24) + 2};
    std::vector<uint64_t> target(1024, 0x4141414141414141);
    target.back() = 0;
    for (int round = 0; round < 1000; ++round) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
        const auto domain = static_cast<uint32_t>(100 + round % 40000);
        for (uint64_t id = 0; id < 3; ++id) {
            std::vector<nvtxPayloadSchemaEntry_t> entries(random() % 6);
            for (auto& entry : entries) {
                entry.flags = random() % 2 ? 0 : random() & 0x1FE;
                entry.type = kTypes[random() % std::size(kTypes)];
                entry.arrayOrUnionDetail = random() % 8;
                entry.offset = random() % 3 ? 0 : random() % 6 * 8;  // what is taken for a pointer is a whole one
            }
            schema(domain, entries, 1 + random() % 4, NVTX_PAYLOAD_SCHEMA_ID_STATIC_START + id, random() % 8 * 8);
        }
        // Every word is an address that may be read, so that whatever is taken for a pointer is one.
        std::vector<uint64_t> payload(1 + random() % 8, reinterpret_cast<uintptr_t>(target.data()));
        if (random() % 4 == 0)
            for (auto& word : payload) word = 0;
        // Exactly as large as its words: a sanitizer sees a read behind it.
        const nvtxPayloadData_t data[] = {
            {NVTX_PAYLOAD_SCHEMA_ID_STATIC_START + random() % 3, payload.size() * 8, payload.data()},
            {NVTX_TYPE_PAYLOAD_SCHEMA_REFERENCED, target.size() * 8, target.data()}};
        markWith(domain, data, 2);
    }
    EXPECT_GE(session().read().count(RecordType::kMark), 1000u);
}

}  // namespace
}  // namespace ridge::agent
