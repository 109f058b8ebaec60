// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/payload_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <nvtx3/nvToolsExt.h>
#include <nvtx3/nvToolsExtPayload.h>

#include <cmath>

namespace ridge::recorder {
namespace {

using nlohmann::ordered_json;

constexpr int kMaxDepth = 8;
constexpr std::uint64_t kMaxElements = 4096;

template <typename T>
T loadAs(std::string_view bytes) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

struct Scalar {
    char kind;  // 'i', 'u', 'f', 'c', 's' (registered string handle, as address)
    std::uint32_t bytes;
};

// {0, 0}: no fixed-width type that is known here.
Scalar scalarOf(std::uint64_t type) {
    switch (type) {
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR:
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR8:
            return {'c', 1};
        case NVTX_PAYLOAD_ENTRY_TYPE_INT8:
            return {'i', 1};
        case NVTX_PAYLOAD_ENTRY_TYPE_UCHAR:
        case NVTX_PAYLOAD_ENTRY_TYPE_BYTE:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT8:
            return {'u', 1};
        case NVTX_PAYLOAD_ENTRY_TYPE_SHORT:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT16:
            return {'i', 2};
        case NVTX_PAYLOAD_ENTRY_TYPE_USHORT:
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR16:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT16:
            return {'u', 2};
        case NVTX_PAYLOAD_ENTRY_TYPE_INT:
        case NVTX_PAYLOAD_ENTRY_TYPE_WCHAR:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT32:
            return {'i', 4};
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT:
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR32:
        case NVTX_PAYLOAD_ENTRY_TYPE_CATEGORY:
        case NVTX_PAYLOAD_ENTRY_TYPE_COLOR_ARGB:
        case NVTX_PAYLOAD_ENTRY_TYPE_PID_UINT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_TID_UINT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT32:
            return {'u', 4};
        case NVTX_PAYLOAD_ENTRY_TYPE_LONG:
        case NVTX_PAYLOAD_ENTRY_TYPE_LONGLONG:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT64:
            return {'i', 8};
        case NVTX_PAYLOAD_ENTRY_TYPE_ULONG:
        case NVTX_PAYLOAD_ENTRY_TYPE_ULONGLONG:
        case NVTX_PAYLOAD_ENTRY_TYPE_SIZE:
        case NVTX_PAYLOAD_ENTRY_TYPE_ADDRESS:
        case NVTX_PAYLOAD_ENTRY_TYPE_SCOPE_ID:
        case NVTX_PAYLOAD_ENTRY_TYPE_PID_UINT64:
        case NVTX_PAYLOAD_ENTRY_TYPE_TID_UINT64:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT64:
            return {'u', 8};
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT32:
            return {'f', 4};
        case NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT64:
            return {'f', 8};
        default:
            return {0, 0};
    }
}

ordered_json scalarJson(Scalar scalar, std::string_view bytes) {
    if (scalar.kind == 'f') {
        const double value =
            scalar.bytes == 4 ? static_cast<double>(loadAs<float>(bytes)) : loadAs<double>(bytes);
        return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
    }
    if (scalar.kind == 'c') return std::string(bytes.substr(0, 1));
    std::uint64_t raw = 0;
    std::memcpy(&raw, bytes.data(), scalar.bytes);
    if (scalar.kind == 'u') return raw;
    const int shift = 64 - 8 * static_cast<int>(scalar.bytes);
    return static_cast<std::int64_t>(raw << shift) >> shift;
}

class Decoder {
public:
    Decoder(const Source& source, const StringTable& strings)
        : m_source(source), m_strings(strings) {}

    ordered_json object(const SchemaDefinition& schema, std::string_view payload, int depth) {
        ordered_json result = ordered_json::object();
        std::uint64_t next = 0;
        for (std::size_t i = 0; i < schema.entries.size(); ++i) {
            const SchemaEntry& entry = schema.entries[i];
            if (entry.flags & NVTX_PAYLOAD_ENTRY_FLAG_HIDE) continue;
            const std::int64_t nameId = m_source.names.get(entry.nameId);
            const std::string name = nameId ? m_strings.text(nameId) : fmt::format("{}", i);
            // Offset 0 on a later entry means "right after the one before".
            const std::uint64_t offset = entry.offset || i == 0 ? entry.offset : next;
            result[name] = field(entry, payload, offset, next, depth);
        }
        return result;
    }

private:
    using SchemaEntry = spool::SchemaEntry;

    ordered_json field(const SchemaEntry& entry, std::string_view payload, std::uint64_t offset,
                       std::uint64_t& next, int depth) {
        std::uint64_t count = 1;
        const bool array = NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_TYPE(entry.flags) ==
                           NVTX_PAYLOAD_ENTRY_FLAG_ARRAY_FIXED_SIZE;
        if (array) count = entry.arrayOrUnionDetail;
        if (entry.flags & NVTX_PAYLOAD_ENTRY_FLAG_POINTER || count > kMaxElements) return nullptr;
        const Scalar scalar = scalarOf(entry.type);
        if (!scalar.bytes) return nested(entry.type, payload, offset, next, depth);
        offset = (offset + scalar.bytes - 1) / scalar.bytes * scalar.bytes;
        if (offset > payload.size() || count * scalar.bytes > payload.size() - offset)
            return nullptr;
        next = offset + count * scalar.bytes;
        const std::string_view bytes = payload.substr(offset, count * scalar.bytes);
        if (!array) return scalarJson(scalar, bytes);
        if (scalar.kind == 'c') return std::string(bytes.substr(0, bytes.find('\0')));
        ordered_json list = ordered_json::array();
        for (std::uint64_t i = 0; i < count; ++i)
            list.push_back(scalarJson(scalar, bytes.substr(i * scalar.bytes, scalar.bytes)));
        return list;
    }

    ordered_json nested(std::uint64_t schemaId, std::string_view payload, std::uint64_t offset,
                        std::uint64_t& next, int depth) {
        if (depth >= kMaxDepth || offset > payload.size()) return nullptr;
        for (const auto& [ref, schema] : m_source.schemas) {
            if (schema.record.schemaId != schemaId ||
                schema.record.type != NVTX_PAYLOAD_SCHEMA_TYPE_STATIC)
                continue;
            next = offset +
                   std::min<std::uint64_t>(schema.record.payloadSize, payload.size() - offset);
            return object(schema, payload.substr(offset), depth + 1);
        }
        return nullptr;
    }

    const Source& m_source;
    const StringTable& m_strings;
};

}  // namespace

std::string payloadJson(const Source& source, const StringTable& strings,
                        const SchemaDefinition& schema, std::string_view payload) {
    const std::uint32_t type = schema.record.type;
    if (type != NVTX_PAYLOAD_SCHEMA_TYPE_STATIC && type != NVTX_PAYLOAD_SCHEMA_TYPE_DYNAMIC)
        return {};
    if (schema.entries.empty()) return {};
    return Decoder(source, strings)
        .object(schema, payload, 0)
        .dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace ridge::recorder
