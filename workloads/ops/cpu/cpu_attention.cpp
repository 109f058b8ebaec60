// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Attention over whole sequences: with stored probabilities, in the textbook's three passes, and
// fused. Fused works on tiles of scores that stay in the second-level cache (forward: kTile queries
// or half of it by kKeyTile keys, backward kTile by kTile); their products are oneDNN's.
#include "workloads/ops/cpu/cpu_backend.h"
#include "workloads/ops/cpu/kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ridge::workloads {

namespace {

constexpr std::int64_t kTile = 128;
constexpr std::int64_t kKeyTile = 256;  // of the forward pass

// Where one head of one sequence lies in qkv and out.
struct Head {
    std::int64_t row, column, width, wide;

    Head(const AttentionArgs& args, std::int64_t pair)
        : row(pair / args.heads * args.tokens),
          column(pair % args.heads * args.headDim),
          width(args.heads * args.headDim),
          wide(3 * width) {}
    // q of token t; k and v lie `width` and 2 * `width` further.
    [[nodiscard]] std::int64_t inQkv(std::int64_t t) const { return (row + t) * wide + column; }
    [[nodiscard]] std::int64_t inOut(std::int64_t t) const { return (row + t) * width + column; }
};

float scaleOf(const AttentionArgs& args) {
    return 1.0F / std::sqrt(static_cast<float>(args.headDim));
}

// Columns that the first row of a tile sees; negative: all of them.
std::int64_t visibleOf(const AttentionArgs& args, std::int64_t query, std::int64_t key) {
    return args.causal ? query - key + 1 : -1;
}

std::int64_t lastKey(const AttentionArgs& args, std::int64_t queryEnd) {
    return args.causal ? queryEnd : args.tokens;
}

}  // namespace

void CpuOperators::doAttentionForward(const AttentionArgs& args, const Tensor& qkv,
                                      const Tensor& probabilities, const Tensor& out) {
    const std::int64_t t = args.tokens;
    const std::int64_t d = args.headDim;
    const std::int64_t width = args.heads * d;
    const float scale = 1.0F / std::sqrt(static_cast<float>(d));
    for (std::int64_t pair = 0; pair < args.batch * args.heads; ++pair) {
        const std::int64_t row = pair / args.heads * t;
        const std::int64_t column = pair % args.heads * d;
        const float* q = qkv.f32() + row * 3 * width + column;
        float* p = probabilities.f32() + pair * t * t;
        keep(m_gemm.strided({.layout = GemmLayout::kNT,
                             .m = t,
                             .n = t,
                             .k = d,
                             .alpha = scale,
                             .a = q,
                             .lda = 3 * width,
                             .b = q + width,
                             .ldb = 3 * width,
                             .c = p,
                             .ldc = t}));
        if (args.causal)
            cpu::causalSoftmaxRows(t, p);
        else
            cpu::softmaxRows(t, t, p);
        keep(m_gemm.strided({.layout = GemmLayout::kNN,
                             .m = t,
                             .n = d,
                             .k = t,
                             .a = p,
                             .lda = t,
                             .b = q + 2 * width,
                             .ldb = 3 * width,
                             .c = out.f32() + row * width + column,
                             .ldc = width}));
    }
}

void CpuOperators::doAttentionBackward(const AttentionArgs& args, const Tensor& qkv,
                                       const Tensor& probabilities, const Tensor& dOut,
                                       const Tensor& dQkv) {
    const std::int64_t t = args.tokens;
    const std::int64_t d = args.headDim;
    const std::int64_t width = args.heads * d;
    const std::int64_t wide = 3 * width;
    const float scale = 1.0F / std::sqrt(static_cast<float>(d));
    float* g = scratch(t * t + t);
    for (std::int64_t pair = 0; pair < args.batch * args.heads; ++pair) {
        const std::int64_t row = pair / args.heads * t;
        const std::int64_t column = pair % args.heads * d;
        const float* q = qkv.f32() + row * wide + column;
        const float* p = probabilities.f32() + pair * t * t;
        const float* dO = dOut.f32() + row * width + column;
        float* dQ = dQkv.f32() + row * wide + column;
        keep(m_gemm.strided({.layout = GemmLayout::kNT,
                             .m = t,
                             .n = t,
                             .k = d,
                             .a = dO,
                             .lda = width,
                             .b = q + 2 * width,
                             .ldb = wide,
                             .c = g,
                             .ldc = t}));
        keep(m_gemm.strided({.layout = GemmLayout::kTN,
                             .m = t,
                             .n = d,
                             .k = t,
                             .a = p,
                             .lda = t,
                             .b = dO,
                             .ldb = width,
                             .c = dQ + 2 * width,
                             .ldc = wide}));
        if (args.causal) {
            cpu::causalSoftmaxBackwardRows(t, p, scale, g);
        } else {
            float* dots = g + t * t;
            cpu::rowDots(t, t, t, p, g, dots);
            cpu::scoreGradientTile(t, t, scale, p, dots, g);
        }
        keep(m_gemm.strided({.layout = GemmLayout::kNN,
                             .m = t,
                             .n = d,
                             .k = t,
                             .a = g,
                             .lda = t,
                             .b = q + width,
                             .ldb = wide,
                             .c = dQ,
                             .ldc = wide}));
        keep(m_gemm.strided({.layout = GemmLayout::kTN,
                             .m = t,
                             .n = d,
                             .k = t,
                             .a = g,
                             .lda = t,
                             .b = q,
                             .ldb = wide,
                             .c = dQ + width,
                             .ldc = wide}));
    }
}

