// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The operators that models are written over, once for every backend.
//
// Each public operator opens one ridge::WorkRange with its FLOPs and minimal bytes (from formulas/)
// around the backend's do*(): payloads are therefore the same on every backend. Ranges never nest.
// Matrices are row-major and dense unless said. Shapes are the caller's duty (RIDGE_CHECK guards
// them). A failing backend call is remembered: status() tells, operators return nothing. One thread
// uses an object at a time. No allocation and no primitive creation after the first call per shape.

#include "base/result.h"
#include "workloads/formulas/op_cost.h"
#include "workloads/ops/row_operators.h"
#include "workloads/ops/tensor.h"
#include "workloads/ops/weights.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>

namespace ridge::workloads {

// C(m,n) = op(A) op(B): NN a(m,k) b(k,n); NT a(m,k) b(n,k); TN a(k,m) b(k,n). The type is that of A
// and B, which agree: f32 into f32; bf16 into f32 or bf16; int8 into int32 (no bias; on a GPU NT
// only, k and n multiples of 4); fp8 into f32, NT only, A of either format and B E4M3, k a multiple
// of 16, n too. Other than f32 only where canMultiply() says so.
enum class GemmLayout { kNN, kNT, kTN };

struct GemmArgs {
    GemmLayout layout = GemmLayout::kNN;
    std::int64_t m = 0;
    std::int64_t n = 0;
    std::int64_t k = 0;
    Tensor a;
    Tensor b;
    Tensor c;
    Tensor bias;              // n elements added to each row; empty: none
    bool accumulate = false;  // add to C instead of replacing it
    bool unsignedLeft =
        false;  // int8: A holds 0..127, unsigned; eight bits saturate where there is no VNNI
    bool leftIsGradient = false;  // where products are fp8: A needs range more than precision
    // Where products are fp8: B changes only by adamW() and uploads, so that its codes are kept
    // from one product to the next until then.
    bool rightIsWeight = false;
    Tensor leftScale = {}, rightScale = {};  // fp8: one float each that all elements are times
};

// y(rows x n) = x W^T + bias as a product, for weights that are stored as they multiply.
[[nodiscard]] inline GemmArgs productOf(const Weight& weight, const Tensor& x, const Tensor& bias,
                                        const Tensor& y, std::int64_t rows) {
    return {.layout = GemmLayout::kNT,
            .m = rows,
            .n = weight.n,
            .k = weight.k,
            .a = x,
            .b = weight.values,
            .c = y,
            .bias = bias,
            .rightIsWeight = true};
}

// x(rows, columns) into fp8 rows of padded length (ops/fp8.h); turned: its columns into rows.
struct QuantiseArgs {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    bool turned = false;
};

struct AttentionArgs {
    std::int64_t batch = 1;
    std::int64_t heads = 1;
    std::int64_t tokens = 1;
    std::int64_t headDim = 1;
    bool causal = true;  // else every token sees every token
};

// One layer's keys and values: blocks of `block` tokens, each heads x block x headDim elements,
// f32, bf16 or int8 (then with one scale per head and token in the same order). A contiguous cache
// is one whose blocks hold a whole context.
struct KvCache {
    Tensor keys, values;
    Tensor keyScales, valueScales;
    std::int64_t heads = 1;
    std::int64_t headDim = 1;
    std::int64_t block = 1;

