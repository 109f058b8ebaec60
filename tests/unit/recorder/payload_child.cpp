// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Says through NVTX's payload, counters and memory extensions what with_payloads_test.cpp looks for.
// The NCCL part registers its schemas as NCCL 2.27 does (its domain, static ids, entry names, layouts).
#include <nvtx3/nvToolsExt.h>
#include <nvtx3/nvToolsExtCounters.h>
#include <nvtx3/nvToolsExtMem.h>
#include <nvtx3/nvToolsExtPayload.h>
#include <nvtx3/nvToolsExtSemanticsCounters.h>
#include <nvtx3/nvToolsExtSemanticsTime.h>

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <vector>

namespace {

using Entry = nvtxPayloadSchemaEntry_t;

Entry entry(uint64_t flags, uint64_t type, const char* name, uint64_t detail = 0, uint64_t offset = 0) {
    Entry e{};
    e.flags = flags;
    e.type = type;
    e.name = name;
    e.arrayOrUnionDetail = detail;
    e.offset = offset;
    return e;
}

uint64_t schema(nvtxDomainHandle_t domain, const char* name, uint64_t type, const std::vector<Entry>& entries,
                size_t size = 0, uint64_t id = 0, uint64_t flags = 0) {
    nvtxPayloadSchemaAttr_t a{};
    a.fieldMask = NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES |
                  NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_FLAGS;
    if (name) a.fieldMask |= NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NAME;
    if (size) a.fieldMask |= NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE;
    if (id) a.fieldMask |= NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_SCHEMA_ID;
    a.name = name;
    a.type = type;
    a.flags = flags;
    a.entries = entries.data();
    a.numEntries = entries.size();
    a.payloadStaticSize = size;
    a.schemaId = id;
    return nvtxPayloadSchemaRegister(domain, &a);
}

void mark(nvtxDomainHandle_t domain, const char* text, std::initializer_list<nvtxPayloadData_t> data) {
    const std::vector<nvtxPayloadData_t> list(data);
    nvtxEventAttributes_t a{};
    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.messageType = NVTX_MESSAGE_TYPE_ASCII;
    a.message.ascii = text;
    a.payloadType = static_cast<int32_t>(NVTX_PAYLOAD_TYPE_EXT);
    a.reserved0 = static_cast<int32_t>(list.size());
    a.payload.ullValue = reinterpret_cast<uintptr_t>(list.data());
    nvtxDomainMarkEx(domain, &a);
}

void nccl() {
    enum Red : int { kSum, kProd, kMax, kMin, kAvg };
    constexpr uint64_t kStatic = NVTX_PAYLOAD_SCHEMA_ID_STATIC_START;
    constexpr uint64_t kRedOp = kStatic + 11;
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("NCCL");
    const nvtxPayloadEnum_t reds[] = {{"Sum", kSum, 0}, {"Product", kProd, 0}, {"Max", kMax, 0}, {"Min", kMin, 0}, {"Avg", kAvg, 0}};
    nvtxPayloadEnumAttr_t e{};
    e.fieldMask = NVTX_PAYLOAD_ENUM_ATTR_FIELD_ENTRIES | NVTX_PAYLOAD_ENUM_ATTR_FIELD_NUM_ENTRIES |
                  NVTX_PAYLOAD_ENUM_ATTR_FIELD_SIZE | NVTX_PAYLOAD_ENUM_ATTR_FIELD_SCHEMA_ID;
    e.entries = reds;
    e.numEntries = 5;
    e.sizeOfEnum = sizeof(Red);
    e.schemaId = kRedOp;
    if (nvtxPayloadEnumRegister(domain, &e) != kRedOp) std::exit(3);
    struct Reduce { uint64_t comm; size_t bytes; Red op; };
    struct Send { uint64_t comm; size_t bytes; int peer; };
    struct Init { uint64_t comm; int ranks, rank, device; };
    constexpr auto kType = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    schema(domain, nullptr, kType,
           {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "NCCL communicator ID", 0, offsetof(Init, comm)),
            entry(0, NVTX_PAYLOAD_ENTRY_TYPE_INT, "No. of ranks", 0, offsetof(Init, ranks)),
            entry(0, NVTX_PAYLOAD_ENTRY_TYPE_INT, "Rank", 0, offsetof(Init, rank)),
            entry(0, NVTX_PAYLOAD_ENTRY_TYPE_INT, "CUDA device", 0, offsetof(Init, device))},
           sizeof(Init), kStatic + 1);
    schema(domain, nullptr, kType,
           {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "NCCL communicator ID", 0, offsetof(Reduce, comm)),
            entry(0, NVTX_PAYLOAD_ENTRY_TYPE_SIZE, "Message size [bytes]", 0, offsetof(Reduce, bytes)),
            entry(0, kRedOp, "Reduction operation", 0, offsetof(Reduce, op))},
           sizeof(Reduce), kStatic + 5);
    schema(domain, nullptr, kType,
           {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "NCCL communicator ID", 0, offsetof(Send, comm)),
            entry(0, NVTX_PAYLOAD_ENTRY_TYPE_SIZE, "Message size [bytes]", 0, offsetof(Send, bytes)),
            entry(0, NVTX_PAYLOAD_ENTRY_TYPE_INT, "Peer rank", 0, offsetof(Send, peer))},
           sizeof(Send), kStatic + 8);
    const nvtxStringHandle_t names[] = {nvtxDomainRegisterStringA(domain, "ncclCommInitRank"),
                                        nvtxDomainRegisterStringA(domain, "ncclAllReduce"),
                                        nvtxDomainRegisterStringA(domain, "ncclSend")};
    const auto range = [&](int which, uint64_t id, const void* data, size_t bytes) {
        const nvtxPayloadData_t payload{id, bytes, data};
        nvtxEventAttributes_t a{};
        a.version = NVTX_VERSION;
        a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
        a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
        a.message.registered = names[which];
        a.payloadType = static_cast<int32_t>(NVTX_PAYLOAD_TYPE_EXT);
        a.reserved0 = 1;
        a.payload.ullValue = reinterpret_cast<uintptr_t>(&payload);
        nvtxDomainRangePushEx(domain, &a);
        nvtxDomainRangePop(domain);
    };
    const Init init{0xABCDEF0123456789, 8, 3, 3};
    range(0, kStatic + 1, &init, sizeof init);
    const Reduce reduce{0xABCDEF0123456789, 268435456, kMax};
    range(1, kStatic + 5, &reduce, sizeof reduce);
    const Send send{0xABCDEF0123456789, 4096, 5};
    range(2, kStatic + 8, &send, sizeof send);
}

