// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/gpt_engine.h"

#include <algorithm>
#include <numeric>

namespace ridge::workloads {

namespace {

using Want = GptEngine::Item::Want;

Status validate(const EngineOptions& options) {
    const GptConfig& config = options.config;
    const auto bad = [&](const std::string& why) {
        return Error{ErrorCode::kBadInput, "model " + config.text() + ": " + why};
    };
    if (config.heads < 1 || config.width % config.heads != 0)
        return bad("width must be a multiple of heads");
    if (options.maxRows < 1 || options.sequences < 1 || options.block < 1 || options.blocks < 1)
        return bad("rows, sequences and blocks must be positive");
    const bool scaled = options.weights == Storage::kInt8 || options.weights == Storage::kInt4;
    if (scaled && config.width % kGroup != 0)
        return bad("quantised weights need a width that is a multiple of 64");
    if (options.cache == Storage::kInt4) return bad("there is no cache of four bits");
    return {};
}

}  // namespace

GptEngine::GptEngine(Operators& ops, const EngineOptions& options)
    : m_ops(ops), m_options(options), m_layout(options.config) {}

Result<std::unique_ptr<GptEngine>> GptEngine::create(Operators& ops, const EngineOptions& asked) {
    EngineOptions options = asked;
    if (options.block == 0) options.block = options.config.context;
    if (options.blocks == 0 && options.block > 0)
        options.blocks =
            options.sequences * ((options.config.context + options.block - 1) / options.block);
    if (options.wantedRows == 0) options.wantedRows = options.sequences;
    RIDGE_TRY_STATUS(validate(options));
    std::unique_ptr<GptEngine> engine(new GptEngine(ops, options));
    engine->allocate();
    if (!ops.status().ok())
        return withContext(ops.status().error(), "model " + options.config.text());
    return engine;
}

void GptEngine::allocate() {
    const std::int64_t c = config().width;
    const std::int64_t rows = m_options.maxRows;
    const Storage storage = m_options.weights;
    m_tokenTable = m_ops.allocate(config().vocabulary * c);
    m_positionTable = m_ops.allocate(config().context * c);
    m_normGamma = m_ops.allocate(c);
    m_normBeta = m_ops.allocate(c);
    // A float head shares the token table.
    m_head = storage == Storage::kF32 ? Weight{m_tokenTable, {}, config().vocabulary, c}
                                      : m_ops.allocateWeight(config().vocabulary, c, storage);
    for (std::int64_t layer = 0; layer < config().layers; ++layer) {
        BlockParameters block;
        for (Tensor* vector : {&block.norm1Gamma, &block.norm1Beta, &block.norm2Gamma,
                               &block.norm2Beta, &block.outBias, &block.downBias})
            *vector = m_ops.allocate(c);
        block.qkvBias = m_ops.allocate(3 * c);
        block.upBias = m_ops.allocate(4 * c);
        block.qkvWeight = m_ops.allocateWeight(3 * c, c, storage);
        block.outWeight = m_ops.allocateWeight(c, c, storage);
        block.upWeight = m_ops.allocateWeight(4 * c, c, storage);
        block.downWeight = m_ops.allocateWeight(c, 4 * c, storage);
        m_weights.push_back(block);
        KvCache cache;
        cache.heads = config().heads;
        cache.headDim = config().headDim();
        cache.block = m_options.block;
        const std::int64_t elements = m_options.blocks * m_options.block * c;
        cache.keys = m_ops.allocate(elements, dtypeOf(m_options.cache));
        cache.values = m_ops.allocate(elements, dtypeOf(m_options.cache));
        if (m_options.cache == Storage::kInt8) {
            cache.keyScales = m_ops.allocate(elements / cache.headDim);
            cache.valueScales = m_ops.allocate(elements / cache.headDim);
        }
        m_caches.push_back(cache);
    }
    m_buffers = BlockBuffers::allocate(m_ops, config(), rows);
    m_tokens = m_ops.allocate(rows, RIDGE_DTYPE_INT32);
    m_positions = m_ops.allocate(rows, RIDGE_DTYPE_INT32);
    for (Tensor* plain : {&m_branch, &m_stream, &m_normed}) *plain = m_ops.allocate(rows * c);
    m_mean = m_ops.allocate(rows);
    m_rstd = m_ops.allocate(rows);
    m_logits = m_ops.allocate(m_options.wantedRows * config().vocabulary);
    m_best = m_ops.allocate(m_options.wantedRows, RIDGE_DTYPE_INT32);
    m_hostTokens.resize(static_cast<std::size_t>(rows));
    m_hostPositions.resize(static_cast<std::size_t>(rows));
    m_next.resize(static_cast<std::size_t>(rows));
    m_rows.reserve(static_cast<std::size_t>(rows));
}

void GptEngine::initialise(std::uint64_t seed, float deviation) {
    std::vector<float> all(static_cast<std::size_t>(m_layout.total));
    for (const GptParameter& parameter : m_layout.parameters)
        fillInitial(config(), parameter, seed, deviation,
                    std::span(all).subspan(static_cast<std::size_t>(parameter.offset),
                                           static_cast<std::size_t>(parameter.count)));
    load(all);
}

void GptEngine::load(std::span<const float> parameters) {
    RIDGE_CHECK(std::ssize(parameters) == m_layout.total, "parameters of another model");
    const std::int64_t c = config().width;
    const auto part = [&](std::int64_t offset, std::int64_t count) {
        return parameters.subspan(static_cast<std::size_t>(offset),
                                  static_cast<std::size_t>(count));
    };
    m_ops.upload(m_tokenTable, part(m_layout.tokenTable, config().vocabulary * c));
    m_ops.upload(m_positionTable, part(m_layout.positionTable, config().context * c));
    m_ops.upload(m_normGamma, part(m_layout.normGamma, c));
    m_ops.upload(m_normBeta, part(m_layout.normBeta, c));
    if (m_options.weights != Storage::kF32)
        m_ops.uploadWeight(m_head, 0, part(m_layout.tokenTable, config().vocabulary * c));
    for (std::size_t layer = 0; layer < m_weights.size(); ++layer) {
        const GptBlockOffsets& at = m_layout.blocks[layer];
        const BlockParameters& block = m_weights[layer];
        m_ops.upload(block.norm1Gamma, part(at.norm1Gamma, c));
        m_ops.upload(block.norm1Beta, part(at.norm1Beta, c));
        m_ops.upload(block.qkvBias, part(at.qkvBias, 3 * c));
        m_ops.upload(block.outBias, part(at.outBias, c));
        m_ops.upload(block.norm2Gamma, part(at.norm2Gamma, c));
        m_ops.upload(block.norm2Beta, part(at.norm2Beta, c));
        m_ops.upload(block.upBias, part(at.upBias, 4 * c));
        m_ops.upload(block.downBias, part(at.downBias, c));
        m_ops.uploadWeight(block.qkvWeight, 0, part(at.qkvWeight, 3 * c * c));
        m_ops.uploadWeight(block.outWeight, 0, part(at.outWeight, c * c));
        m_ops.uploadWeight(block.upWeight, 0, part(at.upWeight, 4 * c * c));
        m_ops.uploadWeight(block.downWeight, 0, part(at.downWeight, 4 * c * c));
    }
}

void GptEngine::readTokens(std::span<const Item> items) {
    m_rows.clear();
    std::int64_t row = 0;
    for (const Item& item : items) {
        const std::int64_t count = std::ssize(item.tokens);
        RIDGE_CHECK(count > 0 && row + count <= m_options.maxRows, "pass empty or too long");
        RIDGE_CHECK(item.position >= 0 && item.position + count <= config().context,
                    "a sequence outgrows the context");
        m_rows.push_back({row, count, item.position, item.blocks});
        for (std::int64_t i = 0; i < count; ++i, ++row) {
            m_hostTokens[static_cast<std::size_t>(row)] = item.tokens[static_cast<std::size_t>(i)];
            m_hostPositions[static_cast<std::size_t>(row)] =
                static_cast<std::int32_t>(item.position + i);
        }
    }
    const auto rows = static_cast<std::size_t>(row);
    m_ops.upload(m_tokens, std::span<const std::int32_t>(m_hostTokens).first(rows));
    m_ops.upload(m_positions, std::span<const std::int32_t>(m_hostPositions).first(rows));
    m_ops.placeRows(m_caches.front(), m_rows);
}

std::span<const std::int32_t> GptEngine::pass(std::span<const Item> items) {
    readTokens(items);
    const auto recorded = std::find_if(m_recorded.begin(), m_recorded.end(),
                                       [&](const RecordedPass& each) { return isOf(each, items); });
    if (recorded != m_recorded.end())
        launch(*recorded);
    else
        issue(items);
    const auto next = std::span(m_next).first(static_cast<std::size_t>(m_logitRows));
    if (m_logitRows > 0)
        m_ops.downloadBytes(std::as_writable_bytes(next), m_best.slice(0, m_logitRows));
    return next;
}

bool GptEngine::isOf(const RecordedPass& recorded, std::span<const Item> items) const {
    return std::equal(items.begin(), items.end(), recorded.shape.begin(), recorded.shape.end(),
                      [](const Item& item, const auto& shape) {
                          return std::ssize(item.tokens) == shape.first &&
                                 item.want == shape.second;
                      });
}

formulas::OpCost GptEngine::attentionCost() const {
    formulas::OpCost sum;
    const KvCache& cache = m_caches.front();
    for (const CacheRows& part : m_rows) {
        const formulas::OpCost one = formulas::attentionCached(
            static_cast<std::uint64_t>(cache.heads), static_cast<std::uint64_t>(cache.headDim),
            static_cast<std::uint64_t>(part.position), static_cast<std::uint64_t>(part.rows),
            cache.storage());
        const auto layers = static_cast<std::uint64_t>(config().layers);
        sum.flops += layers * one.flops;
        sum.bytesRead += layers * one.bytesRead;
        sum.bytesWritten += layers * one.bytesWritten;
    }
    return sum;
}

Status GptEngine::recordPass(std::span<const Item> items) {
    GraphRecorder* recorder = graphsOf(m_ops);
    if (recorder == nullptr)
        return Error{ErrorCode::kUnsupported, m_ops.describe() + " records no graphs"};
    std::erase_if(m_recorded, [&](const RecordedPass& each) { return isOf(each, items); });
    (void)pass(items);  // its plans, and where its rows lie
    RIDGE_TRY_STATUS(m_ops.status());
    RecordedPass made;
    for (const Item& item : items) made.shape.emplace_back(std::ssize(item.tokens), item.want);
    const formulas::OpCost before = m_ops.issued();
    recorder->beginGraph();
    issue(items);
    RIDGE_TRY(made.graph, recorder->endGraph());
    const formulas::OpCost& after = m_ops.issued();
    const formulas::OpCost attention = attentionCost();
    made.rest = {after.flops - before.flops - attention.flops,
                 after.bytesRead - before.bytesRead - attention.bytesRead,
                 after.bytesWritten - before.bytesWritten - attention.bytesWritten};
    made.logitRows = m_logitRows;
    m_recorded.push_back(std::move(made));
    return {};
}

void GptEngine::launch(const RecordedPass& recorded) {
    const formulas::OpCost attention = attentionCost();
    const WorkRange range(
        "pass.graph", opWork(RIDGE_OP_GEMM, RIDGE_DTYPE_F32, recorded.rest.flops + attention.flops,
                             recorded.rest.bytesRead + attention.bytesRead,
                             recorded.rest.bytesWritten + attention.bytesWritten));
    recorded.graph->launch();
    m_ops.synchronize();
    m_logitRows = recorded.logitRows;
}

std::int64_t GptEngine::recordedNodes() const {
    std::int64_t nodes = 0;
    for (const RecordedPass& each : m_recorded) nodes += each.graph->nodes();
    return nodes;
}

void GptEngine::issue(std::span<const Item> items) {
    const std::int64_t rows = m_rows.back().firstRow + m_rows.back().rows;
    const std::int64_t c = config().width;
    m_ops.embeddingRows("embedding", rows, c, m_tokens, m_positions, m_tokenTable, m_positionTable,
                        m_stream);
    // The stream is read before a block's output is written over it, so one buffer serves all
    // layers.
    BlockBuffers buffers = m_buffers;
    buffers.output = m_stream;
    for (std::size_t layer = 0; layer < m_weights.size(); ++layer)
        blockForward(m_ops, config(), m_weights[layer], buffers, m_stream, m_branch, rows, [&] {
            m_ops.cacheStore("cache.store", buffers.qkv, m_caches[layer], m_rows);
            m_ops.attentionCached("attention", buffers.qkv, m_caches[layer], m_rows,
                                  buffers.attention);
        });
    runHead(items);
}

// Wanted rows that are neighbours are normed together.
void GptEngine::runHead(std::span<const Item> items) {
    const std::int64_t c = config().width;
    m_logitRows = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    const auto norm = [&] {
        const std::int64_t count = end - begin;
        if (count == 0) return;
        RIDGE_CHECK((m_logitRows + count) * config().vocabulary <= m_logits.count,
                    "more rows wanted than the engine was made for");
        m_ops.layerNormForward("norm", count, c, m_stream.slice(begin * c, count * c), m_normGamma,
                               m_normBeta, m_normed.slice(m_logitRows * c, count * c), m_mean,
                               m_rstd);
        m_logitRows += count;
    };
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i].want == Want::kNothing) continue;
        const std::int64_t last = m_rows[i].firstRow + m_rows[i].rows;
        const std::int64_t first = items[i].want == Want::kAll ? m_rows[i].firstRow : last - 1;
        if (first != end) {
            norm();
            begin = first;
        }
        end = last;
    }
    norm();
    if (m_logitRows == 0) return;
    m_ops.linear("head", m_head, m_normed, {}, m_logits, m_logitRows);
    m_ops.argmaxRows("sample", m_logits, config().vocabulary, m_best.slice(0, m_logitRows));
}

