// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The loops that oneDNN does not have or has slowly, over raw pointers, each for one range of rows
// or elements and one thread. Every function is compiled for AVX-512, AVX2 and plain x86-64 and
// chosen at load time, so that one binary runs everywhere. Arrays do not overlap unless said.
// Nothing allocates.

#include <cstdint>

// Sanitizers instrument the load-time selectors, which run before they are ready: one version then.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define RIDGE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
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
// sum += each row.
void columnSumRows(std::int64_t rows, std::int64_t width, std::int64_t stride, const float* x,
                   float* sum);
void affineRange(std::int64_t count, float scale, float shift, const float* x, float* y);
// Four steps in one pass; pairs of scale and shift.
void affine4Range(std::int64_t count, const float* scales, const float* shifts, const float* x,
                  float* y);

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

}  // namespace ridge::workloads::cpu
