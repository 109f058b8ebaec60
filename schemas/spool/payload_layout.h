// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Where the fields of an NVTX extended payload lie: one walk, shared by the agent, which has to
// find handles and pointers in a live payload, and the recorder, which decodes the recorded copy.
// Numbers are those of nvtx3/nvToolsExtPayload.h (NVTX 3.2). No allocation, no library; trusts no
// length.
//
// Offsets: an entry's own if it has one, else the end of the entry before, raised to the alignment
// of its type (of a nested schema: of its largest member), at most the schema's packAlign. Arrays:
// fixed; by the value of an earlier entry, or the product of the elements of one that is an array
// itself; or up to the first element of zeros. Unions: all members lie at their offsets; the member
// is chosen by the value of the entry that the detail names, or by the union's own UNION_SELECTOR
// entry, whose value is a member's index.
//
// In the recorded copy a pointer that was followed is replaced by (offset in the copy | bytes <<
// 32), the data standing behind the payload; one that was not is 0, one whose memory could not be
// read kPayloadUnreadable, as is the handle of a string that nobody registered. Offsets from the
// base or from the field's end take eight bytes.

#include <stdint.h>
#include <string.h>

namespace ridge::spool {

inline constexpr uint64_t kEntryPointer = 1 << 1;
inline constexpr uint64_t kEntryOffsetFromBase = 1 << 2;
inline constexpr uint64_t kEntryOffsetFromHere = 1 << 3;
inline constexpr uint64_t kEntryIndirect =
    kEntryPointer | kEntryOffsetFromBase | kEntryOffsetFromHere;
inline constexpr uint64_t kEntryArrayMask = 7 << 4;
inline constexpr uint64_t kEntryArrayFixed = 1 << 4;
inline constexpr uint64_t kEntryArrayZeroTerminated = 2 << 4;
inline constexpr uint64_t kEntryArrayLengthIndex = 3 << 4;
inline constexpr uint64_t kEntryDeepCopy = 1 << 8;
inline constexpr uint64_t kEntryHide = 1 << 9;

inline constexpr uint64_t kTypeLongDouble = 21, kTypeString = 75, kTypeStringUtf16 = 77,
                          kTypeStringUtf32 = 78, kTypeHandle = 80, kTypeUnionSelector = 100,
                          kTypeFirstSchema = uint64_t{1} << 24,
                          kTypeFirstDynamic = uint64_t{1} << 32;
inline constexpr uint32_t kSchemaStatic = 1, kSchemaDynamic = 2, kSchemaUnion = 3,
                          kSchemaUnionInternal = 4;

inline constexpr uint32_t kPayloadDepth = 6;
inline constexpr uint64_t kPayloadElements = 4096;  // of one array: what is behind is not decoded
inline constexpr uint32_t kPayloadWork =
    65536;  // entries looked at in one walk: schemas may nest in circles
inline constexpr uint64_t kPayloadBroken = ~uint64_t{0};
inline constexpr uint64_t kPayloadUnreadable = ~uint64_t{0};  // in place of a pointer or a name id

struct PayloadEntry {
    uint64_t flags, type, detail, offset;
};

struct PayloadSchema {
    const void* self;
    uint64_t payloadSize;
    uint32_t type, alignTo, entryCount;
};

struct PayloadField {
    const PayloadSchema* schema;
    PayloadEntry entry;
    uint32_t index;
    uint32_t elementBytes;  // 0: a nested schema's
    uint64_t offset;        // in the whole payload
    uint64_t count;         // of elements; characters of a string
    bool array;
};

inline bool isStringType(uint64_t type) {
    return type >= kTypeString && type <= kTypeStringUtf32;
}
inline uint32_t characterBytes(uint64_t type) {
    return type == kTypeStringUtf16 ? 2 : type == kTypeStringUtf32 ? 4 : 1;
}

// Bytes of a predefined type on this machine; 0: it has no fixed size, or is none.
inline uint32_t predefinedBytes(uint64_t type) {
    constexpr uint8_t kBasic[] = {0, 1, 1, 2, 2, 4, 4, 8, 8, 8,  // to long long
                                  8, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, sizeof(long double),  // to 21
                                  8, 8, 4, 1, 2, 4};  // to char32
    if (type < sizeof kBasic) return kBasic[type];
    if (type == 32) return 1;  // byte
    if (type == 33 || type == 34 || type == 45) return 16;
    if (type == 42 || type == 50) return 2;  // float16, bfloat16
    if (type == 43 || type == 52) return 4;  // float32, tf32
    if (type == 44) return 8;
    if (type == 68 || type == 69 || type == 71 || type == 73) return 4;
    if (type == 70 || type == 72 || type == 74 || type == kTypeHandle) return 8;
    return 0;
}

// Lookup: bool schema(uint64_t id, PayloadSchema&), PayloadEntry entry(const PayloadSchema&,
// uint32_t),
//         uint32_t enumBytes(uint64_t id), 0 when it is none.
// Visitor, fields in order: void value(const PayloadField&) for numbers, enums and handles;
//         void text(field) for strings that lie in the payload; void indirect(field): eight bytes
//         that lead elsewhere, count as far as the payload tells it (0: up to a zero); bool
//         enter(field, element) and void leave() around each nested element; void missing(field):
//         not there.
template <class Lookup, class Visitor>
class PayloadWalk {
public:
    PayloadWalk(Lookup& lookup, Visitor& visitor, const uint8_t* bytes, uint64_t size,
                uint32_t work = kPayloadWork)
        : m_lookup(lookup), m_visitor(visitor), m_bytes(bytes), m_size(size), m_work(work) {}