    [[nodiscard]] Storage storage() const { return storageOf(keys.type); }
};

// Rows of a pass that belong to one sequence: its tokens [position, position + rows). blocks[i] is
// where the cache keeps its tokens [i * block, (i + 1) * block); host memory, copied by the call.
struct CacheRows {
    std::int64_t firstRow = 0;
    std::int64_t rows = 0;
    std::int64_t position = 0;
    std::span<const std::int32_t> blocks;
};

struct AdamWArgs {
    float learningRate = 1e-3F;
    float beta1 = 0.9F;
    float beta2 = 0.999F;
    float epsilon = 1e-8F;
    float weightDecay = 0.01F;
    std::int64_t step = 1;  // counts from 1; corrects the bias of the moments
    // Two floats that are read instead of `step` when the operator runs (AdamWCorrections): what a
    // recorded step needs, whose other arguments stay those of its recording. Empty: by `step`.
    Tensor corrections = {};
};

// 1 / (1 - beta^step) of both moments.
struct AdamWCorrections {
    float first = 1.0F;
    float second = 1.0F;
};
[[nodiscard]] AdamWCorrections correctionsOf(const AdamWArgs& args);

class Operators : public RowOperators {
public:
    // --- memory -------------------------------------------------------------------------------
    // Zeroed and touched. Freed with this object. Empty tensor and a bad status() when out of
    // memory.
    [[nodiscard]] virtual Tensor allocate(std::int64_t count, ridge_dtype type) = 0;
    [[nodiscard]] Tensor allocate(std::int64_t count) { return allocate(count, RIDGE_DTYPE_F32); }
    virtual void upload(const Tensor& to, std::span<const float> from) = 0;
    virtual void upload(const Tensor& to, std::span<const std::int32_t> from) = 0;
    virtual void download(std::span<float> to, const Tensor& from) = 0;
    // Any type, as it lies in memory.
    virtual void uploadBytes(const Tensor& to, std::span<const std::byte> from) = 0;
    virtual void downloadBytes(std::span<std::byte> to, const Tensor& from) = 0;
    // Room for W(n, k); and its content from floats, rows [firstRow, firstRow + values / k).
    [[nodiscard]] Weight allocateWeight(std::int64_t n, std::int64_t k, Storage storage);
    void uploadWeight(const Weight& weight, std::int64_t firstRow, std::span<const float> values);
    // Are products of this type done by instructions of its own here? Otherwise kUnsupported, with
    // the reason ("emulated"): they would run, and their time would say nothing.
    [[nodiscard]] virtual Status canMultiply(ridge_dtype type) const = 0;
    // What products of f32 operands are computed in from now on: f32; tf32 (operands rounded to
    // ten bits of mantissa by the hardware); bf16 (operands cast by an operator of its own before
    // each product, sums and results f32: what frameworks call autocast); fp8 E4M3 (operands
    // quantised likewise by their largest element of the moment, gradients to E5M2; a product
    // whose n is no multiple of 16 is done in bf16). f32 to begin with; kUnsupported as
    // canMultiply() says. gemm() and linear() over f32 weights follow it; attention that is not
    // fused is in tf32 where products are in fewer bits than floats have. Payloads say what was
    // used.
    Status setProducts(ridge_dtype type);
    [[nodiscard]] ridge_dtype products() const { return m_products; }
    // Whether codes of weights are kept between fp8 products (GemmArgs::rightIsWeight); to begin
    // with, yes. Without it they are made anew for each.
    void keepQuantisedWeights(bool keep);
    // Waits until everything issued so far is done.
    virtual void synchronize() = 0;
    // The first failure since construction.
    [[nodiscard]] virtual const Status& status() const = 0;
    // "cpu: oneDNN 2.6.3, 1 thread"
    [[nodiscard]] virtual std::string describe() const = 0;
    // How many compiled primitives or plans exist; must not grow while steps are timed.
    [[nodiscard]] virtual std::int64_t primitiveCount() const = 0;
    // Of all operators issued since construction. The difference over a recording is what its graph
    // does each time.
    [[nodiscard]] const formulas::OpCost& issued() const { return m_issued; }

    // --- operators ----------------------------------------------------------------------------
    void gemm(const char* name, const GemmArgs& args);
    // y(n) = W(n,k) x(k) [+ bias]: a matrix read once, the decode step's product.
    void gemv(const char* name, const Tensor& weight, const Tensor& x, const Tensor& bias,
              const Tensor& y, std::int64_t n, std::int64_t k);

