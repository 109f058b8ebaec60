// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The loops of the other model families that no library here has, over raw pointers, each for a
// range of tables, rows or elements and one thread. Compiled for AVX-512, AVX2 and plain x86-64 and
// chosen at load time, as ops/cpu/kernels.h. Arrays do not overlap unless said. Nothing allocates.
//
// Neither rows of a table nor neighbours of a node are prefetched by instruction: a row takes so
// few instructions that the processor has dozens of them under way, which is all its line buffers
// hold.

#include <cstdint>

namespace ridge::workloads::cpu {

struct Bags {
    std::int64_t tables, rows, width, samples, perBag;
};
// Tables [first, last) of every sample.
void sumBags(const Bags& bags, std::int64_t first, std::int64_t last, const float* table,
             const std::int32_t* indices, float* out);
void updateBags(const Bags& bags, std::int64_t first, std::int64_t last,
                const std::int32_t* indices, const float* dOut, float rate, float* table);

// Samples [first, last).
struct Interaction {
    std::int64_t tables, width;
};
void interact(const Interaction& shape, std::int64_t first, std::int64_t last, const float* dense,
              const float* bags, float* out);
void interactBackward(const Interaction& shape, std::int64_t first, std::int64_t last,
                      const float* dense, const float* bags, const float* dOut, float* dDense,
                      float* dBags);

// Rows [first, last) of a CSR matrix times x(columns, width).
void spmmRows(std::int64_t first, std::int64_t last, std::int64_t width,
              const std::int32_t* offsets, const std::int32_t* indices, const float* values,
              const float* x, float* y);

// y may be x; dX may be dY; y may be a or b.
void reluRange(std::int64_t count, const float* x, float* y);
void reluBackwardRange(std::int64_t count, const float* y, const float* dY, float* dX);
void addReluRange(std::int64_t count, const float* a, const float* b, float* y);
void sgdRange(std::int64_t count, float rate, float* weights, const float* gradients);
void averagePixels(std::int64_t pixels, std::int64_t channels, const float* x, float* y);
void spreadPixels(std::int64_t pixels, std::int64_t channels, const float* dY, float* dX);

}  // namespace ridge::workloads::cpu