void CpuOperators::doAttentionScores(const AttentionArgs& args, const Tensor& qkv,
                                     const Tensor& scores) {
    const std::int64_t t = args.tokens;
    for (std::int64_t pair = 0; pair < args.batch * args.heads; ++pair) {
        const Head head(args, pair);
        const float* q = qkv.f32() + head.inQkv(0);
        keep(m_gemm.strided({.layout = GemmLayout::kNT,
                             .m = t,
                             .n = t,
                             .k = args.headDim,
                             .alpha = scaleOf(args),
                             .a = q,
                             .lda = head.wide,
                             .b = q + head.width,
                             .ldb = head.wide,
                             .c = scores.f32() + pair * t * t,
                             .ldc = t}));
    }
}

void CpuOperators::doAttentionSoftmax(const AttentionArgs& args, const Tensor& scores) {
    const std::int64_t t = args.tokens;
    cpu::forRanges(m_threads, args.batch * args.heads, 1,
                   [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t pair = begin; pair < end; ++pair) {
                           if (args.causal)
                               cpu::causalSoftmaxRows(t, scores.f32() + pair * t * t);
                           else
                               cpu::softmaxRows(t, t, scores.f32() + pair * t * t);
                       }
                   });
}

void CpuOperators::doAttentionValues(const AttentionArgs& args, const Tensor& scores,
                                     const Tensor& qkv, const Tensor& out) {
    const std::int64_t t = args.tokens;
    for (std::int64_t pair = 0; pair < args.batch * args.heads; ++pair) {
        const Head head(args, pair);
        keep(m_gemm.strided({.layout = GemmLayout::kNN,
                             .m = t,
                             .n = args.headDim,
                             .k = t,
                             .a = scores.f32() + pair * t * t,
                             .lda = t,
                             .b = qkv.f32() + head.inQkv(0) + 2 * head.width,
                             .ldb = head.wide,
                             .c = out.f32() + head.inOut(0),
                             .ldc = head.width}));
    }
}

void CpuOperators::doAttentionFused(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                                    const Tensor& logSums) {
    const std::int64_t t = args.tokens;
    const std::int64_t d = args.headDim;
    // Fewer queries at a time under a mask: less of the square above the diagonal is computed.
    const std::int64_t queries = args.causal ? kTile / 2 : kTile;
    float* tile = scratch(queries * kKeyTile + 3 * queries);
    float* maxima = tile + queries * kKeyTile;
    float* sums = maxima + queries;
    float* factors = sums + queries;
    for (std::int64_t pair = 0; pair < args.batch * args.heads; ++pair) {
        const Head head(args, pair);
        for (std::int64_t query = 0; query < t; query += queries) {
            const std::int64_t rows = std::min(queries, t - query);
            std::fill_n(maxima, rows, -std::numeric_limits<float>::max());
            std::fill_n(sums, rows, 0.0F);
            float* to = out.f32() + head.inOut(query);
            for (std::int64_t key = 0; key < lastKey(args, query + rows); key += kKeyTile) {
                const std::int64_t columns = std::min(kKeyTile, lastKey(args, query + rows) - key);
                keep(m_gemm.strided({.layout = GemmLayout::kNT,
                                     .m = rows,
                                     .n = columns,
                                     .k = d,
                                     .alpha = scaleOf(args),
                                     .a = qkv.f32() + head.inQkv(query),
                                     .lda = head.wide,
                                     .b = qkv.f32() + head.inQkv(key) + head.width,
                                     .ldb = head.wide,
                                     .c = tile,
                                     .ldc = columns}));
                cpu::onlineSoftmaxTile(rows, columns, visibleOf(args, query, key), tile, maxima,
                                       sums, factors);
                if (key > 0) cpu::scaleRows(rows, d, head.width, factors, to);
                keep(m_gemm.strided({.layout = GemmLayout::kNN,
                                     .m = rows,
                                     .n = d,
                                     .k = columns,
                                     .a = tile,
                                     .lda = columns,
                                     .b = qkv.f32() + head.inQkv(key) + 2 * head.width,
                                     .ldb = head.wide,
                                     .beta = key > 0 ? 1.0F : 0.0F,
                                     .c = to,
                                     .ldc = head.width}));
            }
            float* logs = logSums.f32() + pair * t + query;
            for (std::int64_t r = 0; r < rows; ++r) {
                factors[r] = 1.0F / sums[r];
                logs[r] = maxima[r] + std::log(sums[r]);
            }
            cpu::scaleRows(rows, d, head.width, factors, to);
        }
    }
}

