// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Inference by a GPT over Operators: passes over rows of any number of sequences, greedy. Weights
// and KV cache are stored as asked (fp32, bf16, int8, int4; cache fp32, bf16, int8), the cache in
// blocks that the caller hands out: one block of a whole context per sequence is a contiguous
// cache, blocks of 16 tokens a paged one. Prefill whole or in chunks, decoding of a batch,
// verification of drafted tokens and mixtures of them are all one pass().
//
// Embeddings, norms and biases stay float; the head is stored like the other matrices. Operators
// must outlive it. Not thread-safe; nothing allocates after create().

#include "workloads/models/gpt_block.h"
#include "workloads/ops/graphs.h"

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace ridge::workloads {

struct EngineOptions {
    GptConfig config;
    Storage weights = Storage::kF32;
    Storage cache = Storage::kF32;
    std::int64_t sequences = 1;   // that live at the same time
    std::int64_t maxRows = 1;     // rows of a pass, at most
    std::int64_t wantedRows = 0;  // of them, those whose next token is wanted; 0: `sequences`
    std::int64_t block = 0;       // tokens per cache block; 0: config.context (contiguous)
    std::int64_t blocks = 0;      // in the cache; 0: `sequences` full contexts
};

class GptEngine {
public:
    [[nodiscard]] static Result<std::unique_ptr<GptEngine>> create(Operators& ops,
                                                                   const EngineOptions& options);
    // The default makes the blocks outweigh the token itself, so that greedy text does not repeat
    // one.
    void initialise(std::uint64_t seed, float deviation = 0.1F);
    // All parameters in the order of GptLayout, stored as this engine stores them.
    void load(std::span<const float> parameters);

    // The tokens [position, position + tokens) of a sequence whose cache blocks are `blocks`;
    // everything before is in the cache already.
    struct Item {
        std::span<const std::int32_t> tokens;
        std::int64_t position = 0;
        std::span<const std::int32_t> blocks;
        enum class Want { kNothing, kLast, kAll } want = Want::kLast;
    };
    // The greedy next token after each wanted row, in order. Valid until the next pass.
    std::span<const std::int32_t> pass(std::span<const Item> items);
    // Does this pass once, then records it as one graph of the device (ops/graphs.h). From then on
    // every pass of its shape (as many items, of as many tokens, wanting the same) is a launch of
    // the graph, in a range "pass.graph", with the same bits: tokens, positions and places in the
    // cache are written into the device's memory before. kUnsupported: this backend records none.
    // A longer pass than any before moves the places: record after it.
    [[nodiscard]] Status recordPass(std::span<const Item> items);
    // Of all recorded passes.
    [[nodiscard]] std::int64_t recordedNodes() const;
    // Logits of the wanted rows of the last pass, V each.
    [[nodiscard]] std::vector<float> logits();

    // Reads everything that a decode step reads of the weights, once, and does nothing else: equal
    // before and after if nothing wrote over them, and as fast as reading can be.
    [[nodiscard]] std::uint64_t weightChecksum();
    // Bytes of that.
    [[nodiscard]] std::int64_t weightBytes() const;

    [[nodiscard]] Operators& operators() const { return m_ops; }
    [[nodiscard]] const EngineOptions& options() const { return m_options; }
    [[nodiscard]] const GptConfig& config() const { return m_options.config; }
    [[nodiscard]] const GptLayout& layout() const { return m_layout; }
    [[nodiscard]] std::int64_t blocksPerSequence() const {
        return (config().context + m_options.block - 1) / m_options.block;
    }

private:
    GptEngine(Operators& ops, const EngineOptions& options);
    void allocate();
    struct RecordedPass {
        std::vector<std::pair<std::int64_t, Item::Want>> shape;  // of each item
        std::int64_t logitRows = 0;
        formulas::OpCost rest;  // work that does not depend on the rows' positions
        std::unique_ptr<OperatorGraph> graph;
    };
    [[nodiscard]] bool isOf(const RecordedPass& recorded, std::span<const Item> items) const;
    [[nodiscard]] formulas::OpCost attentionCost() const;  // of all layers, for m_rows
    void readTokens(std::span<const Item> items);
    void issue(std::span<const Item> items);
    void launch(const RecordedPass& recorded);
    void runHead(std::span<const Item> items);
    [[nodiscard]] std::vector<Tensor> weightTensors() const;

    Operators& m_ops;
    EngineOptions m_options;
    GptLayout m_layout;
    Tensor m_tokenTable, m_positionTable, m_normGamma, m_normBeta;
    Weight m_head;
    std::vector<BlockParameters> m_weights;
    std::vector<KvCache> m_caches;
    BlockBuffers m_buffers;
    Tensor m_tokens, m_positions, m_stream, m_branch, m_normed, m_mean, m_rstd, m_logits, m_best;
    std::vector<std::int32_t> m_hostTokens, m_hostPositions, m_next;
    std::vector<CacheRows> m_rows;
    std::int64_t m_logitRows = 0;
    std::vector<RecordedPass> m_recorded;
};

// Blocks of a cache in an order that looks like a used pool's (seeded, each once); sequence i takes
// [i * n, (i + 1) * n) of it, n = blocksPerSequence().
[[nodiscard]] std::vector<std::int32_t> scatteredBlocks(std::int64_t count, std::uint64_t seed);

}  // namespace ridge::workloads
