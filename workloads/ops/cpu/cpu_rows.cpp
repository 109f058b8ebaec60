// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Rows between a model's operators and its collectives.
#include "workloads/ops/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ridge::workloads {

void CpuOperators::doCopyRows(std::int64_t rows, std::int64_t width, const Rows& from,
                              const Rows& to) {
    const float* in = from.data.f32() + from.first;
    float* out = to.data.f32() + to.first;
    for (std::int64_t r = 0; r < rows; ++r)
        copyBytes(out + r * to.stride, in + r * from.stride, 4 * width);
}

void CpuOperators::doAddRows(std::int64_t rows, std::int64_t width, const Rows& from,
                             const Rows& to) {
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* in = from.data.f32() + from.first + r * from.stride;
        float* out = to.data.f32() + to.first + r * to.stride;
        for (std::int64_t i = 0; i < width; ++i) out[i] += in[i];
    }
}

void CpuOperators::doMergeAttention(const AttentionArgs& args, const Tensor& partOut,
                                    const Tensor& partLogSums, const Tensor& out,
                                    const Tensor& logSums) {
    const std::int64_t d = args.headDim;
    for (std::int64_t pair = 0; pair < args.batch * args.heads; ++pair)
        for (std::int64_t token = 0; token < args.tokens; ++token) {
            float& a = logSums.f32()[pair * args.tokens + token];
            const float b = partLogSums.f32()[pair * args.tokens + token];
            const float top = std::max(a, b);
            const float sum = top + std::log(std::exp(a - top) + std::exp(b - top));
            const float keep = std::exp(a - sum);
            const float add = std::exp(b - sum);
            a = sum;
            const std::int64_t row = pair / args.heads * args.tokens + token;
            const std::int64_t at = (row * args.heads + pair % args.heads) * d;
            float* to = out.f32() + at;
            const float* from = partOut.f32() + at;
            for (std::int64_t i = 0; i < d; ++i) to[i] = keep * to[i] + add * from[i];
        }
}

namespace {

// 1 where nothing weighs.
float weightOf(const ExpertRows& args, std::int64_t token, std::int32_t place) {
    return args.probabilities.empty()
               ? 1.0F
               : args.probabilities.f32()[token * args.experts + place / args.room];
}

}  // namespace

void CpuOperators::doToRooms(const ExpertRows& args, const Tensor& rows, const Tensor& rooms) {
    for (std::int64_t i = 0; i < args.tokens * args.choices; ++i) {
        const std::int32_t place = args.places.i32()[i];
        if (place < 0) continue;
        const float weight = weightOf(args, i / args.choices, place);
        const float* from = rows.f32() + i / args.choices * args.width;
        float* to = rooms.f32() + place * args.width;
        for (std::int64_t j = 0; j < args.width; ++j) to[j] = weight * from[j];
    }
}

void CpuOperators::doFromRooms(const ExpertRows& args, const Tensor& rooms, const Tensor& rows) {
    for (std::int64_t i = 0; i < args.tokens * args.choices; ++i) {
        const std::int32_t place = args.places.i32()[i];
        if (place < 0) continue;
        const float weight = weightOf(args, i / args.choices, place);
        const float* from = rooms.f32() + place * args.width;
        float* to = rows.f32() + i / args.choices * args.width;
        for (std::int64_t j = 0; j < args.width; ++j) to[j] += weight * from[j];
    }
}

void CpuOperators::doRouterBackward(const ExpertRows& args, const Tensor& dRows,
                                    const Tensor& rooms, const Tensor& dLogits) {
    const std::int64_t e = args.experts;
    for (std::int64_t t = 0; t < args.tokens; ++t) {
        float* gradient = dLogits.f32() + t * e;
        std::memset(gradient, 0, static_cast<std::size_t>(4 * e));
        const float* p = args.probabilities.f32() + t * e;
        float mean = 0;
        for (std::int64_t k = 0; k < args.choices; ++k) {
            const std::int32_t place = args.places.i32()[t * args.choices + k];
            if (place < 0) continue;
            const float* from = rooms.f32() + place * args.width;
            const float* dRow = dRows.f32() + t * args.width;
            float dot = 0;
            for (std::int64_t j = 0; j < args.width; ++j) dot += dRow[j] * from[j];
            gradient[place / args.room] = dot;
            mean += p[place / args.room] * dot;
        }
        for (std::int64_t i = 0; i < e; ++i) gradient[i] = p[i] * (gradient[i] - mean);
    }
}

}  // namespace ridge::workloads
