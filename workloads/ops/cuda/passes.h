// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Two shapes of kernel that many operators have: something done to each element, and sums over the
// rows of each column. Both are bound by memory, and both give the same bits every time.
//
// An operation or term is a small struct of pointers and numbers with a __device__ operator().

#include "workloads/ops/cuda/simt.h"

namespace ridge::workloads::cuda {

// A thread takes kPerThread elements, a block's width apart, so that a warp reads whole lines and
// enough of them are on their way at a time.
inline constexpr int kPerThread = 4;
inline constexpr int kColumns = 32;               // of a block that sums columns
inline constexpr int kLines = kBlock / kColumns;  // rows that it has in hand at a time
inline constexpr std::int64_t kRowsPerPart = 256;

template <typename Operation>
__global__ void elementsKernel(Operation operation, std::int64_t count) {
    const std::int64_t first =
        static_cast<std::int64_t>(blockIdx.x) * (kBlock * kPerThread) + threadIdx.x;
    for (int i = 0; i < kPerThread; ++i) {
        const std::int64_t at = first + i * kBlock;
        if (at < count) operation(at);
    }
}

// operation(i) for every i of [0, count).
template <typename Operation>
void forElements(Device& device, std::int64_t count, const Operation& operation) {
    launch(device, elementsKernel<Operation>, dim3(blocksFor(count, kBlock * kPerThread)),
           dim3(kBlock), operation, count);
}

// Block (c, p) sums rows [p rowsPerPart, ...) of 32 columns into parts[p * width + column].
template <typename Term>
__global__ void columnPartsKernel(Term term, std::int64_t rows, std::int64_t width,
                                  std::int64_t rowsPerPart, float* parts) {
    __shared__ float lines[kLines][kColumns];
    const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kColumns + threadIdx.x;
    const std::int64_t first = blockIdx.y * rowsPerPart;
    const std::int64_t end = first + rowsPerPart < rows ? first + rowsPerPart : rows;
    float sum = 0.0F;
    if (column < width)
        for (std::int64_t row = first + threadIdx.y; row < end; row += kLines)
            sum += term(row, column, width);
    lines[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || column >= width) return;
    for (int line = 1; line < kLines; ++line) sum += lines[line][threadIdx.x];
    parts[blockIdx.y * width + column] = sum;
}

// A term: the element itself.
struct Plain {
    const float* x;
    __device__ float operator()(std::int64_t row, std::int64_t column, std::int64_t width) const {
        return x[row * width + column];
    }
};

// What becomes of a column's sum.
struct StoreSum {
    float* sums;
    bool accumulate;
    __device__ void operator()(std::int64_t column, float sum) const {
        sums[column] = accumulate ? sums[column] + sum : sum;
    }
};
struct StoreMean {
    float* means;
    float share;  // 1 / rows
    __device__ void operator()(std::int64_t column, float sum) const {
        means[column] = sum * share;
    }
};

template <typename Store>
__global__ void columnTotalsKernel(const float* parts, std::int64_t count, std::int64_t width,
                                   Store store) {
    const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kBlock + threadIdx.x;
    if (column >= width) return;
    float sum = 0.0F;
    for (std::int64_t part = 0; part < count; ++part) sum += parts[part * width + column];
    store(column, sum);
}

// Floats that sumColumns() needs in `parts`.
inline std::int64_t columnParts(std::int64_t rows, std::int64_t width) {
    return blocksFor(rows, kRowsPerPart) * width;
}

// store(column, sum over rows of term(row, column, width)).
template <typename Term, typename Store>
void sumColumns(Device& device, const Term& term, std::int64_t rows, std::int64_t width,
                float* parts, const Store& store) {
    const unsigned count = blocksFor(rows, kRowsPerPart);
    launch(device, columnPartsKernel<Term>, dim3(blocksFor(width, kColumns), count),
           dim3(kColumns, kLines), term, rows, width, kRowsPerPart, parts);
    launch(device, columnTotalsKernel<Store>, dim3(blocksFor(width, kBlock)), dim3(kBlock),
           static_cast<const float*>(parts), static_cast<std::int64_t>(count), width, store);
}

}  // namespace ridge::workloads::cuda
