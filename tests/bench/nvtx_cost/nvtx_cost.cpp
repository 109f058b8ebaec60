// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What one NVTX range costs the program: short rounds of every case in turn, wall and thread CPU
// time, medians in ns per range as JSON. Under the agent the ring is emptied between rounds,
// outside of the timing, as a recorder on another core would.
#include "schemas/include/ridge/work.h"
#include "schemas/spool/nvtx_records.h"
#include "tests/bench/nvtx_cost/rounds.h"
#include "tests/unit/agent/three_words.h"

#include <nvtx3/nvToolsExt.h>

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace {

using namespace ridge::bench;

constexpr size_t kFloorRecords = size_t{1} << 15;  // 1 MiB, reused: what the agent's ring is

uint64_t ticks() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    uint64_t value;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
#endif
}

// The floor: two clock reads, a stack and one 32-byte record, written by a function that is called.
struct Frame {
    uint64_t start;
    uint32_t name;
    uint32_t domain;
};
Frame g_stack[64];
Frame* volatile g_top = g_stack;
Range* g_records = nullptr;
size_t g_at = 0;

__attribute__((noinline)) void floorPush(uint32_t name) {
    Frame* top = g_top;
    top->name = name;
    top->start = ticks();
    g_top = top + 1;
}
__attribute__((noinline)) void floorPop() {
    const uint64_t end = ticks();
    Frame* top = g_top - 1;
    g_records[g_at++ & (kFloorRecords - 1)] =
        Range{{RecordType::kRange, 0, 4, top->name}, top->start, end, 0, 0, 0};
    g_top = top;
}

}  // namespace

// nvtx_cost ROUNDS [RING_FOLDER]
int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
    g_records = static_cast<Range*>(std::calloc(kFloorRecords, sizeof(Range)));
    std::memset(g_records, 1, kFloorRecords * sizeof(Range));
    nvtxRangePushA("first");
    nvtxRangePop();
    RingHeader* ring = argc > 2 ? mapOwnRing(argv[2]) : nullptr;
    if (argc > 2 && ring == nullptr) return 1;

    const nvtxDomainHandle_t domain = nvtxDomainCreateA("cost");
    nvtxEventAttributes_t attributes{};
    attributes.version = NVTX_VERSION;
    attributes.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    attributes.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    attributes.message.registered = nvtxDomainRegisterStringA(domain, "registered");
    const uint64_t schemaId =
        ridge::test::registerThreeWords(domain, NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE);
    uint64_t fields[3] = {1, 2, 3};
    const nvtxPayloadData_t data{schemaId, sizeof fields, fields};
    const ridge::Work work = ridge::gemmWork(RIDGE_DTYPE_F32, 64, 64, 64);

    Samples cases[] = {{"floor", {}, {}},
                       {"repeated", {}, {}},
                       {"registered", {}, {}},
                       {"payload24", {}, {}},
                       {"work", {}, {}}};
    for (int round = 0; round < rounds; ++round) {
        measure(cases[0], [] {
            floorPush(3);
            floorPop();
        });
        empty(ring);
        measure(cases[1], [] {
            nvtxRangePushA("matmul_12345");
            nvtxRangePop();
        });
        empty(ring);
        measure(cases[2], [&] {
            nvtxDomainRangePushEx(domain, &attributes);
            nvtxDomainRangePop(domain);
        });
        empty(ring);
        measure(cases[3], [&] {
            ++fields[0];
            nvtxRangePushPayload(domain, &data, 1);
            nvtxDomainRangePop(domain);
        });
        empty(ring);
        measure(cases[4], [&] {
            ridge_range_push("work", &work);
            ridge_range_pop();
        });
        empty(ring);
    }
    print(cases);
    return 0;
}
