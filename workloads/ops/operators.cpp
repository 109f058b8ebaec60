// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/operators.h"

#include "workloads/formulas/op_cost.h"
#include "workloads/ops/fp8.h"

#include <cmath>

namespace ridge::workloads {

namespace {

std::uint64_t u64(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

std::uint64_t bytesOf(const Tensor& tensor) {
    return static_cast<std::uint64_t>(elementBits(tensor.type) / 8);
}

formulas::AttentionShape shapeOf(const AttentionArgs& args) {
    return {u64(args.batch), u64(args.heads), u64(args.tokens), u64(args.headDim)};
}

void checkAtLeast(const Tensor& tensor, std::int64_t count) {
    RIDGE_CHECK(tensor.count >= count, "tensor is smaller than the operator's shape");
}

void checkAttention(const AttentionArgs& args, const Tensor& qkv, const Tensor& probabilities,
                    const Tensor& rows) {
    const std::int64_t width = args.batch * args.tokens * args.heads * args.headDim;
    checkAtLeast(qkv, 3 * width);
    checkAtLeast(probabilities, args.batch * args.heads * args.tokens * args.tokens);
    checkAtLeast(rows, width);
}

}  // namespace

AdamWCorrections correctionsOf(const AdamWArgs& args) {
    const auto steps = static_cast<double>(args.step);
    const auto correction = [steps](float beta) {
        return static_cast<float>(1.0 / (1.0 - std::pow(static_cast<double>(beta), steps)));
    };
    return {correction(args.beta1), correction(args.beta2)};
}

Work Operators::payload(ridge_op_kind kind, const formulas::OpCost& cost, ridge_dtype dtype) {
    m_issued.flops += cost.flops;
    m_issued.bytesRead += cost.bytesRead;
    m_issued.bytesWritten += cost.bytesWritten;
    return opWork(kind, kind == RIDGE_OP_COPY ? RIDGE_DTYPE_NONE : dtype, cost.flops,
                  cost.bytesRead, cost.bytesWritten);
}

void Operators::gemm(const char* name, const GemmArgs& args) {
    checkAtLeast(args.a, args.m * args.k);
    checkAtLeast(args.b, args.k * args.n);
    checkAtLeast(args.c, args.m * args.n);
    RIDGE_CHECK(args.a.type == args.b.type, "a product of two types");
    RIDGE_CHECK(!isFp8(args.a.type) || args.layout == GemmLayout::kNT,
                "eight-bit products have the summed index last in both operands");
    GemmArgs actual = args;
    if (args.a.type == RIDGE_DTYPE_F32 && !narrowOperands(args, actual)) return;
    // How f32 operands were multiplied; of narrowed ones, B's format names the product.
    const ridge_dtype type = actual.b.type == RIDGE_DTYPE_F32 ? m_products : actual.b.type;
    const WorkRange range(
        name, payload(RIDGE_OP_GEMM,
                      formulas::gemm(u64(args.m), u64(args.n), u64(args.k), bytesOf(actual.a),
                                     bytesOf(args.c), !args.bias.empty(), args.accumulate),
                      type));
    doGemm(actual);
}

bool Operators::narrowOperands(const GemmArgs& args, GemmArgs& actual) {
    if (m_products == RIDGE_DTYPE_FP8_E4M3 && args.n % kFp8Step == 0) {
        const bool turnedA = args.layout == GemmLayout::kTN;
        const bool turnedB = args.layout != GemmLayout::kNT;
        actual.layout = GemmLayout::kNT;
        actual.k = paddedToFp8(args.k);
        actual.a = quantised(
            "quantise.left", {turnedA ? args.k : args.m, turnedA ? args.m : args.k, turnedA},
            args.a, args.leftIsGradient ? RIDGE_DTYPE_FP8_E5M2 : RIDGE_DTYPE_FP8_E4M3, m_fp8Left);
        const QuantiseArgs right{turnedB ? args.k : args.n, turnedB ? args.n : args.k, turnedB};
        if (args.rightIsWeight && m_keepWeights) {
            actual.b = keptWeight(right, args.b, actual.rightScale);
        } else {
            actual.b = quantised("quantise.right", right, args.b, RIDGE_DTYPE_FP8_E4M3, m_fp8Right);
            actual.rightScale = m_fp8Right.scale;
        }
        actual.leftScale = m_fp8Left.scale;
    } else if (m_products == RIDGE_DTYPE_BF16 || m_products == RIDGE_DTYPE_FP8_E4M3) {
        actual.a = narrowed("cast.left", args.a, args.m * args.k, m_left);
        actual.b = narrowed("cast.right", args.b, args.k * args.n, m_right);
    }
    return !actual.a.empty() && !actual.b.empty();  // status() has the reason
}

void Operators::quantise(const char* name, const QuantiseArgs& args, const Tensor& from,
                         const Tensor& to, const Tensor& scale) {
    const std::int64_t written =
        args.turned ? args.columns * paddedToFp8(args.rows) : args.rows * paddedToFp8(args.columns);
    checkAtLeast(from, args.rows * args.columns);
    checkAtLeast(to, written);
    checkAtLeast(scale, 1);
    const WorkRange range(
        name, payload(RIDGE_OP_ELEMENTWISE, {0, u64(4 * args.rows * args.columns), u64(written)}));
    doQuantise(args, from, to, scale);
}

void Operators::doQuantise(const QuantiseArgs&, const Tensor&, const Tensor&, const Tensor&) {
    RIDGE_CHECK(false, "this backend has no eight-bit floats");
}

Tensor Operators::quantised(const char* name, const QuantiseArgs& args, const Tensor& from,
                            ridge_dtype type, Quantised& to) {
    const std::int64_t count =
        args.turned ? args.columns * paddedToFp8(args.rows) : args.rows * paddedToFp8(args.columns);
    if (to.scale.empty()) to.scale = allocate(1);
    if (to.room.count < count) to.room = allocate(count, type);
    if (to.room.empty() || to.scale.empty()) return {};
    const Tensor codes{to.room.data, count, type};
    quantise(name, args, from, codes, to.scale);
    return codes;
}

Tensor Operators::keptWeight(const QuantiseArgs& args, const Tensor& from, Tensor& scale) {
    KeptWeight& kept = m_keptWeights[{from.data, args.rows, args.columns, args.turned}];
    if (!kept.current) {
        const Tensor made =
            quantised("quantise.weight", args, from, RIDGE_DTYPE_FP8_E4M3, kept.codes);
        if (made.empty()) return {};
        kept.current = true;
    }
    scale = kept.codes.scale;
    return kept.codes.room;
}

void Operators::written(const Tensor& where) {
    const auto* begin = static_cast<const std::byte*>(where.data);
    const std::byte* end = begin + where.bytes();
    for (auto& [key, kept] : m_keptWeights) {
        const auto* first = static_cast<const std::byte*>(std::get<0>(key));
        const std::byte* last =
            first + static_cast<std::int64_t>(sizeof(float)) * std::get<1>(key) * std::get<2>(key);
        if (begin < last && first < end) kept.current = false;
    }
}

void Operators::forgetQuantisedWeights() {
    for (auto& [key, kept] : m_keptWeights) kept.current = false;
}

void Operators::keepQuantisedWeights(bool keep) {
    m_keepWeights = keep;
    forgetQuantisedWeights();
}

Status Operators::setProducts(ridge_dtype type) {
    RIDGE_CHECK(type == RIDGE_DTYPE_F32 || type == RIDGE_DTYPE_TF32 || type == RIDGE_DTYPE_BF16 ||
                    type == RIDGE_DTYPE_FP8_E4M3,
                "products of f32 operands are computed in f32, tf32, bf16 or fp8");
    RIDGE_TRY_STATUS(canMultiply(type));
    m_products = type;
    const bool fewer = type != RIDGE_DTYPE_F32 && canMultiply(RIDGE_DTYPE_TF32).ok();
    m_attention = fewer ? RIDGE_DTYPE_TF32 : RIDGE_DTYPE_F32;
    return {};
}

Tensor Operators::narrowed(const char* name, const Tensor& from, std::int64_t count, Tensor& room) {
    if (room.count < count) room = allocate(count, RIDGE_DTYPE_BF16);
    if (room.empty()) return {};
    const Tensor to = room.slice(0, count);
    cast(name, from.slice(0, count), to);
    return to;
}

void Operators::gemv(const char* name, const Tensor& weight, const Tensor& x, const Tensor& bias,
                     const Tensor& y, std::int64_t n, std::int64_t k) {
    checkAtLeast(weight, n * k);
    checkAtLeast(x, k);
    checkAtLeast(y, n);
    const WorkRange range(name, payload(RIDGE_OP_GEMM, formulas::gemm(1, u64(n), u64(k), 4, 4,
                                                                      !bias.empty(), false)));
    doGemv(weight, x, bias, y, n, k);
}

void Operators::attentionForward(const char* name, const AttentionArgs& args, const Tensor& qkv,
                                 const Tensor& probabilities, const Tensor& out) {
    checkAttention(args, qkv, probabilities, out);
    const WorkRange range(
        name, payload(RIDGE_OP_ATTENTION, formulas::attentionForwardStored(shapeOf(args)),
                      attentionType()));
    doAttentionForward(args, qkv, probabilities, out);
}

void Operators::attentionBackward(const char* name, const AttentionArgs& args, const Tensor& qkv,
                                  const Tensor& probabilities, const Tensor& dOut,
                                  const Tensor& dQkv) {
    checkAttention(args, qkv, probabilities, dOut);
    checkAtLeast(dQkv, 3 * args.batch * args.tokens * args.heads * args.headDim);
    const WorkRange range(
        name, payload(RIDGE_OP_ATTENTION, formulas::attentionBackwardStored(shapeOf(args)),
                      attentionType()));
    doAttentionBackward(args, qkv, probabilities, dOut, dQkv);
}

void Operators::cacheAppend(const char* name, const Tensor& qkv, const Tensor& keys,
                            const Tensor& values, std::int64_t at, std::int64_t rows,
                            std::int64_t width) {
    checkAtLeast(qkv, 3 * rows * width);
    checkAtLeast(keys, (at + rows) * width);
    checkAtLeast(values, (at + rows) * width);
    const WorkRange range(name, payload(RIDGE_OP_COPY, formulas::copy(u64(2 * rows * width) * 4)));
    doCacheAppend(qkv, keys, values, at, rows, width);
}

void Operators::attentionDecode(const char* name, std::int64_t heads, std::int64_t headDim,
                                std::int64_t context, const Tensor& qkv, const Tensor& keys,
                                const Tensor& values, const Tensor& out) {
    checkAtLeast(qkv, 3 * heads * headDim);
    checkAtLeast(keys, context * heads * headDim);
    checkAtLeast(values, context * heads * headDim);
    const WorkRange range(
        name, payload(RIDGE_OP_ATTENTION, formulas::attentionDecode(u64(heads), u64(heads),
                                                                    u64(headDim), u64(context))));
    doAttentionDecode(heads, headDim, context, qkv, keys, values, out);
}

void Operators::layerNormForward(const char* name, std::int64_t rows, std::int64_t width,
                                 const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                 const Tensor& y, const Tensor& mean, const Tensor& rstd) {
    checkAtLeast(x, rows * width);
    checkAtLeast(y, rows * width);
    checkAtLeast(mean, rows);
    checkAtLeast(rstd, rows);
    const WorkRange range(
        name, payload(RIDGE_OP_NORM, formulas::layerNormForward(u64(rows), u64(width))));
    doLayerNormForward(rows, width, x, gamma, beta, y, mean, rstd);
}

void Operators::layerNormBackward(const char* name, std::int64_t rows, std::int64_t width,
                                  const Tensor& dY, const Tensor& x, const Tensor& gamma,
                                  const Tensor& mean, const Tensor& rstd,
                                  const LayerNormGradients& gradients) {
    checkAtLeast(dY, rows * width);
    checkAtLeast(x, rows * width);
    checkAtLeast(gradients.dX, rows * width);
    checkAtLeast(gradients.dGamma, width);
    checkAtLeast(gradients.dBeta, width);
    const WorkRange range(
        name, payload(RIDGE_OP_NORM, formulas::layerNormBackward(u64(rows), u64(width),
                                                                 gradients.accumulateInput)));
    doLayerNormBackward(rows, width, dY, x, gamma, mean, rstd, gradients);
}

void Operators::geluForward(const char* name, const Tensor& x, const Tensor& y) {
    checkAtLeast(y, x.count);
    const WorkRange range(
        name, payload(RIDGE_OP_ELEMENTWISE,
                      formulas::elementwise(u64(x.count), 1, formulas::kGeluForwardFlops)));
    doGeluForward(x, y);
}

void Operators::geluBackward(const char* name, const Tensor& x, const Tensor& dY,
                             const Tensor& dX) {
    checkAtLeast(dY, x.count);
    checkAtLeast(dX, x.count);
    const WorkRange range(
        name, payload(RIDGE_OP_ELEMENTWISE,
                      formulas::elementwise(u64(x.count), 2, formulas::kGeluBackwardFlops)));
    doGeluBackward(x, dY, dX);
}

void Operators::add(const char* name, const Tensor& a, const Tensor& b, const Tensor& out) {
    checkAtLeast(b, a.count);
    checkAtLeast(out, a.count);
    const WorkRange range(name,
                          payload(RIDGE_OP_ELEMENTWISE, formulas::elementwise(u64(a.count), 2, 1)));
    doAdd(a, b, out);
}

void Operators::columnSum(const char* name, const Tensor& x, std::int64_t rows, std::int64_t width,
                          const Tensor& sum, bool accumulate) {
    checkAtLeast(x, rows * width);
    checkAtLeast(sum, width);
    const WorkRange range(
        name, payload(RIDGE_OP_ELEMENTWISE, formulas::columnSum(u64(rows), u64(width))));
    doColumnSum(x, rows, width, sum, accumulate);
}

void Operators::embeddingForward(const char* name, std::int64_t rows, std::int64_t context,
                                 std::int64_t width, std::int64_t firstPosition,
                                 const Tensor& tokens, const Tensor& tokenTable,
                                 const Tensor& positionTable, const Tensor& out) {
    checkAtLeast(tokens, rows);
    checkAtLeast(positionTable, (firstPosition + context) * width);
    checkAtLeast(out, rows * width);
    const WorkRange range(
        name, payload(RIDGE_OP_EMBEDDING, formulas::embeddingForward(u64(rows), u64(width))));
    doEmbeddingForward(rows, context, width, firstPosition, tokens, tokenTable, positionTable, out);
}

void Operators::embeddingBackward(const char* name, std::int64_t rows, std::int64_t context,
                                  std::int64_t width, const Tensor& tokens, const Tensor& dOut,
                                  const Tensor& dTokenTable, const Tensor& dPositionTable,
                                  bool accumulatePositions) {
    checkAtLeast(tokens, rows);
    checkAtLeast(dOut, rows * width);
    checkAtLeast(dPositionTable, context * width);
    const WorkRange range(
        name, payload(RIDGE_OP_EMBEDDING, formulas::embeddingBackward(u64(rows), u64(width))));
    doEmbeddingBackward(rows, context, width, tokens, dOut, dTokenTable, dPositionTable,
                        accumulatePositions);
}

void Operators::softmaxCrossEntropy(const char* name, std::int64_t rows, std::int64_t vocabulary,
                                    const Tensor& logits, const Tensor& targets,
                                    const Tensor& losses, float scale) {
    checkAtLeast(logits, rows * vocabulary);
    checkAtLeast(targets, rows);
    checkAtLeast(losses, rows);
    const WorkRange range(
        name, payload(RIDGE_OP_OTHER, formulas::softmaxCrossEntropy(u64(rows), u64(vocabulary))));
    doSoftmaxCrossEntropy(rows, vocabulary, logits, targets, losses, scale);
}

std::int32_t Operators::argmax(const char* name, const Tensor& x) {
    RIDGE_CHECK(x.count > 0, "argmax of nothing");
    const WorkRange range(name, payload(RIDGE_OP_OTHER, {0, u64(x.count) * 4, 4}));
    return doArgmax(x);
}

void Operators::adamW(const char* name, const AdamWArgs& args, const Tensor& weights,
                      const Tensor& gradients, const Tensor& firstMoments,
                      const Tensor& secondMoments) {
    checkAtLeast(gradients, weights.count);
    checkAtLeast(firstMoments, weights.count);
    checkAtLeast(secondMoments, weights.count);
    if (!args.corrections.empty()) checkAtLeast(args.corrections, 2);
    const WorkRange range(name, payload(RIDGE_OP_OPTIMIZER, formulas::adamW(u64(weights.count))));
    doAdamW(args, weights, gradients, firstMoments, secondMoments);
    written(weights);
}

void Operators::affine(const char* name, Affine step, const Tensor& x, const Tensor& y) {
    affineChain(name, {&step, 1}, x, y);
}

void Operators::affineChain(const char* name, std::span<const Affine> steps, const Tensor& x,
                            const Tensor& y) {
    checkAtLeast(y, x.count);
    const WorkRange range(name,
                          payload(RIDGE_OP_ELEMENTWISE,
                                  formulas::elementwiseChain(u64(x.count), steps.size(), true)));
    doAffineChain(steps, x, y);
}

}  // namespace ridge::workloads
