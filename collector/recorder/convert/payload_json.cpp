// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/payload_json.h"

#include "schemas/spool/payload_layout.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <nvtx3/nvToolsExt.h>
#include <nvtx3/nvToolsExtPayload.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

namespace ridge::recorder {
namespace {

using nlohmann::ordered_json;
using namespace spool;

constexpr std::uint32_t kMostWork = 16384;  // nested elements and pointers that are followed
constexpr std::size_t kMostValues = 4096;   // of one payload; what is behind is in the binary only

template <typename T>
T loadAs(std::string_view bytes) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

double halfToDouble(std::uint32_t half) {
    const std::uint32_t exponent = half >> 10 & 31;
    const double fraction = half & 1023;
    double value = 0;
    if (exponent == 31)
        value = fraction != 0 ? NAN : INFINITY;
    else
        value = exponent == 0 ? std::ldexp(fraction, -24)
                              : std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25);
    return half & 0x8000 ? -value : value;
}

// IEEE's 128-bit format, whatever this machine's long double is: sign, 15 bits of exponent, 112 of
// fraction. What this machine's type has no room for is rounded.
long double quadToLongDouble(std::string_view bytes) {
    const auto low = loadAs<std::uint64_t>(bytes);
    const auto high = loadAs<std::uint64_t>(bytes.substr(8));
    const auto exponent = static_cast<int>(high >> 48 & 0x7fff);
    const std::uint64_t upper = high & 0xffffffffffffULL;
    const long double fraction =
        std::ldexp(static_cast<long double>(upper), 64) + static_cast<long double>(low);
    long double value = 0;
    if (exponent == 0x7fff)
        value = upper != 0 || low != 0 ? NAN : INFINITY;
    else
        value = std::ldexp(exponent ? fraction + std::ldexp(1.0L, 112) : fraction,
                           std::max(exponent, 1) - 16383 - 112);
    return high >> 63 ? -value : value;
}

// JSON has no numbers for these.
std::string notFinite(long double value) {
    return std::isnan(value) ? "NaN" : value < 0 ? "-inf" : "inf";
}

constexpr const char* kUnreadable = "unreadable";

__extension__ using Int128 = __int128;
__extension__ using Unsigned128 = unsigned __int128;

enum class Number { kUnsigned, kSigned, kReal, kLongReal, kInt128, kCharacter, kHandle };

Number numberOf(std::uint64_t type) {
    switch (type) {
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR:
        case NVTX_PAYLOAD_ENTRY_TYPE_CHAR8:
            return Number::kCharacter;
        case NVTX_PAYLOAD_ENTRY_TYPE_INT8:
        case NVTX_PAYLOAD_ENTRY_TYPE_SHORT:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT16:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT:
        case NVTX_PAYLOAD_ENTRY_TYPE_WCHAR:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_LONG:
        case NVTX_PAYLOAD_ENTRY_TYPE_LONGLONG:
        case NVTX_PAYLOAD_ENTRY_TYPE_INT64:
            return Number::kSigned;
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT32:
        case NVTX_PAYLOAD_ENTRY_TYPE_TF32:
        case NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT64:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT16:
        case NVTX_PAYLOAD_ENTRY_TYPE_BF16:
            return Number::kReal;
        case NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE:
            return Number::kHandle;
        case NVTX_PAYLOAD_ENTRY_TYPE_LONGDOUBLE:
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT128:
            return Number::kLongReal;
        case NVTX_PAYLOAD_ENTRY_TYPE_INT128:
        case NVTX_PAYLOAD_ENTRY_TYPE_UINT128:
            return Number::kInt128;
        default:
            return Number::kUnsigned;
    }
}

double realOf(std::uint64_t type, std::string_view bytes) {
    switch (type) {
        case NVTX_PAYLOAD_ENTRY_TYPE_FLOAT16:
            return halfToDouble(loadAs<std::uint16_t>(bytes));
        case NVTX_PAYLOAD_ENTRY_TYPE_BF16:
            return static_cast<double>(
                std::bit_cast<float>(std::uint32_t{loadAs<std::uint16_t>(bytes)} << 16));
        default:
            return bytes.size() == 4 ? static_cast<double>(loadAs<float>(bytes))
                                     : loadAs<double>(bytes);
    }
}

std::string narrow(std::string_view bytes, std::uint32_t character) {
    if (character == 1) return std::string(bytes.substr(0, bytes.find('\0')));
    std::string text;
    for (std::size_t at = 0; at + character <= bytes.size(); at += character) {
        std::uint32_t c = 0;
        std::memcpy(&c, bytes.data() + at, character);
        if (c == 0) break;
        if (character == 2 && c >= 0xD800 && c < 0xDC00 && at + 4 <= bytes.size()) {
            const auto low = loadAs<std::uint16_t>(bytes.substr(at + 2));
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00U);
                at += 2;
            }
        }
        if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = 0xFFFD;
        if (c < 0x80) {
            text += static_cast<char>(c);
            continue;
        }
        const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        constexpr std::uint32_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
        text += static_cast<char>(kLead[more] | c >> (6 * more));
        for (int i = more; i-- > 0;) text += static_cast<char>(0x80 | (c >> (6 * i) & 63));
    }
    return text;
}

