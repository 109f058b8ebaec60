// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/schema_layout.h"

namespace ridge::agent {

using namespace spool;

namespace {

bool isMessage(uint64_t flags) {
    return (flags & (NVTX_PAYLOAD_ENTRY_FLAG_EVENT_MESSAGE | NVTX_PAYLOAD_ENTRY_FLAG_TIMESTAMP)) ==
           NVTX_PAYLOAD_ENTRY_FLAG_EVENT_MESSAGE;
}

struct NoVisitor {
    void value(const PayloadField&) {}
    void text(const PayloadField&) {}
    void indirect(const PayloadField&) {}
    void missing(const PayloadField&) {}
    bool enter(const PayloadField&, uint64_t) { return false; }
    void leave() {}
};
using Rules = PayloadWalk<SchemaLookup, NoVisitor>;

// Reads one schema's entries: where they lie, and whether a copy of their bytes says all.
class Layout {
public:
    Layout(SchemaInfo& schema, SchemaField* fields)
        : m_schema(schema),
          m_fields(fields),
          m_lookup(schema.domainId),
          m_rules(m_lookup, m_none, nullptr, 0) {}

    void resolve() {
        const bool isUnion = m_schema.type == NVTX_PAYLOAD_SCHEMA_TYPE_UNION ||
                             m_schema.type == NVTX_PAYLOAD_SCHEMA_TYPE_UNION_WITH_INTERNAL_SELECTOR;
        uint64_t cursor = 0;
        bool known = true;  // whether the cursor still follows from what came before
        for (uint32_t i = 0; i < m_schema.entryCount; ++i) {
            const PayloadEntry entry = entryOf(m_fields[i]);
            const uint64_t given = entry.offset;
            uint64_t at = given;
            if (given == 0 && i != 0 && !isUnion) {
                uint64_t align = m_rules.alignmentOf(entry);
                if (m_schema.alignTo != 0 && align > m_schema.alignTo) align = m_schema.alignTo;
                at = (cursor + align - 1) / align * align;
            }
            known = known || given != 0;
            m_fields[i].offset = known ? at : 0;
            const uint64_t bytes = fixedBytes(entry);
            look(m_fields[i],
                 known && !isUnion && m_schema.type == NVTX_PAYLOAD_SCHEMA_TYPE_STATIC);
            known = known && bytes != 0;
            cursor = isUnion && at + bytes < cursor ? cursor : at + bytes;
        }
        if (m_schema.payloadSize == 0 && known && m_schema.type != NVTX_PAYLOAD_SCHEMA_TYPE_DYNAMIC)
            m_schema.payloadSize = cursor;
    }

private:
    // 0: it depends on the payload.
    uint64_t fixedBytes(const PayloadEntry& entry) {
        if (Rules::isIndirect(entry)) return 8;
        const uint64_t array = entry.flags & kEntryArrayMask;
        if (isStringType(entry.type))
            return array == 0 || array == kEntryArrayFixed
                       ? entry.detail * characterBytes(entry.type)
                       : 0;
        uint64_t one = m_rules.bytesOf(entry.type);
        PayloadSchema nested{};
        if (one == 0 && m_lookup.schema(entry.type, nested) && nested.type != kSchemaDynamic)
            one = nested.payloadSize;
        if (entry.type == NVTX_PAYLOAD_ENTRY_TYPE_UNION_SELECTOR) one = 8;
        return array == 0 ? one : array == kEntryArrayFixed ? one * entry.detail : 0;
    }

    void look(const SchemaField& field, bool fixedPlace) {
        const PayloadEntry entry = entryOf(field);
        if (Rules::isIndirect(entry)) m_schema.walked = 1;
        const SchemaInfo* nested = findSchema(entry.type, m_schema.domainId);
        if (nested != nullptr && nested->walked != 0) m_schema.walked = 1;
        const bool handle = entry.type == NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE;
        if (handle || (nested != nullptr && nested->handleCount != 0))
            noteHandles(entry, nested, fixedPlace);
        if (fixedPlace && m_schema.messageOffset < 0 && isMessage(entry.flags))
            noteMessage(entry, handle);
    }

    // A few handles in fixed places are rewritten directly, others by a walk through the payload.
    void noteHandles(const PayloadEntry& entry, const SchemaInfo* nested, bool fixedPlace) {
        const uint64_t array = entry.flags & kEntryArrayMask;
        const uint64_t each = nested != nullptr ? nested->handleCount : 1;
        const uint64_t count = array == kEntryArrayFixed ? entry.detail : 1;
        if (!fixedPlace || (array != 0 && array != kEntryArrayFixed) || count > kMaxHandleFields ||
            m_schema.handleCount + count * each > kMaxHandleFields) {
            m_schema.walked = 1;
            return;
        }
        for (uint64_t i = 0; i < count; ++i)
            for (uint64_t k = 0; k < each; ++k) {
                const uint64_t inside =
                    nested != nullptr ? i * nested->payloadSize + nested->handleOffsets[k] : i * 8;
                m_schema.handleOffsets[m_schema.handleCount++] =
                    static_cast<uint32_t>(entry.offset + inside);
            }
    }

    void noteMessage(const PayloadEntry& entry, bool handle) {
        const bool utf8 = entry.type == NVTX_PAYLOAD_ENTRY_TYPE_CSTRING ||
                          entry.type == NVTX_PAYLOAD_ENTRY_TYPE_CSTRING_UTF8;
        const bool pointer = utf8 && entry.detail == 0 && (entry.flags & kEntryArrayMask) == 0;
        const bool embedded =
            utf8 && entry.detail != 0 && entry.detail < kMaxNameBytes && !Rules::isIndirect(entry);
        if (!handle && !pointer && !embedded) return;
        m_schema.messageOffset = static_cast<int32_t>(entry.offset);
        m_schema.messageIsHandle = handle ? 1 : 0;
        m_schema.messageBytes = embedded ? static_cast<uint32_t>(entry.detail) : 0;
    }

    SchemaInfo& m_schema;
    SchemaField* m_fields;
    SchemaLookup m_lookup;
    NoVisitor m_none;
    Rules m_rules;
};

}  // namespace

void layOut(SchemaInfo& schema, SchemaField* fields) {
    Layout(schema, fields).resolve();
}

}  // namespace ridge::agent
