// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Rows as a whole: layer norm, column sums, embeddings, the loss, the largest element. A block has
// a row; sums over rows go in two launches, so that they add in the same order every time.
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/cuda/passes.h"

#include <algorithm>

namespace ridge::workloads::cuda {

namespace {

constexpr float kEpsilon = 1e-5F;

__global__ void layerNormForwardKernel(std::int64_t width, const float* x, const float* gamma,
                                       const float* beta, float* y, float* mean, float* rstd) {
    __shared__ float parts[kWarp];
    const std::int64_t row = blockIdx.x;
    const float* in = x + row * width;
    const float inverse = 1.0F / static_cast<float>(width);
    float sum = 0.0F;
    for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x) sum += in[i];
    const float mu = blockSum(sum, parts) * inverse;
    float squares = 0.0F;
    for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x)
        squares += (in[i] - mu) * (in[i] - mu);
    const float scale = 1.0F / sqrtf(blockSum(squares, parts) * inverse + kEpsilon);
    for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x)
        y[row * width + i] = (in[i] - mu) * scale * gamma[i] + beta[i];
    if (threadIdx.x == 0) {
        mean[row] = mu;
        rstd[row] = scale;
    }
}

__global__ void layerNormInputGradientKernel(std::int64_t width, const float* dY, const float* x,
                                             const float* gamma, const float* mean,
                                             const float* rstd, float* dX, bool accumulate) {
    __shared__ float parts[kWarp];
    const std::int64_t row = blockIdx.x;
    const float* in = x + row * width;
    const float* dOut = dY + row * width;
    const float inverse = 1.0F / static_cast<float>(width);
    const float mu = mean[row];
    const float scale = rstd[row];
    float sum = 0.0F;
    float projected = 0.0F;
    for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x) {
        const float scaled = dOut[i] * gamma[i];
        sum += scaled;
        projected += scaled * (in[i] - mu) * scale;
    }
    sum = blockSum(sum, parts) * inverse;
    projected = blockSum(projected, parts) * inverse;
    for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x) {
        const float gradient =
            scale * (dOut[i] * gamma[i] - sum - (in[i] - mu) * scale * projected);
        // Without accumulation the old content is not read: it may be anything, NaN included.
        dX[row * width + i] = accumulate ? dX[row * width + i] + gradient : gradient;
    }
}

// What a row adds to its columns for layer norm's dGamma.
struct Normalised {
    const float* dY;
    const float* x;
    const float* mean;
    const float* rstd;
    __device__ float operator()(std::int64_t row, std::int64_t column, std::int64_t width) const {
        const std::int64_t at = row * width + column;
        return dY[at] * (x[at] - mean[row]) * rstd[row];
    }
};

// positions: of each row, or null for firstPosition + row mod context.
__global__ void embeddingKernel(std::int64_t context, std::int64_t width,
                                std::int64_t firstPosition, const std::int32_t* tokens,
                                const std::int32_t* positions, const float* tokenTable,
                                const float* positionTable, float* out) {
    const std::int64_t row = blockIdx.x;
    const std::int64_t position =
        positions != nullptr ? positions[row] : firstPosition + row % context;
    const float* token = tokenTable + tokens[row] * width;
    for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x)
        out[row * width + i] = token[i] + positionTable[position * width + i];
}

// The first row of each token adds up all rows of it, from first to last: in one order, whatever
// order blocks run in.
__global__ void tokenGradientKernel(std::int64_t rows, std::int64_t width,
                                    const std::int32_t* tokens, const float* dOut,
                                    float* dTokenTable) {
    __shared__ unsigned same[kBlock / kWarp];  // of kBlock rows, a bit each
    const std::int64_t own = blockIdx.x;
    const std::int32_t token = tokens[own];
    float* to = dTokenTable + token * width;
    for (std::int64_t base = 0; base < rows; base += kBlock) {
        __syncthreads();  // somebody may still read the bits of the rows before
        if (threadIdx.x < kBlock / kWarp) same[threadIdx.x] = 0;
        __syncthreads();
        if (base + threadIdx.x < rows && tokens[base + threadIdx.x] == token)
            atomicOr(&same[threadIdx.x / kWarp], 1U << (threadIdx.x % kWarp));
        __syncthreads();
        for (int word = 0; word < kBlock / kWarp; ++word)
            for (unsigned left = same[word]; left != 0; left &= left - 1) {
                int bit = 0;
                while ((left >> bit & 1U) == 0) ++bit;
                const std::int64_t row = base + word * kWarp + bit;
                if (row < own) return;  // all threads: that row's block does it
                for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x)
                    to[i] += dOut[row * width + i];
            }
    }
}

