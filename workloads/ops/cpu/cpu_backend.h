// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The class behind makeCpuOperators(), for this folder's source files and for tests, which break
// one operator on purpose (derive, override, flip a sign) to see that a workload notices. Everybody
// else includes cpu_operators.h.
//
// cpu_operators.cpp: memory and the vector operators; cpu_attention.cpp: attention whole and fused;
// cpu_inference.cpp: stored weights, the KV cache; cpu_rows.cpp: rows between operators and
// collectives.

#include "workloads/ops/cpu/dnnl_gemm.h"
#include "workloads/ops/cpu/threads.h"
#include "workloads/ops/operators.h"

#include <cstring>
#include <new>
#include <string>
#include <vector>

namespace ridge::workloads {

class CpuOperators : public Operators {
public:
    explicit CpuOperators(int threads) : m_threads(cpu::configureThreads(threads)) {}
    ~CpuOperators() override {
        for (const Block& block : m_blocks) ::operator delete(block.data, block.align);
    }

    using Operators::allocate;
    Tensor allocate(std::int64_t count, ridge_dtype type) override;
    void upload(const Tensor& to, std::span<const float> from) override {
        copyBytes(to.f32(), from.data(), 4 * std::min(to.count, std::ssize(from)));
    }
    void upload(const Tensor& to, std::span<const std::int32_t> from) override {
        copyBytes(to.i32(), from.data(), 4 * std::min(to.count, std::ssize(from)));
    }
    void download(std::span<float> to, const Tensor& from) override {
        copyBytes(to.data(), from.f32(), 4 * std::min(from.count, std::ssize(to)));
    }
    void uploadBytes(const Tensor& to, std::span<const std::byte> from) override {
        copyBytes(to.data, from.data(), std::min(to.bytes(), std::ssize(from)));
    }
    void downloadBytes(std::span<std::byte> to, const Tensor& from) override {
        copyBytes(to.data(), from.data, std::min(from.bytes(), std::ssize(to)));
    }
    Status canMultiply(ridge_dtype type) const override;
    void synchronize() override {}
    const Status& status() const override { return m_status; }
    std::string describe() const override {
        return "cpu: oneDNN " + cpu::DnnlGemm::version() + ", " + std::to_string(m_threads) +
               (m_threads == 1 ? " thread" : " threads");
    }
    std::int64_t primitiveCount() const override { return m_gemm.primitiveCount(); }

protected:
    void doGemm(const GemmArgs& args) override;
    void doLinear(const Weight& weight, const Tensor& x, const Tensor& bias, const Tensor& y,
                  std::int64_t rows) override;
    void doClear(const Tensor& tensor) override;
    void doCast(const Tensor& from, const Tensor& to) override;
    void doAttentionScores(const AttentionArgs& args, const Tensor& qkv,
                           const Tensor& scores) override;
    void doAttentionSoftmax(const AttentionArgs& args, const Tensor& scores) override;
    void doAttentionValues(const AttentionArgs& args, const Tensor& scores, const Tensor& qkv,
                           const Tensor& out) override;
    void doAttentionFused(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                          const Tensor& logSums) override;
    void doAttentionFusedBackward(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                                  const Tensor& logSums, const Tensor& dOut,
                                  const Tensor& dQkv) override;
    void doCacheStore(const Tensor& qkv, const KvCache& cache,
                      std::span<const CacheRows> rows) override;
    void doAttentionCached(const Tensor& qkv, const KvCache& cache, std::span<const CacheRows> rows,
                           const Tensor& out) override;
    void doBiasAdd(std::int64_t rows, std::int64_t width, const Tensor& x, const Tensor& bias,
                   const Tensor& out) override;
    void doBiasGeluResidual(std::int64_t rows, std::int64_t width, const Tensor& x,
                            const Tensor& bias, const Tensor& residual, const Tensor& out) override;
    void doEmbeddingRows(std::int64_t rows, std::int64_t width, const Tensor& tokens,
                         const Tensor& positions, const Tensor& tokenTable,
                         const Tensor& positionTable, const Tensor& out) override;
    void doArgmaxRows(const Tensor& x, std::int64_t width, std::span<std::int32_t> best) override;
    void doArgmaxInto(const Tensor& x, std::int64_t width, const Tensor& best) override;
    void doGemv(const Tensor& weight, const Tensor& x, const Tensor& bias, const Tensor& y,
                std::int64_t n, std::int64_t k) override;
    void doAttentionForward(const AttentionArgs& args, const Tensor& qkv,
                            const Tensor& probabilities, const Tensor& out) override;
    void doAttentionBackward(const AttentionArgs& args, const Tensor& qkv,
                             const Tensor& probabilities, const Tensor& dOut,
                             const Tensor& dQkv) override;
    void doCacheAppend(const Tensor& qkv, const Tensor& keys, const Tensor& values, std::int64_t at,
                       std::int64_t rows, std::int64_t width) override;
    void doAttentionDecode(std::int64_t heads, std::int64_t headDim, std::int64_t context,
                           const Tensor& qkv, const Tensor& keys, const Tensor& values,
                           const Tensor& out) override;
    void doLayerNormForward(std::int64_t rows, std::int64_t width, const Tensor& x,
                            const Tensor& gamma, const Tensor& beta, const Tensor& y,
                            const Tensor& mean, const Tensor& rstd) override;
    void doLayerNormBackward(std::int64_t rows, std::int64_t width, const Tensor& dY,
                             const Tensor& x, const Tensor& gamma, const Tensor& mean,
                             const Tensor& rstd, const LayerNormGradients& gradients) override;
    void doGeluForward(const Tensor& x, const Tensor& y) override;
    void doGeluBackward(const Tensor& x, const Tensor& dY, const Tensor& dX) override;
    void doAdd(const Tensor& a, const Tensor& b, const Tensor& out) override;
    void doColumnSum(const Tensor& x, std::int64_t rows, std::int64_t width, const Tensor& sum,
                     bool accumulate) override;
    void doEmbeddingForward(std::int64_t rows, std::int64_t context, std::int64_t width,
                            std::int64_t firstPosition, const Tensor& tokens,
                            const Tensor& tokenTable, const Tensor& positionTable,
                            const Tensor& out) override;
    void doEmbeddingBackward(std::int64_t rows, std::int64_t context, std::int64_t width,
                             const Tensor& tokens, const Tensor& dOut, const Tensor& dTokenTable,
                             const Tensor& dPositionTable, bool accumulatePositions) override;
    void doSoftmaxCrossEntropy(std::int64_t rows, std::int64_t vocabulary, const Tensor& logits,
                               const Tensor& targets, const Tensor& losses, float scale) override;
    std::int32_t doArgmax(const Tensor& x) override;
    std::uint64_t doChecksum(const Tensor& x) override;
    void doAdamW(const AdamWArgs& args, const Tensor& weights, const Tensor& gradients,
                 const Tensor& firstMoments, const Tensor& secondMoments) override;
    void doAffineChain(std::span<const Affine> steps, const Tensor& x, const Tensor& y) override;
    void doCopyRows(std::int64_t rows, std::int64_t width, const Rows& from,
                    const Rows& to) override;
    void doAddRows(std::int64_t rows, std::int64_t width, const Rows& from,
                   const Rows& to) override;
    void doMergeAttention(const AttentionArgs& args, const Tensor& partOut,
                          const Tensor& partLogSums, const Tensor& out,
                          const Tensor& logSums) override;
    void doToRooms(const ExpertRows& args, const Tensor& rows, const Tensor& rooms) override;
    void doFromRooms(const ExpertRows& args, const Tensor& rooms, const Tensor& rows) override;
    void doRouterBackward(const ExpertRows& args, const Tensor& dRows, const Tensor& rooms,
                          const Tensor& dLogits) override;

private:
    struct Block {
        void* data;
        std::align_val_t align;
    };

    void keep(const Status& status) {
        if (m_status.ok() && !status.ok()) m_status = status;
    }
    static void copyBytes(void* to, const void* from, std::int64_t bytes) {
        if (bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
    }
    // At least `count` floats that live until the next call.
    float* scratch(std::int64_t count) {
        const auto wanted = static_cast<std::size_t>(count);
        if (m_scratch.size() < wanted) m_scratch.resize(wanted);
        return m_scratch.data();
    }

    int m_threads;
    Status m_status;
    cpu::DnnlGemm m_gemm;
    std::vector<Block> m_blocks;
    std::vector<float> m_scratch;

    void fewRows(const Weight& weight, const float* x, const float* bias, float* y,
                 std::int64_t rows);
    // Helpers of the attention and cache operators (their files say what they do).
    void fusedTileGradients(const AttentionArgs& args, std::int64_t pair, const Tensor& qkv,
                            const Tensor& logSums, const Tensor& dOut, const Tensor& dQkv,
                            float* tiles, const float* dots);
    void decodeRow(const KvCache& cache, const CacheRows& part, std::int64_t row, const float* qkv,
                   float* out);
    void attendChunk(const KvCache& cache, const CacheRows& part, const float* qkv, float* out);
};

}  // namespace ridge::workloads
