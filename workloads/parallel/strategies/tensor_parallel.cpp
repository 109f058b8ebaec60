// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/tensor_parallel.h"

#include "workloads/parallel/strategies/host_memory.h"

#include <algorithm>

namespace ridge::workloads {

TensorParallelTrainer::TensorParallelTrainer(Operators& ops, Communicator& communicator,
                                             const GptConfig& config, std::int64_t sequences,
                                             bool sequenceParallel)
    : m_ops(ops),
      m_communicator(communicator),
      m_config(config),
      m_layout(config),
      m_sequenceParallel(sequenceParallel),
      m_sequences(sequences),
      m_rows(sequences * config.context),
      m_ownRows(sequenceParallel ? m_rows / communicator.size() : m_rows),
      m_hostLosses(index(m_rows)) {
    placeParameters();
    allocate();
}

Result<std::unique_ptr<ParallelTrainer>> TensorParallelTrainer::create(Operators& ops,
                                                                       Communicator& communicator,
                                                                       const GptConfig& config,
                                                                       std::int64_t sequences,
                                                                       bool sequenceParallel) {
    const std::int64_t n = communicator.size();
    if (config.heads % n != 0 || (sequenceParallel && sequences % n != 0))
        return Error{ErrorCode::kBadInput, "the ranks must divide the heads and the batch"};
    std::unique_ptr<ParallelTrainer> trainer(
        new TensorParallelTrainer(ops, communicator, config, sequences, sequenceParallel));
    if (!ops.status().ok()) return withContext(ops.status().error(), "tensor parallel");
    return trainer;
}

// This rank's array: all norms first (their gradients are summed in one call), then the blocks'
// matrices and biases, then the tables.
void TensorParallelTrainer::placeParameters() {
    const std::int64_t c = m_config.width;
    const std::int64_t part = c / m_communicator.size();
    const auto place = [this](std::int64_t count) {
        const std::int64_t at = m_own;
        m_own += count;
        return at;
    };
    m_blocks.resize(m_layout.blocks.size());
    for (GptBlockOffsets& own : m_blocks)
        for (std::int64_t* norm :
             {&own.norm1Gamma, &own.norm1Beta, &own.norm2Gamma, &own.norm2Beta})
            *norm = place(c);
    m_normGamma = place(2 * c);
    m_norms = m_own;
    for (GptBlockOffsets& own : m_blocks) {
        own.qkvWeight = place(3 * part * c);
        own.qkvBias = place(3 * part);
        own.outWeight = place(c * part);
        own.outBias = place(c);
        own.upWeight = place(4 * part * c);
        own.upBias = place(4 * part);
        own.downWeight = place(c * 4 * part);
        own.downBias = place(c);
    }
    m_tables = place((m_config.vocabulary + m_config.context) * c);
}

std::vector<TensorParallelTrainer::Piece> TensorParallelTrainer::piecesOf(int rank) const {
    const std::int64_t c = m_config.width;
    const std::int64_t part = c / m_communicator.size();
    std::vector<Piece> pieces;
    const auto same = [&](std::int64_t own, std::int64_t whole, std::int64_t count) {
        pieces.push_back({own, whole, 1, count, count, true});
    };
    // Rows [rank * rows, ...) of a matrix with `length` columns.
    const auto byRows = [&](std::int64_t own, std::int64_t whole, std::int64_t rows,
                            std::int64_t length) {
        pieces.push_back({own, whole + rank * rows * length, rows, length, length, false});
    };
    const auto byColumns = [&](std::int64_t own, std::int64_t whole, std::int64_t columns,
                               std::int64_t stride) {
        pieces.push_back({own, whole + rank * columns, c, columns, stride, false});
    };
    for (std::size_t layer = 0; layer < m_blocks.size(); ++layer) {
        const GptBlockOffsets& own = m_blocks[layer];
        const GptBlockOffsets& at = m_layout.blocks[layer];
        same(own.norm1Gamma, at.norm1Gamma, c);
        same(own.norm1Beta, at.norm1Beta, c);
        same(own.norm2Gamma, at.norm2Gamma, c);
        same(own.norm2Beta, at.norm2Beta, c);
        same(own.outBias, at.outBias, c);
        same(own.downBias, at.downBias, c);
        for (std::int64_t i = 0; i < 3; ++i) {  // q, k, v: this rank's heads of each
            byRows(own.qkvWeight + i * part * c, at.qkvWeight + i * c * c, part, c);
            byRows(own.qkvBias + i * part, at.qkvBias + i * c, part, 1);
        }
        byRows(own.upWeight, at.upWeight, 4 * part, c);
        byRows(own.upBias, at.upBias, 4 * part, 1);
        byColumns(own.outWeight, at.outWeight, part, c);
        byColumns(own.downWeight, at.downWeight, 4 * part, 4 * c);
    }
    same(m_normGamma, m_layout.normGamma, 2 * c);
    same(m_tables, m_layout.tokenTable, (m_config.vocabulary + m_config.context) * c);
    return pieces;
}

void TensorParallelTrainer::allocate() {
    const std::int64_t c = m_config.width;
    const std::int64_t part = c / m_communicator.size();
    const auto kept = [this](std::int64_t count) {
        m_activationBytes += 4 * count;
        return m_ops.allocate(count);
    };
    m_state.allocate(m_ops, m_own);
    m_tokens = m_ops.allocate(m_rows, RIDGE_DTYPE_INT32);
    m_targets = m_ops.allocate(m_rows, RIDGE_DTYPE_INT32);
    m_losses = m_ops.allocate(m_rows);
    for (std::int64_t layer = 0; layer < m_config.layers; ++layer) {
        Buffers b;
        for (Tensor* own : {&b.norm1, &b.norm2, &b.middle, &b.output}) *own = kept(m_ownRows * c);
        for (Tensor* statistic : {&b.mean1, &b.rstd1, &b.mean2, &b.rstd2})
            *statistic = kept(m_ownRows);
        b.norm1Full = m_sequenceParallel ? kept(m_rows * c) : b.norm1;
        b.norm2Full = m_sequenceParallel ? kept(m_rows * c) : b.norm2;
        b.qkv = kept(m_rows * 3 * part);
        b.attention = kept(m_rows * part);
        b.probabilities = kept(m_rows * m_config.heads / m_communicator.size() * m_config.context);
        b.up = kept(m_rows * 4 * part);
        b.gelu = kept(m_rows * 4 * part);
        m_buffers.push_back(b);
    }
    m_embedded = kept(m_ownRows * c);
    m_normed = kept(m_ownRows * c);
    m_normedFull = m_sequenceParallel ? kept(m_rows * c) : m_normed;
    m_mean = kept(m_ownRows);
    m_rstd = kept(m_ownRows);
    m_logits = kept(m_rows * m_config.vocabulary);
    m_partial = m_ops.allocate(m_rows * c);
    m_branch = m_sequenceParallel ? m_ops.allocate(m_ownRows * c) : m_partial;
    m_dStream = m_ops.allocate(m_ownRows * c);
    m_dFull = m_sequenceParallel ? m_ops.allocate(m_rows * c) : m_dStream;
    m_wide = m_ops.allocate(m_rows * 4 * part);
    m_dNormed = m_ops.allocate(m_rows * c);
}

BlockParameters TensorParallelTrainer::block(std::size_t layer, const Tensor& flat) const {
    const std::int64_t c = m_config.width;
    const std::int64_t part = c / m_communicator.size();
    const GptBlockOffsets& at = m_blocks[layer];
    const auto matrix = [&](std::int64_t offset, std::int64_t n, std::int64_t k) {
        return Weight{flat.slice(offset, n * k), {}, n, k};
    };
    BlockParameters made;
    made.norm1Gamma = flat.slice(at.norm1Gamma, c);
    made.norm1Beta = flat.slice(at.norm1Beta, c);
    made.norm2Gamma = flat.slice(at.norm2Gamma, c);
    made.norm2Beta = flat.slice(at.norm2Beta, c);
    made.qkvWeight = matrix(at.qkvWeight, 3 * part, c);
    made.qkvBias = flat.slice(at.qkvBias, 3 * part);
    made.outWeight = matrix(at.outWeight, c, part);
    made.outBias = flat.slice(at.outBias, c);
    made.upWeight = matrix(at.upWeight, 4 * part, c);
    made.upBias = flat.slice(at.upBias, 4 * part);
    made.downWeight = matrix(at.downWeight, c, 4 * part);
    made.downBias = flat.slice(at.downBias, c);
    return made;
}

RootParameters TensorParallelTrainer::root(const Tensor& flat) const {
    const std::int64_t c = m_config.width;
    RootParameters made;
    made.tokenTable = flat.slice(m_tables, m_config.vocabulary * c);
    made.positionTable = flat.slice(m_tables + m_config.vocabulary * c, m_config.context * c);
    made.normGamma = flat.slice(m_normGamma, c);
    made.normBeta = flat.slice(m_normGamma + c, c);
    return made;
}

AttentionArgs TensorParallelTrainer::attention() const {
    return {m_sequences, m_config.heads / m_communicator.size(), m_config.context,
            m_config.headDim()};
}

// Before a column parallel product: every rank needs all rows.
Status TensorParallelTrainer::enter(const Tensor& own, const Tensor& full, const char* name) {
    if (!m_sequenceParallel) return {};
    return m_communicator.allGather(std::as_bytes(floats(own)),
                                    std::as_writable_bytes(floats(full)), name);
}

// After a row parallel product (forward) or a column parallel one (backward): the ranks' parts of
// the sum are added.
Status TensorParallelTrainer::leave(const Tensor& full, const Tensor& own,
                                    const LeaveNames& names) {
    if (!m_sequenceParallel) return m_communicator.allReduceSum(floats(full), names.plain);
    return m_communicator.reduceScatterSum(floats(full), floats(own), names.sequenceParallel);
}

Status TensorParallelTrainer::forwardBlock(std::size_t layer) {
    const std::int64_t c = m_config.width;
    const Buffers& b = m_buffers[layer];
    const BlockParameters p = block(layer, m_state.weights);
    const Tensor& input = layer == 0 ? m_embedded : m_buffers[layer - 1].output;
    m_ops.layerNormForward("norm1", m_ownRows, c, input, p.norm1Gamma, p.norm1Beta, b.norm1,
                           b.mean1, b.rstd1);
    RIDGE_TRY_STATUS(enter(b.norm1, b.norm1Full, "attention.allgather"));
    m_ops.linear("qkv", p.qkvWeight, b.norm1Full, p.qkvBias, b.qkv, m_rows);
    m_ops.attentionForward("attention", attention(), b.qkv, b.probabilities, b.attention);
    m_ops.linear("attention.out", p.outWeight, b.attention, {}, m_partial, m_rows);
    RIDGE_TRY_STATUS(
        leave(m_partial, m_branch, {"attention.allreduce", "attention.reducescatter"}));
    // The bias belongs to the sum, not to each rank's part of it.
    m_ops.biasAdd("attention.out.bias", m_ownRows, c, m_branch, p.outBias, m_branch);
    m_ops.add("residual1", input, m_branch, b.middle);
    m_ops.layerNormForward("norm2", m_ownRows, c, b.middle, p.norm2Gamma, p.norm2Beta, b.norm2,
                           b.mean2, b.rstd2);
    RIDGE_TRY_STATUS(enter(b.norm2, b.norm2Full, "mlp.allgather"));
    m_ops.linear("mlp.up", p.upWeight, b.norm2Full, p.upBias, b.up, m_rows);
    m_ops.geluForward("mlp.gelu", b.up, b.gelu);
    m_ops.linear("mlp.down", p.downWeight, b.gelu, {}, m_partial, m_rows);
    RIDGE_TRY_STATUS(leave(m_partial, m_branch, {"mlp.allreduce", "mlp.reducescatter"}));
    m_ops.biasAdd("mlp.down.bias", m_ownRows, c, m_branch, p.downBias, m_branch);
    m_ops.add("residual2", b.middle, m_branch, b.output);
    return {};
}

Status TensorParallelTrainer::backwardBlock(std::size_t layer) {
    const std::int64_t c = m_config.width;
    const std::int64_t part = c / m_communicator.size();
    const Buffers& b = m_buffers[layer];
    const BlockParameters p = block(layer, m_state.weights);
    const BlockParameters g = block(layer, m_state.gradients);
    const Tensor& input = layer == 0 ? m_embedded : m_buffers[layer - 1].output;
    RIDGE_TRY_STATUS(enter(m_dStream, m_dFull, "mlp.dx.allgather"));
    linearBackward(m_ops, {"mlp.down.dx", "mlp.down.dw", "mlp.down.db"},
                   {m_dFull, b.gelu, p.downWeight.values, m_wide, g.downWeight.values, g.downBias,
                    m_rows, c, 4 * part},
                   false);
    m_ops.geluBackward("mlp.gelu.dx", b.up, m_wide, m_wide);
    linearBackward(m_ops, {"mlp.up.dx", "mlp.up.dw", "mlp.up.db"},
                   {m_wide, b.norm2Full, p.upWeight.values, m_partial, g.upWeight.values, g.upBias,
                    m_rows, 4 * part, c},
                   false);
    RIDGE_TRY_STATUS(leave(m_partial, m_branch, {"mlp.dx.allreduce", "mlp.dx.reducescatter"}));
    m_ops.layerNormBackward("norm2.dx", m_ownRows, c, m_branch, b.middle, p.norm2Gamma, b.mean2,
                            b.rstd2, {m_dStream, g.norm2Gamma, g.norm2Beta, true, false});
    RIDGE_TRY_STATUS(enter(m_dStream, m_dFull, "attention.dx.allgather"));
    const Tensor dAttention = m_dNormed.slice(0, m_rows * part);  // free between head and here
    linearBackward(m_ops, {"attention.out.dx", "attention.out.dw", "attention.out.db"},
                   {m_dFull, b.attention, p.outWeight.values, dAttention, g.outWeight.values,
                    g.outBias, m_rows, c, part},
                   false);
    m_ops.attentionBackward("attention.dx", attention(), b.qkv, b.probabilities, dAttention,
                            m_wide);
    linearBackward(m_ops, {"qkv.dx", "qkv.dw", "qkv.db"},
                   {m_wide, b.norm1Full, p.qkvWeight.values, m_partial, g.qkvWeight.values,
                    g.qkvBias, m_rows, 3 * part, c},
                   false);
    RIDGE_TRY_STATUS(
        leave(m_partial, m_branch, {"attention.dx.allreduce", "attention.dx.reducescatter"}));
    m_ops.layerNormBackward("norm1.dx", m_ownRows, c, m_branch, input, p.norm1Gamma, b.mean1,
                            b.rstd1, {m_dStream, g.norm1Gamma, g.norm1Beta, true, false});
    return {};
}

Status TensorParallelTrainer::forward() {
    const WorkRange phase("forward");
    const std::int64_t c = m_config.width;
    const RootParameters p = root(m_state.weights);
    const std::int64_t first = m_sequenceParallel ? m_communicator.rank() * m_ownRows : 0;
    m_ops.embeddingForward("embedding", m_ownRows, m_config.context, c, 0,
                           m_tokens.slice(first, m_ownRows), p.tokenTable, p.positionTable,
                           m_embedded);
    for (std::size_t layer = 0; layer < m_buffers.size(); ++layer)
        RIDGE_TRY_STATUS(forwardBlock(layer));
    m_ops.layerNormForward("norm", m_ownRows, c, m_buffers.back().output, p.normGamma, p.normBeta,
                           m_normed, m_mean, m_rstd);
    RIDGE_TRY_STATUS(enter(m_normed, m_normedFull, "head.allgather"));
    m_ops.linear("head", {p.tokenTable, {}, m_config.vocabulary, c}, m_normedFull, {}, m_logits,
                 m_rows);
    m_ops.softmaxCrossEntropy("loss", m_rows, m_config.vocabulary, m_logits, m_targets, m_losses,
                              1.0F / static_cast<float>(m_rows));
    m_ops.download(m_hostLosses, m_losses);
    double sum = 0;
    for (const float loss : m_hostLosses) sum += static_cast<double>(loss);
    // Every rank has the whole batch's loss; its share of it is one n-th.
    m_loss = sum / static_cast<double>(m_rows * m_communicator.size());
    return {};
}

Status TensorParallelTrainer::backward() {
    const WorkRange phase("backward");
    const std::int64_t c = m_config.width;
    const RootParameters p = root(m_state.weights);
    const RootParameters g = root(m_state.gradients);
    linearBackward(m_ops, {"head.dx", "head.dw", ""},
                   {m_logits,
                    m_normedFull,
                    p.tokenTable,
                    m_dNormed,
                    g.tokenTable,
                    {},
                    m_rows,
                    m_config.vocabulary,
                    c},
                   false);
    const std::int64_t first = m_sequenceParallel ? m_communicator.rank() * m_ownRows : 0;
    m_ops.layerNormBackward("norm.dx", m_ownRows, c, m_dNormed.slice(first * c, m_ownRows * c),
                            m_buffers.back().output, p.normGamma, m_mean, m_rstd,
                            {m_dStream, g.normGamma, g.normBeta, false, false});
    for (std::size_t layer = m_buffers.size(); layer-- > 0;) RIDGE_TRY_STATUS(backwardBlock(layer));
    RIDGE_TRY_STATUS(enter(m_dStream, m_dFull, "embedding.allgather"));
    m_ops.embeddingBackward("embedding.dw", m_rows, m_config.context, c, m_tokens, m_dFull,
                            g.tokenTable, g.positionTable, false);
    // With sequence parallel the norms have seen this rank's rows only.
    if (!m_sequenceParallel) return {};
    return m_communicator.allReduceSum(floats(m_state.gradients.slice(0, m_norms)),
                                       "norms.allreduce");
}

Status TensorParallelTrainer::load(std::span<const float> parameters) {
    RIDGE_CHECK(std::ssize(parameters) == m_layout.total, "parameters of another model");
    std::vector<float> own(index(m_own));
    for (const Piece& piece : piecesOf(m_communicator.rank()))
        for (std::int64_t r = 0; r < piece.rows; ++r)
            std::copy_n(parameters.begin() + piece.whole + r * piece.stride, piece.length,
                        own.begin() + piece.own + r * piece.length);
    m_ops.upload(m_state.weights, own);
    m_state.restart(m_ops);
    return m_ops.status();
}

Result<double> TensorParallelTrainer::step(std::span<const std::int32_t> tokens,
                                           std::span<const std::int32_t> targets, AdamWArgs args) {
    m_ops.upload(m_tokens, tokens);
    m_ops.upload(m_targets, targets);
    RIDGE_TRY_STATUS(forward());
    RIDGE_TRY_STATUS(backward());
    const WorkRange phase("optimizer");
    RIDGE_TRY_STATUS(m_state.update(m_ops, args));
    return m_loss;
}

// Parts that every rank has must not have drifted apart.
Result<std::vector<float>> TensorParallelTrainer::parameters() {
    const auto n = index(m_communicator.size());
    std::vector<float> all(n * index(m_own));
    if (m_gathered.empty()) m_gathered = m_ops.allocate(std::ssize(all));
    RIDGE_TRY_STATUS(m_ops.status());
    RIDGE_TRY_STATUS(m_communicator.allGather(bytesOf(m_state.weights), roomOf(m_gathered)));
    m_ops.download(all, m_gathered);
    std::vector<float> whole(index(m_layout.total));
    for (std::size_t rank = 0; rank < n; ++rank) {
        const auto own = all.begin() + static_cast<std::ptrdiff_t>(rank * index(m_own));
        for (const Piece& piece : piecesOf(static_cast<int>(rank)))
            for (std::int64_t r = 0; r < piece.rows; ++r) {
                const auto from = own + piece.own + r * piece.length;
                const auto to = whole.begin() + piece.whole + r * piece.stride;
                if (rank > 0 && piece.everywhere && !std::equal(from, from + piece.length, to))
                    return Error{ErrorCode::kMeasurement,
                                 "weights that all ranks hold have drifted apart"};
                std::copy_n(from, piece.length, to);
            }
    }
    return whole;
}

std::uint64_t TensorParallelTrainer::wireBytesPerStep() const {
    using formulas::Collective;
    const auto n = static_cast<std::uint64_t>(m_communicator.size());
    const auto rows = static_cast<std::uint64_t>(m_rows);
    const auto c = static_cast<std::uint64_t>(m_config.width);
    std::uint64_t sum = static_cast<std::uint64_t>(m_config.layers) *
                        formulas::tensorParallelWireBytesPerLayer(rows, c, 4, n);
    if (m_sequenceParallel)
        sum +=
            2 * formulas::wireBytes(Collective::kAllGather, n, rows * c * 4) +
            formulas::wireBytes(Collective::kAllReduce, n, 4 * static_cast<std::uint64_t>(m_norms));
    return sum;
}

}  // namespace ridge::workloads