void dynamic() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("dynamic");
    constexpr auto kInt = NVTX_PAYLOAD_ENTRY_TYPE_INT32;
    const uint64_t point = schema(domain, "point", NVTX_PAYLOAD_SCHEMA_TYPE_STATIC,
                                  {entry(0, kInt, "x"), entry(0, NVTX_PAYLOAD_ENTRY_TYPE_FLOAT, "y")}, 8);
    // A length, so many points, a string up to its zero, three shorts, a matrix by its two dimensions.
    const uint64_t id = schema(domain, "mixed", NVTX_PAYLOAD_SCHEMA_TYPE_DYNAMIC,
                               {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_UINT16, "n"),
                                entry(NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_LENGTH_INDEX, point, "points", 0),
                                entry(NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_ZERO_TERMINATED, NVTX_PAYLOAD_ENTRY_TYPE_CSTRING, "text"),
                                entry(NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE, NVTX_PAYLOAD_ENTRY_TYPE_INT16, "triple", 3),
                                entry(NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_ZERO_TERMINATED, NVTX_PAYLOAD_ENTRY_TYPE_UINT8, "dims"),
                                entry(NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_LENGTH_INDEX, NVTX_PAYLOAD_ENTRY_TYPE_UINT8, "matrix", 4),
                                entry(0, NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE, "what")});
    std::vector<uint8_t> bytes;
    const auto put = [&](const void* from, size_t size, size_t align) {
        bytes.resize((bytes.size() + align - 1) / align * align);
        const auto* b = static_cast<const uint8_t*>(from);
        bytes.insert(bytes.end(), b, b + size);
    };
    const uint16_t n = 2;
    put(&n, 2, 2);
    for (int i = 1; i <= 2; ++i) {
        const int32_t x = -i;
        const float y = 0.5f * static_cast<float>(i);
        put(&x, 4, 4);
        put(&y, 4, 4);
    }
    put("hello", 6, 1);
    const int16_t triple[] = {7, -8, 9};
    put(triple, 6, 2);
    const uint8_t dims[] = {2, 3, 0}, matrix[] = {1, 2, 3, 4, 5, 6};
    put(dims, 3, 1);
    put(matrix, 6, 1);
    const nvtxStringHandle_t what = nvtxDomainRegisterStringA(domain, "a handle");
    put(&what, sizeof what, 8);
    mark(domain, "mixed", {{id, bytes.size(), bytes.data()}});
    mark(domain, "unsized", {{id, SIZE_MAX, bytes.data()}});
    bytes.resize(9);
    mark(domain, "cut", {{id, bytes.size(), bytes.data()}});
    const double bare = 2.25;
    mark(domain, "bare", {{NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE, sizeof bare, &bare}});
}

