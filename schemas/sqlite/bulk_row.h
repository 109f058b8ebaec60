// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One row in SQLite's record format (https://www.sqlite.org/fileformat2.html, section 2.1), encoded
// value by value in column order. Reused for every row: no allocation after the first long value.
// Trailing NULLs are left out, as SQLite itself reads missing columns as NULL; that saves a byte each.
// A column that is an INTEGER PRIMARY KEY is given as null(): its value is the row id.

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace ridge::bulk {

// Big-endian 7-bit groups, the high bit set on all but the last; nine bytes at most. Returns the length.
inline std::uint32_t putVarint(std::uint8_t* out, std::uint64_t value) {
    if (value < 0x80) {
        out[0] = static_cast<std::uint8_t>(value);
        return 1;
    }
    if (value < 0x4000) {
        out[0] = static_cast<std::uint8_t>((value >> 7) | 0x80);
        out[1] = static_cast<std::uint8_t>(value & 0x7f);
        return 2;
    }
    if (value >> 56) {  // the ninth byte carries eight bits
        out[8] = static_cast<std::uint8_t>(value);
        value >>= 8;
        for (int i = 7; i >= 0; --i, value >>= 7) out[i] = static_cast<std::uint8_t>(value | 0x80);
        return 9;
    }
    const auto length = static_cast<std::uint32_t>((std::bit_width(value) + 6) / 7);
    for (std::uint32_t i = length; i-- > 0; value >>= 7)
        out[i] = static_cast<std::uint8_t>((value & 0x7f) | (i + 1 < length ? 0x80 : 0));
    return length;
}

// Writes the shortest form of value (up to 8 bytes are touched) and returns {serial type, bytes}.
struct IntegerForm {
    std::uint8_t type;
    std::uint8_t bytes;
};
inline IntegerForm putInteger(std::uint8_t* out, std::int64_t value) {
    static constexpr std::array<std::uint8_t, 9> kTypeOfBytes = {0, 1, 2, 3, 4, 5, 5, 6, 6};
    static constexpr std::array<std::uint8_t, 9> kLengthOfBytes = {0, 1, 2, 3, 4, 6, 6, 8, 8};
    if (value == 0 || value == 1) return {static_cast<std::uint8_t>(8 + value), 0};
    const std::uint64_t magnitude = static_cast<std::uint64_t>(value) ^ static_cast<std::uint64_t>(value >> 63);
    const auto bytes = static_cast<std::size_t>(std::bit_width(magnitude) / 8 + 1);  // sign bit included
    const std::uint8_t length = kLengthOfBytes[bytes];
    const std::uint64_t big = __builtin_bswap64(static_cast<std::uint64_t>(value) << (64 - 8 * length));
    std::memcpy(out, &big, 8);
    return {kTypeOfBytes[bytes], length};
}

class BulkRow {
public:
    static constexpr std::size_t kMaxColumns = 64;

    void clear() {
        m_columns = 0;
        m_typeBytes = 0;
        m_lastValue = 0;
        m_bodyBytes = 0;
    }
    BulkRow& null() {
        addType(0);
        return *this;
    }
    BulkRow& integer(std::int64_t value) {
        const IntegerForm form = putInteger(m_body.data() + m_bodyBytes, value);
        m_bodyBytes += form.bytes;
        addType(form.type);
        return noteValue();
    }
    BulkRow& integerOrNull(bool present, std::int64_t value) { return present ? integer(value) : null(); }
    // NaN becomes NULL, as SQLite has it.
    BulkRow& real(double value) {
        if (std::isnan(value)) return null();
        const std::uint64_t big = __builtin_bswap64(std::bit_cast<std::uint64_t>(value));
        std::memcpy(m_body.data() + m_bodyBytes, &big, 8);
        m_bodyBytes += 8;
        addType(7);
        return noteValue();
    }
    BulkRow& text(std::string_view value) { return bytes(value, 13); }
    BulkRow& blob(std::string_view value) { return bytes(value, 12); }

    [[nodiscard]] std::size_t columns() const { return m_columns; }
    // Length of the record; then write() puts it where there is room for so much.
    [[nodiscard]] std::uint64_t size() const { return headerBytes() + m_bodyBytes; }
    void write(std::uint8_t* out) const {
        const std::uint32_t types = usedTypes();
        const std::uint32_t length = putVarint(out, headerBytes());
        std::memcpy(out + length, m_types.data(), types);
        std::memcpy(out + length + types, m_body.data(), m_bodyBytes);
    }

private:
    void addType(std::uint64_t type) {
        if (m_columns == kMaxColumns) return;  // no table of ours is so wide
        ++m_columns;
        m_typeBytes += putVarint(m_types.data() + m_typeBytes, type);
    }
    BulkRow& noteValue() {
        m_lastValue = m_typeBytes;
        if (m_bodyBytes + 64 > m_body.size()) m_body.resize(m_body.size() * 2);
        return *this;
    }
    BulkRow& bytes(std::string_view value, std::uint64_t base) {
        if (m_bodyBytes + value.size() + 64 > m_body.size()) m_body.resize(2 * (m_bodyBytes + value.size() + 64));
        if (!value.empty()) std::memcpy(m_body.data() + m_bodyBytes, value.data(), value.size());
        m_bodyBytes += value.size();
        addType(base + 2 * std::uint64_t{value.size()});
        return noteValue();
    }
    // SQLite wants cells of at least four bytes, so one type always stays.
    [[nodiscard]] std::uint32_t usedTypes() const { return m_lastValue ? m_lastValue : (m_columns ? 1U : 0U); }
    [[nodiscard]] std::uint32_t headerBytes() const {
        const std::uint32_t types = usedTypes();
        return types + (types + 1 > 127 ? 2U : 1U);
    }

    std::size_t m_columns = 0;
    std::uint32_t m_typeBytes = 0;
    std::uint32_t m_lastValue = 0;  // type bytes up to the last value that is not NULL
    std::uint64_t m_bodyBytes = 0;
    std::array<std::uint8_t, kMaxColumns * 9 + 16> m_types{};
    std::vector<std::uint8_t> m_body = std::vector<std::uint8_t>(1024);
};

}  // namespace ridge::bulk
