// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// CUDA's words for the host, so that the very sources of workloads/ops/cuda run where no GPU is.
//
// A block's threads are coroutines on one system thread: each runs until its next barrier or
// shuffle. Blocks run one after the other. Stricter than a GPU where a GPU would go wrong in
// silence: a barrier that some threads never reach, and a shuffle that lacks a lane, end the
// process with a line. Not seen by it: races between barriers, and anything about speed.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __shared__ static

struct dim3 {
    unsigned x, y, z;
    // As CUDA's: a number stands for a grid of one dimension.
    constexpr dim3(unsigned inX = 1, unsigned inY = 1, unsigned inZ = 1) : x(inX), y(inY), z(inZ) {}
};
struct uint2 {
    unsigned x, y;
};
struct uint4 {
    unsigned x, y, z, w;
};
struct float4 {
    float x, y, z, w;
};

inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace ridge::workloads::simt {

// Runs `thread` once for every thread of every block.
void run(dim3 grid, dim3 block, const std::function<void()>& thread);
void barrier();
// The bits that lane (own ^ mask) of the warp handed in.
std::uint64_t exchange(std::uint64_t bits, int mask);

}  // namespace ridge::workloads::simt

inline void __syncthreads() {
    ridge::workloads::simt::barrier();
}

template <typename Value>
Value __shfl_xor_sync(unsigned, Value value, int mask) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bits = ridge::workloads::simt::exchange(bits, mask);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline float __uint_as_float(unsigned bits) {
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
inline unsigned __float_as_uint(float value) {
    unsigned bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}
inline float atomicAdd(float* to, float value) {
    const float old = *to;
    *to += value;
    return old;
}
inline unsigned atomicOr(unsigned* to, unsigned value) {
    const unsigned old = *to;
    *to |= value;
    return old;
}
inline unsigned atomicMax(unsigned* to, unsigned value) {
    const unsigned old = *to;
    *to = std::max(old, value);
    return old;
}
inline unsigned long long atomicXor(unsigned long long* to, unsigned long long value) {
    const unsigned long long old = *to;
    *to ^= value;
    return old;
}
