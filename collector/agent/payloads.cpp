// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/payloads.h"

#include "collector/agent/names.h"
#include "collector/agent/raw.h"
#include "collector/agent/readable.h"

namespace ridge::agent {

using namespace spool;

namespace {

constexpr uint32_t kScratchBytes = 2 * kMaxPayloadBytes;

// Payloads may be described by a bare predefined type, or by an id that nobody registered.
const SchemaInfo* schemaFor(Ring* ring, uint64_t schemaId, uint32_t domainId) {
    CachedSchema& slot = ring->schemas[schemaId % kSchemaSlots];
    if (slot.info != nullptr && slot.schemaId == schemaId &&
        (slot.domainId == domainId || holdsInAll(schemaId)))
        return slot.info;
    const SchemaInfo* found = metSchema(ring, schemaId, domainId);
    // An id that was only met, not registered, may be registered yet: it is looked up each time.
    if (found != nullptr && found->entryCount != 0) {
        const bool plain =
            found->handleCount == 0 && found->messageOffset < 0 && found->walked == 0;
        const uint64_t bytes = found->payloadSize;
        const bool usual = plain && found->type != NVTX_PAYLOAD_SCHEMA_TYPE_DYNAMIC &&
                           (bytes & 7) == 0 && bytes - 8 <= ring->fastBlob;
        slot = {schemaId,
                domainId,
                found,
                usual ? bytes : kNoUsualBytes,
                plain ? found->ref : 0,
                static_cast<uint32_t>(bytes),
                frameName(domainId, 0, kHasBlobs),
                rangeWord(sizeof(Range) + bytes + 8, kHasBlobs, 0),
                1 + ((bytes + 8) << 32)};
    }
    return found;
}

const void* handleAt(const uint8_t* bytes, const Blob& blob, uint32_t index) {
    const void* handle = nullptr;
    const uint32_t at = blob.schema->handleOffsets[index];
    if (at + 8 <= blob.bytes) memcpy(&handle, bytes + at, sizeof handle);
    return handle;
}

// Before the record is begun, since a name record needs room of its own.
void announceHandles(Ring* ring, const Blob& blob) {
    for (uint32_t i = 0; i < blob.schema->handleCount; ++i)
        idOfHandle(ring, handleAt(static_cast<const uint8_t*>(blob.data), blob, i));
}

// A text that this thread met at its address before is not asked about again.
uint32_t internIfReadable(Ring* ring, const char* text) {
    if (ring->names[slotOf(text)].key != text &&
        ReadableMemory(text).textBytes(1, kMaxNameBytes + 1) == ReadableMemory::kUnreadable) {
        countLoss(ring, kLossUnreadable);
        return 0;
    }
    return intern(ring, text);
}

void takeMessage(Ring* ring, Event& event, const Blob& blob) {
    const SchemaInfo* schema = blob.schema;
    const auto at = static_cast<uint32_t>(schema->messageOffset);
    if (at + 8 > blob.bytes) return;
    if (schema->messageBytes != 0) {
        const auto* text = static_cast<const char*>(blob.data) + at;
        const uint64_t most =
            schema->messageBytes < blob.bytes - at ? schema->messageBytes : blob.bytes - at;
        event.nameId = idInThisImage(ring, internSlow(ring, text, strnlen(text, most)));
        return;
    }
    const void* pointer = nullptr;
    memcpy(&pointer, static_cast<const uint8_t*>(blob.data) + at, sizeof pointer);
    if (pointer == nullptr) return;
    if (schema->messageIsHandle != 0) {
        const NameEntry* entry = registeredEntry(pointer);
        if (entry == nullptr) return;  // counted with the payload's handles
        event.nameId = idInThisImage(ring, entry);
        event.flags |= kRegisteredName;
    } else {
        event.nameId = internIfReadable(ring, static_cast<const char*>(pointer));
    }
}

// A copy of a payload whose pointers are followed and whose handles are translated: in the thread's
// scratch memory, what the pointers led to behind the payload itself. One step only: pointers
// inside of what was pointed to are recorded as 0.
class Flattener {
public:
    Flattener(Ring* ring, const SchemaInfo& schema, const nvtxPayloadData_t* all, size_t count,
              uint8_t* copy, uint64_t room)
        : m_ring(ring), m_schema(schema), m_all(all), m_count(count), m_copy(copy), m_room(room) {}

    uint64_t flatten(const void* data, uint64_t bytes) {
        memcpy(m_copy, data, bytes);
        m_data = static_cast<const uint8_t*>(data);
        m_end = bytes;
        SchemaLookup lookup(m_schema.domainId);
        PayloadWalk<SchemaLookup, Flattener> walk(lookup, *this, static_cast<const uint8_t*>(data),
                                                  bytes);
        walk.walk(payloadSchema(m_schema));
        return m_end;
    }

    void value(const PayloadField& field) {
        if (field.entry.type == NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE)
            translate(m_data + field.offset, field.offset, field.count);
    }
    void text(const PayloadField&) {}
    void missing(const PayloadField&) {}
    bool enter(const PayloadField&, uint64_t) { return true; }
    void leave() {}