class Lookup {
public:
    Lookup(const Source& source, std::uint32_t domainId) : m_source(source), m_domainId(domainId) {}
    bool schema(std::uint64_t id, PayloadSchema& found) const {
        for (const auto& [ref, definition] : m_source.schemas) {
            if (definition.record.schemaId != id || definition.entries.empty() ||
                (definition.record.domainId != m_domainId && id < kTypeFirstDynamic))
                continue;
            found = of(definition);
            return true;
        }
        return false;
    }
    [[nodiscard]] static PayloadSchema of(const SchemaDefinition& definition) {
        return {&definition, definition.record.payloadSize, definition.record.type,
                definition.record.alignTo, static_cast<std::uint32_t>(definition.entries.size())};
    }
    [[nodiscard]] static const SchemaEntry& raw(const PayloadSchema& schema, std::uint32_t index) {
        return static_cast<const SchemaDefinition*>(schema.self)->entries[index];
    }
    [[nodiscard]] PayloadEntry entry(const PayloadSchema& schema, std::uint32_t index) const {
        const SchemaEntry& entry = raw(schema, index);
        return {entry.flags, entry.type, entry.arrayOrUnionDetail, entry.offset};
    }
    [[nodiscard]] std::uint32_t enumBytes(std::uint64_t id) const {
        const EnumDefinition* found = m_source.findEnum(id, m_domainId);
        return found && found->record.bytes <= 8 ? found->record.bytes : 0;
    }
    [[nodiscard]] const EnumDefinition* enumOf(std::uint64_t id) const {
        return id >= kTypeFirstSchema ? m_source.findEnum(id, m_domainId) : nullptr;
    }

private:
    const Source& m_source;
    std::uint32_t m_domainId;
};

class Decoder {
public:
    Decoder(const Source& source, const StringTable& strings, std::uint32_t domainId,
            std::string_view payload)
        : m_source(source), m_strings(strings), m_lookup(source, domainId), m_payload(payload) {}

    DecodedPayload decode(const SchemaDefinition& schema) {
        DecodedPayload result;
        m_values = &result.values;
        ordered_json json = ordered_json::object();
        m_levels = {{&json, {}}};
        walk(Lookup::of(schema), 0);
        result.json = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
        return result;
    }

    DecodedPayload bare(std::uint64_t type) {
        DecodedPayload result;
        m_values = &result.values;
        ordered_json json = ordered_json::object();
        m_levels = {{&json, {}}};
        PayloadField field{};
        field.entry.type = type;
        const bool text = isStringType(type);
        field.elementBytes = text ? characterBytes(type) : predefinedBytes(type);
        if (field.elementBytes == 0 || type == NVTX_PAYLOAD_ENTRY_TYPE_BYTE) return {};
        field.count = m_payload.size() / field.elementBytes;
        field.array = field.count != 1;
        m_name = "value";
        text ? this->text(field) : value(field);
        if (json.empty()) return {};
        result.json = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
        return result;
    }

    // Visitor of PayloadWalk.
    void value(const PayloadField& field) {
        if (m_values->size() >= kMostValues) return put(field, nullptr);
        if (numberOf(field.entry.type) == Number::kCharacter && field.array) return text(field);
        const auto count = std::min<std::uint64_t>(field.count, kPayloadElements);
        ordered_json list = ordered_json::array();
        for (std::uint64_t i = 0; i < count; ++i)
            list.push_back(number(field, m_payload.substr(field.offset + i * field.elementBytes,
                                                          field.elementBytes)));
        put(field, field.array ? std::move(list) : count ? std::move(list[0]) : ordered_json());
    }
    void text(const PayloadField& field) {
        const std::string_view bytes =
            m_payload.substr(std::min<std::size_t>(field.offset, m_payload.size()),
                             field.count * field.elementBytes);
        const std::string shown = narrow(bytes, field.elementBytes);
        PayloadValue& value = add(field, PayloadValue::Kind::kText);
        value.text = shown;
        put(field, shown);
    }
    void missing(const PayloadField& field) { put(field, nullptr); }
    bool enter(const PayloadField& field, std::uint64_t element) {
        if (m_levels.size() > 16 || m_values->size() >= kMostValues || ++m_work > kMostWork)
            return false;
        ordered_json& parent = *m_levels.back().json;
        const std::string name = nameOf(field);
        std::string path = m_levels.back().path + name + ".";
        if (!field.array) {
            parent[name] = ordered_json::object();
            m_levels.push_back({&parent[name], std::move(path)});
            return true;
        }
        if (element == 0) parent[name] = ordered_json::array();
        parent[name].push_back(ordered_json::object());
        m_levels.push_back({&parent[name].back(), std::move(path)});
        return true;
    }
    void leave() { m_levels.pop_back(); }

