/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: The Ridgepoint authors */
#pragma once
/* Say what a range of your program does, so that a profiler can hold it against the machine's roofs.
 *
 *   #include <ridge/work.h>
 *   ridge::WorkRange range("mlp.up", ridge::gemmWork(RIDGE_DTYPE_F32, m, n, k));     // C++
 *   ridge_range_push("mlp.up", &work); ...; ridge_range_pop();                        // C
 *
 * One header, for C11 and C++20. It needs the NVTX v3 headers (<nvtx3/nvToolsExtPayload.h>) on the
 * include path and nothing to link but libdl. With no tool attached a range costs one branch more than
 * an NVTX call. Any thread may push and pop; a range is popped by the thread that pushed it.
 *
 * On the wire: NVTX domain "ridge", extended payload with the static schema id RIDGE_WORK_SCHEMA_ID,
 * fields in the order of ridge_work_t below. This layout is frozen: fields are added at the end, never
 * moved or renamed. Frame ranges (workload, warmup, step) carry an NVTX category and no work. */

#include <nvtx3/nvToolsExt.h>
#include <nvtx3/nvToolsExtPayload.h>
#include <stddef.h>
#include <stdint.h>

#define RIDGE_NVTX_DOMAIN "ridge"
/* In NVTX's range for static ids of tools and libraries [1 << 24, 1 << 32). */
#define RIDGE_WORK_SCHEMA_ID 0x52494447ull /* "RIDG" */

/* NVTX categories of domain "ridge". A workload's text is the benchmark's full name. */
enum ridge_category {
    RIDGE_CATEGORY_NONE = 0,
    RIDGE_CATEGORY_WORKLOAD = 1,
    RIDGE_CATEGORY_WARMUP = 2,
    RIDGE_CATEGORY_STEP = 3 /* one timed iteration; payload: its index */
};

/* What kind of work. Closed list; the analyzer's classes depend on it. */
enum ridge_op_kind {
    RIDGE_OP_OTHER = 0,
    RIDGE_OP_GEMM = 1,
    RIDGE_OP_ATTENTION = 2,
    RIDGE_OP_NORM = 3,
    RIDGE_OP_ELEMENTWISE = 4,
    RIDGE_OP_EMBEDDING = 5,
    RIDGE_OP_OPTIMIZER = 6,
    RIDGE_OP_COPY = 7,
    RIDGE_OP_COLLECTIVE = 8,
    RIDGE_OP_IO = 9
};

/* The type that the arithmetic is done in (for products: the type of the inputs). */
enum ridge_dtype {
    RIDGE_DTYPE_NONE = 0,
    RIDGE_DTYPE_F32 = 1,
    RIDGE_DTYPE_TF32 = 2,
    RIDGE_DTYPE_BF16 = 3,
    RIDGE_DTYPE_F16 = 4,
    RIDGE_DTYPE_FP8_E4M3 = 5,
    RIDGE_DTYPE_FP8_E5M2 = 6,
    RIDGE_DTYPE_F64 = 7,
    RIDGE_DTYPE_INT8 = 8,
    RIDGE_DTYPE_INT4 = 9,
    RIDGE_DTYPE_INT32 = 10,
    RIDGE_DTYPE_INT64 = 11
};

/* The work payload. Zero means "none" for the counts and "no communicator" for communicator. */
typedef struct ridge_work {
    uint16_t op_kind;             /* enum ridge_op_kind */
    uint16_t dtype;               /* enum ridge_dtype */
    uint32_t reserved;            /* 0 */
    uint64_t flops;               /* floating-point operations; a fused multiply-add counts 2 */
    uint64_t bytes_read;          /* minimal bytes read from memory (io: from storage), each operand once */
    uint64_t bytes_written;       /* minimal bytes written */
    uint64_t bytes_communicated;  /* bytes that this rank puts on the wire */
    uint64_t communicator;        /* equal on all ranks of the communicator */
    uint64_t sequence;            /* number of the collective on its communicator, equal on all ranks */
} ridge_work_t;

typedef struct ridge_nvtx_state {
    nvtxDomainHandle_t domain; /* NULL when no tool listens */
    int ready;
} ridge_nvtx_state_t;