    // What is left of the work that was allowed.
    uint32_t work() const { return m_work; }

    // Returns the end of the schema's fields, kPayloadBroken where it cannot be known.
    uint64_t walk(const PayloadSchema& schema, uint64_t at = 0, uint32_t depth = 0,
                  uint64_t selected = kPayloadBroken) {
        if (schema.type == kSchemaUnion || schema.type == kSchemaUnionInternal)
            return walkUnion(schema, at, depth, selected);
        Seen seen[kRemembered];
        uint64_t cursor = at;
        for (uint32_t i = 0; i < schema.entryCount; ++i) {
            if (spent()) return kPayloadBroken;
            PayloadField field{};
            field.schema = &schema;
            field.index = i;
            field.entry = m_lookup.entry(schema, i);
            field.offset = place(schema, field.entry, i, at, cursor);
            const uint64_t end = one(field, seen, i, depth);
            if (i < kRemembered) seen[i] = {field.offset, field.count, field.elementBytes};
            if (end == kPayloadBroken && !offsetsFollow(schema, i)) return kPayloadBroken;
            if (end != kPayloadBroken) cursor = end;
        }
        return cursor;
    }

    uint64_t alignmentOf(const PayloadEntry& entry, uint32_t depth = 0) {
        if (isIndirect(entry)) return 8;
        if (isStringType(entry.type)) return characterBytes(entry.type);
        if (const uint32_t bytes = bytesOf(entry.type)) return bytes > 16 ? 16 : bytes;
        PayloadSchema nested{};
        if (depth >= kPayloadDepth || !m_lookup.schema(entry.type, nested)) return 1;
        uint64_t most = 1;
        for (uint32_t i = 0; i < nested.entryCount && !spent(); ++i) {
            const uint64_t align = alignmentOf(m_lookup.entry(nested, i), depth + 1);
            if (align > most) most = align;
        }
        return nested.alignTo != 0 && most > nested.alignTo ? nested.alignTo : most;
    }

    static bool isIndirect(const PayloadEntry& entry) {
        return (entry.flags & kEntryIndirect) != 0 ||
               (isStringType(entry.type) && entry.detail == 0 &&
                (entry.flags & kEntryArrayMask) == 0);
    }
    uint32_t bytesOf(uint64_t type) {
        const uint32_t bytes = predefinedBytes(type);
        return bytes != 0 ? bytes : type >= kTypeFirstSchema ? m_lookup.enumBytes(type) : 0;
    }

private:
    bool spent() { return m_work == 0 || --m_work == 0; }