    // y(rows,n) = x(rows,k) W^T [+ bias] in float arithmetic, W as it is stored: reads few bytes
    // when rows are few.
    void linear(const char* name, const Weight& weight, const Tensor& x, const Tensor& bias,
                const Tensor& y, std::int64_t rows);
    // Zeros.
    void clear(const char* name, const Tensor& tensor);
    // f32 to bf16 or back, element by element.
    void cast(const char* name, const Tensor& from, const Tensor& to);

    // f32 into fp8 of to's format, with the scale that keeps the largest element in range. Only
    // where canMultiply() has fp8.
    void quantise(const char* name, const QuantiseArgs& args, const Tensor& from, const Tensor& to,
                  const Tensor& scale);

    // Causal self-attention. qkv: rows of [q | k | v], each heads * headDim wide; probabilities:
    // batch * heads * tokens^2, kept for the backward pass; out: rows of heads * headDim.
    void attentionForward(const char* name, const AttentionArgs& args, const Tensor& qkv,
                          const Tensor& probabilities, const Tensor& out);
    // Replaces dQkv.
    void attentionBackward(const char* name, const AttentionArgs& args, const Tensor& qkv,
                           const Tensor& probabilities, const Tensor& dOut, const Tensor& dQkv);
    // The textbook's three passes over memory, scores (batch * heads * tokens^2) in between.
    void attentionScores(const char* name, const AttentionArgs& args, const Tensor& qkv,
                         const Tensor& scores);
    void attentionSoftmax(const char* name, const AttentionArgs& args, const Tensor& scores);
    void attentionValues(const char* name, const AttentionArgs& args, const Tensor& scores,
                         const Tensor& qkv, const Tensor& out);
    // Tiled with online softmax: scores never reach memory. logSums: batch * heads * tokens, kept
    // for the backward pass, which recomputes the scores and replaces dQkv.
    void attentionFused(const char* name, const AttentionArgs& args, const Tensor& qkv,
                        const Tensor& out, const Tensor& logSums);
    void attentionFusedBackward(const char* name, const AttentionArgs& args, const Tensor& qkv,
                                const Tensor& out, const Tensor& logSums, const Tensor& dOut,
                                const Tensor& dQkv);

    // Where the rows of the cacheStore() and attentionCached() to come lie, for all layers at once.
    // They look it up in the device's memory, so a recorded pass (graphs.h) is right for the rows
    // that were placed last. Left out, those two see to it themselves, a copy each.
    virtual void placeRows(const KvCache& /*cache*/, std::span<const CacheRows> /*rows*/) {}
    // Writes k and v of the rows of qkv into the cache, at the places of their sequences.
    void cacheStore(const char* name, const Tensor& qkv, const KvCache& cache,
                    std::span<const CacheRows> rows);
    // Each row's query against its own sequence's tokens up to and with itself: decoding (one row
    // per sequence), a chunk of a prompt, a verification (a few), in one pass.
    void attentionCached(const char* name, const Tensor& qkv, const KvCache& cache,
                         std::span<const CacheRows> rows, const Tensor& out);

    // Copies k and v of `rows` rows of qkv (one sequence) into the caches from position `at` on.
    void cacheAppend(const char* name, const Tensor& qkv, const Tensor& keys, const Tensor& values,
                     std::int64_t at, std::int64_t rows, std::int64_t width);
    // One query row (the q part of qkv) against the first `context` rows of the caches.
    void attentionDecode(const char* name, std::int64_t heads, std::int64_t headDim,
                         std::int64_t context, const Tensor& qkv, const Tensor& keys,
                         const Tensor& values, const Tensor& out);