void CpuOperators::doAttentionFusedBackward(const AttentionArgs& args, const Tensor& qkv,
                                            const Tensor& out, const Tensor& logSums,
                                            const Tensor& dOut, const Tensor& dQkv) {
    const std::int64_t t = args.tokens;
    float* tiles = scratch(2 * kTile * kTile + t);
    float* dots = tiles + 2 * kTile * kTile;
    for (std::int64_t pair = 0; pair < args.batch * args.heads; ++pair) {
        const Head head(args, pair);
        cpu::rowDots(t, args.headDim, head.width, out.f32() + head.inOut(0),
                     dOut.f32() + head.inOut(0), dots);
        fusedTileGradients(args, pair, qkv, logSums, dOut, dQkv, tiles, dots);
    }
}

// For each tile of keys and each tile of queries that sees it: scores anew, their probabilities P;
// dV += P^T dO, dS = scale P (dO V^T - dot), dQ += dS K, dK += dS^T Q. The first visit replaces.
void CpuOperators::fusedTileGradients(const AttentionArgs& args, std::int64_t pair,
                                      const Tensor& qkv, const Tensor& logSums, const Tensor& dOut,
                                      const Tensor& dQkv, float* tiles, const float* dots) {
    const std::int64_t t = args.tokens;
    const std::int64_t d = args.headDim;
    const Head head(args, pair);
    float* p = tiles;
    float* g = tiles + kTile * kTile;
    for (std::int64_t key = 0; key < t; key += kTile) {
        const std::int64_t columns = std::min(kTile, t - key);
        const float* k = qkv.f32() + head.inQkv(key) + head.width;
        float* dK = dQkv.f32() + head.inQkv(key) + head.width;
        const std::int64_t first = args.causal ? key : 0;
        for (std::int64_t query = first; query < t; query += kTile) {
            const std::int64_t rows = std::min(kTile, t - query);
            const float* q = qkv.f32() + head.inQkv(query);
            const float* dO = dOut.f32() + head.inOut(query);
            const float again = query > first ? 1.0F : 0.0F;
            const auto product = [&](GemmLayout layout, std::int64_t m, std::int64_t n,
                                     std::int64_t inner, const float* a, std::int64_t lda,
                                     const float* b, std::int64_t ldb, float* c, std::int64_t ldc,
                                     float beta, float alpha = 1.0F) {
                keep(m_gemm.strided({.layout = layout,
                                     .m = m,
                                     .n = n,
                                     .k = inner,
                                     .alpha = alpha,
                                     .a = a,
                                     .lda = lda,
                                     .b = b,
                                     .ldb = ldb,
                                     .beta = beta,
                                     .c = c,
                                     .ldc = ldc}));
            };
            product(GemmLayout::kNT, rows, columns, d, q, head.wide, k, head.wide, p, columns, 0.0F,
                    scaleOf(args));
            cpu::probabilitiesTile(rows, columns, visibleOf(args, query, key),
                                   logSums.f32() + pair * t + query, p);
            product(GemmLayout::kTN, columns, d, rows, p, columns, dO, head.width, dK + head.width,
                    head.wide, again);
            product(GemmLayout::kNT, rows, columns, d, dO, head.width, k + head.width, head.wide, g,
                    columns, 0.0F);
            cpu::scoreGradientTile(rows, columns, scaleOf(args), p, dots + query, g);
            product(GemmLayout::kNN, rows, d, columns, g, columns, k, head.wide,
                    dQkv.f32() + head.inQkv(query), head.wide, key > 0 ? 1.0F : 0.0F);
            product(GemmLayout::kTN, columns, d, rows, g, columns, q, head.wide, dK, head.wide,
                    again);
        }
    }
}

}  // namespace ridge::workloads
