// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// NVTX extended payloads: schemas by id, and what a schema says about the bytes of a blob.
// A schema's record has resolved offsets (natural alignment where the program gave none). Fields
// that hold NVTX string handles are rewritten in the recorded copy to the name id of that string.

#include "collector/agent/ranges.h"
#include "schemas/spool/payload_layout.h"

#include <nvtx3/nvToolsExt.h>
#include <nvtx3/nvToolsExtPayload.h>

namespace ridge::agent {

inline constexpr uint32_t kMaxHandleFields = 24;

// Ids that NVTX hands out hold in every domain.
constexpr bool holdsInAll(uint64_t schemaId) {
    return schemaId >= NVTX_PAYLOAD_SCHEMA_ID_DYNAMIC_START;
}

struct SchemaInfo {
    SchemaInfo* next;
    uint64_t schemaId;
    uint64_t payloadSize;
    uint64_t contentHash;
    uint32_t domainId;
    uint32_t ref;
    uint32_t generation;
    uint32_t type;
    uint32_t flags;
    uint32_t alignTo;
    uint32_t entryCount;
    uint32_t handleCount;
    int32_t messageOffset;  // -1: no entry is the event's message
    uint32_t messageIsHandle;
    uint32_t messageBytes;  // of one that lies in the payload itself
    uint32_t walked;        // 1: pointers, or handles in places that depend on the payload
    const NameEntry* name;
    const struct SchemaField* fields;
    uint32_t handleOffsets[kMaxHandleFields];
};

struct SchemaField {
    uint64_t flags;
    uint64_t type;
    uint64_t detail;
    uint64_t offset;
    const NameEntry* name;
    const NameEntry* description;
    const NameEntry* unit;  // of a counter
    double scale;
    uint64_t timeDomainId;
};

// nullptr: not registered in that domain. Any thread.
const SchemaInfo* findSchema(uint64_t schemaId, uint32_t domainId);
// As findSchema(), and what nobody registered is noted as met.
const SchemaInfo* metSchema(Ring* ring, uint64_t schemaId, uint32_t domainId);
spool::PayloadEntry entryOf(const SchemaField& field);
inline spool::PayloadSchema payloadSchema(const SchemaInfo& info) {
    return {&info, info.payloadSize, info.type, info.alignTo, info.entryCount};
}

// For PayloadWalk.
class SchemaLookup {
public:
    explicit SchemaLookup(uint32_t domainId) : m_domainId(domainId) {}
    bool schema(uint64_t id, spool::PayloadSchema& found) const;
    spool::PayloadEntry entry(const spool::PayloadSchema& schema, uint32_t index) const {
        return entryOf(static_cast<const SchemaInfo*>(schema.self)->fields[index]);
    }
    uint32_t enumBytes(uint64_t id) const;

private:
    uint32_t m_domainId;
};

uint64_t registerSchema(Ring* ring, uint32_t domainId, const nvtxPayloadSchemaAttr_t* attributes);
uint64_t registerEnum(Ring* ring, uint32_t domainId, const nvtxPayloadEnumAttr_t* attributes);
// Turns the program's descriptors into blobs of the event; sets its name where a schema names a
// field so.
void addPayloads(Ring* ring, Event& event, const nvtxPayloadData_t* data, size_t count);

void announceSchemas(Ring* ring);

}  // namespace ridge::agent