// Block p has position p: the sum over the sequences.
__global__ void positionGradientKernel(std::int64_t rows, std::int64_t context, std::int64_t width,
                                       const float* dOut, float* dPositionTable, bool accumulate) {
    const std::int64_t position = blockIdx.x;
    for (std::int64_t i = threadIdx.x; i < width; i += blockDim.x) {
        float sum = 0.0F;
        for (std::int64_t row = position; row < rows; row += context) sum += dOut[row * width + i];
        float* to = dPositionTable + position * width + i;
        *to = accumulate ? *to + sum : sum;
    }
}

__global__ void lossKernel(std::int64_t vocabulary, float* logits, const std::int32_t* targets,
                           float* losses, float scale) {
    __shared__ float parts[kWarp];
    const std::int64_t row = blockIdx.x;
    float* in = logits + row * vocabulary;
    const std::int32_t target = targets[row];
    const float wanted = in[target];
    float largest = in[0];
    for (std::int64_t i = threadIdx.x; i < vocabulary; i += blockDim.x)
        largest = fmaxf(largest, in[i]);
    largest = blockMax(largest, parts);
    float sum = 0.0F;
    for (std::int64_t i = threadIdx.x; i < vocabulary; i += blockDim.x)
        sum += expf(in[i] - largest);
    sum = blockSum(sum, parts);  // its barriers also keep `wanted` from being overwritten early
    const float factor = scale / sum;
    for (std::int64_t i = threadIdx.x; i < vocabulary; i += blockDim.x) {
        const float gradient = expf(in[i] - largest) * factor;
        in[i] = i == target ? gradient - scale : gradient;
    }
    if (threadIdx.x == 0) losses[row] = logf(sum) + (largest - wanted);
}

// The first of equals: a thread keeps its first, and between threads the lower index wins.
__global__ void argmaxKernel(const float* x, std::int64_t width, std::int32_t* best) {
    __shared__ float values[kBlock];
    __shared__ std::int64_t places[kBlock];
    const float* row = x + blockIdx.x * width;
    std::int64_t mine = threadIdx.x < width ? threadIdx.x : 0;
    for (std::int64_t i = mine; i < width; i += kBlock)
        if (row[i] > row[mine]) mine = i;
    values[threadIdx.x] = row[mine];
    places[threadIdx.x] = mine;
    for (unsigned half = kBlock / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x >= half) continue;
        const float other = values[threadIdx.x + half];
        const std::int64_t place = places[threadIdx.x + half];
        if (other > values[threadIdx.x] ||
            (other == values[threadIdx.x] && place < places[threadIdx.x])) {
            values[threadIdx.x] = other;
            places[threadIdx.x] = place;
        }
    }
    if (threadIdx.x == 0) best[blockIdx.x] = static_cast<std::int32_t>(places[0]);
}

}  // namespace

void CudaOperators::doLayerNormForward(std::int64_t rows, std::int64_t width, const Tensor& x,
                                       const Tensor& gamma, const Tensor& beta, const Tensor& y,
                                       const Tensor& mean, const Tensor& rstd) {
    launch(*m_device, layerNormForwardKernel, dim3(static_cast<unsigned>(rows)), dim3(kBlock),
           width, x.f32(), gamma.f32(), beta.f32(), y.f32(), mean.f32(), rstd.f32());
}

