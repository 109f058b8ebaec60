// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// exp and 2^x without branches or calls, so that the compiler vectorises the loops around it.
//
// Cephes' expf: argument reduced by log 2 in two parts, degree-5 polynomial, exponent put into the
// bits. Relative error below 3e-7 on [-87, 60]; beyond, the argument is clamped (never inf, never
// 0). The upper bound is that low for 1 / (1 + exp(x)): a compiler may compute the clamped case as
// a constant beside the others and blend, and a subnormal constant (from 88) costs 150 cycles a
// vector.

#include <bit>
#include <cstdint>

namespace ridge::workloads::cpu {

__attribute__((always_inline)) inline float fastExp(float x) {
    x = x < -87.0F ? -87.0F : x;
    x = x > 60.0F ? 60.0F : x;
    // Adding 1.5 * 2^23 leaves the nearest integer of x / log 2 in the low bits.
    const float shifted = x * 1.44269504088896341F + 12582912.0F;
    const float n = shifted - 12582912.0F;
    const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
    float p = 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    const std::uint32_t scale = (std::bit_cast<std::uint32_t>(shifted) << 23) + (127U << 23);
    return p * std::bit_cast<float>(scale);
}

// 2^x by a third fewer operations: for sums with 1, such as a sigmoid's. A fused multiply-add each
// for the polynomial of degree 5, the minimax one in relative error on [-1/2, 1/2] with its
// constant rounded to 1. Relative error below 3e-7 on [-126, 86], clamped beyond; what x itself was
// rounded by comes on top.
__attribute__((always_inline)) inline float fastExp2(float x) {
    x = x < -126.0F ? -126.0F : x;
    x = x > 86.0F ? 86.0F : x;
    const float shifted = x + 12582912.0F;
    const float r = x - (shifted - 12582912.0F);
    float p = 1.3276467799e-3F;
    p = p * r + 9.6755412483e-3F;
    p = p * r + 5.5507132866e-2F;
    p = p * r + 2.4022119727e-1F;
    p = p * r + 6.9314696706e-1F;
    p = p * r + 1.0F;
    // p lies in [0.7, 1.42]: adding to its exponent neither overflows nor becomes subnormal.
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) +
                                (std::bit_cast<std::uint32_t>(shifted) << 23));
}

}  // namespace ridge::workloads::cpu
