// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Numbers of a trace, from their decimal text to integers. Never through double: 1.7e15 us in a double
// has steps of 0.25 us.
//
// The text need not end: reading stops at the first character that is no part of a number.

#include <cstdint>
#include <optional>

namespace ridge::analyzer::kineto {

inline constexpr std::int64_t kLargest = std::int64_t{4'000'000'000'000'000'000};  // 2 of them still add up

// value x 10^scale, rounded half up in the digits beyond; nothing: no number, or beyond +-kLargest.
// "12.3456" with scale 3 -> 12346; "-1e3" with scale 0 -> -1000.
std::optional<std::int64_t> parseDecimalSlow(const char* text, int scale);

// The usual case without sign, exponent or many digits; the rest goes to parseDecimalSlow.
inline std::optional<std::int64_t> parseDecimal(const char* text, int scale) {
    const char* at = text;
    std::uint64_t value = 0;
    while (*at >= '0' && *at <= '9' && at - text < 17) value = value * 10 + static_cast<std::uint64_t>(*at++ - '0');
    if (at == text || at - text >= 17) return parseDecimalSlow(text, scale);
    int fraction = 0;
    if (*at == '.') {
        for (++at; fraction < scale && *at >= '0' && *at <= '9'; ++fraction)
            value = value * 10 + static_cast<std::uint64_t>(*at++ - '0');
        if (*at >= '0' && *at <= '9') return parseDecimalSlow(text, scale);
    }
    if ((*at | 0x20) == 'e') return parseDecimalSlow(text, scale);
    for (; fraction < scale; ++fraction) value *= 10;
    if (value > static_cast<std::uint64_t>(kLargest)) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

}  // namespace ridge::analyzer::kineto
