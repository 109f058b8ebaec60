// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Stored weights and the KV cache. Few rows read the weights once, decoding them in registers; many
// rows decode a panel that stays in the second-level cache and multiply it by oneDNN's product. The
// same two ways exist for attention: row by row from the cache, or a chunk against gathered keys.
#include "workloads/ops/cpu/cpu_backend.h"
#include "workloads/ops/cpu/kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ridge::workloads {

namespace {

constexpr std::int64_t kPanelRows = 64;  // weight rows that are decoded at a time
constexpr std::int64_t kFewQueries = 8;  // rows of a sequence that go through the cache one by one
constexpr std::int64_t kWeightAlign = 16;

// Weight rows [first, first + count) as floats.
void unpackRows(const Weight& weight, std::int64_t first, std::int64_t count, float* out) {
    const std::int64_t elements = count * weight.k;
    const std::int64_t at = first * weight.k;
    switch (weight.storage()) {
        case Storage::kBf16:
            cpu::fromBf16Range(elements, weight.values.bf16() + at, out);
            return;
        case Storage::kInt8:
            cpu::unpackInt8(elements / kGroup, kGroup, weight.values.i8() + at,
                            weight.scales.f32() + at / kGroup, out);
            return;
        case Storage::kInt4:
            cpu::unpackInt4(elements / kGroup,
                            static_cast<const std::uint8_t*>(weight.values.data) + at / 2,
                            weight.scales.f32() + at / kGroup, out);
            return;
        case Storage::kF32:
            std::copy_n(weight.values.f32() + at, elements, out);
    }
}

auto kernelFor(Storage storage) {
    const cpu::LinearKernels& kernels = cpu::linearKernels();
    switch (storage) {
        case Storage::kBf16:
            return kernels.bf16;
        case Storage::kInt8:
            return kernels.int8;
        case Storage::kInt4:
            return kernels.int4;
        case Storage::kF32:
            break;
    }
    return kernels.f32;
}

// One block of one head.
struct Place {
    std::int64_t element;  // of its first value
    std::int64_t scale;    // of its first scale
};

Place placeOf(const KvCache& cache, std::int64_t block, std::int64_t head, std::int64_t token) {
    const std::int64_t scale = (block * cache.heads + head) * cache.block + token;
    return {scale * cache.headDim, scale};
}

void scoresOf(const KvCache& cache, Place at, std::int64_t tokens, float scale, const float* query,
              float* scores) {
    const std::int64_t d = cache.headDim;
    if (cache.storage() == Storage::kInt8)
        cpu::cacheScoresInt8(tokens, d, scale, query, cache.keys.i8() + at.element,
                             cache.keyScales.f32() + at.scale, scores);
    else if (cache.storage() == Storage::kBf16)
        cpu::cacheScoresBf16(tokens, d, scale, query, cache.keys.bf16() + at.element, scores);
    else
        cpu::cacheScoresF32(tokens, d, scale, query, cache.keys.f32() + at.element, scores);
}

void valuesOf(const KvCache& cache, Place at, std::int64_t tokens, const float* weights,
              float* out) {
    const std::int64_t d = cache.headDim;
    if (cache.storage() == Storage::kInt8)
        cpu::cacheValuesInt8(tokens, d, weights, cache.values.i8() + at.element,
                             cache.valueScales.f32() + at.scale, out);
    else if (cache.storage() == Storage::kBf16)
        cpu::cacheValuesBf16(tokens, d, weights, cache.values.bf16() + at.element, out);
    else
        cpu::cacheValuesF32(tokens, d, weights, cache.values.f32() + at.element, out);
}

void store(const Tensor& to, const Tensor& scales, Place at, std::int64_t headDim,
           const float* from) {
    if (to.type == RIDGE_DTYPE_INT8)
        cpu::packInt8(1, headDim, from, to.i8() + at.element, scales.f32() + at.scale);
    else if (to.type == RIDGE_DTYPE_BF16)
        cpu::toBf16Range(headDim, from, to.bf16() + at.element);
    else
        std::copy_n(from, headDim, to.f32() + at.element);
}

void gather(const Tensor& from, const Tensor& scales, Place at, std::int64_t tokens,
            std::int64_t headDim, float* out) {
    if (from.type == RIDGE_DTYPE_INT8)
        cpu::unpackInt8(tokens, headDim, from.i8() + at.element, scales.f32() + at.scale, out);
    else if (from.type == RIDGE_DTYPE_BF16)
        cpu::fromBf16Range(tokens * headDim, from.bf16() + at.element, out);
    else
        std::copy_n(from.f32() + at.element, tokens * headDim, out);
}

// Calls body(block, first token, tokens) over the blocks that hold `context` tokens.
template <typename Body>
void forBlocks(const KvCache& cache, const CacheRows& part, std::int64_t context, Body&& body) {
    for (std::int64_t at = 0; at < context; at += cache.block)
        body(part.blocks[static_cast<std::size_t>(at / cache.block)], at,
             std::min(cache.block, context - at));
}

}  // namespace

