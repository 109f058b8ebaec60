// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The two eight-bit floating-point formats of tensor cores (Micikevicius et al., arXiv:2209.05433):
// E4M3 for weights and activations, largest value 448, no infinities; E5M2 for gradients, largest
// 57344. Values too large are held at the largest, which is what training wants.
//
// An array that is held so has one float scale: value = scale * code's value. Scales are powers of
// two, so that scaling itself rounds nothing.

#include "base/result.h"

#include <cmath>
#include <cstdint>
#include <ridge/work.h>

namespace ridge::workloads {

// Rows of operands are a multiple of this many elements, as cuBLASLt asks; what is added is zero.
inline constexpr std::int64_t kFp8Step = 16;
[[nodiscard]] constexpr std::int64_t paddedToFp8(std::int64_t elements) {
    return (elements + kFp8Step - 1) / kFp8Step * kFp8Step;
}

struct Fp8Format {
    int mantissa = 3;
    int bias = 7;
    float largest = 448.0F;
    unsigned largestCode = 0x7E;
};
inline constexpr Fp8Format kE4M3{};
inline constexpr Fp8Format kE5M2{2, 15, 57344.0F, 0x7B};

[[nodiscard]] constexpr bool isFp8(ridge_dtype type) {
    return type == RIDGE_DTYPE_FP8_E4M3 || type == RIDGE_DTYPE_FP8_E5M2;
}
[[nodiscard]] constexpr Fp8Format fp8Format(ridge_dtype type) {
    return type == RIDGE_DTYPE_FP8_E5M2 ? kE5M2 : kE4M3;
}

// Of a code; NaN and infinities where the format has them.
[[nodiscard]] inline float fromFp8(std::uint8_t code, ridge_dtype type) {
    const Fp8Format format = fp8Format(type);
    const unsigned rest = code & 0x7FU;
    if (rest > format.largestCode)
        return type == RIDGE_DTYPE_FP8_E5M2 && rest == 0x7CU
                   ? (code > 0x7FU ? -HUGE_VALF : HUGE_VALF)
                   : std::nanf("");
    const auto fraction = static_cast<float>(rest & ((1U << format.mantissa) - 1U));
    const int exponent = static_cast<int>(rest >> format.mantissa);
    const auto whole = static_cast<float>(1 << format.mantissa);
    const float value =
        exponent == 0 ? std::ldexp(fraction, 1 - format.bias - format.mantissa)
                      : std::ldexp(whole + fraction, exponent - format.bias - format.mantissa);
    return code > 0x7FU ? -value : value;
}

}  // namespace ridge::workloads
