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

}  // namespace ridge::workloads::cpu