    static constexpr uint32_t kRemembered = 64;  // entries that may hold the length of a later one
    struct Seen {
        uint64_t offset, count;
        uint32_t elementBytes;
    };

    uint64_t place(const PayloadSchema& schema, const PayloadEntry& entry, uint32_t index,
                   uint64_t at, uint64_t cursor) {
        if (entry.offset != 0 || index == 0) return at + entry.offset;
        uint64_t align = alignmentOf(entry);
        if (schema.alignTo != 0 && align > schema.alignTo) align = schema.alignTo;
        return at + (cursor - at + align - 1) / align * align;
    }

    // Whether the entries behind one of unknown size can still be found.
    bool offsetsFollow(const PayloadSchema& schema, uint32_t index) {
        return index + 1 >= schema.entryCount || m_lookup.entry(schema, index + 1).offset != 0;
    }

    bool fits(uint64_t offset, uint64_t elementBytes, uint64_t count) const {
        return offset <= m_size && (elementBytes == 0 || count <= (m_size - offset) / elementBytes);
    }

    uint64_t missing(const PayloadField& field) {
        m_visitor.missing(field);
        return kPayloadBroken;
    }

    uint64_t integerAt(uint64_t offset, uint32_t bytes) const {
        uint64_t value = 0;
        if (bytes <= 8 && fits(offset, bytes, 1)) memcpy(&value, m_bytes + offset, bytes);
        return value;
    }

    // How many elements; false: the payload does not tell.
    bool countOf(PayloadField& field, const Seen* seen, uint32_t known) {
        const uint64_t kind = field.entry.flags & kEntryArrayMask;
        const uint64_t detail = field.entry.detail;
        const bool fixedText = isStringType(field.entry.type) && kind == 0 && detail != 0;
        field.array = kind != 0;
        if (kind == kEntryArrayFixed || fixedText) {
            field.count = detail;
        } else if (kind == kEntryArrayLengthIndex) {
            if (detail >= known || detail >= kRemembered || seen[detail].elementBytes == 0)
                return false;
            field.count = 1;
            for (uint64_t k = 0; k < seen[detail].count; ++k) {
                const uint32_t bytes = seen[detail].elementBytes;
                const uint64_t n = integerAt(seen[detail].offset + k * bytes, bytes);
                if (n != 0 && field.count > m_size * 8 / n) return false;
                field.count *= n;
            }
        } else {
            field.count = kind == 0 ? 1 : 0;
            return kind == 0 || kind == kEntryArrayZeroTerminated;
        }
        return true;
    }

    uint64_t one(PayloadField& field, const Seen* seen, uint32_t known, uint32_t depth) {
        if (!countOf(field, seen, known)) return missing(field);
        if (isIndirect(field.entry)) {
            if (!fits(field.offset, 8, 1)) return missing(field);
            field.elementBytes = isStringType(field.entry.type) ? characterBytes(field.entry.type)
                                                                : bytesOf(field.entry.type);
            if (isStringType(field.entry.type) && !field.array && field.entry.detail == 0)
                field.count = 0;
            m_visitor.indirect(field);
            field.elementBytes = 0;  // no length for others
            return field.offset + 8;
        }
        const bool text = isStringType(field.entry.type);
        field.elementBytes = text ? characterBytes(field.entry.type) : bytesOf(field.entry.type);
        if (field.elementBytes == 0) return nested(field, seen, known, depth);
        uint64_t end = 0;
        if ((field.entry.flags & kEntryArrayMask) == kEntryArrayZeroTerminated) {
            if (text && field.entry.detail != 0) return missing(field);
            end = zeroTerminated(field);
        } else {
            if (!fits(field.offset, field.elementBytes, field.count)) return missing(field);
            end = field.offset + field.count * field.elementBytes;
        }
        if (end == kPayloadBroken) return missing(field);
        if (text)
            m_visitor.text(field);
        else
            m_visitor.value(field);
        return end;
    }

