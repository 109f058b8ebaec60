// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/archive/codec.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace ridge::archive {
namespace {

enum Mode : std::uint8_t { kAllNull = 0, kAllIntegers = 1, kMixed = 2 };
enum Predictor : std::uint64_t { kPlain = 0, kRowBefore = 1, kColumn = 2 };
constexpr std::size_t kMostPredictors = 24;  // columns tried

// Differences wrap around, so that no value is too far from another.
std::uint64_t zigzag(std::uint64_t difference) {
    return difference << 1 ^ static_cast<std::uint64_t>(static_cast<std::int64_t>(difference) >> 63);
}
std::uint64_t unzigzag(std::uint64_t value) { return value >> 1 ^ (0 - (value & 1)); }

void putVarint(std::string& to, std::uint64_t value) {
    while (value >= 0x80) {
        to += static_cast<char>(value | 0x80);
        value >>= 7;
    }
    to += static_cast<char>(value);
}

class Reader {
public:
    explicit Reader(std::span<const std::uint8_t> bytes) : m_at(bytes.data()), m_end(bytes.data() + bytes.size()) {}
    bool varint(std::uint64_t& value) {
        value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (m_at == m_end) return false;
            const std::uint8_t byte = *m_at++;
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if ((byte & 0x80) == 0) return true;
        }
        return false;
    }
    bool byte(std::uint8_t& value) {
        if (m_at == m_end) return false;
        value = *m_at++;
        return true;
    }
    bool bytes(std::size_t count, const std::uint8_t*& from) {
        if (count > left()) return false;
        from = m_at;
        m_at += count;
        return true;
    }
    [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(m_end - m_at); }

private:
    const std::uint8_t* m_at;
    const std::uint8_t* m_end;
};

bool isAll(const Column& column, Type type) {
    return std::all_of(column.types.begin(), column.types.end(), [&](Type t) { return t == type; });
}

std::uint64_t predicted(std::uint64_t predictor, const std::vector<Column>& columns, const Column& column, std::size_t row) {
    if (predictor == kPlain) return 0;
    if (predictor == kRowBefore) return row == 0 ? 0 : static_cast<std::uint64_t>(column.integers[row - 1]);
    return static_cast<std::uint64_t>(columns[predictor - kColumn].integers[row]);
}

// About how long the column would be: bits that its differences need, of the first rows.
std::uint64_t costOf(std::uint64_t predictor, const std::vector<Column>& columns, std::size_t index) {
    const Column& column = columns[index];
    std::uint64_t bits = 0;
    const std::size_t rows = std::min<std::size_t>(column.integers.size(), 2048);
    for (std::size_t row = 0; row < rows; ++row)
        bits += static_cast<std::uint64_t>(std::bit_width(zigzag(static_cast<std::uint64_t>(column.integers[row]) - predicted(predictor, columns, column, row))));
    return bits;
}

std::uint64_t bestPredictor(const std::vector<Column>& columns, std::size_t index) {
    // A column of few values packs best as it is; a tie goes to the simpler.
    std::uint64_t best = kPlain, least = costOf(kPlain, columns, index);
    const auto consider = [&](std::uint64_t predictor) {
        const std::uint64_t cost = costOf(predictor, columns, index);
        if (cost < least) {
            least = cost;
            best = predictor;
        }
    };
    consider(kRowBefore);
    const std::size_t first = index > kMostPredictors ? index - kMostPredictors : 0;
    for (std::size_t k = first; k < index; ++k)
        if (isAll(columns[k], Type::kInteger)) consider(kColumn + k);
    return best;
}

void encodeMixed(const Column& column, std::string& to) {
    for (const Type type : column.types) to += static_cast<char>(type);
    std::uint64_t before = 0;
    for (std::size_t row = 0; row < column.types.size(); ++row) {
        if (column.types[row] != Type::kInteger) continue;
        putVarint(to, zigzag(static_cast<std::uint64_t>(column.integers[row]) - before));
        before = static_cast<std::uint64_t>(column.integers[row]);
    }
    for (std::size_t row = 0; row < column.types.size(); ++row) {
        if (column.types[row] != Type::kReal) continue;
        char bytes[8];
        std::memcpy(bytes, &column.integers[row], sizeof bytes);
        to.append(bytes, sizeof bytes);
    }
    for (const std::string& text : column.texts) putVarint(to, text.size());
    for (const std::string& text : column.texts) to += text;
}

