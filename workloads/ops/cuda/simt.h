// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The words in which the kernels of this folder are written: CUDA's own, plus sums over a warp and
// a block. nvcc knows them. Where the same source is compiled for the host, the header named by
// RIDGE_SIMT_HEADER brings them (tests/unit/workloads_ops/simt_on_host.h: every thread of a block
// is a coroutine), so that a machine with no GPU proves every index and every barrier.
//
// Two rules keep that possible: shared memory is static, and a barrier or a shuffle is reached by
// all threads of the block or warp.

#include "workloads/ops/cuda/device.h"

#include <cstdint>

#if defined(RIDGE_SIMT_HEADER)
#include RIDGE_SIMT_HEADER
#else
#include <cuda_runtime.h>
#endif

namespace ridge::workloads::cuda {

inline constexpr int kWarp = 32;
inline constexpr int kBlock = 256;  // threads of a block where nothing else is said
inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

__device__ inline float warpSum(float value) {
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync(kAllLanes, value, lanes);
    return value;
}

__device__ inline float warpMax(float value) {
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2)
        value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, lanes));
    return value;
}

// Over all threads of a block of one dimension, a multiple of a warp; every thread gets the result.
// `parts` is the caller's shared memory of kWarp floats.
__device__ inline float blockSum(float value, float* parts) {
    value = warpSum(value);
    __syncthreads();  // somebody may still read what the call before left
    if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = value;
    __syncthreads();
    return warpSum(threadIdx.x % kWarp < blockDim.x / kWarp ? parts[threadIdx.x % kWarp] : 0.0F);
}

__device__ inline float blockMax(float value, float* parts) {
    value = warpMax(value);
    __syncthreads();
    if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = value;
    __syncthreads();
    return warpMax(threadIdx.x % kWarp < blockDim.x / kWarp ? parts[threadIdx.x % kWarp]
                                                            : parts[0]);
}

// The upper half of a float, rounded to nearest even as ops/weights.h does.
__device__ inline std::uint16_t roundToBf16(float value) {
    const std::uint32_t bits = __float_as_uint(value);
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
    return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}
__device__ inline float widenBf16(std::uint16_t value) {
    return __uint_as_float(static_cast<std::uint32_t>(value) << 16);
}

inline unsigned blocksFor(std::int64_t items, std::int64_t perBlock) {
    return static_cast<unsigned>((items + perBlock - 1) / perBlock);
}

// Starts a kernel on the device's stream; a refusal is remembered by the device.
template <typename... Parameters, typename... Arguments>
void launch(Device& device, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            Arguments... arguments) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
#if defined(RIDGE_SIMT_HEADER)
    device.run([=, &device] {
        const Device::Access access(device);
        simt::run(grid, block, [&] { kernel(static_cast<Parameters>(arguments)...); });
    });
#else
    kernel<<<grid, block, 0, static_cast<cudaStream_t>(device.stream())>>>(
        static_cast<Parameters>(arguments)...);
    device.launched();
#endif
}

}  // namespace ridge::workloads::cuda