void unions() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("unions");
    const uint64_t outer = schema(domain, "either", NVTX_PAYLOAD_SCHEMA_TYPE_UNION,
                                  {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_INT64, "count"), entry(0, NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE, "share")}, 8);
    const uint64_t id = schema(domain, "external", NVTX_PAYLOAD_SCHEMA_TYPE_STATIC,
                               {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_UINT8, "which"), entry(0, outer, "value", 0, 8)}, 16);
    struct { uint8_t which; double share; } external{1, 0.75};
    mark(domain, "external", {{id, sizeof external, &external}});
    const uint64_t own = schema(domain, "internal", NVTX_PAYLOAD_SCHEMA_TYPE_UNION_WITH_INTERNAL_SELECTOR,
                                {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_UNION_SELECTOR, "tag"),
                                 entry(0, NVTX_PAYLOAD_ENTRY_TYPE_INT32, "a", 0, 4), entry(0, NVTX_PAYLOAD_ENTRY_TYPE_FLOAT, "b", 0, 4)}, 8);
    struct { int32_t tag; float b; } internal{2, 1.5f};
    mark(domain, "internal", {{own, sizeof internal, &internal}});
}

void pointers() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("pointers");
    struct Deep { const char* text; const int32_t* deep; const int32_t* shallow; const int32_t* other; uint32_t n; };
    const uint64_t id = schema(domain, "deep", NVTX_PAYLOAD_SCHEMA_TYPE_STATIC,
                               {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_CSTRING, "text"),
                                entry(NVTX_PAYLOAD_ENTRY_FLAG_POINTER | NVTX_PAYLOAD_ENTRY_FLAG_DEEP_COPY | NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE,
                                      NVTX_PAYLOAD_ENTRY_TYPE_INT32, "deep", 3),
                                entry(NVTX_PAYLOAD_ENTRY_FLAG_POINTER | NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE,
                                      NVTX_PAYLOAD_ENTRY_TYPE_INT32, "shallow", 3),
                                entry(NVTX_PAYLOAD_ENTRY_FLAG_POINTER | NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE,
                                      NVTX_PAYLOAD_ENTRY_TYPE_INT32, "other", 2),
                                entry(0, NVTX_PAYLOAD_ENTRY_TYPE_UINT32, "n")},
                               sizeof(Deep));
    int32_t values[] = {10, 20, 30}, elsewhere[] = {1, 2, 3}, referenced[] = {41, 42};
    // "shallow" points to what nobody allowed to be read: an address that would fault.
    const Deep deep{"pointed to", values, reinterpret_cast<const int32_t*>(uintptr_t{64}), referenced, 5};
    mark(domain, "deep", {{id, sizeof deep, &deep}, {NVTX_TYPE_PAYLOAD_SCHEMA_REFERENCED, sizeof referenced, referenced}});
    values[0] = elsewhere[0];  // what was recorded was a copy
    const uint64_t named = schema(domain, "named", NVTX_PAYLOAD_SCHEMA_TYPE_STATIC,
                                  {entry(NVTX_PAYLOAD_ENTRY_FLAG_EVENT_MESSAGE, NVTX_PAYLOAD_ENTRY_TYPE_CSTRING, "message", 16),
                                   entry(0, NVTX_PAYLOAD_ENTRY_TYPE_INT32, "x", 0, 16)}, 20);
    char message[20] = "named by payload";
    const int32_t x = 9;
    __builtin_memcpy(message + 16, &x, 4);
    const nvtxPayloadData_t data{named, sizeof message, message};
    nvtxMarkPayload(domain, &data, 1);
}