/* Shared with C: the casts are C's. */
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#endif

#ifdef __cplusplus
#define RIDGE_WORK_INLINE inline
#define RIDGE_WORK_ZERO {}
#else
#define RIDGE_WORK_INLINE static inline
#define RIDGE_WORK_ZERO {0}
#endif
#define RIDGE_WORK_OFFSET(field) offsetof(ridge_work_t, field)

/* Registers the domain, its categories and the schema. Cheap to call twice: every tool interns a
 * domain by its name, and the schema has a static id. */
RIDGE_WORK_INLINE nvtxDomainHandle_t ridge_register_domain(void) {
    const nvtxPayloadSchemaEntry_t entries[] = {
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT16, "op_kind", NULL, 0, RIDGE_WORK_OFFSET(op_kind), NULL, NULL},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT16, "dtype", NULL, 0, RIDGE_WORK_OFFSET(dtype), NULL, NULL},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "flops", NULL, 0, RIDGE_WORK_OFFSET(flops), NULL, NULL},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "bytes_read", NULL, 0, RIDGE_WORK_OFFSET(bytes_read), NULL, NULL},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "bytes_written", NULL, 0, RIDGE_WORK_OFFSET(bytes_written), NULL, NULL},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "bytes_communicated", NULL, 0, RIDGE_WORK_OFFSET(bytes_communicated), NULL, NULL},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "communicator", NULL, 0, RIDGE_WORK_OFFSET(communicator), NULL, NULL},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "sequence", NULL, 0, RIDGE_WORK_OFFSET(sequence), NULL, NULL},
    };
    nvtxDomainHandle_t domain = nvtxDomainCreateA(RIDGE_NVTX_DOMAIN);
    nvtxPayloadSchemaAttr_t schema;
    if (!domain) return domain;
    nvtxDomainNameCategoryA(domain, RIDGE_CATEGORY_WORKLOAD, "workload");
    nvtxDomainNameCategoryA(domain, RIDGE_CATEGORY_WARMUP, "warmup");
    nvtxDomainNameCategoryA(domain, RIDGE_CATEGORY_STEP, "step");
    schema.fieldMask = NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NAME | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE |
                       NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES |
                       NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_SCHEMA_ID;
    schema.name = "ridge_work";
    schema.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    schema.flags = NVTX_PAYLOAD_SCHEMA_FLAG_NONE;
    schema.entries = entries;
    schema.numEntries = sizeof entries / sizeof entries[0];
    schema.payloadStaticSize = sizeof(ridge_work_t);
    schema.packAlign = 0;
    schema.schemaId = RIDGE_WORK_SCHEMA_ID;
    schema.extension = NULL;
    (void)nvtxPayloadSchemaRegister(domain, &schema);
    return domain;
}

/* The domain, registered at first use; NULL when no tool listens. */
RIDGE_WORK_INLINE nvtxDomainHandle_t ridge_domain(void) {
#ifdef __cplusplus
    static const nvtxDomainHandle_t domain = ridge_register_domain();
    return domain;
#else
    static ridge_nvtx_state_t state; /* one per translation unit */
    if (!__atomic_load_n(&state.ready, __ATOMIC_ACQUIRE)) {
        nvtxDomainHandle_t domain = ridge_register_domain();
        __atomic_store_n(&state.domain, domain, __ATOMIC_RELAXED);
        __atomic_store_n(&state.ready, 1, __ATOMIC_RELEASE);
    }
    return __atomic_load_n(&state.domain, __ATOMIC_RELAXED);
#endif
}

/* Opens a range on this thread. work may be NULL; otherwise it is copied before the call returns. */
RIDGE_WORK_INLINE void ridge_range_push(const char* name, const ridge_work_t* work) {
    nvtxDomainHandle_t domain = ridge_domain();
    nvtxPayloadData_t data;
    nvtxEventAttributes_t attributes = RIDGE_WORK_ZERO;
    if (!domain) return;
    attributes.version = NVTX_VERSION;
    attributes.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    attributes.messageType = NVTX_MESSAGE_TYPE_ASCII;
    attributes.message.ascii = name;
    if (work) {
        data.schemaId = RIDGE_WORK_SCHEMA_ID;
        data.size = sizeof *work;
        data.payload = work;
        attributes.payloadType = (int32_t)NVTX_PAYLOAD_TYPE_EXT;
        attributes.reserved0 = 1;
        attributes.payload.ullValue = (uint64_t)(uintptr_t)&data;
    }
    nvtxDomainRangePushEx(domain, &attributes);
}

