// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/import/kineto/scanner.h"

#include <bit>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace ridge::analyzer::kineto {
namespace {

struct Masks {
    std::uint64_t quotes = 0, backslashes = 0, brackets = 0;
};

#ifdef __SSE2__
Masks masksOf(const char* text) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), fold = _mm_set1_epi8(0x20),
                  open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
    Masks masks;
    for (unsigned i = 0; i < 4; ++i) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * i));
        const __m128i folded = _mm_or_si128(bytes, fold);  // [ and ] become { and }
        const auto mask = [i](__m128i m) {
            return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(m))) << (16 * i);
        };
        masks.quotes |= mask(_mm_cmpeq_epi8(bytes, quote));
        masks.backslashes |= mask(_mm_cmpeq_epi8(bytes, backslash));
        masks.brackets |= mask(_mm_or_si128(_mm_cmpeq_epi8(folded, open), _mm_cmpeq_epi8(folded, close)));
    }
    return masks;
}
#else
Masks masksOf(const char* text) {
    Masks masks;
    for (unsigned i = 0; i < 64; ++i) {
        const std::uint64_t bit = std::uint64_t{1} << i;
        const char c = text[i];
        if (c == '"') masks.quotes |= bit;
        if (c == '\\') masks.backslashes |= bit;
        if (c == '{' || c == '}' || c == '[' || c == ']') masks.brackets |= bit;
    }
    return masks;
}
#endif

// Bit i is set when an odd number of the bits 0..i are.
std::uint64_t prefixXor(std::uint64_t bits) {
    for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
}

// Characters that a backslash takes away. Backslashes are rare, so one at a time.
std::uint64_t escapedBy(std::uint64_t backslashes, bool& carry) {
    std::uint64_t escaped = carry ? 1 : 0;
    backslashes &= ~escaped;
    carry = false;
    while (backslashes != 0) {
        const int at = std::countr_zero(backslashes);
        backslashes &= backslashes - 1;
        if (at == 63) {
            carry = true;
            break;
        }
        const std::uint64_t next = std::uint64_t{1} << (at + 1);
        escaped |= next;
        backslashes &= ~next;
    }
    return escaped;
}

}  // namespace

std::size_t findStructure(const char* text, std::size_t size, std::uint32_t* out, ScanState* state) {
    std::uint32_t* write = out;
    bool escapeCarry = state && state->escape;
    std::uint64_t inString = state ? state->inString : 0;  // all ones: the block begins inside a string
    for (std::size_t at = 0; at < size; at += 64) {
        Masks masks = masksOf(text + at);
        if (size - at < 64) {
            const std::uint64_t valid = (std::uint64_t{1} << (size - at)) - 1;
            masks.quotes &= valid;
            masks.backslashes &= valid;
            masks.brackets &= valid;
        }
        if (masks.backslashes != 0 || escapeCarry) masks.quotes &= ~escapedBy(masks.backslashes, escapeCarry);
        const std::uint64_t strings = prefixXor(masks.quotes) ^ inString;
        inString = static_cast<std::uint64_t>(static_cast<std::int64_t>(strings) >> 63);
        std::uint64_t bits = masks.quotes | (masks.brackets & ~strings);
        while (bits != 0) {
            *write++ = static_cast<std::uint32_t>(at + static_cast<unsigned>(std::countr_zero(bits)));
            bits &= bits - 1;
        }
    }
    if (state) *state = {inString, escapeCarry};
    return static_cast<std::size_t>(write - out);
}

}  // namespace ridge::analyzer::kineto
