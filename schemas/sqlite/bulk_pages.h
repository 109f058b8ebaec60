// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// B-tree pages as bytes (https://www.sqlite.org/fileformat2.html, section 1.6). For the bulk writer only.

#include <cstdint>
#include <cstring>

namespace ridge::bulk {

inline constexpr std::uint8_t kTableLeaf = 0x0d;
inline constexpr std::uint8_t kTableInterior = 0x05;
inline constexpr std::uint8_t kIndexLeaf = 0x0a;
inline constexpr std::uint8_t kIndexInterior = 0x02;

inline void putBig16(std::uint8_t* out, std::uint32_t value) {
    out[0] = static_cast<std::uint8_t>(value >> 8);
    out[1] = static_cast<std::uint8_t>(value);
}
inline void putBig32(std::uint8_t* out, std::uint32_t value) {
    const std::uint32_t big = __builtin_bswap32(value);
    std::memcpy(out, &big, 4);
}

// Writes the page header and clears the gap between the cell pointers and the cells. 65536 is stored as 0.
inline void sealPage(std::uint8_t* page, std::uint8_t kind, std::uint32_t cells, std::uint32_t top) {
    const std::uint32_t header = kind == kTableLeaf || kind == kIndexLeaf ? 8 : 12;
    page[0] = kind;
    putBig16(page + 1, 0);
    putBig16(page + 3, cells);
    putBig16(page + 5, top);
    page[7] = 0;
    const std::uint32_t begin = header + 2 * cells;
    std::memset(page + begin, 0, top - begin);
}

}  // namespace ridge::bulk