void CudaOperators::doLayerNormBackward(std::int64_t rows, std::int64_t width, const Tensor& dY,
                                        const Tensor& x, const Tensor& gamma, const Tensor& mean,
                                        const Tensor& rstd, const LayerNormGradients& gradients) {
    float* parts = floats(kPartials, columnParts(rows, width));
    // dX last: it may be dY.
    sumColumns(*m_device, Normalised{dY.f32(), x.f32(), mean.f32(), rstd.f32()}, rows, width, parts,
               StoreSum{gradients.dGamma.f32(), gradients.accumulateParameters});
    sumColumns(*m_device, Plain{dY.f32()}, rows, width, parts,
               StoreSum{gradients.dBeta.f32(), gradients.accumulateParameters});
    launch(*m_device, layerNormInputGradientKernel, dim3(static_cast<unsigned>(rows)), dim3(kBlock),
           width, dY.f32(), x.f32(), gamma.f32(), mean.f32(), rstd.f32(), gradients.dX.f32(),
           gradients.accumulateInput);
}

void CudaOperators::doColumnSum(const Tensor& x, std::int64_t rows, std::int64_t width,
                                const Tensor& sum, bool accumulate) {
    sumColumns(*m_device, Plain{x.f32()}, rows, width, floats(kPartials, columnParts(rows, width)),
               StoreSum{sum.f32(), accumulate});
}

void CudaOperators::doEmbeddingForward(std::int64_t rows, std::int64_t context, std::int64_t width,
                                       std::int64_t firstPosition, const Tensor& tokens,
                                       const Tensor& tokenTable, const Tensor& positionTable,
                                       const Tensor& out) {
    launch(*m_device, embeddingKernel, dim3(static_cast<unsigned>(rows)), dim3(kBlock), context,
           width, firstPosition, tokens.i32(), static_cast<const std::int32_t*>(nullptr),
           tokenTable.f32(), positionTable.f32(), out.f32());
}

void CudaOperators::doEmbeddingRows(std::int64_t rows, std::int64_t width, const Tensor& tokens,
                                    const Tensor& positions, const Tensor& tokenTable,
                                    const Tensor& positionTable, const Tensor& out) {
    launch(*m_device, embeddingKernel, dim3(static_cast<unsigned>(rows)), dim3(kBlock),
           std::int64_t{1}, width, std::int64_t{0}, tokens.i32(),
           static_cast<const std::int32_t*>(positions.i32()), tokenTable.f32(), positionTable.f32(),
           out.f32());
}

void CudaOperators::doEmbeddingBackward(std::int64_t rows, std::int64_t context, std::int64_t width,
                                        const Tensor& tokens, const Tensor& dOut,
                                        const Tensor& dTokenTable, const Tensor& dPositionTable,
                                        bool accumulatePositions) {
    launch(*m_device, tokenGradientKernel, dim3(static_cast<unsigned>(rows)), dim3(kBlock), rows,
           width, tokens.i32(), dOut.f32(), dTokenTable.f32());
    launch(*m_device, positionGradientKernel, dim3(static_cast<unsigned>(context)), dim3(kBlock),
           rows, context, width, dOut.f32(), dPositionTable.f32(), accumulatePositions);
}

void CudaOperators::doSoftmaxCrossEntropy(std::int64_t rows, std::int64_t vocabulary,
                                          const Tensor& logits, const Tensor& targets,
                                          const Tensor& losses, float scale) {
    launch(*m_device, lossKernel, dim3(static_cast<unsigned>(rows)), dim3(kBlock), vocabulary,
           logits.f32(), targets.i32(), losses.f32(), scale);
}

void CudaOperators::doArgmaxRows(const Tensor& x, std::int64_t width,
                                 std::span<std::int32_t> best) {
    const auto count = std::ssize(best);
    void* const found = scratch(kResults, static_cast<std::int64_t>(best.size_bytes()));
    if (found == nullptr) return;
    doArgmaxInto(x, width, {found, count, RIDGE_DTYPE_INT32});
    m_device->toHost(best.data(), found, best.size_bytes());
}

void CudaOperators::doArgmaxInto(const Tensor& x, std::int64_t width, const Tensor& best) {
    launch(*m_device, argmaxKernel, dim3(static_cast<unsigned>(best.count)), dim3(kBlock), x.f32(),
           width, best.i32());
}

std::int32_t CudaOperators::doArgmax(const Tensor& x) {
    std::int32_t best = 0;
    doArgmaxRows(x, x.count, {&best, 1});
    return best;
}

}  // namespace ridge::workloads::cuda