    void indirect(const PayloadField& field) {
        std::uint64_t at = 0;
        std::uint64_t room = 0;
        if (++m_work > kMostWork) return put(field, nullptr);
        const bool pointer =
            (field.entry.flags & (kEntryOffsetFromBase | kEntryOffsetFromHere)) == 0;
        if (pointer &&
            loadAs<std::uint64_t>(m_payload.substr(field.offset, 8)) == kPayloadUnreadable)
            return put(field, kUnreadable);
        target(field, at, room);
        if (room == 0) return put(field, nullptr);
        PayloadField there = field;
        there.offset = at;
        if (there.elementBytes == 0) return nestedAt(there, room);
        const std::uint64_t most = room / there.elementBytes;
        const bool text = isStringType(there.entry.type);
        const bool open = there.count == 0;  // up to a zero, which is not among what was copied
        if (open) there.count = most;
        there.count = std::min(there.count, most);
        there.array = there.array || text;
        text ? this->text(there) : value(there);
    }

private:
    struct Level {
        ordered_json* json;
        std::string path;
    };

    void walk(const PayloadSchema& schema, std::uint64_t at) {
        PayloadWalk<Lookup, Decoder> walk(m_lookup, *this,
                                          reinterpret_cast<const std::uint8_t*>(m_payload.data()),
                                          m_payload.size(), m_left);
        walk.walk(schema, at);
        m_left = std::min(m_left, walk.work());
    }

    // Where a pointer of the recorded copy, or an offset, leads to, and how many bytes are there.
    void target(const PayloadField& field, std::uint64_t& at, std::uint64_t& room) const {
        const auto word = loadAs<std::uint64_t>(m_payload.substr(field.offset, 8));
        if (field.entry.flags & (kEntryOffsetFromBase | kEntryOffsetFromHere)) {
            at = field.entry.flags & kEntryOffsetFromHere ? field.offset + 8 + word : word;
            room = at < m_payload.size() ? m_payload.size() - at : 0;
            return;
        }
        at = word & 0xffffffff;
        room = word >> 32;
        if (at > m_payload.size() || room > m_payload.size() - at) room = 0;
    }

    void nestedAt(PayloadField& field, std::uint64_t room) {
        PayloadSchema schema{};
        if (!m_lookup.schema(field.entry.type, schema) || m_levels.size() > kPayloadDepth)
            return put(field, nullptr);
        const std::uint64_t each = schema.payloadSize ? schema.payloadSize : room;
        const std::uint64_t most = std::min<std::uint64_t>(room / each, kPayloadElements);
        const std::uint64_t count = field.count ? std::min(field.count, most) : most;
        field.array = field.array || count != 1;
        for (std::uint64_t i = 0; i < count; ++i) {
            if (!enter(field, i)) return;
            walk(schema, field.offset + i * each);
            leave();
        }
    }

    std::string nameOf(const PayloadField& field) const {
        if (!field.schema) return m_name;
        const auto& schema = *static_cast<const SchemaDefinition*>(field.schema->self);
        const std::int64_t id = m_source.names.get(schema.entries[field.index].nameId);
        if (!id) return fmt::format("{}", field.index);
        const std::uint32_t place = schema.placeAmongNamesakes(field.index);
        return place == 0 ? m_strings.text(id)
                          : fmt::format("{}#{}", m_strings.text(id), place + 1);
    }

    void put(const PayloadField& field, ordered_json json) {
        if (field.entry.flags & kEntryHide) return;
        (*m_levels.back().json)[nameOf(field)] = std::move(json);
    }

    PayloadValue& add(const PayloadField& field, PayloadValue::Kind kind) {
        if (m_values->size() >= kMostValues) return m_spare;
        PayloadValue value;
        value.kind = kind;
        value.field = m_levels.back().path + nameOf(field);
        value.element = m_elements[value.field]++;
        m_values->push_back(std::move(value));
        return m_values->back();
    }

