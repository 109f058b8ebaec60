// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// NVTX: ranges, marks, what they are called and sorted by, payload schemas, and regions of memory.

#include "schemas/spool/record.h"

#include <stdint.h>

namespace ridge::spool {

enum RangeFlags : uint8_t {
    kHasColor = 1,
    kHasValue = 2,         // extension: uint64 NVTX payload type, uint64 raw value
    kHasBlobs = 4,         // extension: one or more {uint32 schemaRef, uint32 bytes, bytes padded to 8}
    kRegisteredName = 8,   // the name was a registered string (nsys: textId instead of text)
    kWideCategory = 16,    // extension: uint64 category (category field is then 0)
    kStartEnd = 32,        // nvtxRangeStart/End: may end on another thread; RangeOpen/RangeClose pair
    kBlobsAtEnd = 64,      // blobs were given at the end (pop payload) and follow those of the start
};
// Order of extensions: wide category, value, blobs (to the end of the record).

// A finished push/pop range: header.id = name id. 32 bytes without extensions.
struct Range {
    RecordHeader header;
    uint64_t start;
    uint64_t end;
    uint16_t domainId;
    uint16_t category;
    uint32_t color;
};
static_assert(sizeof(Range) == 32);

// Start of a start/end range, or of a push deeper than kMaxOpenFrames. header.id = name id.
struct RangeOpen {
    RecordHeader header;
    uint64_t start;
    uint64_t rangeId;  // unique in the process image
    uint16_t domainId;
    uint16_t category;
    uint32_t color;
};

// End of what RangeOpen began, perhaps on another thread. header.flags may have kHasBlobs | kBlobsAtEnd.
struct RangeClose {
    RecordHeader header;
    uint64_t end;
    uint64_t rangeId;
};

struct Mark {
    RecordHeader header;  // id = name id
    uint64_t time;
    uint16_t domainId;
    uint16_t category;
    uint32_t color;
};

struct Domain {
    RecordHeader header;  // id = domain id (1...; 0 is NVTX's default domain)
    uint64_t time;
    uint32_t nameId;
    uint32_t reserved;
};

struct Category {
    RecordHeader header;  // id = category
    uint16_t domainId;
    uint16_t reserved;
    uint32_t nameId;
};

struct ThreadName {
    RecordHeader header;  // id = name id
    uint32_t tid;
    uint32_t reserved;
};

struct SchemaEntry {
    uint64_t flags;
    uint64_t type;
    uint64_t arrayOrUnionDetail;
    uint64_t offset;
    uint32_t nameId;
    uint32_t descriptionId;
};

// A payload schema; entryCount SchemaEntry follow.
struct Schema {
    RecordHeader header;  // id = schemaRef, unique in the process image
    uint64_t schemaId;    // as the program or NVTX knows it
    uint32_t domainId;
    uint32_t nameId;
    uint32_t type;
    uint32_t flags;
    uint64_t payloadSize;
    uint32_t alignTo;
    uint32_t entryCount;
};

struct PayloadEnumerator {
    uint64_t value;
    uint32_t nameId;
    int32_t isFlag;  // the value is a set of bits
};

// An enum that payload entries may have as their type; entryCount PayloadEnumerator follow.
struct PayloadEnum {
    RecordHeader header;  // id: unique in the process image
    uint64_t enumId;      // in the number space of schema ids
    uint32_t domainId;
    uint32_t nameId;
    uint32_t bytes;
    uint32_t entryCount;
};

enum class RegionOp : uint32_t {
    kHeap = 1, kHeapGone = 2, kHeapReset = 3, kRegion = 4, kRegionGone = 5, kRegionResized = 6, kName = 7
};

// NVTX memory extension: what the program calls a piece of its memory.
struct MemoryRegion {
    RecordHeader header;  // id = name id, 0: none
    uint64_t time;
    uint64_t regionId;    // of heaps and regions alike, unique in the process image
    uint64_t heapId;      // 0: the process's
    uint64_t address;
    uint64_t bytes;
    uint32_t domainId;
    RegionOp op;
};

static_assert(sizeof(ThreadName) % 8 == 0 && sizeof(Category) % 8 == 0);
static_assert(sizeof(Schema) % 8 == 0 && sizeof(SchemaEntry) % 8 == 0 && sizeof(MemoryRegion) % 8 == 0);
static_assert(sizeof(PayloadEnum) % 8 == 0 && sizeof(PayloadEnumerator) % 8 == 0);

}  // namespace ridge::spool
