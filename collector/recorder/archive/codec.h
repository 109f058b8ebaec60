// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The columns of a block of rows as bytes, and back.
//
// An archive is: the 8 bytes kMagic; sections; the 8 bytes of the checksum (FNV-1a, 64 bits, over all before it), little
// endian. A section is: u32 kind (0 the shape, 1 rows, 2 the end), u32 table, u32 rows, u32 bytes unpacked, u32 bytes
// packed, the packed bytes (one zstd frame). The shape is JSON: how the file and its tables are made. Rows are columns,
// one behind the other (the row id first where the table has one), each:
//   0                        every value is NULL
//   1 P first...             integers: P = 0 as they are, 1 less the row before, 2 + k less column k of the row; zigzag varints
//   2 tags values            a tag per row (0 NULL, 1 integer, 2 real, 3 text, 4 blob); integers as differences, varints; reals
//                            8 bytes; texts and blobs: length, then bytes
// Decoding checks every length; a value that is not there ends it.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ridge::archive {

inline constexpr std::string_view kMagic{"RIDGEPK\x01", 8};
inline constexpr std::size_t kBlockRows = 32768;
inline constexpr std::size_t kMostBlockBytes = std::size_t{512} << 20;  // unpacked; longer rows make shorter blocks
inline constexpr std::size_t kMostColumns = 2000;                       // as SQLite

enum class Type : std::uint8_t { kNull, kInteger, kReal, kText, kBlob };

// One column of a block.
struct Column {
    std::vector<Type> types;
    std::vector<std::int64_t> integers;  // one per row; 0 where it is none, the bits where it is a real
    std::vector<std::string> texts;      // of text and blob values, in order

    void clear() {
        types.clear();
        integers.clear();
        texts.clear();
    }
    void addNull() { add(Type::kNull, 0); }
    void add(Type type, std::int64_t integer) {
        types.push_back(type);
        integers.push_back(integer);
    }
    void addBytes(Type type, std::string_view bytes) {
        add(type, 0);
        texts.emplace_back(bytes);
    }
};

std::string encodeBlock(const std::vector<Column>& columns);
// columns: as many as there are to be. false: the bytes are no such block.
bool decodeBlock(std::span<const std::uint8_t> bytes, std::size_t rows, std::vector<Column>& columns);

// FNV-1a, on from `hash`.
inline constexpr std::uint64_t kHashStart = 0xcbf29ce484222325ULL;
std::uint64_t hashOn(std::uint64_t hash, std::string_view bytes);

}  // namespace ridge::archive
