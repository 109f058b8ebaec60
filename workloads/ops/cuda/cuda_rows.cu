// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Rows between a model's operators and its collectives.
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/cuda/passes.h"

namespace ridge::workloads::cuda {

namespace {

struct RowPair {
    const float* from;
    float* to;
    std::int64_t fromStride, toStride, width;
    __device__ const float& in(std::int64_t i) const {
        return from[i / width * fromStride + i % width];
    }
    __device__ float& out(std::int64_t i) const { return to[i / width * toStride + i % width]; }
};

struct CopiedRows {
    RowPair rows;
    __device__ void operator()(std::int64_t i) const { rows.out(i) = rows.in(i); }
};

struct AddedRows {
    RowPair rows;
    __device__ void operator()(std::int64_t i) const { rows.out(i) += rows.in(i); }
};

RowPair pairOf(std::int64_t width, const Rows& from, const Rows& to) {
    return {from.data.f32() + from.first, to.data.f32() + to.first, from.stride, to.stride, width};
}

__device__ inline float mergedLogSum(float a, float b) {
    const float top = fmaxf(a, b);
    return top + logf(expf(a - top) + expf(b - top));
}

// Element by element; the logarithms stay until every element has read them.
struct MergedOutput {
    const float* partOut;
    const float* partLogSums;
    float* out;
    const float* logSums;
    std::int64_t heads, tokens, headDim;
    __device__ void operator()(std::int64_t i) const {
        const std::int64_t head = i / headDim % heads;
        const std::int64_t row = i / (headDim * heads);
        const std::int64_t at = (row / tokens * heads + head) * tokens + row % tokens;
        const float a = logSums[at];
        const float b = partLogSums[at];
        const float sum = mergedLogSum(a, b);
        out[i] = expf(a - sum) * out[i] + expf(b - sum) * partOut[i];
    }
};

struct MergedLogSums {
    const float* part;
    float* logSums;
    __device__ void operator()(std::int64_t i) const {
        logSums[i] = mergedLogSum(logSums[i], part[i]);
    }
};

// ExpertRows as kernels need it.
struct Chosen {
    const std::int32_t* places;
    const float* probabilities;  // null: every choice counts 1
    std::int64_t choices, experts, room, width;
    __device__ float weight(std::int64_t token, std::int64_t place) const {
        return probabilities == nullptr ? 1.0F : probabilities[token * experts + place / room];
    }
};

Chosen chosenOf(const ExpertRows& args) {
    return {args.places.i32(), orNull(args.probabilities), args.choices, args.experts, args.room,
            args.width};
}

struct ToRooms {
    Chosen chosen;
    const float* rows;
    float* rooms;
    __device__ void operator()(std::int64_t i) const {
        const std::int64_t choice = i / chosen.width;
        const std::int64_t place = chosen.places[choice];
        if (place < 0) return;
        const std::int64_t token = choice / chosen.choices;
        rooms[place * chosen.width + i % chosen.width] =
            chosen.weight(token, place) * rows[token * chosen.width + i % chosen.width];
    }
};

struct FromRooms {
    Chosen chosen;
    const float* rooms;
    float* rows;
    __device__ void operator()(std::int64_t i) const {
        const std::int64_t token = i / chosen.width;
        float sum = rows[i];
        for (std::int64_t k = 0; k < chosen.choices; ++k) {
            const std::int64_t place = chosen.places[token * chosen.choices + k];
            if (place >= 0)
                sum += chosen.weight(token, place) * rooms[place * chosen.width + i % chosen.width];
        }
        rows[i] = sum;
    }
};

// A block has a token.
__global__ void routerBackwardKernel(Chosen chosen, const float* dRows, const float* rooms,
                                     float* dLogits) {
    __shared__ float parts[kWarp];
    const std::int64_t token = blockIdx.x;
    const float* p = chosen.probabilities + token * chosen.experts;
    const std::int32_t* places = chosen.places + token * chosen.choices;
    float dots[RowOperators::kMostChoices];
    float mean = 0.0F;
    for (std::int64_t k = 0; k < chosen.choices; ++k) {
        const std::int64_t place = places[k];
        float dot = 0.0F;
        if (place >= 0)
            for (std::int64_t j = threadIdx.x; j < chosen.width; j += blockDim.x)
                dot += dRows[token * chosen.width + j] * rooms[place * chosen.width + j];
        dots[k] = blockSum(dot, parts);
        if (place >= 0) mean += p[place / chosen.room] * dots[k];
    }
    for (std::int64_t e = threadIdx.x; e < chosen.experts; e += blockDim.x) {
        float gradient = 0.0F;
        for (std::int64_t k = 0; k < chosen.choices; ++k)
            if (places[k] >= 0 && places[k] / chosen.room == e) gradient = dots[k];
        dLogits[token * chosen.experts + e] = p[e] * (gradient - mean);
    }
}

}  // namespace

void CudaOperators::doCopyRows(std::int64_t rows, std::int64_t width, const Rows& from,
                               const Rows& to) {
    forElements(*m_device, rows * width, CopiedRows{pairOf(width, from, to)});
}

void CudaOperators::doAddRows(std::int64_t rows, std::int64_t width, const Rows& from,
                              const Rows& to) {
    forElements(*m_device, rows * width, AddedRows{pairOf(width, from, to)});
}

void CudaOperators::doMergeAttention(const AttentionArgs& args, const Tensor& partOut,
                                     const Tensor& partLogSums, const Tensor& out,
                                     const Tensor& logSums) {
    const std::int64_t sums = args.batch * args.heads * args.tokens;
    forElements(*m_device, sums * args.headDim,
                MergedOutput{partOut.f32(), partLogSums.f32(), out.f32(), logSums.f32(), args.heads,
                             args.tokens, args.headDim});
    forElements(*m_device, sums, MergedLogSums{partLogSums.f32(), logSums.f32()});
}

void CudaOperators::doToRooms(const ExpertRows& args, const Tensor& rows, const Tensor& rooms) {
    forElements(*m_device, args.tokens * args.choices * args.width,
                ToRooms{chosenOf(args), rows.f32(), rooms.f32()});
}

void CudaOperators::doFromRooms(const ExpertRows& args, const Tensor& rooms, const Tensor& rows) {
    forElements(*m_device, args.tokens * args.width,
                FromRooms{chosenOf(args), rooms.f32(), rows.f32()});
}

void CudaOperators::doRouterBackward(const ExpertRows& args, const Tensor& dRows,
                                     const Tensor& rooms, const Tensor& dLogits) {
    launch(*m_device, routerBackwardKernel, dim3(static_cast<unsigned>(args.tokens)), dim3(kBlock),
           chosenOf(args), static_cast<const float*>(dRows.f32()),
           static_cast<const float*>(rooms.f32()), dLogits.f32());
}

}  // namespace ridge::workloads::cuda
