// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/import/kineto/decimal.h"

#include <algorithm>
#include <array>

namespace ridge::analyzer::kineto {
namespace {

constexpr int kDigits = 40;          // more say nothing about an int64 with a handful of decimals
constexpr int kMaxExponent = 100'000;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<std::int64_t> parseDecimalSlow(const char* text, int scale) {
    const bool negative = *text == '-';
    if (negative) ++text;
    if (!isDigit(*text)) return std::nullopt;
    std::array<char, kDigits> digits{};
    int count = 0;
    long point = 0;  // value = 0.digits x 10^point
    bool any = false, inFraction = false;
    for (;; ++text) {
        if (*text == '.' && !inFraction) {
            inFraction = true;
            continue;
        }
        if (!isDigit(*text)) break;
        const bool leading = !any && *text == '0';
        if (!leading) {
            any = true;
            if (count < kDigits) digits[static_cast<std::size_t>(count++)] = *text;
            if (!inFraction) ++point;
        } else if (inFraction) {
            --point;
        }
        if (point < -kMaxExponent || point > kMaxExponent) return std::nullopt;
    }
    if ((*text | 0x20) == 'e') {
        ++text;
        const bool down = *text == '-';
        if (*text == '-' || *text == '+') ++text;
        if (!isDigit(*text)) return std::nullopt;
        long exponent = 0;
        for (; isDigit(*text); ++text) exponent = std::min<long>(exponent * 10 + (*text - '0'), kMaxExponent);
        point += down ? -exponent : exponent;
    }
    if (!any) return 0;
    const long places = point + scale;  // digits before the point of the scaled value
    if (places > 19) return std::nullopt;
    std::uint64_t value = 0;
    for (long i = 0; i < places; ++i) {
        const auto digit = static_cast<std::uint64_t>(i < count ? digits[static_cast<std::size_t>(i)] - '0' : 0);
        if (value > static_cast<std::uint64_t>(kLargest) / 10) return std::nullopt;
        value = value * 10 + digit;
    }
    if (places >= 0 && places < count && digits[static_cast<std::size_t>(places)] >= '5') ++value;
    if (value > static_cast<std::uint64_t>(kLargest)) return std::nullopt;
    return negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
}

}  // namespace ridge::analyzer::kineto