    void indirect(const PayloadField& field) {
        if ((field.entry.flags & (kEntryOffsetFromBase | kEntryOffsetFromHere)) != 0) return;
        const uint8_t* from = nullptr;
        memcpy(&from, m_data + field.offset,
               sizeof from);  // the copy may have been rewritten there
        uint64_t packed = 0;
        ReadableMemory memory(from);
        const uint64_t bytes = from != nullptr ? bytesAt(from, memory, field) : 0;
        if (bytes != 0 && bytes != ReadableMemory::kUnreadable && !mayRead(from, bytes, field)) {
            // Nobody said that it may be read: only that there was a pointer is known.
        } else if (bytes != ReadableMemory::kUnreadable &&
                   (bytes > m_room - m_end || bytes > kMaxPayloadBytes)) {
            countLoss(m_ring, kLossTruncatedPayload);
        } else if (bytes != 0 && !memory.has(bytes)) {
            countLoss(m_ring, kLossUnreadable);
            packed = kPayloadUnreadable;
        } else if (bytes != 0) {
            memcpy(m_copy + m_end, from, bytes);
            packed = m_end | bytes << 32;
            const bool handles =
                field.entry.type == NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE;
            if (handles) translate(from, m_end, bytes / 8);
            forgetPointers(field, from, m_end, bytes);
            const uint64_t behind = padded(m_end + bytes);
            m_end = behind < m_room ? behind : m_room;
        }
        memcpy(m_copy + field.offset, &packed, sizeof packed);
    }

private:
    static constexpr uint64_t kLongestText = 4096;

    uint64_t bytesAt(const uint8_t* from, ReadableMemory& memory, const PayloadField& field) const {
        const uint64_t array = field.entry.flags & kEntryArrayMask;
        uint64_t each = field.elementBytes;
        if (each == 0) {
            const SchemaInfo* nested = findSchema(field.entry.type, m_schema.domainId);
            each = nested != nullptr && nested->type != NVTX_PAYLOAD_SCHEMA_TYPE_DYNAMIC
                       ? nested->payloadSize
                       : 0;
        }
        if (isStringType(field.entry.type) && field.count == 0 && array != kEntryArrayLengthIndex)
            return memory.textBytes(field.elementBytes, kLongestText);
        if (array == kEntryArrayZeroTerminated) {
            uint64_t bytes = 0;
            static constexpr uint8_t kZeros[16] = {};
            while (each != 0 && each <= 16 && bytes < kLongestText &&
                   mayRead(from, bytes + each, field)) {
                if (!memory.has(bytes + each)) return ReadableMemory::kUnreadable;
                if (memcmp(from + bytes, kZeros, each) == 0) break;
                bytes += each;
            }
            return bytes;
        }
        return each != 0 && field.count > kMaxPayloadBytes / each ? kMaxPayloadBytes + 1
                                                                  : each * field.count;
    }

    // What another payload of the same event holds, what is to be copied deeply, and C strings.
    bool mayRead(const uint8_t* from, uint64_t bytes, const PayloadField& field) const {
        if (isStringType(field.entry.type) || (field.entry.flags & kEntryDeepCopy) != 0 ||
            (m_schema.flags & NVTX_PAYLOAD_SCHEMA_FLAG_DEEP_COPY) != 0)
            return true;
        for (size_t i = 0; i < m_count; ++i) {
            const auto* begin = static_cast<const uint8_t*>(m_all[i].payload);
            if (begin != nullptr && m_all[i].size != SIZE_MAX && from >= begin &&
                bytes <= m_all[i].size &&
                static_cast<uint64_t>(from - begin) <= m_all[i].size - bytes)
                return true;
        }
        return false;
    }

    // Always out of the program's own bytes: fields may overlap, and a name id is no handle.
    void translate(const uint8_t* from, uint64_t at, uint64_t count) {
        for (uint64_t i = 0; i < count && at + 8 * i + 8 <= m_room; ++i) {
            const void* handle = nullptr;
            memcpy(&handle, from + 8 * i, sizeof handle);
            const uint64_t id = idOfHandle(m_ring, handle);
            memcpy(m_copy + at + 8 * i, &id, sizeof id);
        }
    }

    struct Forget {
        Flattener& flattener;
        const uint8_t* from;
        uint64_t base;
        void value(const PayloadField& field) {
            if (field.entry.type == NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE)
                flattener.translate(from + field.offset, base + field.offset, field.count);
        }
        void text(const PayloadField&) {}
        void missing(const PayloadField&) {}
        bool enter(const PayloadField&, uint64_t) { return true; }
        void leave() {}
        void indirect(const PayloadField& field) {
            if ((field.entry.flags & (kEntryOffsetFromBase | kEntryOffsetFromHere)) == 0)
                memset(flattener.m_copy + base + field.offset, 0, 8);
        }
    };