void numbers() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("numbers");
    constexpr auto kStatic = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    const nvtxPayloadEnum_t colours[] = {{"RED", 1, 0}, {"GREEN", 2, 0}, {"FLAGX", 4, 1}, {"FLAGY", 8, 1}};
    nvtxPayloadEnumAttr_t e{};
    e.fieldMask = NVTX_PAYLOAD_ENUM_ATTR_FIELD_ENTRIES | NVTX_PAYLOAD_ENUM_ATTR_FIELD_NUM_ENTRIES | NVTX_PAYLOAD_ENUM_ATTR_FIELD_SIZE;
    e.entries = colours;
    e.numEntries = 4;
    e.sizeOfEnum = 4;
    const uint64_t colour = nvtxPayloadEnumRegister(domain, &e);
    const uint64_t flags = schema(domain, "flags", kStatic, {entry(NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE, colour, "of", 6)}, 24);
    const int32_t values[] = {1, 12, -1, 6, 16, 2};
    mark(domain, "flags", {{flags, sizeof values, values}});
    constexpr auto kInt = NVTX_PAYLOAD_ENTRY_TYPE_INT32;
    const uint64_t same = schema(domain, "same", kStatic, {entry(0, kInt, "x"), entry(0, kInt, "x"), entry(0, kInt, "y"), entry(0, kInt, "x")}, 16);
    const int32_t four[] = {1, 2, 3, 4};
    mark(domain, "namesakes", {{same, sizeof four, four}});
    __extension__ using Wide = __int128;
    struct Odd { double nan, inf; float minus; uint16_t half; alignas(16) Wide wide; Wide ones; alignas(16) unsigned char quad[16]; long double longer, longest; };
    const uint64_t odd = schema(domain, "odd", kStatic,
                                {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE, "nan", 0, offsetof(Odd, nan)),
                                 entry(0, NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE, "inf", 0, offsetof(Odd, inf)),
                                 entry(0, NVTX_PAYLOAD_ENTRY_TYPE_FLOAT, "minus", 0, offsetof(Odd, minus)),
                                 entry(0, NVTX_PAYLOAD_ENTRY_TYPE_FLOAT16, "half", 0, offsetof(Odd, half)),
                                 entry(0, NVTX_PAYLOAD_ENTRY_TYPE_INT128, "wide", 0, offsetof(Odd, wide)),
                                 entry(0, NVTX_PAYLOAD_ENTRY_TYPE_UINT128, "ones", 0, offsetof(Odd, ones)),
                                 entry(0, NVTX_PAYLOAD_ENTRY_TYPE_FLOAT128, "quad", 0, offsetof(Odd, quad)),
                                 entry(0, NVTX_PAYLOAD_ENTRY_TYPE_LONGDOUBLE, "longer", 0, offsetof(Odd, longer)),
                                 entry(0, NVTX_PAYLOAD_ENTRY_TYPE_LONGDOUBLE, "longest", 0, offsetof(Odd, longest))},
                                sizeof(Odd));
    // -2.5 in IEEE's 128-bit format: exponent 1, fraction .25.
    const Odd numbers{__builtin_nan(""), __builtin_inf(), -__builtin_inff(), 0x7c00, -(Wide{1} << 100), Wide{-1},
                      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x00, 0xC0}, 3.5L, 1e4000L};
    mark(domain, "odd", {{odd, sizeof numbers, &numbers}});
}

