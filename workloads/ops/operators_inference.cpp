// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The public operators that inference and the kernel families added: shapes checked, payloads told.
#include "workloads/formulas/op_cost.h"
#include "workloads/ops/operators.h"

namespace ridge::workloads {

namespace {

using formulas::AttentionConvention;
using formulas::OpCost;

std::uint64_t u64(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

void atLeast(const Tensor& tensor, std::int64_t count) {
    RIDGE_CHECK(tensor.count >= count, "tensor is smaller than the operator's shape");
}

formulas::AttentionShape shapeOf(const AttentionArgs& args) {
    return {u64(args.batch), u64(args.heads), u64(args.tokens), u64(args.headDim)};
}

std::int64_t rowElements(const AttentionArgs& args) {
    return args.batch * args.tokens * args.heads * args.headDim;
}

std::int64_t scoreElements(const AttentionArgs& args) {
    return args.batch * args.heads * args.tokens * args.tokens;
}

AttentionConvention conventionOf(const AttentionArgs& args) {
    return args.causal ? AttentionConvention::kCausal : AttentionConvention::kFull;
}

void checkCache(const Tensor& qkv, const KvCache& cache, std::span<const CacheRows> rows) {
    const std::int64_t width = cache.heads * cache.headDim;
    RIDGE_CHECK(cache.keys.type == cache.values.type, "keys and values of two types");
    RIDGE_CHECK(cache.keys.type != RIDGE_DTYPE_INT4, "no cache of four bits");
    RIDGE_CHECK(cache.keys.type != RIDGE_DTYPE_INT8 ||
                    cache.keyScales.count * cache.headDim == cache.keys.count,
                "an int8 cache needs a scale per head and token");
    for (const CacheRows& part : rows) {
        const std::int64_t tokens = part.position + part.rows;
        RIDGE_CHECK(part.rows > 0 && std::ssize(part.blocks) * cache.block >= tokens,
                    "a sequence is longer than its blocks");
        atLeast(qkv, 3 * (part.firstRow + part.rows) * width);
        for (std::int64_t i = 0; i * cache.block < tokens; ++i) {
            const std::int64_t at = part.blocks[static_cast<std::size_t>(i)];
            RIDGE_CHECK(at >= 0, "a block that was never given");
            atLeast(cache.keys, (at + 1) * cache.block * width);
            atLeast(cache.values, (at + 1) * cache.block * width);
        }
    }
}

}  // namespace

Weight Operators::allocateWeight(std::int64_t n, std::int64_t k, Storage storage) {
    const bool scaled = storage == Storage::kInt8 || storage == Storage::kInt4;
    RIDGE_CHECK(!scaled || k % kGroup == 0, "quantised weights have rows of whole groups");
    Weight weight;
    weight.n = n;
    weight.k = k;
    weight.values = allocate(n * k, dtypeOf(storage));
    if (scaled) weight.scales = allocate(n * k / kGroup);
    return weight;
}

void Operators::uploadWeight(const Weight& weight, std::int64_t firstRow,
                             std::span<const float> values) {
    if (weight.values.empty()) return;  // status() has the reason
    const Packed packed = pack(values, weight.storage());
    uploadBytes(weight.values.slice(firstRow * weight.k, std::ssize(values)), packed.values);
    if (!weight.scales.empty())
        upload(weight.scales.slice(firstRow * weight.k / kGroup, std::ssize(packed.scales)),
               packed.scales);
}

void Operators::linear(const char* name, const Weight& weight, const Tensor& x, const Tensor& bias,
                       const Tensor& y, std::int64_t rows) {
    atLeast(weight.values, weight.n * weight.k);
    atLeast(x, rows * weight.k);
    atLeast(y, rows * weight.n);
    if (weight.storage() == Storage::kF32 && products() != RIDGE_DTYPE_F32) {
        gemm(name, productOf(weight, x, bias, y, rows));
        return;
    }
    const WorkRange range(
        name, payload(RIDGE_OP_GEMM, formulas::linear(u64(rows), u64(weight.n), u64(weight.k),
                                                      weight.storage(), !bias.empty())));
    doLinear(weight, x, bias, y, rows);
}

void Operators::clear(const char* name, const Tensor& tensor) {
    const WorkRange range(name, payload(RIDGE_OP_COPY, {0, 0, u64(tensor.bytes())}));
    doClear(tensor);
    written(tensor);
}

void Operators::cast(const char* name, const Tensor& from, const Tensor& to) {
    atLeast(to, from.count);
    const WorkRange range(name,
                          payload(RIDGE_OP_ELEMENTWISE,
                                  {0, u64(from.bytes()), u64(to.slice(0, from.count).bytes())}));
    doCast(from, to);
}

void Operators::attentionScores(const char* name, const AttentionArgs& args, const Tensor& qkv,
                                const Tensor& scores) {
    atLeast(qkv, 3 * rowElements(args));
    atLeast(scores, scoreElements(args));
    const WorkRange range(name, payload(RIDGE_OP_ATTENTION,
                                        formulas::attentionScores(shapeOf(args)), attentionType()));
    doAttentionScores(args, qkv, scores);
}

void Operators::attentionSoftmax(const char* name, const AttentionArgs& args,
                                 const Tensor& scores) {
    atLeast(scores, scoreElements(args));
    const WorkRange range(name,
                          payload(RIDGE_OP_ELEMENTWISE, formulas::attentionSoftmax(shapeOf(args))));
    doAttentionSoftmax(args, scores);
}

void Operators::attentionValues(const char* name, const AttentionArgs& args, const Tensor& scores,
                                const Tensor& qkv, const Tensor& out) {
    atLeast(qkv, 3 * rowElements(args));
    atLeast(scores, scoreElements(args));
    atLeast(out, rowElements(args));
    const WorkRange range(name, payload(RIDGE_OP_ATTENTION,
                                        formulas::attentionValues(shapeOf(args)), attentionType()));
    doAttentionValues(args, scores, qkv, out);
}

void Operators::attentionFused(const char* name, const AttentionArgs& args, const Tensor& qkv,
                               const Tensor& out, const Tensor& logSums) {
    atLeast(qkv, 3 * rowElements(args));
    atLeast(out, rowElements(args));
    atLeast(logSums, args.batch * args.heads * args.tokens);
    const WorkRange range(
        name, payload(RIDGE_OP_ATTENTION,
                      formulas::attentionForwardFused(shapeOf(args), conventionOf(args))));
    doAttentionFused(args, qkv, out, logSums);
}

void Operators::attentionFusedBackward(const char* name, const AttentionArgs& args,
                                       const Tensor& qkv, const Tensor& out, const Tensor& logSums,
                                       const Tensor& dOut, const Tensor& dQkv) {
    atLeast(qkv, 3 * rowElements(args));
    atLeast(out, rowElements(args));
    atLeast(logSums, args.batch * args.heads * args.tokens);
    atLeast(dOut, rowElements(args));
    atLeast(dQkv, 3 * rowElements(args));
    const WorkRange range(
        name, payload(RIDGE_OP_ATTENTION,
                      formulas::attentionBackwardFused(shapeOf(args), conventionOf(args))));
    doAttentionFusedBackward(args, qkv, out, logSums, dOut, dQkv);
}

void Operators::cacheStore(const char* name, const Tensor& qkv, const KvCache& cache,
                           std::span<const CacheRows> rows) {
    checkCache(qkv, cache, rows);
    std::int64_t count = 0;
    for (const CacheRows& part : rows) count += part.rows;
    const WorkRange range(
        name, payload(RIDGE_OP_COPY, formulas::cacheAppend(u64(cache.heads), u64(cache.headDim),
                                                           u64(count), cache.storage())));
    doCacheStore(qkv, cache, rows);
}

void Operators::attentionCached(const char* name, const Tensor& qkv, const KvCache& cache,
                                std::span<const CacheRows> rows, const Tensor& out) {
    checkCache(qkv, cache, rows);
    OpCost sum;
    for (const CacheRows& part : rows) {
        atLeast(out, (part.firstRow + part.rows) * cache.heads * cache.headDim);
        const OpCost one =
            formulas::attentionCached(u64(cache.heads), u64(cache.headDim), u64(part.position),
                                      u64(part.rows), cache.storage());
        sum.flops += one.flops;
        sum.bytesRead += one.bytesRead;
        sum.bytesWritten += one.bytesWritten;
    }
    const WorkRange range(name, payload(RIDGE_OP_ATTENTION, sum));
    doAttentionCached(qkv, cache, rows, out);
}

void Operators::biasAdd(const char* name, std::int64_t rows, std::int64_t width, const Tensor& x,
                        const Tensor& bias, const Tensor& out) {
    atLeast(x, rows * width);
    atLeast(bias, width);
    atLeast(out, rows * width);
    const WorkRange range(name,
                          payload(RIDGE_OP_ELEMENTWISE, formulas::biasAdd(u64(rows), u64(width))));
    doBiasAdd(rows, width, x, bias, out);
}

void Operators::biasGeluResidual(const char* name, std::int64_t rows, std::int64_t width,
                                 const Tensor& x, const Tensor& bias, const Tensor& residual,
                                 const Tensor& out) {
    atLeast(x, rows * width);
    atLeast(bias, width);
    atLeast(residual, rows * width);
    atLeast(out, rows * width);
    const WorkRange range(
        name, payload(RIDGE_OP_ELEMENTWISE, formulas::biasGeluResidual(u64(rows), u64(width))));
    doBiasGeluResidual(rows, width, x, bias, residual, out);
}

void Operators::embeddingRows(const char* name, std::int64_t rows, std::int64_t width,
                              const Tensor& tokens, const Tensor& positions,
                              const Tensor& tokenTable, const Tensor& positionTable,
                              const Tensor& out) {
    atLeast(tokens, rows);
    atLeast(positions, rows);
    atLeast(out, rows * width);
    OpCost cost = formulas::embeddingForward(u64(rows), u64(width));
    cost.bytesRead += 4 * u64(rows);  // the positions
    const WorkRange range(name, payload(RIDGE_OP_EMBEDDING, cost));
    doEmbeddingRows(rows, width, tokens, positions, tokenTable, positionTable, out);
}

std::uint64_t Operators::checksum(const char* name, const Tensor& x) {
    const WorkRange range(name, payload(RIDGE_OP_OTHER, {0, u64(x.bytes()), 0}));
    return doChecksum(x);
}

void Operators::argmaxRows(const char* name, const Tensor& x, std::int64_t width,
                           std::span<std::int32_t> best) {
    RIDGE_CHECK(width > 0 && !best.empty(), "argmax of nothing");
    atLeast(x, std::ssize(best) * width);
    const auto rows = static_cast<std::uint64_t>(best.size());
    const WorkRange range(name, payload(RIDGE_OP_OTHER, {0, rows * u64(width) * 4, rows * 4}));
    doArgmaxRows(x, width, best);
}

void Operators::argmaxRows(const char* name, const Tensor& x, std::int64_t width,
                           const Tensor& best) {
    RIDGE_CHECK(width > 0 && best.count > 0, "argmax of nothing");
    atLeast(x, best.count * width);
    const WorkRange range(
        name, payload(RIDGE_OP_OTHER, {0, u64(best.count) * u64(width) * 4, 4 * u64(best.count)}));
    doArgmaxInto(x, width, best);
}

}  // namespace ridge::workloads