/* Closes the innermost open range of this thread. */
RIDGE_WORK_INLINE void ridge_range_pop(void) {
    nvtxDomainHandle_t domain = ridge_domain();
    if (domain) nvtxDomainRangePop(domain);
}

/* Closes the innermost open range and replaces its work: for what is known only afterwards (bytes read). */
RIDGE_WORK_INLINE void ridge_range_pop_work(const ridge_work_t* work) {
    nvtxDomainHandle_t domain = ridge_domain();
    nvtxPayloadData_t data;
    if (!domain) return;
    data.schemaId = RIDGE_WORK_SCHEMA_ID;
    data.size = sizeof *work;
    data.payload = work;
    nvtxRangePopPayload(domain, &data, 1);
}

/* Opens a frame range: category is one of enum ridge_category, index the step's number. */
RIDGE_WORK_INLINE void ridge_frame_push(const char* name, uint32_t category, uint64_t index) {
    nvtxDomainHandle_t domain = ridge_domain();
    nvtxEventAttributes_t attributes = RIDGE_WORK_ZERO;
    if (!domain) return;
    attributes.version = NVTX_VERSION;
    attributes.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    attributes.category = category;
    attributes.messageType = NVTX_MESSAGE_TYPE_ASCII;
    attributes.message.ascii = name;
    attributes.payloadType = NVTX_PAYLOAD_TYPE_UNSIGNED_INT64;
    attributes.payload.ullValue = index;
    nvtxDomainRangePushEx(domain, &attributes);
}

#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
namespace ridge {

using Work = ridge_work_t;

/* C = A(m,k) B(k,n): 2mnk FLOP, each matrix moved once; sizes are bytes per element. */
inline Work gemmWork(ridge_dtype dtype, uint64_t m, uint64_t n, uint64_t k, uint64_t inBytes = 4,
                     uint64_t outBytes = 4) {
    Work work{};
    work.op_kind = RIDGE_OP_GEMM;
    work.dtype = static_cast<uint16_t>(dtype);
    work.flops = 2 * m * n * k;
    work.bytes_read = inBytes * (m * k + k * n);
    work.bytes_written = outBytes * m * n;
    return work;
}

/* Any other operator: kind, type, FLOP, minimal bytes. */
inline Work opWork(ridge_op_kind kind, ridge_dtype dtype, uint64_t flops, uint64_t bytesRead,
                   uint64_t bytesWritten) {
    Work work{};
    work.op_kind = static_cast<uint16_t>(kind);
    work.dtype = static_cast<uint16_t>(dtype);
    work.flops = flops;
    work.bytes_read = bytesRead;
    work.bytes_written = bytesWritten;
    return work;
}

/* A range for the life of the object. The name must outlive the constructor only. */
class WorkRange {
public:
    explicit WorkRange(const char* name) { ridge_range_push(name, nullptr); }
    WorkRange(const char* name, const Work& work) { ridge_range_push(name, &work); }
    ~WorkRange() {
        if (m_replaced)
            ridge_range_pop_work(&m_work);
        else
            ridge_range_pop();
    }
    WorkRange(const WorkRange&) = delete;
    WorkRange& operator=(const WorkRange&) = delete;
    /* Says at the end what was not known at the start; replaces the work given to the constructor. */
    void setWork(const Work& work) {
        m_work = work;
        m_replaced = true;
    }

private:
    Work m_work{};
    bool m_replaced = false;
};

/* A frame range (workload, warmup, step) for the life of the object. */
class FrameRange {
public:
    FrameRange(const char* name, ridge_category category, uint64_t index = 0) {
        ridge_frame_push(name, category, index);
    }
    ~FrameRange() { ridge_range_pop(); }
    FrameRange(const FrameRange&) = delete;
    FrameRange& operator=(const FrameRange&) = delete;
};

}  // namespace ridge
#endif