// Pointers to memory that is not there, a text that runs into it, and a handle that nobody gave out.
void unreadable() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("unreadable");
    struct Wild { const int32_t* deep; const char* text; const char* endless; nvtxStringHandle_t handle; const char* good; };
    constexpr auto kInt = NVTX_PAYLOAD_ENTRY_TYPE_INT32;
    const uint64_t id = schema(domain, "wild", NVTX_PAYLOAD_SCHEMA_TYPE_STATIC,
                               {entry(NVTX_PAYLOAD_ENTRY_FLAG_POINTER | NVTX_PAYLOAD_ENTRY_FLAG_DEEP_COPY | NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE, kInt, "deep", 3),
                                entry(0, NVTX_PAYLOAD_ENTRY_TYPE_CSTRING, "text"), entry(0, NVTX_PAYLOAD_ENTRY_TYPE_CSTRING, "endless"),
                                entry(0, NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE, "handle"),
                                entry(0, NVTX_PAYLOAD_ENTRY_TYPE_CSTRING, "good")},
                               sizeof(Wild));
    constexpr size_t kPage = 65536;
    char* pages = static_cast<char*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (pages == MAP_FAILED || munmap(pages + kPage, kPage) != 0) std::exit(5);
    __builtin_memset(pages, 's', kPage);
    pages[kPage - 9] = 0;
    const Wild wild{reinterpret_cast<const int32_t*>(uintptr_t{16}), reinterpret_cast<const char*>(uintptr_t{1} << 62), pages + kPage - 6,
                    reinterpret_cast<nvtxStringHandle_t>(uintptr_t{0x1230}), pages + kPage - 12};
    mark(domain, "wild", {{id, sizeof wild, &wild}});
    // Handles only: not walked, but rewritten in place.
    const uint64_t handles = schema(domain, "handles", NVTX_PAYLOAD_SCHEMA_TYPE_STATIC,
                                    {entry(NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE, NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE, "of", 3)}, 24);
    const nvtxStringHandle_t three[] = {nvtxDomainRegisterStringA(domain, "ours"), reinterpret_cast<nvtxStringHandle_t>(pages), nullptr};
    mark(domain, "handles", {{handles, sizeof three, three}});
    // The event's message by a payload.
    const uint64_t message = schema(domain, "message", NVTX_PAYLOAD_SCHEMA_TYPE_STATIC,
                                    {entry(NVTX_PAYLOAD_ENTRY_FLAG_EVENT_MESSAGE, NVTX_PAYLOAD_ENTRY_TYPE_CSTRING, "message")}, 8);
    const char* nowhere = pages + kPage;
    const nvtxPayloadData_t data{message, sizeof nowhere, &nowhere};
    nvtxMarkPayload(domain, &data, 1);
    nvtxEventAttributes_t a{};
    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    a.message.registered = reinterpret_cast<nvtxStringHandle_t>(uintptr_t{0x1230});
    nvtxDomainMarkEx(domain, &a);
    // In each place where a handle may stand, no memory, no place of a handle, and an object of ours that is no string.
    for (const uintptr_t handle : {uintptr_t{0x1230}, uintptr_t{1} << 62, ~uintptr_t{0}, reinterpret_cast<uintptr_t>(domain),
                                   reinterpret_cast<uintptr_t>(three[0]) + 16}) {
        a.message.registered = reinterpret_cast<nvtxStringHandle_t>(handle);
        nvtxDomainRangePushEx(domain, &a);
        nvtxDomainRangePop(domain);
        nvtxRangePushEx(&a);
        nvtxRangePop();
        nvtxDomainRangeEnd(domain, nvtxDomainRangeStartEx(domain, &a));
        nvtxDomainMarkEx(domain, &a);
    }
    a.message.registered = three[0];
    for (int twice = 0; twice < 2; ++twice) {
        nvtxDomainRangePushEx(domain, &a);
        nvtxDomainRangePop(domain);
    }
    munmap(pages, kPage);
    // The same for domains, in every call that takes one: twelve calls each.
    nvtxCounterAttr_t counter{};
    counter.structSize = sizeof counter;
    counter.schemaId = NVTX_PAYLOAD_ENTRY_TYPE_INT64;
    counter.name = "of no domain";
    const nvtxPayloadData_t one{handles, sizeof three, three};
    for (const uintptr_t handle : {uintptr_t{0x1230}, uintptr_t{1} << 62, ~uintptr_t{0}, reinterpret_cast<uintptr_t>(three[0])}) {
        const auto nowhereElse = reinterpret_cast<nvtxDomainHandle_t>(handle);
        bool refused = nvtxDomainRangePushEx(nowhereElse, &a) < 0 && nvtxDomainRangePop(nowhereElse) < 0;
        refused = refused && nvtxRangePushPayload(nowhereElse, &one, 1) < 0 && nvtxRangePopPayload(nowhereElse, &one, 1) < 0;
        nvtxDomainRangeEnd(nowhereElse, nvtxDomainRangeStartEx(nowhereElse, &a));
        nvtxDomainMarkEx(nowhereElse, &a);
        nvtxMarkPayload(nowhereElse, &one, 1);
        refused = refused && nvtxDomainIsEnabled(nowhereElse) == 0 && nvtxCounterRegister(nowhereElse, &counter) == 0 &&
                  schema(nowhereElse, "nowhere", NVTX_PAYLOAD_SCHEMA_TYPE_STATIC, {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_INT64, "x")}, 8) == 0;
        nvtxDomainNameCategoryA(nowhereElse, 1, "of no domain");
        nvtxDomainDestroy(nowhereElse);
        if (!refused) std::exit(6);
    }
}

