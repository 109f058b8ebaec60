// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// SHA-256 (FIPS 180-4), for fingerprints of texts and programs. Not tuned for speed: some 200 MB/s.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ridge {

// Of something that is read in pieces.
class Sha256 {
public:
    void add(std::string_view bytes);
    // 64 lower-case hexadecimal digits of all that was added; nothing may be added after it.
    std::string hex();

private:
    std::array<std::uint32_t, 8> m_hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::string m_rest;  // less than a block
    std::uint64_t m_bytes = 0;
};

// 64 lower-case hexadecimal digits.
std::string sha256Hex(std::string_view bytes);

}  // namespace ridge
