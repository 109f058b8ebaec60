// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/gpt_generator.h"

namespace ridge::workloads {

GptGenerator::GptGenerator(Operators& ops, const GptConfig& config, std::int64_t maxPrompt,
                           bool allLogits)
    : m_ops(ops),
      m_config(config),
      m_layout(config),
      m_maxPrompt(maxPrompt),
      m_allLogits(allLogits) {}

Result<std::unique_ptr<GptGenerator>> GptGenerator::create(Operators& ops, const GptConfig& config,
                                                           std::int64_t maxPrompt, bool allLogits) {
    if (config.heads < 1 || config.width % config.heads != 0 || maxPrompt < 1 ||
        maxPrompt > config.context)
        return Error{ErrorCode::kBadInput,
                     "width must be a multiple of heads, and a prompt must fit the context"};
    std::unique_ptr<GptGenerator> generator(new GptGenerator(ops, config, maxPrompt, allLogits));
    generator->allocate();
    if (!ops.status().ok()) return withContext(ops.status().error(), "model " + config.text());
    for (const GptBlockOffsets& at : generator->m_layout.blocks)
        generator->m_weights.emplace_back(config, at, generator->m_parameters);
    return generator;
}

void GptGenerator::allocate() {
    const std::int64_t plain = m_maxPrompt * m_config.width;
    m_parameters = m_ops.allocate(m_layout.total);
    m_tokens = m_ops.allocate(m_maxPrompt, RIDGE_DTYPE_INT32);
    m_probabilities = m_ops.allocate(m_config.heads * m_maxPrompt * m_maxPrompt);
    for (Tensor* rows : {&m_branch, &m_stream, &m_normed}) *rows = m_ops.allocate(plain);
    m_mean = m_ops.allocate(m_maxPrompt);
    m_rstd = m_ops.allocate(m_maxPrompt);
    m_logits = m_ops.allocate((m_allLogits ? m_maxPrompt : 1) * m_config.vocabulary);
    m_buffers = BlockBuffers::allocate(m_ops, m_config, m_maxPrompt);
    for (std::int64_t layer = 0; layer < m_config.layers; ++layer) {
        m_keys.push_back(m_ops.allocate(m_config.context * m_config.width));
        m_values.push_back(m_ops.allocate(m_config.context * m_config.width));
    }
}

void GptGenerator::initialise(std::uint64_t seed, float deviation) {
    for (const GptParameter& parameter : m_layout.parameters)
        m_ops.upload(m_parameters.slice(parameter.offset, parameter.count),
                     initialValues(m_config, parameter, seed, deviation));
    m_position = 0;
}

std::int32_t GptGenerator::prefill(std::span<const std::int32_t> prompt) {
    RIDGE_CHECK(!prompt.empty() && std::ssize(prompt) <= m_maxPrompt, "prompt empty or too long");
    const WorkRange phase("prefill");
    m_position = 0;
    return run(prompt);
}

std::int32_t GptGenerator::decode(std::int32_t token) {
    RIDGE_CHECK(m_position < m_config.context, "the cache is full: rewind first");
    const WorkRange phase("decode");
    return run({&token, 1});
}

void GptGenerator::rewind(std::int64_t position) {
    RIDGE_CHECK(position >= 0 && position <= m_position, "rewind goes backwards only");
    m_position = position;
}

void GptGenerator::attend(std::size_t layer, std::int64_t rows) {
    const std::int64_t c = m_config.width;
    m_ops.cacheAppend("cache.append", m_buffers.qkv, m_keys[layer], m_values[layer], m_position,
                      rows, c);
    // A prompt starts at position 0, so its rows attend to each other alone.
    if (m_position == 0 && rows > 1) {
        m_ops.attentionForward("attention", {1, m_config.heads, rows, m_config.headDim()},
                               m_buffers.qkv, m_probabilities, m_buffers.attention);
        return;
    }
    RIDGE_CHECK(rows == 1, "several rows after position 0");
    m_ops.attentionDecode("attention", m_config.heads, m_config.headDim(), m_position + 1,
                          m_buffers.qkv, m_keys[layer], m_values[layer], m_buffers.attention);
}

std::int32_t GptGenerator::run(std::span<const std::int32_t> tokens) {
    const std::int64_t rows = std::ssize(tokens);
    const std::int64_t c = m_config.width;
    const std::int64_t vocabulary = m_config.vocabulary;
    m_ops.upload(m_tokens, tokens);
    const Tensor tokenTable = m_parameters.slice(m_layout.tokenTable, vocabulary * c);
    const Tensor positionTable = m_parameters.slice(m_layout.positionTable, m_config.context * c);
    m_ops.embeddingForward("embedding", rows, rows, c, m_position, m_tokens, tokenTable,
                           positionTable, m_stream);
    // The stream is read before a block's output is written over it, so one buffer serves all
    // layers.
    BlockBuffers buffers = m_buffers;
    buffers.output = m_stream;
    for (std::size_t layer = 0; layer < m_weights.size(); ++layer)
        blockForward(m_ops, m_config, m_weights[layer], buffers, m_stream, m_branch, rows,
                     [&] { attend(layer, rows); });
    m_logitRows = m_allLogits ? rows : 1;
    const std::int64_t first = rows - m_logitRows;
    m_ops.layerNormForward("norm", m_logitRows, c, m_stream.slice(first * c, m_logitRows * c),
                           m_parameters.slice(m_layout.normGamma, c),
                           m_parameters.slice(m_layout.normBeta, c), m_normed, m_mean, m_rstd);
    linearForward(m_ops, "head", m_normed, tokenTable, {}, m_logits, m_logitRows, vocabulary, c);
    m_position += rows;
    return m_ops.argmax("sample", m_logits.slice((m_logitRows - 1) * vocabulary, vocabulary));
}

std::vector<float> GptGenerator::logits() {
    std::vector<float> values(static_cast<std::size_t>(m_logitRows * m_config.vocabulary));
    m_ops.download(values, m_logits);
    return values;
}

}  // namespace ridge::workloads
