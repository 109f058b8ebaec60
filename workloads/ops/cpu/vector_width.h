// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a processor's vectors are like, for sizes and expectations that hang on it.

namespace ridge::workloads::cpu {

// 512 bits and 32 registers, and the caches of more ways that come with them.
[[nodiscard]] inline bool hasWideVectors() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") != 0;
#else
    return false;
#endif
}

// What products come to beside those with 512 bits: without AVX-512 those of the models took 1.8 to
// 2.2 times as long.
[[nodiscard]] inline double productRate() {
    return hasWideVectors() ? 1.0 : 0.6;
}

}  // namespace ridge::workloads::cpu