void counters() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("app");
    nvtxSemanticsCounter_t unit{};
    unit.header = {sizeof unit, NVTX_SEMANTIC_ID_COUNTERS_V1, NVTX_COUNTER_SEMANTIC_VERSION, nullptr};
    unit.unit = "B";
    unit.unitScaleNumerator = 1024;
    unit.unitScaleDenominator = 1;
    nvtxCounterAttr_t a{};
    a.structSize = sizeof a;
    a.schemaId = NVTX_PAYLOAD_ENTRY_TYPE_INT64;
    a.name = "kv_cache.used";
    a.semantics = &unit.header;
    const uint64_t used = nvtxCounterRegister(domain, &a);
    nvtxCounterSampleInt64(domain, used, 3);
    nvtxCounterSampleNoValue(domain, used, NVTX_COUNTER_SAMPLE_UNCHANGED);
    nvtxCounterSampleNoValue(domain, used, NVTX_COUNTER_SAMPLE_ZERO);
    nvtxCounterSampleNoValue(domain, used, NVTX_COUNTER_SAMPLE_UNAVAILABLE);
    a.schemaId = NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE;
    a.name = "loss";
    a.semantics = nullptr;
    a.counterId = NVTX_COUNTER_ID_STATIC_START + 1;
    const uint64_t loss = nvtxCounterRegister(domain, &a);
    if (loss != NVTX_COUNTER_ID_STATIC_START + 1) std::exit(4);
    nvtxCounterSampleFloat64(domain, loss, 1.25);
    struct Group { uint32_t hits; float rate; };
    a.counterId = 0;
    a.name = "cache";
    a.schemaId = schema(domain, "group", NVTX_PAYLOAD_SCHEMA_TYPE_STATIC,
                        {entry(0, NVTX_PAYLOAD_ENTRY_TYPE_UINT32, "hits"), entry(0, NVTX_PAYLOAD_ENTRY_TYPE_FLOAT, "rate")}, sizeof(Group));
    const uint64_t group = nvtxCounterRegister(domain, &a);
    const Group one{7, 0.5f};
    nvtxCounterSample(domain, group, &one, sizeof one);
    nvtxSemanticsTime_t monotonic{};
    monotonic.header = {sizeof monotonic, NVTX_SEMANTIC_ID_TIME_V1, NVTX_TIME_SEMANTIC_VERSION, nullptr};
    monotonic.timeDomainId = NVTX_TIMESTAMP_TYPE_CPU_CLOCK_GETTIME_MONOTONIC;
    a.semantics = &monotonic.header;
    a.name = "batch";
    a.schemaId = NVTX_PAYLOAD_ENTRY_TYPE_INT32;
    const uint64_t batched = nvtxCounterRegister(domain, &a);
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t at = int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
    const int32_t values[] = {11, 22, 33};
    const int64_t times[] = {at - 2000, at - 1000, at};
    const nvtxCounterBatch_t batch{batched, values, sizeof values, 0, times, sizeof times};
    nvtxCounterBatchSubmit(domain, &batch);
    monotonic.timeDomainId = NVTX_TIMESTAMP_TYPE_GPU_GLOBALTIMER;
    a.name = "foreign";
    const uint64_t foreign = nvtxCounterRegister(domain, &a);
    const nvtxCounterBatch_t gpu{foreign, values, sizeof values, 0, times, sizeof times};
    nvtxCounterBatchSubmit(domain, &gpu);
    // Numbers that are no times of the clock that they are said to be of.
    const int64_t numbers[] = {1, 2, at};
    const nvtxCounterBatch_t early{batched, values, sizeof values, 0, numbers, sizeof numbers};
    nvtxCounterBatchSubmit(domain, &early);
}

