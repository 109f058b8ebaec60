// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What programs register: schemas and enums, by id and domain. Entries live for ever.
#include "collector/agent/index.h"
#include "collector/agent/names.h"
#include "collector/agent/nvtx_extensions.h"
#include "collector/agent/payloads.h"
#include "collector/agent/schema_layout.h"

namespace ridge::agent {

using namespace spool;

namespace {

constexpr size_t kMaxEntries = 512;
constexpr size_t kMaxEnumerators = 1024;

struct EnumEntry {
    uint64_t value;
    const NameEntry* name;
    int32_t isFlag;
};
struct EnumInfo {
    EnumInfo* next;
    uint64_t enumId;
    uint32_t domainId;
    uint32_t ref;
    uint32_t generation;
    uint32_t bytes;
    uint32_t entryCount;
    const NameEntry* name;
    EnumEntry* entries;
};

// Written under the table lock. Oldest first, since a schema may nest an earlier one.
SchemaInfo* g_schemas = nullptr;
SchemaInfo* g_lastSchema = nullptr;
EnumInfo* g_enums = nullptr;
Index<SchemaInfo> g_schemasById;
Index<EnumInfo> g_enumsById;
uint32_t g_schemaCount = 0;
uint32_t g_enumCount = 0;
constexpr uint64_t kFirstEnum =
    uint64_t{3} << 32;  // what NVTX_PAYLOAD_SCHEMA_ID_DYNAMIC_START + ref never reaches

const NameEntry* nameOf(Ring* ring, const char* text) {
    return text != nullptr ? internSlow(ring, text, strlen(text)) : nullptr;
}

uint64_t mix(uint64_t hash, uint64_t value) {
    return (hash ^ value) * 0x9E3779B97F4A7C15ull + (hash >> 31);
}

bool holdsIn(uint64_t id, uint32_t itsDomain, uint32_t domainId) {
    return itsDomain == domainId || holdsInAll(id);
}
uint64_t keyOf(uint64_t id, uint32_t domainId) {
    return holdsInAll(id) ? id : mix(id, domainId);
}

uint32_t idOrNone(const NameEntry* name) {
    return name != nullptr ? name->id : 0;
}

// A definition and its entries behind it, entryOf(i); false where there is no room, counted.
template <class Record, class EntryOf>
bool emitWithEntries(Ring* ring, spool::RecordType type, uint32_t ref, Record record,
                     uint32_t count, EntryOf entryOf) {
    using Entry = decltype(entryOf(0));
    const uint64_t bytes = sizeof(Record) + count * sizeof(Entry);
    uint8_t* to = reserve(ring, bytes);
    if (to == nullptr) return false;
    record.header = recordHeader(type, bytes, ref);
    record.entryCount = count;
    memcpy(to, &record, sizeof record);
    to += sizeof record;
    for (uint32_t i = 0; i < count; ++i, to += sizeof(Entry)) {
        const Entry entry = entryOf(i);
        memcpy(to, &entry, sizeof entry);
    }
    publish(ring, bytes);
    return true;
}

void emitSchema(Ring* ring, SchemaInfo* schema) {
    Schema record{};
    record.schemaId = schema->schemaId;
    record.domainId = schema->domainId;
    record.nameId = idOrNone(schema->name);
    record.type = schema->type;
    record.flags = schema->flags;
    record.payloadSize = schema->payloadSize;
    record.alignTo = schema->alignTo;
    const auto entryOf = [schema](uint32_t i) {
        const SchemaField& field = schema->fields[i];
        return SchemaEntry{field.flags,  field.type,           field.detail,
                           field.offset, idOrNone(field.name), idOrNone(field.description)};
    };
    if (emitWithEntries(ring, RecordType::kSchema, schema->ref, record, schema->entryCount,
                        entryOf))
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
SchemaInfo* addSchema(Ring* ring, const SchemaInfo& model, SchemaField* fields) {
    auto* schema = static_cast<SchemaInfo*>(arenaAllocate(sizeof(SchemaInfo)));
    if (schema == nullptr) return nullptr;
    *schema = model;
    schema->ref = ++g_schemaCount;
    if (schema->schemaId == 0)
        schema->schemaId = NVTX_PAYLOAD_SCHEMA_ID_DYNAMIC_START + schema->ref;
    schema->messageOffset = -1;
    if (fields != nullptr) layOut(*schema, fields);
    schema->fields = fields;
    emitSchema(ring, schema);
    schema->next = nullptr;
    __atomic_store_n(g_lastSchema != nullptr ? &g_lastSchema->next : &g_schemas, schema,
                     __ATOMIC_RELEASE);
    g_lastSchema = schema;
    const bool put = g_schemasById.put(
        keyOf(schema->schemaId, schema->domainId), schema, [schema](const SchemaInfo& known) {
            return known.schemaId == schema->schemaId &&
                   holdsIn(known.schemaId, known.domainId, schema->domainId);
        });
    return put ? schema : nullptr;
}

const EnumInfo* findEnum(uint64_t enumId, uint32_t domainId) {
    return g_enumsById.find(keyOf(enumId, domainId), [enumId, domainId](const EnumInfo& known) {
        return known.enumId == enumId && holdsIn(enumId, known.domainId, domainId);
    });
}

void emitEnum(Ring* ring, EnumInfo* info) {
    PayloadEnum record{};
    record.enumId = info->enumId;
    record.domainId = info->domainId;
    record.nameId = idOrNone(info->name);
    record.bytes = info->bytes;
    const auto entryOf = [info](uint32_t i) {
        const EnumEntry& entry = info->entries[i];
        return PayloadEnumerator{entry.value, idOrNone(entry.name), entry.isFlag};
    };
    if (emitWithEntries(ring, RecordType::kPayloadEnum, info->ref, record, info->entryCount,
                        entryOf))
        info->generation = imageGeneration();
}

}  // namespace

const SchemaInfo* findSchema(uint64_t schemaId, uint32_t domainId) {
    return g_schemasById.find(
        keyOf(schemaId, domainId), [schemaId, domainId](const SchemaInfo& known) {
            return known.schemaId == schemaId && holdsIn(schemaId, known.domainId, domainId);
        });
}

PayloadEntry entryOf(const SchemaField& field) {
    return {field.flags, field.type, field.detail, field.offset};
}

bool SchemaLookup::schema(uint64_t id, PayloadSchema& found) const {
    const SchemaInfo* info = id >= kTypeFirstSchema ? findSchema(id, m_domainId) : nullptr;
    if (info == nullptr || info->entryCount == 0) return false;
    found = payloadSchema(*info);
    return true;
}
uint32_t SchemaLookup::enumBytes(uint64_t id) const {
    const EnumInfo* info = findEnum(id, m_domainId);
    return info != nullptr ? info->bytes : 0;
}

const SchemaInfo* metSchema(Ring* ring, uint64_t schemaId, uint32_t domainId) {
    lockTables();
    const SchemaInfo* found = findSchema(schemaId, domainId);
    if (found == nullptr) {
        SchemaInfo model{};
        model.schemaId = schemaId;
        model.domainId = domainId;
        model.payloadSize = predefinedBytes(schemaId);
        found = addSchema(ring, model, nullptr);
    }
    unlockTables();
    return found;
}

uint64_t registerSchema(Ring* ring, uint32_t domainId, const nvtxPayloadSchemaAttr_t* attributes) {
    if (attributes == nullptr) return 0;
    const auto has = [attributes](uint64_t field) { return (attributes->fieldMask & field) != 0; };
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
    CounterUnit units[kMaxEntries];
    for (size_t i = 0; i < count; ++i) {
        names[i] = nameOf(ring, attributes->entries[i].name);
        descriptions[i] = nameOf(ring, attributes->entries[i].description);
        units[i] = counterUnit(ring, attributes->entries[i].semantics);
    }
    lockTables();
    const SchemaInfo* known = model.schemaId != 0 ? findSchema(model.schemaId, domainId) : nullptr;
    if (known == nullptr || known->contentHash != model.contentHash) {
        auto* fields = static_cast<SchemaField*>(arenaAllocate((count + 1) * sizeof(SchemaField)));
        if (fields != nullptr) {
            for (size_t i = 0; i < count; ++i) {
                const nvtxPayloadSchemaEntry_t& entry = attributes->entries[i];
                fields[i] = {entry.flags,   entry.type,     entry.arrayOrUnionDetail,
                             entry.offset,  names[i],       descriptions[i],
                             units[i].unit, units[i].scale, timeDomain(entry.semantics)};
            }
            known = addSchema(ring, model, fields);
            if (known != nullptr) ring->schemas[known->schemaId % kSchemaSlots] = {};
        }
    }
    unlockTables();
    return known != nullptr ? known->schemaId : 0;
}

uint64_t registerEnum(Ring* ring, uint32_t domainId, const nvtxPayloadEnumAttr_t* attributes) {
    if (attributes == nullptr) return 0;
    const auto has = [attributes](uint64_t field) { return (attributes->fieldMask & field) != 0; };
    size_t count = 0;
    if (has(NVTX_PAYLOAD_ENUM_ATTR_FIELD_ENTRIES) &&
        has(NVTX_PAYLOAD_ENUM_ATTR_FIELD_NUM_ENTRIES) && attributes->entries != nullptr)
        count = attributes->numEntries;
    const size_t fits = (ring->mask + 1) / 4 / sizeof(PayloadEnumerator);
    const size_t most = fits < kMaxEnumerators ? fits : kMaxEnumerators;
    if (count > most) {
        count = most;
        countLoss(ring, kLossTruncatedPayload);
    }
    EnumInfo model{};
    model.domainId = domainId;
    model.enumId = has(NVTX_PAYLOAD_ENUM_ATTR_FIELD_SCHEMA_ID) ? attributes->schemaId : 0;
    model.bytes = has(NVTX_PAYLOAD_ENUM_ATTR_FIELD_SIZE) && attributes->sizeOfEnum <= 8
                      ? static_cast<uint32_t>(attributes->sizeOfEnum)
                      : 0;
    if (model.bytes == 0) model.bytes = sizeof(int);
    model.entryCount = static_cast<uint32_t>(count);
    model.name = has(NVTX_PAYLOAD_ENUM_ATTR_FIELD_NAME) ? nameOf(ring, attributes->name) : nullptr;
    lockTables();
    const EnumInfo* known = model.enumId != 0 ? findEnum(model.enumId, domainId) : nullptr;
    auto* entries = known == nullptr
                        ? static_cast<EnumEntry*>(arenaAllocate((count + 1) * sizeof(EnumEntry)))
                        : nullptr;
    auto* info =
        entries != nullptr ? static_cast<EnumInfo*>(arenaAllocate(sizeof(EnumInfo))) : nullptr;
    unlockTables();
    if (info == nullptr) return known != nullptr ? known->enumId : 0;
    for (size_t i = 0; i < count; ++i) {
        const nvtxPayloadEnum_t& entry = attributes->entries[i];
        entries[i] = {entry.value, nameOf(ring, entry.name), entry.isFlag};
    }
    *info = model;
    info->entries = entries;
    lockTables();
    info->ref = ++g_enumCount;
    if (info->enumId == 0) info->enumId = kFirstEnum + info->ref;
    emitEnum(ring, info);
    info->next = g_enums;
    __atomic_store_n(&g_enums, info, __ATOMIC_RELEASE);
    const bool put =
        g_enumsById.put(keyOf(info->enumId, domainId), info, [info](const EnumInfo& other) {
            return other.enumId == info->enumId &&
                   holdsIn(other.enumId, other.domainId, info->domainId);
        });
    unlockTables();
    if (!put) return 0;
    return info->enumId;
}

void announceSchemas(Ring* ring) {
    for (SchemaInfo* schema = __atomic_load_n(&g_schemas, __ATOMIC_ACQUIRE); schema != nullptr;
         schema = __atomic_load_n(&schema->next, __ATOMIC_ACQUIRE)) {
        if (schema->generation == imageGeneration()) continue;
        idInThisImage(ring, schema->name);
        for (uint32_t i = 0; i < schema->entryCount; ++i) {
            idInThisImage(ring, schema->fields[i].name);
            idInThisImage(ring, schema->fields[i].description);
        }
        emitSchema(ring, schema);
    }
    for (EnumInfo* info = g_enums; info != nullptr; info = info->next) {
        if (info->generation == imageGeneration()) continue;
        idInThisImage(ring, info->name);
        for (uint32_t i = 0; i < info->entryCount; ++i) idInThisImage(ring, info->entries[i].name);
        emitEnum(ring, info);
    }
}

}  // namespace ridge::agent