    // y = (x - mean) * rstd * gamma + beta for each row; keeps mean and rstd. Epsilon 1e-5.
    void layerNormForward(const char* name, std::int64_t rows, std::int64_t width, const Tensor& x,
                          const Tensor& gamma, const Tensor& beta, const Tensor& y,
                          const Tensor& mean, const Tensor& rstd);
    // dX is replaced or added to (accumulateInput); dGamma and dBeta likewise
    // (accumulateParameters).
    struct LayerNormGradients {
        Tensor dX;
        Tensor dGamma;
        Tensor dBeta;
        bool accumulateInput = false;
        bool accumulateParameters = false;
    };
    void layerNormBackward(const char* name, std::int64_t rows, std::int64_t width,
                           const Tensor& dY, const Tensor& x, const Tensor& gamma,
                           const Tensor& mean, const Tensor& rstd,
                           const LayerNormGradients& gradients);

    // tanh form. Backward: dX = dY * gelu'(x); dX may be dY.
    void geluForward(const char* name, const Tensor& x, const Tensor& y);
    void geluBackward(const char* name, const Tensor& x, const Tensor& dY, const Tensor& dX);
    // out = a + b; out may be a or b.
    void add(const char* name, const Tensor& a, const Tensor& b, const Tensor& out);
    // out = x + bias for each row; and residual + gelu(x + bias) in one pass.
    void biasAdd(const char* name, std::int64_t rows, std::int64_t width, const Tensor& x,
                 const Tensor& bias, const Tensor& out);
    void biasGeluResidual(const char* name, std::int64_t rows, std::int64_t width, const Tensor& x,
                          const Tensor& bias, const Tensor& residual, const Tensor& out);
    // sum(n) = sum over rows, replaced or added to.
    void columnSum(const char* name, const Tensor& x, std::int64_t rows, std::int64_t width,
                   const Tensor& sum, bool accumulate);

    // out(r) = token[tokens(r)] + position[first + r mod context].
    void embeddingForward(const char* name, std::int64_t rows, std::int64_t context,
                          std::int64_t width, std::int64_t firstPosition, const Tensor& tokens,
                          const Tensor& tokenTable, const Tensor& positionTable, const Tensor& out);
    // out(r) = token[tokens(r)] + position[positions(r)]: rows of several sequences.
    void embeddingRows(const char* name, std::int64_t rows, std::int64_t width,
                       const Tensor& tokens, const Tensor& positions, const Tensor& tokenTable,
                       const Tensor& positionTable, const Tensor& out);
    // Adds to dTokenTable; replaces or adds to the first `context` rows of dPositionTable.
    void embeddingBackward(const char* name, std::int64_t rows, std::int64_t context,
                           std::int64_t width, const Tensor& tokens, const Tensor& dOut,
                           const Tensor& dTokenTable, const Tensor& dPositionTable,
                           bool accumulatePositions);
    // losses(r) = -log softmax(logits(r))[target(r)]; logits become (softmax - onehot) * scale.
    void softmaxCrossEntropy(const char* name, std::int64_t rows, std::int64_t vocabulary,
                             const Tensor& logits, const Tensor& targets, const Tensor& losses,
                             float scale);
    // Index of the largest element, the first of equals. Synchronises.
    [[nodiscard]] std::int32_t argmax(const char* name, const Tensor& x);
    // The same for each of best.size() rows of x. Synchronises.
    void argmaxRows(const char* name, const Tensor& x, std::int64_t width,
                    std::span<std::int32_t> best);
    // For each of best.count rows, into int32 memory of this backend. Does not synchronise.
    void argmaxRows(const char* name, const Tensor& x, std::int64_t width, const Tensor& best);

    // Exclusive or of all bytes, as 64-bit words (a rest is padded with zeros): each byte read once
    // and nothing else, so it also tells what bandwidth reading can reach. Synchronises.
    [[nodiscard]] std::uint64_t checksum(const char* name, const Tensor& x);

    void adamW(const char* name, const AdamWArgs& args, const Tensor& weights,
               const Tensor& gradients, const Tensor& firstMoments, const Tensor& secondMoments);