void CpuOperators::fewRows(const Weight& weight, const float* x, const float* bias, float* y,
                           std::int64_t rows) {
    const auto kernel = kernelFor(weight.storage());
    cpu::forRanges(m_threads, weight.n, kWeightAlign, [&](std::int64_t begin, std::int64_t end) {
        const std::int64_t offset = begin * weight.k;
        kernel({.rows = rows,
                .n = end - begin,
                .k = weight.k,
                .weights = weight.values.slice(offset, 0).data,
                .scales = weight.scales.empty() ? nullptr : weight.scales.f32() + offset / kGroup,
                .x = x,
                .bias = bias == nullptr ? bias : bias + begin,
                .y = y + begin,
                .stride = weight.n});
    });
}

void CpuOperators::doGemm(const GemmArgs& args) {
    // The library takes several times as long as reading B for a few rows.
    if (args.a.type == RIDGE_DTYPE_F32 && args.layout == GemmLayout::kNT && !args.accumulate &&
        args.m <= cpu::kFewRows)
        fewRows({args.b, {}, args.n, args.k}, args.a.f32(),
                args.bias.empty() ? nullptr : args.bias.f32(), args.c.f32(), args.m);
    else
        keep(m_gemm.product(args));
}

void CpuOperators::doLinear(const Weight& weight, const Tensor& x, const Tensor& bias,
                            const Tensor& y, std::int64_t rows) {
    const Storage storage = weight.storage();
    const float* b = bias.empty() ? nullptr : bias.f32();
    if (rows <= cpu::kFewRows) {
        fewRows(weight, x.f32(), b, y.f32(), rows);
        return;
    }
    if (storage == Storage::kF32) {
        keep(m_gemm.product(productOf(weight, x, bias, y, rows)));
        return;
    }
    float* panel = scratch(kPanelRows * weight.k);
    for (std::int64_t first = 0; first < weight.n; first += kPanelRows) {
        const std::int64_t count = std::min(kPanelRows, weight.n - first);
        unpackRows(weight, first, count, panel);
        keep(m_gemm.strided({.layout = GemmLayout::kNT,
                             .m = rows,
                             .n = count,
                             .k = weight.k,
                             .a = x.f32(),
                             .lda = weight.k,
                             .b = panel,
                             .ldb = weight.k,
                             .c = y.f32() + first,
                             .ldc = weight.n}));
    }
    if (b != nullptr)
        for (std::int64_t r = 0; r < rows; ++r)
            cpu::addRange(weight.n, y.f32() + r * weight.n, b, y.f32() + r * weight.n);
}

void CpuOperators::doCacheStore(const Tensor& qkv, const KvCache& cache,
                                std::span<const CacheRows> rows) {
    const std::int64_t d = cache.headDim;
    const std::int64_t width = cache.heads * d;
    for (const CacheRows& part : rows)
        for (std::int64_t r = 0; r < part.rows; ++r) {
            const std::int64_t token = part.position + r;
            const std::int64_t block = part.blocks[static_cast<std::size_t>(token / cache.block)];
            const float* row = qkv.f32() + (part.firstRow + r) * 3 * width;
            for (std::int64_t h = 0; h < cache.heads; ++h) {
                const Place at = placeOf(cache, block, h, token % cache.block);
                store(cache.keys, cache.keyScales, at, d, row + width + h * d);
                store(cache.values, cache.valueScales, at, d, row + 2 * width + h * d);
            }
        }
}

