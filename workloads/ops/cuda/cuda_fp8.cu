// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Floats into eight bits with one scale per array: its largest element, then every element times
// the largest power of two that keeps that one inside the format. Tensor cores of the Hopper kind
// multiply such arrays only where both have the summed index last, so the array is turned over on
// the way where a product asks for it.
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/cuda/passes.h"
#include "workloads/ops/fp8.h"

#include <algorithm>

namespace ridge::workloads::cuda {

namespace {

constexpr int kTile = 32;
constexpr int kTileRows = 8;                // of a tile that a block has in hand at a time
constexpr std::int64_t kMostBlocks = 1024;  // of the search for the largest

// To nearest even; beyond the largest, the largest.
__device__ inline std::uint8_t roundToFp8(float value, Fp8Format format) {
    const unsigned bits = __float_as_uint(value);
    const unsigned sign = bits >> 31 << 7;
    const unsigned size = bits & 0x7FFFFFFFU;
    if (size > 0x7F800000U) return static_cast<std::uint8_t>(sign | 0x7FU);  // not a number
    const float magnitude = __uint_as_float(size);
    if (magnitude >= format.largest) return static_cast<std::uint8_t>(sign | format.largestCode);
    const int dropped = 23 - format.mantissa;
    const unsigned firstNormal = static_cast<unsigned>(128 - format.bias) << 23;  // 2^(1 - bias)
    if (size < firstNormal) {
        // In steps of the smallest; the last of them is the first normal value's code.
        const float perStep =
            __uint_as_float(static_cast<unsigned>(126 + format.bias + format.mantissa) << 23);
        return static_cast<std::uint8_t>(sign | static_cast<unsigned>(rintf(magnitude * perStep)));
    }
    const unsigned rounded = size + (1U << (dropped - 1)) - 1U + ((size >> dropped) & 1U);
    const unsigned code =
        (rounded >> dropped) - (static_cast<unsigned>(127 - format.bias) << format.mantissa);
    return static_cast<std::uint8_t>(sign |
                                     (code < format.largestCode ? code : format.largestCode));
}

// What elements are multiplied with: the largest power of two that keeps the largest in range.
__device__ inline float scaleFor(float largestElement, float largest) {
    const float ratio = largest / largestElement;
    // Nothing but zeros, an element that is no number, or too small to tell from zero.
    if (!(ratio > 0.0F) || ratio > 0x1p100F) return 1.0F;
    return __uint_as_float(__float_as_uint(ratio) & 0x7F800000U);
}

// Bits of a float that is not negative order as the floats do.
__global__ void largestKernel(const float* x, std::int64_t count, unsigned* largest) {
    __shared__ float parts[kWarp];
    float mine = 0.0F;
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
    for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         i < count; i += stride)
        mine = fmaxf(mine, fabsf(x[i]));
    mine = blockMax(mine, parts);
    if (threadIdx.x == 0) atomicMax(largest, __float_as_uint(mine));
}

struct Quantise {
    const float* x;
    const float* largest;
    std::uint8_t* codes;
    float* scale;
    Fp8Format format;
    std::int64_t columns, step;
    __device__ void operator()(std::int64_t i) const {
        const float factor = scaleFor(*largest, format.largest);
        if (i == 0) *scale = 1.0F / factor;
        const std::int64_t row = i / step, column = i % step;
        codes[i] = column < columns ? roundToFp8(factor * x[row * columns + column], format) : 0U;
    }
};

// codes(column, row) of x(rows, columns), rows of codes `step` apart: a tile at a time, read and
// written in whole lines.
__global__ void quantiseTurnedKernel(const float* x, const float* largest, std::int64_t rows,
                                     std::int64_t columns, std::uint8_t* codes, std::int64_t step,
                                     float* scale, Fp8Format format) {
    __shared__ std::uint8_t tile[kTile][kTile + 1];
    const float factor = scaleFor(*largest, format.largest);
    const std::int64_t firstRow = static_cast<std::int64_t>(blockIdx.x) * kTile;
    const std::int64_t firstColumn = static_cast<std::int64_t>(blockIdx.y) * kTile;
    for (int line = threadIdx.y; line < kTile; line += kTileRows) {
        const std::int64_t row = firstRow + line, column = firstColumn + threadIdx.x;
        tile[line][threadIdx.x] = row < rows && column < columns
                                      ? roundToFp8(factor * x[row * columns + column], format)
                                      : static_cast<std::uint8_t>(0);
    }
    __syncthreads();
    for (int line = threadIdx.y; line < kTile; line += kTileRows) {
        const std::int64_t column = firstColumn + line, row = firstRow + threadIdx.x;
        if (column < columns && row < step) codes[column * step + row] = tile[threadIdx.x][line];
    }
    if (blockIdx.x == 0 && blockIdx.y == 0 && threadIdx.x == 0 && threadIdx.y == 0)
        *scale = 1.0F / factor;
}

}  // namespace

void CudaOperators::doQuantise(const QuantiseArgs& args, const Tensor& from, const Tensor& to,
                               const Tensor& scale) {
    auto* largest = static_cast<unsigned*>(scratch(kLargest, 4));
    if (largest == nullptr) return;
    const std::int64_t count = args.rows * args.columns;
    m_device->zero(largest, 4);
    launch(
        *m_device, largestKernel,
        dim3(static_cast<unsigned>(std::min<std::int64_t>(blocksFor(count, kBlock), kMostBlocks))),
        dim3(kBlock), static_cast<const float*>(from.f32()), count, largest);
    const auto* found = reinterpret_cast<const float*>(largest);
    const Fp8Format format = fp8Format(to.type);
    if (!args.turned) {
        const std::int64_t step = paddedToFp8(args.columns);
        forElements(*m_device, args.rows * step,
                    Quantise{from.f32(), found, to.fp8(), scale.f32(), format, args.columns, step});
        return;
    }
    const std::int64_t step = paddedToFp8(args.rows);
    launch(*m_device, quantiseTurnedKernel,
           dim3(blocksFor(step, kTile), blocksFor(args.columns, kTile)), dim3(kTile, kTileRows),
           static_cast<const float*>(from.f32()), found, args.rows, args.columns, to.fp8(), step,
           scale.f32(), format);
}

}  // namespace ridge::workloads::cuda
