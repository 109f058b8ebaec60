// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/gpt_pass.h"

namespace ridge::workloads {

RootParameters::RootParameters(const GptConfig& config, const GptLayout& layout, const Tensor& flat)
    : tokenTable(flat.slice(layout.tokenTable, config.vocabulary * config.width)),
      positionTable(flat.slice(layout.positionTable, config.context * config.width)),
      normGamma(flat.slice(layout.normGamma, config.width)),
      normBeta(flat.slice(layout.normBeta, config.width)) {}

GptBlockOffsets offsetsWithinBlock(const GptBlockOffsets& at) {
    GptBlockOffsets own = at;
    for (std::int64_t* offset :
         {&own.norm1Gamma, &own.norm1Beta, &own.qkvWeight, &own.qkvBias, &own.outWeight,
          &own.outBias, &own.norm2Gamma, &own.norm2Beta, &own.upWeight, &own.upBias,
          &own.downWeight, &own.downBias, &own.begin, &own.end})
        *offset -= at.begin;
    return own;
}

PassScratch PassScratch::allocate(Operators& ops, const GptConfig& config, std::int64_t rows) {
    PassScratch scratch;
    const std::int64_t plain = rows * config.width;
    scratch.branch = ops.allocate(plain);
    scratch.dStream = ops.allocate(plain);
    scratch.block.wide = ops.allocate(4 * plain);
    scratch.block.narrow = ops.allocate(plain);
    return scratch;
}

GptPass::GptPass(Operators& ops, const GptConfig& config, const PassShape& shape,
                 const PassScratch& scratch)
    : m_ops(ops), m_config(config), m_shape(shape), m_scratch(scratch) {
    if (m_shape.tokens == 0) m_shape.tokens = config.context;
    if (m_shape.layers == 0) m_shape.layers = config.layers;
    m_rows = m_shape.sequences * m_shape.tokens;
    const std::int64_t plain = m_rows * config.width;
    const auto kept = [&](std::int64_t count) {
        m_activationBytes += 4 * count;
        return ops.allocate(count);
    };
    m_tokens = ops.allocate(m_rows, RIDGE_DTYPE_INT32);
    m_targets = ops.allocate(m_rows, RIDGE_DTYPE_INT32);
    m_input = kept(plain);
    allocateBlocks();
    m_activationBytes += m_blockBytes;
    if (!m_shape.head) return;
    m_normed = kept(plain);
    m_mean = kept(m_rows);
    m_rstd = kept(m_rows);
    m_logits = kept(m_rows * config.vocabulary);
    m_losses = kept(m_rows);
    m_hostLosses.resize(static_cast<std::size_t>(m_rows));
}

// What is recomputed lies in one set of buffers that all layers share.
void GptPass::allocateBlocks() {
    constexpr std::int64_t kElementBytes = 4;
    const std::int64_t plain = m_rows * m_config.width;
    const std::int64_t probabilities =
        m_rows * m_config.heads * (m_shape.fused ? 1 : m_shape.tokens);
    const std::int64_t block = 15 * plain + 4 * m_rows;  // BlockBuffers without the output
    for (std::int64_t layer = 0; layer < m_shape.layers; ++layer) {
        if (layer > 0 && m_shape.recompute == Recompute::kFull) {
            BlockBuffers shared = m_buffers.front();
            shared.output = m_ops.allocate(plain);
            m_buffers.push_back(shared);
        } else {
            m_buffers.push_back(BlockBuffers::allocate(m_ops, m_config, m_rows));
            m_blockBytes += block * kElementBytes;
        }
        m_blockBytes += plain * kElementBytes;
        if (!m_shape.attention) continue;
        if (layer > 0 && m_shape.recompute != Recompute::kNone) {
            m_probabilities.push_back(m_probabilities.front());
        } else {
            m_probabilities.push_back(m_ops.allocate(probabilities));
            m_blockBytes += probabilities * kElementBytes;
        }
    }
}

AttentionArgs GptPass::attention() const {
    return {m_shape.sequences, m_config.heads, m_shape.tokens, m_config.headDim()};
}

void GptPass::setBatch(std::span<const std::int32_t> tokens,
                       std::span<const std::int32_t> targets) {
    RIDGE_CHECK(std::ssize(tokens) == m_rows && std::ssize(targets) == m_rows,
                "batch of another size");
    m_ops.upload(m_tokens, tokens);
    m_ops.upload(m_targets, targets);
}

void GptPass::embed(const RootParameters& root) {
    m_ops.embeddingForward("embedding", m_rows, m_shape.tokens, m_config.width, 0, m_tokens,
                           root.tokenTable, root.positionTable, m_input);
}

void GptPass::embedPart(const RootParameters& root, std::int64_t firstRow, std::int64_t rows,
                        std::int64_t firstPosition) {
    const std::int64_t c = m_config.width;
    m_ops.embeddingForward("embedding", rows, m_shape.tokens, c, firstPosition,
                           m_tokens.slice(firstRow, rows), root.tokenTable, root.positionTable,
                           m_input.slice(firstRow * c, rows * c));
}

void GptPass::embedBackwardPart(const RootParameters& gradients, std::int64_t firstRow,
                                std::int64_t rows, std::int64_t firstPosition) {
    const std::int64_t c = m_config.width;
    m_ops.embeddingBackward("embedding.dw", rows, m_shape.tokens, c, m_tokens.slice(firstRow, rows),
                            m_scratch.dStream.slice(firstRow * c, rows * c), gradients.tokenTable,
                            gradients.positionTable.slice(firstPosition * c, m_shape.tokens * c),
                            false);
}

void GptPass::attend(std::size_t layer) {
    const BlockBuffers& buffers = m_buffers[layer];
    if (m_shape.fused)
        m_ops.attentionFused("attention", attention(), buffers.qkv, buffers.attention,
                             m_probabilities[layer]);
    else
        m_ops.attentionForward("attention", attention(), buffers.qkv, m_probabilities[layer],
                               buffers.attention);
}

void GptPass::block(std::size_t layer, const BlockParameters& parameters, const Attend& attention) {
    const BlockBuffers& buffers = m_buffers[layer];
    blockForward(m_ops, m_config, parameters, buffers, inputOf(layer), m_scratch.branch, m_rows,
                 [&] {
                     if (attention) return attention(buffers);
                     attend(layer);
                 });
}

void GptPass::issueLoss(const RootParameters& root, float scale) {
    const std::int64_t c = m_config.width;
    m_ops.layerNormForward("norm", m_rows, c, output(), root.normGamma, root.normBeta, m_normed,
                           m_mean, m_rstd);
    m_ops.linear("head", {root.tokenTable, {}, m_config.vocabulary, c}, m_normed, {}, m_logits,
                 m_rows);
    m_ops.softmaxCrossEntropy("loss", m_rows, m_config.vocabulary, m_logits, m_targets, m_losses,
                              scale);
}

double GptPass::readLoss() {
    m_ops.download(m_hostLosses, m_losses);
    double sum = 0;
    for (const float one : m_hostLosses) sum += static_cast<double>(one);
    return sum;
}

void GptPass::lossBackward(const RootParameters& root, const RootParameters& gradients,
                           bool accumulate) {
    const std::int64_t c = m_config.width;
    m_ops.gemm("head.dx", {.layout = GemmLayout::kNN,
                           .m = m_rows,
                           .n = c,
                           .k = m_config.vocabulary,
                           .a = m_logits,
                           .b = root.tokenTable,
                           .c = m_scratch.block.narrow,
                           .bias = {},
                           .accumulate = false,
                           .leftIsGradient = true,
                           .rightIsWeight = true});
    m_ops.gemm("head.dw", {.layout = GemmLayout::kTN,
                           .m = m_config.vocabulary,
                           .n = c,
                           .k = m_rows,
                           .a = m_logits,
                           .b = m_normed,
                           .c = gradients.tokenTable,
                           .bias = {},
                           .accumulate = accumulate,
                           .leftIsGradient = true});
    m_ops.layerNormBackward(
        "norm.dx", m_rows, c, m_scratch.block.narrow, output(), root.normGamma, m_mean, m_rstd,
        {m_scratch.dStream, gradients.normGamma, gradients.normBeta, false, accumulate});
}

void GptPass::blockBackward(std::size_t layer, const BlockParameters& parameters,
                            const BlockParameters& gradients, bool accumulate,
                            const AttendBackward& attention) {
    const BlockBuffers& buffers = m_buffers[layer];
    if (m_shape.recompute != Recompute::kNone) {
        const WorkRange again("recompute");
        if (m_shape.recompute == Recompute::kFull)
            block(layer, parameters);
        else
            attend(layer);
    }
    workloads::blockBackward(
        m_ops, m_config, parameters, gradients, buffers, inputOf(layer), m_scratch.dStream,
        m_scratch.block, m_rows, accumulate, [&](const Tensor& dOut, const Tensor& dQkv) {
            if (attention) return attention(buffers, dOut, dQkv);
            if (m_shape.fused)
                return m_ops.attentionFusedBackward("attention.dx", this->attention(), buffers.qkv,
                                                    buffers.attention, m_probabilities[layer], dOut,
                                                    dQkv);
            m_ops.attentionBackward("attention.dx", this->attention(), buffers.qkv,
                                    m_probabilities[layer], dOut, dQkv);
        });
}

void GptPass::embedBackward(const RootParameters& gradients, bool accumulatePositions) {
    m_ops.embeddingBackward("embedding.dw", m_rows, m_shape.tokens, m_config.width, m_tokens,
                            m_scratch.dStream, gradients.tokenTable, gradients.positionTable,
                            accumulatePositions);
}

}  // namespace ridge::workloads
