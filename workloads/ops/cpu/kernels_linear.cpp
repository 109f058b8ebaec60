// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The portable version of the products of a few rows, the choice between the versions, and
// quantised values to and from floats.
#include "workloads/ops/cpu/kernels_linear_impl.h"

#include <algorithm>
#include <cmath>

namespace ridge::workloads::cpu {

const LinearKernels& linearKernelsPortable() {
    return kTable;
}

const LinearKernels& linearKernels() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return linearKernelsAvx512();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return linearKernelsAvx2();
#endif
    return kTable;
}

RIDGE_CLONES
void unpackInt8(std::int64_t groups, std::int64_t group, const std::int8_t* __restrict values,
                const float* __restrict scales, float* __restrict out) {
    for (std::int64_t g = 0; g < groups; ++g) {
        const float scale = scales[g];
#pragma omp simd
        for (std::int64_t i = 0; i < group; ++i)
            out[g * group + i] = scale * static_cast<float>(values[g * group + i]);
    }
}

RIDGE_CLONES
void unpackInt4(std::int64_t groups, const std::uint8_t* __restrict values,
                const float* __restrict scales, float* __restrict out) {
    constexpr std::int64_t kHalf = kGroup / 2;
    for (std::int64_t g = 0; g < groups; ++g) {
        const float scale = scales[g];
        float* to = out + g * kGroup;
#pragma omp simd
        for (std::int64_t i = 0; i < kHalf; ++i) {
            const int both = values[g * kHalf + i];
            to[i] = scale * static_cast<float>((both & 15) - 8);
            to[i + kHalf] = scale * static_cast<float>((both >> 4) - 8);
        }
    }
}

RIDGE_CLONES
void packInt8(std::int64_t groups, std::int64_t group, const float* __restrict x,
              std::int8_t* __restrict values, float* __restrict scales) {
    for (std::int64_t g = 0; g < groups; ++g) {
        const float* in = x + g * group;
        float largest = 0.0F;
#pragma omp simd reduction(max : largest)
        for (std::int64_t i = 0; i < group; ++i) {
            const float magnitude = in[i] < 0 ? -in[i] : in[i];
            largest = magnitude > largest ? magnitude : largest;
        }
        const float scale = largest / 127.0F;
        scales[g] = scale;
        for (std::int64_t i = 0; i < group; ++i)
            values[g * group + i] = scale > 0.0F
                                        ? static_cast<std::int8_t>(std::clamp(
                                              std::nearbyint(in[i] / scale), -127.0F, 127.0F))
                                        : std::int8_t{0};
    }
}

}  // namespace ridge::workloads::cpu