std::vector<Tensor> GptEngine::weightTensors() const {
    std::vector<Tensor> tensors;
    const auto add = [&](const Weight& weight) {
        tensors.push_back(weight.values);
        if (!weight.scales.empty()) tensors.push_back(weight.scales);
    };
    for (const BlockParameters& block : m_weights)
        for (const Weight* weight :
             {&block.qkvWeight, &block.outWeight, &block.upWeight, &block.downWeight})
            add(*weight);
    add(m_head);
    return tensors;
}

std::uint64_t GptEngine::weightChecksum() {
    std::uint64_t sum = 0;
    for (const Tensor& tensor : weightTensors()) sum ^= m_ops.checksum("weights.read", tensor);
    return sum;
}

std::int64_t GptEngine::weightBytes() const {
    std::int64_t bytes = 0;
    for (const Tensor& tensor : weightTensors()) bytes += tensor.bytes();
    return bytes;
}

std::vector<float> GptEngine::logits() {
    std::vector<float> values(static_cast<std::size_t>(m_logitRows * config().vocabulary));
    m_ops.download(values, m_logits);
    return values;
}

std::vector<std::int32_t> scatteredBlocks(std::int64_t count, std::uint64_t seed) {
    std::vector<std::int32_t> blocks(static_cast<std::size_t>(count));
    std::iota(blocks.begin(), blocks.end(), 0);
    for (std::size_t i = blocks.size(); i > 1; --i)
        std::swap(blocks[i - 1], blocks[randomBits(seed, i) % i]);
    return blocks;
}

}  // namespace ridge::workloads