bool decodeMixed(Reader& reader, std::size_t rows, Column& column) {
    const std::uint8_t* tags = nullptr;
    if (!reader.bytes(rows, tags)) return false;
    std::size_t texts = 0;
    for (std::size_t row = 0; row < rows; ++row) {
        if (tags[row] > static_cast<std::uint8_t>(Type::kBlob)) return false;
        column.add(static_cast<Type>(tags[row]), 0);
        texts += tags[row] >= static_cast<std::uint8_t>(Type::kText) ? 1 : 0;
    }
    std::uint64_t before = 0, value = 0;
    for (std::size_t row = 0; row < rows; ++row) {
        if (column.types[row] != Type::kInteger) continue;
        if (!reader.varint(value)) return false;
        before += unzigzag(value);
        column.integers[row] = static_cast<std::int64_t>(before);
    }
    const std::uint8_t* from = nullptr;
    for (std::size_t row = 0; row < rows; ++row) {
        if (column.types[row] != Type::kReal) continue;
        if (!reader.bytes(8, from)) return false;
        std::memcpy(&column.integers[row], from, 8);
    }
    std::vector<std::uint64_t> lengths(texts);
    for (std::uint64_t& length : lengths)
        if (!reader.varint(length) || length > reader.left()) return false;
    for (const std::uint64_t length : lengths) {
        if (!reader.bytes(length, from)) return false;
        column.texts.emplace_back(reinterpret_cast<const char*>(from), length);
    }
    return true;
}

bool decodeColumn(Reader& reader, std::size_t rows, std::vector<Column>& columns, std::size_t index) {
    Column& column = columns[index];
    column.clear();
    std::uint8_t mode = 0;
    if (!reader.byte(mode)) return false;
    if (mode == kAllNull) {
        column.types.assign(rows, Type::kNull);
        column.integers.assign(rows, 0);
        return true;
    }
    if (mode == kMixed) return decodeMixed(reader, rows, column);
    std::uint64_t predictor = 0, value = 0;
    if (mode != kAllIntegers || !reader.varint(predictor) || predictor >= kColumn + index || rows > reader.left()) return false;
    column.types.assign(rows, Type::kInteger);
    column.integers.assign(rows, 0);
    for (std::size_t row = 0; row < rows; ++row) {
        if (!reader.varint(value)) return false;
        column.integers[row] = static_cast<std::int64_t>(unzigzag(value) + predicted(predictor, columns, column, row));
    }
    return true;
}

}  // namespace

std::string encodeBlock(const std::vector<Column>& columns) {
    std::string bytes;
    for (std::size_t index = 0; index < columns.size(); ++index) {
        const Column& column = columns[index];
        if (isAll(column, Type::kNull)) {
            bytes += static_cast<char>(kAllNull);
        } else if (isAll(column, Type::kInteger)) {
            const std::uint64_t predictor = bestPredictor(columns, index);
            bytes += static_cast<char>(kAllIntegers);
            putVarint(bytes, predictor);
            for (std::size_t row = 0; row < column.integers.size(); ++row)
                putVarint(bytes, zigzag(static_cast<std::uint64_t>(column.integers[row]) - predicted(predictor, columns, column, row)));
        } else {
            bytes += static_cast<char>(kMixed);
            encodeMixed(column, bytes);
        }
    }
    return bytes;
}

bool decodeBlock(std::span<const std::uint8_t> bytes, std::size_t rows, std::vector<Column>& columns) {
    Reader reader(bytes);
    for (std::size_t index = 0; index < columns.size(); ++index)
        if (!decodeColumn(reader, rows, columns, index)) return false;
    return reader.left() == 0;
}

std::uint64_t hashOn(std::uint64_t hash, std::string_view bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
    return hash;
}

}  // namespace ridge::archive
