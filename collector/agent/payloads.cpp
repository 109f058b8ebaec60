// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/payloads.h"

#include "collector/agent/names.h"

namespace ridge::agent {

using namespace spool;

namespace {

constexpr size_t kMaxEntries = 512;

SchemaInfo* g_schemas = nullptr;  // under the table lock; entries live for ever
uint32_t g_schemaCount = 0;
uint64_t g_nextEnum = uint64_t{3} << 32;

// Bytes of a predefined type, 0 when its size is not fixed.
uint64_t sizeOfType(uint64_t type) {
    switch (type) {
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR:
        case NVTX_PAYLOAD_ENTRY_TYPE_UCHAR:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT8:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT8:
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR8:
        case NVTX_PAYLOAD_ENTRY_TYPE_BYTE:
            return 1;
        case NVTX_PAYLOAD_ENTRY_TYPE_SHORT:
        case NVTX_PAYLOAD_ENTRY_TYPE_USHORT:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT16:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT16:
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR16:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT16:
        case NVTX_PAYLOAD_ENTRY_TYPE_BF16:
            return 2;
        case NVTX_PAYLOAD_ENTRY_TYPE_INT:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_TF32:
        case NVTX_PAYLOAD_ENTRY_TYPE_WCHAR:
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR32:
        case NVTX_PAYLOAD_ENTRY_TYPE_CATEGORY:
        case NVTX_PAYLOAD_ENTRY_TYPE_COLOR_ARGB:
        case NVTX_PAYLOAD_ENTRY_TYPE_PID_UINT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_TID_UINT32:
            return 4;
        case NVTX_PAYLOAD_ENTRY_TYPE_LONGDOUBLE:
            return sizeof(long double);
        case NVTX_PAYLOAD_ENTRY_TYPE_INT128:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT128:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT128:
            return 16;
        default:
            return type < NVTX_PAYLOAD_ENTRY_TYPE_UNION_SELECTOR ? 8
                                                                 : 0;  // 64-bit numbers, pointers
    }
}

const SchemaInfo* findSchema(uint64_t schemaId, uint32_t domainId) {
    for (const SchemaInfo* schema = g_schemas; schema != nullptr; schema = schema->next)
        if (schema->schemaId == schemaId &&
            (schema->domainId == domainId || schemaId >= NVTX_PAYLOAD_SCHEMA_ID_DYNAMIC_START))
            return schema;
    return nullptr;
}

bool isInlineString(const nvtxPayloadSchemaEntry_t& entry) {
    return entry.type >= NVTX_PAYLOAD_ENTRY_TYPE_CSTRING &&
           entry.type <= NVTX_PAYLOAD_ENTRY_TYPE_CSTRING_UTF32 && entry.arrayOrUnionDetail != 0 &&
           (entry.flags & NVTX_PAYLOAD_ENTRY_FLAG_POINTER) == 0;
}

struct FieldShape {
    uint64_t size;  // 0: not fixed
    uint64_t align;
};

FieldShape shapeOf(const nvtxPayloadSchemaEntry_t& entry, uint32_t domainId) {
    if ((entry.flags & NVTX_PAYLOAD_ENTRY_FLAG_POINTER) != 0) return {8, 8};
    if (isInlineString(entry)) return {entry.arrayOrUnionDetail, 1};
    uint64_t size = sizeOfType(entry.type);
    uint64_t align = size != 0 ? size : 1;
    if (entry.type >= NVTX_PAYLOAD_SCHEMA_ID_STATIC_START) {
        const SchemaInfo* nested = findSchema(entry.type, domainId);
        size = nested != nullptr ? nested->payloadSize : 0;
        align = 8;
    }
    const uint64_t array = NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_TYPE(entry.flags);
    if (array == NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE)
        return {size * entry.arrayOrUnionDetail, align};
    return {array != 0 ? 0 : size, align};
}

void noteHandles(SchemaInfo& schema, const nvtxPayloadSchemaEntry_t& entry, uint64_t offset) {
    if ((entry.flags & NVTX_PAYLOAD_ENTRY_FLAG_POINTER) != 0) return;
    uint64_t count = 1;
    if (NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_TYPE(entry.flags) == NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE)
        count = entry.arrayOrUnionDetail;
    const bool handle = entry.type == NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE;
    const SchemaInfo* nested = entry.type >= NVTX_PAYLOAD_SCHEMA_ID_STATIC_START
                                   ? findSchema(entry.type, schema.domainId)
                                   : nullptr;
    for (uint64_t i = 0; i < count && schema.handleCount < kMaxHandleFields; ++i) {
        if (handle)
            schema.handleOffsets[schema.handleCount++] = static_cast<uint32_t>(offset + 8 * i);
        if (nested == nullptr || nested->handleCount == 0) continue;
        for (uint32_t k = 0; k < nested->handleCount && schema.handleCount < kMaxHandleFields; ++k)
            schema.handleOffsets[schema.handleCount++] =
                static_cast<uint32_t>(offset + i * nested->payloadSize + nested->handleOffsets[k]);
    }
}

void noteMessage(SchemaInfo& schema, const nvtxPayloadSchemaEntry_t& entry, uint64_t offset) {
    if ((entry.flags &
         (NVTX_PAYLOAD_ENTRY_FLAG_EVENT_MESSAGE | NVTX_PAYLOAD_ENTRY_FLAG_TIMESTAMP)) !=
            NVTX_PAYLOAD_ENTRY_FLAG_EVENT_MESSAGE ||
        schema.messageOffset >= 0)
        return;
    const bool handle = entry.type == NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE;
    const bool pointer = (entry.type == NVTX_PAYLOAD_ENTRY_TYPE_CSTRING ||
                          entry.type == NVTX_PAYLOAD_ENTRY_TYPE_CSTRING_UTF8) &&
                         entry.arrayOrUnionDetail == 0;
    if (!handle && !pointer) return;
    schema.messageOffset = static_cast<int32_t>(offset);
    schema.messageIsHandle = handle ? 1 : 0;
}

const NameEntry* nameOf(Ring* ring, const char* text) {
    return text != nullptr ? internSlow(ring, text, strlen(text)) : nullptr;
}

uint64_t mix(uint64_t hash, uint64_t value) {
    return (hash ^ value) * 0x9E3779B97F4A7C15ull + (hash >> 31);
}

// Offsets resolved, handles and message found. Under the table lock.
void readFields(SchemaInfo& schema, SchemaField* fields, const nvtxPayloadSchemaEntry_t* entries) {
    uint64_t at = 0;
    bool known = true;  // whether `at` still follows from what came before
    for (uint32_t i = 0; i < schema.entryCount; ++i) {
        const FieldShape shape = shapeOf(entries[i], schema.domainId);
        uint64_t align = shape.align;
        if (schema.alignTo != 0 && align > schema.alignTo) align = schema.alignTo;
        if (align > 16 || align == 0) align = 8;
        if (entries[i].offset != 0) {
            at = entries[i].offset;
            known = true;
        } else if (i != 0) {
            at = (at + align - 1) / align * align;
        }
        fields[i].offset = known ? at : entries[i].offset;
        if (known && schema.type == NVTX_PAYLOAD_SCHEMA_TYPE_STATIC) {
            noteHandles(schema, entries[i], at);
            noteMessage(schema, entries[i], at);
        }
        known = known && shape.size != 0;
        at += shape.size;
    }
    if (schema.payloadSize == 0 && known) schema.payloadSize = at;
}

void emitSchema(Ring* ring, SchemaInfo* schema) {
    const uint64_t bytes = sizeof(Schema) + schema->entryCount * sizeof(SchemaEntry);
    uint8_t* to = reserve(ring, bytes);
    if (to == nullptr) return;
    Schema record{};
    record.header = recordHeader(RecordType::kSchema, bytes, schema->ref);
    record.schemaId = schema->schemaId;
    record.domainId = schema->domainId;
    record.nameId = schema->name != nullptr ? schema->name->id : 0;
    record.type = schema->type;
    record.flags = schema->flags;
    record.payloadSize = schema->payloadSize;
    record.alignTo = schema->alignTo;
    record.entryCount = schema->entryCount;
    memcpy(to, &record, sizeof record);
    to += sizeof record;
    for (uint32_t i = 0; i < schema->entryCount; ++i, to += sizeof(SchemaEntry)) {
        const SchemaField& field = schema->fields[i];
        const SchemaEntry entry{field.flags,
                                field.type,
                                field.detail,
                                field.offset,
                                field.name != nullptr ? field.name->id : 0,
                                field.description != nullptr ? field.description->id : 0};
        memcpy(to, &entry, sizeof entry);
    }
    publish(ring, bytes);
    schema->generation = imageGeneration();
}

uint64_t hashOf(const nvtxPayloadSchemaAttr_t* attributes, uint32_t count, uint64_t size) {
    uint64_t hash = mix(count, size);
    for (uint32_t i = 0; i < count; ++i) {
        const nvtxPayloadSchemaEntry_t& entry = attributes->entries[i];
        hash = mix(mix(mix(mix(hash, entry.flags), entry.type), entry.arrayOrUnionDetail),
                   entry.offset);
        if (entry.name != nullptr)
            for (const char* c = entry.name; *c != 0; ++c)
                hash = mix(hash, static_cast<unsigned char>(*c));
    }
    return hash;
}

// Under the table lock; all names are interned already.
SchemaInfo* addSchema(Ring* ring, const SchemaInfo& model, SchemaField* fields,
                      const nvtxPayloadSchemaEntry_t* entries) {
    auto* schema = static_cast<SchemaInfo*>(arenaAllocate(sizeof(SchemaInfo)));
    if (schema == nullptr) return nullptr;
    *schema = model;
    schema->ref = ++g_schemaCount;
    if (schema->schemaId == 0)
        schema->schemaId = NVTX_PAYLOAD_SCHEMA_ID_DYNAMIC_START + schema->ref;
    schema->messageOffset = -1;
    if (fields != nullptr) readFields(*schema, fields, entries);
    schema->fields = fields;
    emitSchema(ring, schema);
    schema->next = g_schemas;
    __atomic_store_n(&g_schemas, schema, __ATOMIC_RELEASE);
    return schema;
}

// Payloads may be described by a bare predefined type, or by an id that nobody registered.
const SchemaInfo* schemaFor(Ring* ring, uint64_t schemaId, uint32_t domainId) {
    CachedSchema& slot = ring->schemas[schemaId % kSchemaSlots];
    if (slot.info != nullptr && slot.schemaId == schemaId &&
        (slot.domainId == domainId || slot.domainId == kAnyDomain))
        return slot.info;
    lockTables();
    const SchemaInfo* found = findSchema(schemaId, domainId);
    if (found == nullptr) {
        SchemaInfo model{};
        model.schemaId = schemaId;
        model.domainId = domainId;
        model.payloadSize =
            schemaId < NVTX_PAYLOAD_ENTRY_TYPE_UNION_SELECTOR ? sizeOfType(schemaId) : 0;
        found = addSchema(ring, model, nullptr, nullptr);
    }
    unlockTables();
    // An id that was only met, not registered, may be registered yet: it is looked up each time.
    if (found != nullptr && found->entryCount != 0) {
        const bool plain = found->handleCount == 0 && found->messageOffset < 0;
        slot = {schemaId, schemaId >= NVTX_PAYLOAD_SCHEMA_ID_DYNAMIC_START ? kAnyDomain : domainId,
                plain ? found->ref : 0, found};
    }
    return found;
}

const NameEntry* handleAt(const uint8_t* bytes, const Blob& blob, uint32_t index) {
    const NameEntry* entry = nullptr;
    const uint32_t at = blob.schema->handleOffsets[index];
    if (at + 8 <= blob.bytes) memcpy(&entry, bytes + at, sizeof entry);
    return entry;
}

// Before the record is begun, since a name record needs room of its own.
void announceHandles(Ring* ring, const Blob& blob) {
    for (uint32_t i = 0; i < blob.schema->handleCount; ++i)
        idInThisImage(ring, handleAt(static_cast<const uint8_t*>(blob.data), blob, i));
}

void takeMessage(Ring* ring, Event& event, const Blob& blob) {
    const SchemaInfo* schema = blob.schema;
    const auto at = static_cast<uint32_t>(schema->messageOffset);
    if (at + 8 > blob.bytes) return;
    const void* pointer = nullptr;
    memcpy(&pointer, static_cast<const uint8_t*>(blob.data) + at, sizeof pointer);
    if (pointer == nullptr) return;
    if (schema->messageIsHandle != 0) {
        event.nameId = idInThisImage(ring, static_cast<const NameEntry*>(pointer));
        event.flags |= kRegisteredName;
    } else {
        event.nameId = intern(ring, static_cast<const char*>(pointer));
    }
}

}  // namespace

uint64_t registerSchema(Ring* ring, uint32_t domainId, const nvtxPayloadSchemaAttr_t* attributes) {
    const auto has = [attributes](uint64_t field) { return (attributes->fieldMask & field) != 0; };
    if (attributes == nullptr) return 0;
    SchemaInfo model{};
    size_t count = 0;
    if (has(NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES) &&
        has(NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES) && attributes->entries != nullptr)
        count = attributes->numEntries;
    const size_t fits = (ring->mask + 1) / 4 / sizeof(SchemaEntry);
    if (count > kMaxEntries || count > fits) {
        count = count > fits && fits < kMaxEntries ? fits : kMaxEntries;
        countLoss(ring, kLossTruncatedPayload);
    }
    model.entryCount = static_cast<uint32_t>(count);
    model.domainId = domainId;
    model.type =
        has(NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE) ? static_cast<uint32_t>(attributes->type) : 0;
    model.flags =
        has(NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_FLAGS) ? static_cast<uint32_t>(attributes->flags) : 0;
    model.payloadSize =
        has(NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE) ? attributes->payloadStaticSize : 0;
    model.alignTo = has(NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ALIGNMENT)
                        ? static_cast<uint32_t>(attributes->packAlign)
                        : 0;
    model.schemaId = has(NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_SCHEMA_ID) ? attributes->schemaId : 0;
    model.contentHash = hashOf(attributes, model.entryCount, model.payloadSize);
    model.name =
        has(NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NAME) ? nameOf(ring, attributes->name) : nullptr;
    const NameEntry* names[kMaxEntries];
    const NameEntry* descriptions[kMaxEntries];
    for (size_t i = 0; i < count; ++i) {
        names[i] = nameOf(ring, attributes->entries[i].name);
        descriptions[i] = nameOf(ring, attributes->entries[i].description);
    }
    lockTables();
    const SchemaInfo* known = model.schemaId != 0 ? findSchema(model.schemaId, domainId) : nullptr;
    if (known == nullptr || known->contentHash != model.contentHash) {
        auto* fields = static_cast<SchemaField*>(arenaAllocate((count + 1) * sizeof(SchemaField)));
        if (fields != nullptr) {
            for (size_t i = 0; i < count; ++i) {
                const nvtxPayloadSchemaEntry_t& entry = attributes->entries[i];
                fields[i] = {entry.flags,  entry.type, entry.arrayOrUnionDetail,
                             entry.offset, names[i],   descriptions[i]};
            }
            known = addSchema(ring, model, fields, attributes->entries);
            if (known != nullptr) ring->schemas[known->schemaId % kSchemaSlots] = {};
        }
    }
    unlockTables();
    return known != nullptr ? known->schemaId : 0;
}

uint64_t registerEnum(Ring*, uint32_t, const nvtxPayloadEnumAttr_t* attributes) {
    // Values keep their numbers; the texts of enumerators are not recorded.
    if (attributes == nullptr) return 0;
    if ((attributes->fieldMask & (1u << 5)) != 0 && attributes->schemaId != 0)
        return attributes->schemaId;
    return __atomic_fetch_add(&g_nextEnum, 1, __ATOMIC_RELAXED);
}

void addPayloads(Ring* ring, Event& event, const nvtxPayloadData_t* data, size_t count) {
    if (data == nullptr) return;
    for (size_t i = 0; i < count; ++i) {
        if (event.blobCount == kMaxBlobs) {
            countLoss(ring, kLossTruncatedPayload);
            return;
        }
        if (data[i].payload == nullptr) continue;
        const SchemaInfo* schema = schemaFor(ring, data[i].schemaId, event.domainId);
        if (schema == nullptr) continue;
        Blob& blob = event.blobs[event.blobCount++];
        uint64_t bytes = data[i].size == SIZE_MAX ? schema->payloadSize : data[i].size;
        if (bytes > UINT32_MAX) bytes = UINT32_MAX;
        blob = Blob{schema->ref, static_cast<uint32_t>(bytes), data[i].payload,
                    schema->handleCount != 0 ? schema : nullptr};
        if (blob.schema != nullptr) announceHandles(ring, blob);
        if (__builtin_expect(schema->messageOffset >= 0, false) && event.nameId == 0) {
            blob.schema = schema;
            takeMessage(ring, event, blob);
        }
    }
}

void translateHandles(uint8_t* copy, const Blob& blob) {
    for (uint32_t i = 0; i < blob.schema->handleCount; ++i) {
        const uint32_t at = blob.schema->handleOffsets[i];
        if (at + 8 > blob.bytes) continue;
        const NameEntry* entry = handleAt(copy, blob, i);
        const uint64_t id = entry != nullptr ? entry->id : 0;
        memcpy(copy + at, &id, sizeof id);
    }
}

void announceSchemas(Ring* ring) {
    // Oldest first, since a schema may nest an earlier one.
    for (uint32_t ref = 1; ref <= g_schemaCount; ++ref)
        for (SchemaInfo* schema = g_schemas; schema != nullptr; schema = schema->next) {
            if (schema->ref != ref || schema->generation == imageGeneration()) continue;
            idInThisImage(ring, schema->name);
            for (uint32_t i = 0; i < schema->entryCount; ++i) {
                idInThisImage(ring, schema->fields[i].name);
                idInThisImage(ring, schema->fields[i].description);
            }
            emitSchema(ring, schema);
        }
}

}  // namespace ridge::agent