    // y = scale * x + shift, one pass; and a chain of such in one pass (the fused form).
    struct Affine {
        float scale = 1.0F;
        float shift = 0.0F;
    };
    void affine(const char* name, Affine step, const Tensor& x, const Tensor& y);
    void affineChain(const char* name, std::span<const Affine> steps, const Tensor& x,
                     const Tensor& y);

protected:
    // Of attention's products.
    [[nodiscard]] ridge_dtype attentionType() const { return m_attention; }
    // Something has been written there: codes of weights in it are no longer theirs. A backend that
    // multiplies in fp8 says so of its uploads.
    virtual void written(const Tensor& where);
    // What was kept is no longer what memory holds: of recorded products nothing was done, and a
    // graph must make what it needs by itself.
    void forgetQuantisedWeights();
    // What a range of an operator says of its work; counted in issued().
    Work payload(ridge_op_kind kind, const formulas::OpCost& cost,
                 ridge_dtype dtype = RIDGE_DTYPE_F32) override;

    virtual void doGemm(const GemmArgs& args) = 0;
    virtual void doGemv(const Tensor& weight, const Tensor& x, const Tensor& bias, const Tensor& y,
                        std::int64_t n, std::int64_t k) = 0;
    virtual void doLinear(const Weight& weight, const Tensor& x, const Tensor& bias,
                          const Tensor& y, std::int64_t rows) = 0;
    virtual void doClear(const Tensor& tensor) = 0;
    virtual void doCast(const Tensor& from, const Tensor& to) = 0;
    virtual void doQuantise(const QuantiseArgs& args, const Tensor& from, const Tensor& to,
                            const Tensor& scale);
    virtual void doAttentionScores(const AttentionArgs& args, const Tensor& qkv,
                                   const Tensor& scores) = 0;
    virtual void doAttentionSoftmax(const AttentionArgs& args, const Tensor& scores) = 0;
    virtual void doAttentionValues(const AttentionArgs& args, const Tensor& scores,
                                   const Tensor& qkv, const Tensor& out) = 0;
    virtual void doAttentionFused(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                                  const Tensor& logSums) = 0;
    virtual void doAttentionFusedBackward(const AttentionArgs& args, const Tensor& qkv,
                                          const Tensor& out, const Tensor& logSums,
                                          const Tensor& dOut, const Tensor& dQkv) = 0;
    virtual void doCacheStore(const Tensor& qkv, const KvCache& cache,
                              std::span<const CacheRows> rows) = 0;
    virtual void doAttentionCached(const Tensor& qkv, const KvCache& cache,
                                   std::span<const CacheRows> rows, const Tensor& out) = 0;
    virtual void doBiasAdd(std::int64_t rows, std::int64_t width, const Tensor& x,
                           const Tensor& bias, const Tensor& out) = 0;
    virtual void doBiasGeluResidual(std::int64_t rows, std::int64_t width, const Tensor& x,
                                    const Tensor& bias, const Tensor& residual,
                                    const Tensor& out) = 0;
    virtual void doEmbeddingRows(std::int64_t rows, std::int64_t width, const Tensor& tokens,
                                 const Tensor& positions, const Tensor& tokenTable,
                                 const Tensor& positionTable, const Tensor& out) = 0;
    virtual void doArgmaxRows(const Tensor& x, std::int64_t width,
                              std::span<std::int32_t> best) = 0;
    virtual void doArgmaxInto(const Tensor& x, std::int64_t width, const Tensor& best) = 0;
    virtual void doAttentionForward(const AttentionArgs& args, const Tensor& qkv,
                                    const Tensor& probabilities, const Tensor& out) = 0;
    virtual void doAttentionBackward(const AttentionArgs& args, const Tensor& qkv,
                                     const Tensor& probabilities, const Tensor& dOut,
                                     const Tensor& dQkv) = 0;
    virtual void doCacheAppend(const Tensor& qkv, const Tensor& keys, const Tensor& values,
                               std::int64_t at, std::int64_t rows, std::int64_t width) = 0;
    virtual void doAttentionDecode(std::int64_t heads, std::int64_t headDim, std::int64_t context,
                                   const Tensor& qkv, const Tensor& keys, const Tensor& values,
                                   const Tensor& out) = 0;
    virtual void doLayerNormForward(std::int64_t rows, std::int64_t width, const Tensor& x,
                                    const Tensor& gamma, const Tensor& beta, const Tensor& y,
                                    const Tensor& mean, const Tensor& rstd) = 0;
    virtual void doLayerNormBackward(std::int64_t rows, std::int64_t width, const Tensor& dY,
                                     const Tensor& x, const Tensor& gamma, const Tensor& mean,
                                     const Tensor& rstd, const LayerNormGradients& gradients) = 0;
    virtual void doGeluForward(const Tensor& x, const Tensor& y) = 0;
    virtual void doGeluBackward(const Tensor& x, const Tensor& dY, const Tensor& dX) = 0;
    virtual void doAdd(const Tensor& a, const Tensor& b, const Tensor& out) = 0;
    virtual void doColumnSum(const Tensor& x, std::int64_t rows, std::int64_t width,
                             const Tensor& sum, bool accumulate) = 0;
    virtual void doEmbeddingForward(std::int64_t rows, std::int64_t context, std::int64_t width,
                                    std::int64_t firstPosition, const Tensor& tokens,
                                    const Tensor& tokenTable, const Tensor& positionTable,
                                    const Tensor& out) = 0;
    virtual void doEmbeddingBackward(std::int64_t rows, std::int64_t context, std::int64_t width,
                                     const Tensor& tokens, const Tensor& dOut,
                                     const Tensor& dTokenTable, const Tensor& dPositionTable,
                                     bool accumulatePositions) = 0;
    virtual void doSoftmaxCrossEntropy(std::int64_t rows, std::int64_t vocabulary,
                                       const Tensor& logits, const Tensor& targets,
                                       const Tensor& losses, float scale) = 0;
    virtual std::int32_t doArgmax(const Tensor& x) = 0;
    virtual std::uint64_t doChecksum(const Tensor& x) = 0;
    virtual void doAdamW(const AdamWArgs& args, const Tensor& weights, const Tensor& gradients,
                         const Tensor& firstMoments, const Tensor& secondMoments) = 0;
    virtual void doAffineChain(std::span<const Affine> steps, const Tensor& x, const Tensor& y) = 0;

private:
    // `from` in bf16, in memory that grows to the largest and lives until the next call for `room`.
    Tensor narrowed(const char* name, const Tensor& from, std::int64_t count, Tensor& room);

    // Operand `from`(rows, columns) in fp8; empty when there is no memory.
    struct Quantised {
        Tensor room, scale;
    };
    Tensor quantised(const char* name, const QuantiseArgs& args, const Tensor& from,
                     ridge_dtype type, Quantised& to);
    // Those of a weight: the same codes as the last time, if nothing has written over it.
    struct KeptWeight {
        Quantised codes;
        bool current = false;
    };
    using WeightKey = std::tuple<const void*, std::int64_t, std::int64_t, bool>;
    Tensor keptWeight(const QuantiseArgs& args, const Tensor& from, Tensor& scale);
    // In fp8 or bf16, as products() says; false when there is no memory for it.
    bool narrowOperands(const GemmArgs& args, GemmArgs& actual);

    ridge_dtype m_products = RIDGE_DTYPE_F32, m_attention = RIDGE_DTYPE_F32;
    Tensor m_left, m_right;
    Quantised m_fp8Left, m_fp8Right;
    std::map<WeightKey, KeptWeight> m_keptWeights;  // address, rows, columns, turned
    bool m_keepWeights = true;
    formulas::OpCost m_issued;
};

}  // namespace ridge::workloads