void memory() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("app");
    static char arena[65536];
    const nvtxMemVirtualRangeDesc_t whole{sizeof arena, arena};
    nvtxMemHeapDesc_t heap{};
    heap.extCompatID = NVTX_EXT_COMPATID_MEM;
    heap.structSize = sizeof heap;
    heap.usage = NVTX_MEM_HEAP_USAGE_TYPE_SUB_ALLOCATOR;
    heap.type = NVTX_MEM_TYPE_VIRTUAL_ADDRESS;
    heap.typeSpecificDescSize = sizeof whole;
    heap.typeSpecificDesc = &whole;
    heap.messageType = NVTX_MESSAGE_TYPE_ASCII;
    heap.message.ascii = "arena";
    const nvtxMemHeapHandle_t handle = nvtxMemHeapRegister(domain, &heap);
    const nvtxMemVirtualRangeDesc_t parts[] = {{4096, arena}, {8192, arena + 4096}};
    nvtxMemRegionHandle_t handles[2] = {};
    nvtxMemRegionsRegisterBatch_t batch{};
    batch.extCompatID = NVTX_EXT_COMPATID_MEM;
    batch.structSize = sizeof batch;
    batch.regionType = NVTX_MEM_TYPE_VIRTUAL_ADDRESS;
    batch.heap = handle;
    batch.regionCount = 2;
    batch.regionDescElementSize = sizeof parts[0];
    batch.regionDescElements = parts;
    batch.regionHandleElementsOut = handles;
    nvtxMemRegionsRegister(domain, &batch);
    nvtxMemRegionNameDesc_t names[2] = {};
    names[0].regionRefType = NVTX_MEM_REGION_REF_TYPE_HANDLE;
    names[0].region.handle = handles[0];
    names[1].regionRefType = NVTX_MEM_REGION_REF_TYPE_POINTER;
    names[1].region.pointer = arena + 4096;
    for (auto& name : names) name.nameType = NVTX_MESSAGE_TYPE_ASCII;
    names[0].name.ascii = "weights";
    names[1].name.ascii = "kv-cache";
    nvtxMemRegionsNameBatch_t naming{};
    naming.extCompatID = NVTX_EXT_COMPATID_MEM;
    naming.structSize = sizeof naming;
    naming.regionCount = 2;
    naming.regionElementSize = sizeof names[0];
    naming.regionElements = names;
    nvtxMemRegionsName(domain, &naming);
    const nvtxMemVirtualRangeDesc_t larger{16384, arena + 4096};
    nvtxMemRegionsResizeBatch_t resize{};
    resize.extCompatID = NVTX_EXT_COMPATID_MEM;
    resize.structSize = sizeof resize;
    resize.regionType = NVTX_MEM_TYPE_VIRTUAL_ADDRESS;
    resize.regionDescCount = 1;
    resize.regionDescElementSize = sizeof larger;
    resize.regionDescElements = &larger;
    nvtxMemRegionsResize(domain, &resize);
    nvtxMemRegionRef_t ref{};
    ref.handle = handles[0];
    nvtxMemRegionsUnregisterBatch_t gone{};
    gone.extCompatID = NVTX_EXT_COMPATID_MEM;
    gone.structSize = sizeof gone;
    gone.refType = NVTX_MEM_REGION_REF_TYPE_HANDLE;
    gone.refCount = 1;
    gone.refElementSize = sizeof ref;
    gone.refElements = &ref;
    nvtxMemRegionsUnregister(domain, &gone);
}