    uint64_t zeroTerminated(PayloadField& field) const {
        static constexpr uint8_t kZeros[16] = {};
        for (field.count = 0; fits(field.offset, field.elementBytes, field.count + 1);
             ++field.count)
            if (memcmp(m_bytes + field.offset + field.count * field.elementBytes, kZeros,
                       field.elementBytes) == 0)
                return field.offset + (field.count + 1) * field.elementBytes;
        return kPayloadBroken;
    }

    uint64_t nested(PayloadField& field, const Seen* seen, uint32_t known, uint32_t depth) {
        PayloadSchema schema{};
        const bool terminated = (field.entry.flags & kEntryArrayMask) == kEntryArrayZeroTerminated;
        if (depth + 1 >= kPayloadDepth || terminated || field.offset > m_size ||
            !m_lookup.schema(field.entry.type, schema))
            return missing(field);
        uint64_t selected = kPayloadBroken;
        if (schema.type == kSchemaUnion) {
            const uint64_t detail = field.entry.detail;
            if (field.array || detail >= known || detail >= kRemembered) return missing(field);
            selected = integerAt(seen[detail].offset, seen[detail].elementBytes);
        }
        const uint64_t align = alignmentOf(field.entry);
        uint64_t at = field.offset;
        for (uint64_t k = 0; k < field.count && k < kPayloadElements; ++k) {
            if (spent()) return kPayloadBroken;
            if (k != 0) at = field.offset + (at - field.offset + align - 1) / align * align;
            if (at > m_size) return kPayloadBroken;
            uint64_t end = kPayloadBroken;
            if (m_visitor.enter(field, k)) {
                end = walk(schema, at, depth + 1, selected);
                m_visitor.leave();
            }
            if (schema.type != kSchemaDynamic && schema.payloadSize != 0)
                end = at + schema.payloadSize;
            if (end == kPayloadBroken) return kPayloadBroken;
            at = end;
        }
        if (field.count > kPayloadElements) {
            if (schema.type == kSchemaDynamic || schema.payloadSize == 0) return kPayloadBroken;
            at = field.offset + field.count * schema.payloadSize;
        }
        return at;
    }

    uint64_t walkUnion(const PayloadSchema& schema, uint64_t at, uint32_t depth,
                       uint64_t selected) {
        uint64_t end = at + schema.payloadSize;
        if (schema.type == kSchemaUnionInternal) selected = internalSelector(schema, at);
        for (uint32_t i = 0; i < schema.entryCount; ++i) {
            PayloadField field{};
            field.schema = &schema;
            field.index = i;
            field.entry = m_lookup.entry(schema, i);
            if (i != selected || field.entry.type == kTypeUnionSelector) continue;
            field.offset = at + field.entry.offset;
            const uint64_t behind = one(field, nullptr, 0, depth);
            if (schema.payloadSize == 0) end = behind;
        }
        return end;
    }

    // Takes what room there is before the first member that lies behind it.
    uint64_t internalSelector(const PayloadSchema& schema, uint64_t at) {
        for (uint32_t i = 0; i < schema.entryCount; ++i) {
            const PayloadEntry selector = m_lookup.entry(schema, i);
            if (selector.type != kTypeUnionSelector) continue;
            uint64_t room = 8;
            for (uint32_t k = 0; k < schema.entryCount; ++k) {
                const uint64_t offset = m_lookup.entry(schema, k).offset;
                if (offset > selector.offset && offset - selector.offset < room)
                    room = offset - selector.offset;
            }
            const uint32_t bytes = room >= 8 ? 8 : room >= 4 ? 4 : room >= 2 ? 2 : 1;
            return integerAt(at + selector.offset, bytes);
        }
        return kPayloadBroken;
    }

    Lookup& m_lookup;
    Visitor& m_visitor;
    const uint8_t* m_bytes;
    uint64_t m_size;
    uint32_t m_work;
};

}  // namespace ridge::spool