    void forgetPointers(const PayloadField& field, const uint8_t* from, uint64_t at,
                        uint64_t bytes) {
        const SchemaInfo* nested = findSchema(field.entry.type, m_schema.domainId);
        if (nested == nullptr || nested->payloadSize == 0) return;
        SchemaLookup lookup(m_schema.domainId);
        for (uint64_t done = 0; done + nested->payloadSize <= bytes; done += nested->payloadSize) {
            Forget forget{*this, from + done, at + done};
            PayloadWalk<SchemaLookup, Forget> walk(lookup, forget, from + done,
                                                   nested->payloadSize);
            walk.walk(payloadSchema(*nested));
        }
    }

    Ring* m_ring;
    const SchemaInfo& m_schema;
    const nvtxPayloadData_t* m_all;
    size_t m_count;
    uint8_t* m_copy;
    uint64_t m_room;
    const uint8_t* m_data = nullptr;
    uint64_t m_end = 0;
};

struct Measure {
    void value(const PayloadField&) {}
    void text(const PayloadField&) {}
    void indirect(const PayloadField&) {}
    void missing(const PayloadField&) {}
    bool enter(const PayloadField&, uint64_t) { return true; }
    void leave() {}
};

uint64_t readableText(Ring* ring, const void* text) {
    const uint64_t bytes = ReadableMemory(text).textBytes(1, kMaxPayloadBytes);
    if (bytes != ReadableMemory::kUnreadable) return bytes;
    countLoss(ring, kLossUnreadable);
    return 0;
}

// SIZE_MAX: we are to find out ourselves.
uint64_t sizeOf(Ring* ring, const nvtxPayloadData_t& data, const SchemaInfo& schema) {
    if (data.size != SIZE_MAX) return data.size;
    if (schema.type != NVTX_PAYLOAD_SCHEMA_TYPE_DYNAMIC && schema.payloadSize != 0)
        return schema.payloadSize;
    if (isStringType(data.schemaId) && characterBytes(data.schemaId) == 1)
        return readableText(ring, data.payload);
    if (schema.entryCount == 0) return schema.payloadSize;
    Measure measure;
    SchemaLookup lookup(schema.domainId);
    PayloadWalk<SchemaLookup, Measure> walk(
        lookup, measure, static_cast<const uint8_t*>(data.payload), kMaxPayloadBytes);
    const uint64_t end = walk.walk(payloadSchema(schema));
    return end == kPayloadBroken ? 0 : end;
}

// True: blob.data is now the copy.
bool flattened(Ring* ring, Event& event, Blob& blob, const SchemaInfo& schema,
               const nvtxPayloadData_t* data, size_t count) {
    if (ring->scratch == nullptr) ring->scratch = static_cast<uint8_t*>(raw::memory(kScratchBytes));
    const uint64_t left = kScratchBytes - event.scratchUsed;
    if (ring->scratch == nullptr || blob.bytes > left) return false;
    Flattener flattener(ring, schema, data, count, ring->scratch + event.scratchUsed, left);
    const auto end = static_cast<uint32_t>(flattener.flatten(blob.data, blob.bytes));
    blob.data = ring->scratch + event.scratchUsed;
    blob.bytes = end;
    event.scratchUsed += static_cast<uint32_t>(padded(end) < left ? padded(end) : left);
    return true;
}

}  // namespace

void addPayloads(Ring* ring, Event& event, const nvtxPayloadData_t* data, size_t count) {
    if (data == nullptr) return;
    for (size_t i = 0; i < count; ++i) {
        // A payload that others point into is not shown for itself.
        if (data[i].payload == nullptr || data[i].schemaId == NVTX_TYPE_PAYLOAD_SCHEMA_REFERENCED)
            continue;
        if (event.blobCount == kMaxBlobs) {
            countLoss(ring, kLossTruncatedPayload);
            return;
        }
        const SchemaInfo* schema = schemaFor(ring, data[i].schemaId, event.domainId);
        if (schema == nullptr) continue;
        Blob& blob = event.blobs[event.blobCount++];
        uint64_t bytes = sizeOf(ring, data[i], *schema);
        if (bytes > UINT32_MAX) bytes = UINT32_MAX;
        blob = Blob{schema->ref, static_cast<uint32_t>(bytes), data[i].payload,
                    schema->handleCount != 0 ? schema : nullptr};
        if (__builtin_expect(schema->messageOffset >= 0, false) && event.nameId == 0) {
            Blob message = blob;
            message.schema = schema;
            takeMessage(ring, event, message);
        }
        if (schema->walked != 0 && flattened(ring, event, blob, *schema, data, count)) {
            blob.schema = nullptr;
            continue;
        }
        if (blob.schema != nullptr) announceHandles(ring, blob);
    }
}

void translateHandles(uint8_t* copy, const Blob& blob) {
    for (uint32_t i = 0; i < blob.schema->handleCount; ++i) {
        const uint32_t at = blob.schema->handleOffsets[i];
        if (at + 8 > blob.bytes) continue;
        const void* handle = handleAt(copy, blob, i);
        const NameEntry* entry = handle != nullptr ? registeredEntry(handle) : nullptr;
        const uint64_t id = entry != nullptr ? entry->id : handle != nullptr ? kNoSuchString : 0;
        memcpy(copy + at, &id, sizeof id);
    }
}

}  // namespace ridge::agent
