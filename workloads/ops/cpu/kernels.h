// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The loops that oneDNN does not have or has slowly, over raw pointers, each for one range of rows
// or elements and one thread. Every function is compiled for AVX-512, x86-64-v3 (AVX2 and its fused
// multiply-add: "avx2" alone is without) and plain x86-64 and chosen at load time, so that one
// binary runs everywhere. Arrays do not overlap unless said. Nothing allocates.

#include <cstdint>

// Sanitizers instrument the load-time selectors, which run before they are ready: one version then.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define RIDGE_CLONES __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#else
#define RIDGE_CLONES
#endif

namespace ridge::workloads::cpu {

inline constexpr float kNormEpsilon = 1e-5F;

// --- norm ---
void layerNormForwardRows(std::int64_t rows, std::int64_t width, const float* x, const float* gamma,
                          const float* beta, float* y, float* mean, float* rstd);
// dGamma and dBeta are added to.
void layerNormBackwardRows(std::int64_t rows, std::int64_t width, const float* dY, const float* x,
                           const float* gamma, const float* mean, const float* rstd, float* dX,
                           bool accumulateInput, float* dGamma, float* dBeta);

// --- softmax ---
// One head's scores (tokens x tokens) to causal probabilities in place; the masked half becomes 0.
void causalSoftmaxRows(std::int64_t tokens, float* scores);
// gradient := scale * p * (gradient - sum(p * gradient)) row by row over the causal half, 0
// elsewhere.
void causalSoftmaxBackwardRows(std::int64_t tokens, const float* probabilities, float scale,
                               float* gradient);
// The same without a mask.
void softmaxRows(std::int64_t rows, std::int64_t columns, float* scores);
// Rows r = 0.. of a chunk: of row r the first `visible + r` columns count, the rest becomes 0.
void maskedSoftmaxRows(std::int64_t rows, std::int64_t columns, std::int64_t visible,
                       float* scores);
// One tile of online softmax, in place: scores become exp(score - m) with the row's running maximum
// m over all tiles so far; `visible` as above, or negative: all columns count (a row without a
// visible column has its tile zeroed). sums is carried over; factors(r) is what earlier results are
// to be multiplied with.
void onlineSoftmaxTile(std::int64_t rows, std::int64_t columns, std::int64_t visible, float* scores,
                       float* maxima, float* sums, float* factors);
// scores(r, c) := exp(scores(r, c) - logSums(r)), 0 where masked.
void probabilitiesTile(std::int64_t rows, std::int64_t columns, std::int64_t visible,
                       const float* logSums, float* scores);
// gradient := scale * p * (gradient - dots(r)).
void scoreGradientTile(std::int64_t rows, std::int64_t columns, float scale, const float* p,
                       const float* dots, float* gradient);
// Rows of `width` with a stride: row r times factors(r).
void scaleRows(std::int64_t rows, std::int64_t width, std::int64_t stride, const float* factors,
               float* x);
// dots(r) = sum of a(r) b(r), both with the same stride.
void rowDots(std::int64_t rows, std::int64_t width, std::int64_t stride, const float* a,
             const float* b, float* dots);
void softmaxCrossEntropyRows(std::int64_t rows, std::int64_t vocabulary, float* logits,
                             const std::int32_t* targets, float* losses, float scale);
// Scores of one query against `context` rows (stride between rows), softmax, weighted sum of
// values.
void decodeHead(std::int64_t headDim, std::int64_t context, std::int64_t stride, const float* query,
                const float* keys, const float* values, float* scores, float* out);

// --- elementwise ---
void geluForwardRange(std::int64_t count, const float* x, float* y);
// dX may be dY.
void geluBackwardRange(std::int64_t count, const float* x, const float* dY, float* dX);
// out may be a or b.
void addRange(std::int64_t count, const float* a, const float* b, float* out);
// out(i) = residual(i) + gelu(x(i) + bias(i)) for one row.
void biasGeluResidualRow(std::int64_t width, const float* x, const float* bias,
                         const float* residual, float* out);
void toBf16Range(std::int64_t count, const float* x, std::uint16_t* y);
void fromBf16Range(std::int64_t count, const std::uint16_t* x, float* y);
// sum += each row.
void columnSumRows(std::int64_t rows, std::int64_t width, std::int64_t stride, const float* x,
                   float* sum);
void affineRange(std::int64_t count, float scale, float shift, const float* x, float* y);
// Four steps in one pass; pairs of scale and shift.
void affine4Range(std::int64_t count, const float* scales, const float* shifts, const float* x,
                  float* y);

// Exclusive or of `count` words.
std::uint64_t xorRange(std::int64_t count, const std::uint64_t* x);

struct AdamWFactors {
    float learningRate;
    float beta1;
    float beta2;
    float epsilon;
    float decay;             // 1 - learning rate * weight decay
    float firstCorrection;   // 1 / (1 - beta1^t)
    float secondCorrection;  // 1 / (1 - beta2^t)
};
void adamWRange(std::int64_t count, const AdamWFactors& factors, float* weights,
                const float* gradients, float* firstMoments, float* secondMoments);

// --- matrix times vector ---
// y(rows) = W(rows, k) x [+ bias]; bias may be null.
void gemvRows(std::int64_t rows, std::int64_t k, const float* weight, const float* x,
              const float* bias, float* y);

// --- stored weights and caches ---
// y(r, i) = sum over j of x(r, j) W(i, j) [+ bias(i)] for a few rows r (at most kFewRows) and
// weight rows i in [0, n); x has rows of k, y rows of `stride`. Weights are read once, in order.
inline constexpr std::int64_t kFewRows = 16;
struct FewRows {
    std::int64_t rows = 1;
    std::int64_t n = 0;
    std::int64_t k = 0;
    const void* weights = nullptr;  // of the first weight row
    const float* scales = nullptr;  // likewise; null for f32 and bf16
    const float* x = nullptr;
    const float* bias = nullptr;
    float* y = nullptr;
    std::int64_t stride = 0;
};
struct LinearKernels {
    void (*f32)(const FewRows&);
    void (*bf16)(const FewRows&);
    void (*int8)(const FewRows&);
    void (*int4)(const FewRows&);
};
// The best for this processor.
const LinearKernels& linearKernels();
// The versions, for tests; a processor without the instructions must not call them.
const LinearKernels& linearKernelsPortable();
#if defined(__x86_64__)
const LinearKernels& linearKernelsAvx512();
const LinearKernels& linearKernelsAvx2();
#endif

// `groups` groups of `group` values to floats (int4: groups of 64).
void unpackInt8(std::int64_t groups, std::int64_t group, const std::int8_t* values,
                const float* scales, float* out);
void unpackInt4(std::int64_t groups, const std::uint8_t* values, const float* scales, float* out);
// Groups of floats to int8 and one scale each, as ops/weights.h defines them.
void packInt8(std::int64_t groups, std::int64_t group, const float* x, std::int8_t* values,
              float* scales);

// scores(t) = scale * query . key(t) for `tokens` consecutive rows of headDim.
void cacheScoresF32(std::int64_t tokens, std::int64_t headDim, float scale, const float* query,
                    const float* keys, float* scores);
void cacheScoresBf16(std::int64_t tokens, std::int64_t headDim, float scale, const float* query,
                     const std::uint16_t* keys, float* scores);
void cacheScoresInt8(std::int64_t tokens, std::int64_t headDim, float scale, const float* query,
                     const std::int8_t* keys, const float* keyScales, float* scores);
// out += sum over t of weights(t) * value(t).
void cacheValuesF32(std::int64_t tokens, std::int64_t headDim, const float* weights,
                    const float* values, float* out);
void cacheValuesBf16(std::int64_t tokens, std::int64_t headDim, const float* weights,
                     const std::uint16_t* values, float* out);
void cacheValuesInt8(std::int64_t tokens, std::int64_t headDim, const float* weights,
                     const std::int8_t* values, const float* valueScales, float* out);

}  // namespace ridge::workloads::cpu
