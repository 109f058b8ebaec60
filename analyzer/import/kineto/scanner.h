// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Finds what gives a JSON text its shape: every unescaped quote, and every bracket outside of strings,
// as ascending offsets. Commas, colons and scalars are found from there by looking at the text.
//
// Without a state the text begins outside of a string. 64 bytes at a time with SSE2 (Langdale and Lemire, "Parsing
// gigabytes of JSON per second", VLDB Journal 2019, describes the method); plain C++ elsewhere. The
// caller guarantees kPadding readable bytes behind the text.

#include <cstddef>
#include <cstdint>

namespace ridge::analyzer::kineto {

inline constexpr std::size_t kPadding = 64;

// Where one piece of a text ended, for the next one.
struct ScanState {
    std::uint64_t inString = 0;  // all ones: inside a string
    bool escape = false;         // behind a backslash that takes the next character
};

// Returns how many were written to out, which has room for `size` of them: as many as there can be, so that none is
// checked for. size < 2^32 - kPadding. state: where the piece before ended, and then this one; pieces but the last are a
// multiple of 64 bytes.
std::size_t findStructure(const char* text, std::size_t size, std::uint32_t* out, ScanState* state = nullptr);

}  // namespace ridge::analyzer::kineto