// A range that has a payload where it begins and another where it ends.
void bothEnds() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("both ends");
    const nvtxPayloadSchemaEntry_t begins{0, NVTX_PAYLOAD_ENTRY_TYPE_INT32, "begins", nullptr, 0, 0, nullptr, nullptr};
    const nvtxPayloadSchemaEntry_t ends{0, NVTX_PAYLOAD_ENTRY_TYPE_INT32, "ends", nullptr, 0, 0, nullptr, nullptr};
    const auto schemaOf = [domain](const nvtxPayloadSchemaEntry_t& entry) {
        nvtxPayloadSchemaAttr_t schema{};
        schema.fieldMask = NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES |
                           NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE;
        schema.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
        schema.entries = &entry;
        schema.numEntries = 1;
        schema.payloadStaticSize = sizeof(int32_t);
        return nvtxPayloadSchemaRegister(domain, &schema);
    };
    int32_t first = 41, second = 42;
    const nvtxPayloadData_t atBegin{schemaOf(begins), sizeof first, &first};
    const nvtxPayloadData_t atEnd{schemaOf(ends), sizeof second, &second};
    nvtxEventAttributes_t a{};
    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.messageType = NVTX_MESSAGE_TYPE_ASCII;
    a.payloadType = NVTX_PAYLOAD_TYPE_EXT;
    a.reserved0 = 1;
    a.payload.ullValue = reinterpret_cast<uint64_t>(&atBegin);
    a.message.ascii = "pushed with both";
    nvtxDomainRangePushEx(domain, &a);
    nvtxRangePopPayload(domain, &atEnd, 1);
    a.message.ascii = "started with both";
    nvtxRangeEndPayload(domain, nvtxDomainRangeStartEx(domain, &a), &atEnd, 1);
}

}  // namespace

int main() {
    nccl();
    dynamic();
    unions();
    pointers();
    numbers();
    unreadable();
    counters();
    memory();
    bothEnds();
    return 0;
}