    ordered_json number(const PayloadField& field, std::string_view bytes) {
        using Kind = PayloadValue::Kind;
        if (const EnumDefinition* known = m_lookup.enumOf(field.entry.type))
            return enumerator(field, *known, bytes);
        switch (numberOf(field.entry.type)) {
            case Number::kReal: {
                const double real = realOf(field.entry.type, bytes);
                if (!std::isfinite(real)) return notFinite(static_cast<long double>(real));
                add(field, Kind::kReal).real = real;
                return real;
            }
            case Number::kLongReal:
                return longReal(field, bytes);
            case Number::kInt128: {
                const bool isSigned = field.entry.type == NVTX_PAYLOAD_ENTRY_TYPE_INT128;
                const std::string text = isSigned ? fmt::format("{}", loadAs<Int128>(bytes))
                                                  : fmt::format("{}", loadAs<Unsigned128>(bytes));
                add(field, Kind::kText).text = text;
                return text;
            }
            case Number::kCharacter:
                add(field, Kind::kText).text = std::string(bytes);
                return std::string(bytes);
            case Number::kHandle: {
                const auto id = loadAs<std::uint64_t>(bytes);
                if (id == kPayloadUnreadable) return kUnreadable;
                const std::int64_t name =
                    id <= 0xffffffff ? m_source.names.get(static_cast<std::uint32_t>(id)) : 0;
                if (!name) return nullptr;
                add(field, Kind::kText).text = m_strings.text(name);
                return m_strings.text(name);
            }
            case Number::kSigned: {
                const std::int64_t value = signedOf(bytes);
                add(field, Kind::kInteger).integer = value;
                return value;
            }
            case Number::kUnsigned:
                break;
        }
        const std::uint64_t value = unsignedOf(bytes);
        add(field, Kind::kInteger).integer = static_cast<std::int64_t>(value);
        return value;
    }

    // A number as far as a double reaches, its text beyond.
    ordered_json longReal(const PayloadField& field, std::string_view bytes) {
        const long double real = field.entry.type == NVTX_PAYLOAD_ENTRY_TYPE_FLOAT128
                                     ? quadToLongDouble(bytes)
                                     : loadAs<long double>(bytes);
        if (!std::isfinite(real)) return notFinite(real);
        const auto rounded = static_cast<double>(real);
        if (!std::isfinite(rounded) || (rounded == 0 && real != 0)) {
            const std::string text = fmt::format("{:.21g}", real);
            add(field, PayloadValue::Kind::kText).text = text;
            return text;
        }
        add(field, PayloadValue::Kind::kReal).real = rounded;
        return rounded;
    }

    static std::uint64_t unsignedOf(std::string_view bytes) {
        std::uint64_t raw = 0;
        std::memcpy(&raw, bytes.data(), std::min<std::size_t>(bytes.size(), 8));
        return raw;
    }
    static std::int64_t signedOf(std::string_view bytes) {
        const int shift = 64 - 8 * static_cast<int>(bytes.size());
        return static_cast<std::int64_t>(unsignedOf(bytes) << shift) >> shift;
    }

    // The enumerator's text; of flags all that are set, and what bits are left as a number; only
    // the number where there is no name for any.
    ordered_json enumerator(const PayloadField& field, const EnumDefinition& known,
                            std::string_view bytes) {
        const std::uint64_t raw = unsignedOf(bytes);
        std::uint64_t unnamed = raw;
        std::string text;
        for (const PayloadEnumerator& entry : known.entries) {
            const std::int64_t name = m_source.names.get(entry.nameId);
            const bool flag =
                entry.isFlag && entry.value != 0 && (raw & entry.value) == entry.value;
            const std::uint64_t mask =
                bytes.size() >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * bytes.size()) - 1;
            if (!name || !(flag || (!entry.isFlag && (entry.value & mask) == raw))) continue;
            text += (text.empty() ? "" : "|") + m_strings.text(name);
            unnamed &= ~entry.value;
            if (!flag) break;
        }
        if (!text.empty() && unnamed != 0) text += fmt::format("|{:#x}", unnamed);
        PayloadValue& value =
            add(field, text.empty() ? PayloadValue::Kind::kInteger : PayloadValue::Kind::kEnum);
        value.integer = signedOf(bytes);
        value.text = text;
        return text.empty() ? ordered_json(signedOf(bytes)) : ordered_json(text);
    }

    const Source& m_source;
    const StringTable& m_strings;
    Lookup m_lookup;
    std::string_view m_payload;
    std::string m_name;
    std::vector<Level> m_levels;
    std::vector<PayloadValue>* m_values = nullptr;
    PayloadValue m_spare;
    std::uint32_t m_work = 0;
    std::uint32_t m_left = kPayloadWork;
    std::map<std::string, std::int64_t> m_elements;
};

}  // namespace

DecodedPayload decodePayload(const Source& source, const StringTable& strings,
                             const SchemaDefinition& schema, std::string_view payload) {
    Decoder decoder(source, strings, schema.record.domainId, payload);
    if (schema.entries.empty())
        return schema.record.schemaId < kTypeUnionSelector ? decoder.bare(schema.record.schemaId)
                                                           : DecodedPayload{};
    const std::uint32_t type = schema.record.type;
    if (type < kSchemaStatic || type > kSchemaUnionInternal || type == kSchemaUnion) return {};
    return decoder.decode(schema);
}

}  // namespace ridge::recorder