void CpuOperators::decodeRow(const KvCache& cache, const CacheRows& part, std::int64_t row,
                             const float* qkv, float* out) {
    const std::int64_t d = cache.headDim;
    const std::int64_t context = part.position + row + 1;
    const float scale = 1.0F / std::sqrt(static_cast<float>(d));
    float* scores = scratch(cache.heads * context);
    cpu::forRanges(m_threads, cache.heads, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t h = begin; h < end; ++h) {
            float* mine = scores + h * context;
            forBlocks(cache, part, context,
                      [&](std::int64_t block, std::int64_t at, std::int64_t tokens) {
                          scoresOf(cache, placeOf(cache, block, h, 0), tokens, scale, qkv + h * d,
                                   mine + at);
                      });
            cpu::softmaxRows(1, context, mine);
            std::fill_n(out + h * d, d, 0.0F);
            forBlocks(cache, part, context,
                      [&](std::int64_t block, std::int64_t at, std::int64_t tokens) {
                          valuesOf(cache, placeOf(cache, block, h, 0), tokens, mine + at,
                                   out + h * d);
                      });
        }
    });
}

void CpuOperators::attendChunk(const KvCache& cache, const CacheRows& part, const float* qkv,
                               float* out) {
    const std::int64_t d = cache.headDim;
    const std::int64_t width = cache.heads * d;
    const std::int64_t context = part.position + part.rows;
    float* scores = scratch(part.rows * context + 2 * context * d);
    float* keys = scores + part.rows * context;
    float* values = keys + context * d;
    for (std::int64_t h = 0; h < cache.heads; ++h) {
        forBlocks(cache, part, context,
                  [&](std::int64_t block, std::int64_t at, std::int64_t tokens) {
                      const Place from = placeOf(cache, block, h, 0);
                      gather(cache.keys, cache.keyScales, from, tokens, d, keys + at * d);
                      gather(cache.values, cache.valueScales, from, tokens, d, values + at * d);
                  });
        keep(m_gemm.strided({.layout = GemmLayout::kNT,
                             .m = part.rows,
                             .n = context,
                             .k = d,
                             .alpha = 1.0F / std::sqrt(static_cast<float>(d)),
                             .a = qkv + h * d,
                             .lda = 3 * width,
                             .b = keys,
                             .ldb = d,
                             .c = scores,
                             .ldc = context}));
        cpu::maskedSoftmaxRows(part.rows, context, part.position + 1, scores);
        keep(m_gemm.strided({.layout = GemmLayout::kNN,
                             .m = part.rows,
                             .n = d,
                             .k = context,
                             .a = scores,
                             .lda = context,
                             .b = values,
                             .ldb = d,
                             .c = out + h * d,
                             .ldc = width}));
    }
}

void CpuOperators::doAttentionCached(const Tensor& qkv, const KvCache& cache,
                                     std::span<const CacheRows> rows, const Tensor& out) {
    const std::int64_t width = cache.heads * cache.headDim;
    for (const CacheRows& part : rows) {
        const float* from = qkv.f32() + part.firstRow * 3 * width;
        float* to = out.f32() + part.firstRow * width;
        if (part.rows > kFewQueries) {
            attendChunk(cache, part, from, to);
            continue;
        }
        for (std::int64_t r = 0; r < part.rows; ++r)
            decodeRow(cache, part, r, from + r * 3 * width, to + r * width);
    }
}

void CpuOperators::doEmbeddingRows(std::int64_t rows, std::int64_t width, const Tensor& tokens,
                                   const Tensor& positions, const Tensor& tokenTable,
                                   const Tensor& positionTable, const Tensor& out) {
    for (std::int64_t r = 0; r < rows; ++r)
        cpu::addRange(width, tokenTable.f32() + tokens.i32()[r] * width,
                      positionTable.f32() + positions.i32()[r] * width, out.f32() + r * width);
}

void CpuOperators::doArgmaxRows(const Tensor& x, std::int64_t width, std::span<std::int32_t> best) {
    for (std::size_t r = 0; r < best.size(); ++r)
        best[r] = doArgmax(x.slice(static_cast<std::int64_t>(r) * width, width));
}

void CpuOperators::doArgmaxInto(const Tensor& x, std::int64_t width, const Tensor& best) {
    doArgmaxRows(x, width, {best.i32(), static_cast<std::size_t>(best.count)});
}

}  // namespace ridge::workloads
