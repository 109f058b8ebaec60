// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The class behind makeCudaOperators(): the operators over a Device. Everybody but this folder and
// its tests includes cuda_operators.h.
//
// cuda_elementwise.cu: memory and the vector operators; cuda_norm.cu: norms, embeddings, loss;
// cuda_attention.cu: attention whole and fused; cuda_inference.cu: stored weights, the KV cache;
// cuda_rows.cu: rows between operators and collectives.
//
// All results are the same from run to run, to the bit.

#include "workloads/ops/copy_streams.h"
#include "workloads/ops/cuda/device.h"
#include "workloads/ops/operators.h"
#include "workloads/ops/peer_copies.h"
#include "workloads/ops/stream_marks.h"

#include <memory>
#include <string>
#include <vector>

namespace ridge::workloads::cuda {

// Where a kernel finds what it may do without.
[[nodiscard]] inline float* orNull(const Tensor& tensor) {
    return tensor.empty() ? nullptr : tensor.f32();
}

class CudaOperators : public Operators,
                      public GraphRecorder,
                      public CopyStreams,
                      public StreamMarks,
                      public PeerCopies {
public:
    explicit CudaOperators(std::unique_ptr<Device> device) : m_device(std::move(device)) {}

    // For operators of other kinds that share it (families/cuda/).
    [[nodiscard]] Device& device() { return *m_device; }

    using Operators::allocate;
    Tensor allocate(std::int64_t count, ridge_dtype type) override;
    void upload(const Tensor& to, std::span<const float> from) override;
    void upload(const Tensor& to, std::span<const std::int32_t> from) override;
    void download(std::span<float> to, const Tensor& from) override;
    void uploadBytes(const Tensor& to, std::span<const std::byte> from) override;
    void downloadBytes(std::span<std::byte> to, const Tensor& from) override;
    Status canMultiply(ridge_dtype type) const override { return m_device->canMultiply(type); }
    void synchronize() override { m_device->synchronize(); }
    const Status& status() const override { return m_device->status(); }
    std::string describe() const override { return m_device->describe(); }
    std::int64_t primitiveCount() const override { return m_device->planCount(); }
    void beginGraph() override;
    Result<std::unique_ptr<OperatorGraph>> endGraph() override;
    void placeRows(const KvCache& cache, std::span<const CacheRows> rows) override {
        (void)findPlaces(cache, rows);
    }
    void* allocatePinned(std::size_t bytes) override { return m_device->allocatePinned(bytes); }
    std::uint64_t copyIn(void* toDevice, const void* fromHost, std::size_t bytes,
                         std::uint64_t after) override {
        written({toDevice, static_cast<std::int64_t>(bytes), RIDGE_DTYPE_INT8});
        return m_device->copyBeside(Device::Direction::kIn, toDevice, fromHost, bytes, after);
    }
    std::uint64_t copyOut(void* toHost, const void* fromDevice, std::size_t bytes,
                          std::uint64_t after) override {
        return m_device->copyBeside(Device::Direction::kOut, toHost, fromDevice, bytes, after);
    }
    void operatorsWait(std::uint64_t ticket) override { m_device->waitForCopy(ticket); }
    void waitForCopies() override { m_device->finishCopies(); }
    void* mark() override { return m_device->mark(); }
    void crossStreams(int times) override { m_device->crossStreams(times); }
    int peers() override { return m_device->peers(); }
    void copyToPeer(int peer, const Tensor& from) override {
        m_device->copyPeer(peer, Device::Direction::kOut, from.data,
                           static_cast<std::size_t>(from.bytes()));
    }
    void copyFromPeer(int peer, const Tensor& to) override {
        written(to);
        m_device->copyPeer(peer, Device::Direction::kIn, to.data,
                           static_cast<std::size_t>(to.bytes()));
    }

protected:
    void doClear(const Tensor& tensor) override {
        m_device->zero(tensor.data, static_cast<std::size_t>(tensor.bytes()));
    }
    void doGemm(const GemmArgs& args) override;
    void doGemv(const Tensor& weight, const Tensor& x, const Tensor& bias, const Tensor& y,
                std::int64_t n, std::int64_t k) override;
    void doLinear(const Weight& weight, const Tensor& x, const Tensor& bias, const Tensor& y,
                  std::int64_t rows) override;
    void doCast(const Tensor& from, const Tensor& to) override;
    void doQuantise(const QuantiseArgs& args, const Tensor& from, const Tensor& to,
                    const Tensor& scale) override;
    void doAttentionScores(const AttentionArgs& args, const Tensor& qkv,
                           const Tensor& scores) override;
    void doAttentionSoftmax(const AttentionArgs& args, const Tensor& scores) override;
    void doAttentionValues(const AttentionArgs& args, const Tensor& scores, const Tensor& qkv,
                           const Tensor& out) override;
    void doAttentionForward(const AttentionArgs& args, const Tensor& qkv,
                            const Tensor& probabilities, const Tensor& out) override;
    void doAttentionBackward(const AttentionArgs& args, const Tensor& qkv,
                             const Tensor& probabilities, const Tensor& dOut,
                             const Tensor& dQkv) override;
    void doAttentionFused(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                          const Tensor& logSums) override;
    void doAttentionFusedBackward(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                                  const Tensor& logSums, const Tensor& dOut,
                                  const Tensor& dQkv) override;
    void doCacheStore(const Tensor& qkv, const KvCache& cache,
                      std::span<const CacheRows> rows) override;
    void doAttentionCached(const Tensor& qkv, const KvCache& cache, std::span<const CacheRows> rows,
                           const Tensor& out) override;
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
    void doBiasAdd(std::int64_t rows, std::int64_t width, const Tensor& x, const Tensor& bias,
                   const Tensor& out) override;
    void doBiasGeluResidual(std::int64_t rows, std::int64_t width, const Tensor& x,
                            const Tensor& bias, const Tensor& residual, const Tensor& out) override;
    void doColumnSum(const Tensor& x, std::int64_t rows, std::int64_t width, const Tensor& sum,
                     bool accumulate) override;
    void doEmbeddingForward(std::int64_t rows, std::int64_t context, std::int64_t width,
                            std::int64_t firstPosition, const Tensor& tokens,
                            const Tensor& tokenTable, const Tensor& positionTable,
                            const Tensor& out) override;
    void doEmbeddingRows(std::int64_t rows, std::int64_t width, const Tensor& tokens,
                         const Tensor& positions, const Tensor& tokenTable,
                         const Tensor& positionTable, const Tensor& out) override;
    void doEmbeddingBackward(std::int64_t rows, std::int64_t context, std::int64_t width,
                             const Tensor& tokens, const Tensor& dOut, const Tensor& dTokenTable,
                             const Tensor& dPositionTable, bool accumulatePositions) override;
    void doSoftmaxCrossEntropy(std::int64_t rows, std::int64_t vocabulary, const Tensor& logits,
                               const Tensor& targets, const Tensor& losses, float scale) override;
    std::int32_t doArgmax(const Tensor& x) override;
    void doArgmaxRows(const Tensor& x, std::int64_t width, std::span<std::int32_t> best) override;
    void doArgmaxInto(const Tensor& x, std::int64_t width, const Tensor& best) override;
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
    // At least this many bytes of device memory that live until the next call for the same slot.
    // A larger one than before is allocated anew: the first call per shape, never a timed one.
    enum Slot { kScores, kPartials, kWeights, kPlaces, kResults, kLargest, kSlots };
    void* scratch(Slot slot, std::int64_t bytes);
    float* floats(Slot slot, std::int64_t count) {
        return static_cast<float*>(scratch(slot, 4 * count));
    }
    // Rows and blocks of a pass, laid out for the kernels, in the slot kPlaces.
    struct Places {
        const std::int32_t* rows;       // which row of qkv and out
        const std::int32_t* positions;  // per row: its token's place in the sequence
        const std::int32_t* first;      // per row: where its sequence's blocks begin in `blocks`
        const std::int32_t* blocks;
        std::int64_t count = 0;  // of rows
    };
    [[nodiscard]] bool tensorFloat() const { return attentionType() == RIDGE_DTYPE_TF32; }
    // Uploads them unless they are those that are there.
    Places findPlaces(const KvCache& cache, std::span<const CacheRows> rows);
    class PlacedGraph;

    std::unique_ptr<Device> m_device;
    struct Room {
        void* data = nullptr;
        std::int64_t bytes = 0;
    };
    Room m_rooms[kSlots];
    // What the slot kPlaces holds, and what is wanted there; the two change places.
    std::vector<std::int32_t> m_places, m_wanted;
    std::uint64_t m_placesMoved = 0;  // how often that slot has been allocated
};

}  // namespace ridge::workloads::cuda
