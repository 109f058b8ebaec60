// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/gpt_trainer.h"

namespace ridge::workloads {

GptTrainer::GptTrainer(Operators& ops, const GptConfig& config, std::int64_t sequences,
                       Recompute recompute)
    : m_ops(ops),
      m_config(config),
      m_layout(config),
      m_sequences(sequences),
      m_rows(sequences * config.context),
      m_recompute(recompute),
      m_hostLosses(static_cast<std::size_t>(m_rows)) {}

Result<std::unique_ptr<GptTrainer>> GptTrainer::create(Operators& ops, const GptConfig& config,
                                                       std::int64_t sequences,
                                                       Recompute recompute) {
    if (config.heads < 1 || config.width % config.heads != 0 || sequences < 1)
        return Error{ErrorCode::kBadInput,
                     "width must be a multiple of heads, and sequences at least 1"};
    std::unique_ptr<GptTrainer> trainer(new GptTrainer(ops, config, sequences, recompute));
    trainer->allocate();
    if (!ops.status().ok()) return withContext(ops.status().error(), "model " + config.text());
    for (const GptBlockOffsets& at : trainer->m_layout.blocks) {
        trainer->m_weights.emplace_back(config, at, trainer->m_parameters);
        trainer->m_weightGradients.emplace_back(config, at, trainer->m_gradients);
    }
    return trainer;
}

void GptTrainer::allocate() {
    const std::int64_t plain = m_rows * m_config.width;
    for (Tensor* flat : {&m_parameters, &m_gradients, &m_firstMoments, &m_secondMoments})
        *flat = m_ops.allocate(m_layout.total);
    m_tokens = m_ops.allocate(m_rows, RIDGE_DTYPE_INT32);
    m_targets = m_ops.allocate(m_rows, RIDGE_DTYPE_INT32);
    m_losses = m_ops.allocate(m_rows);
    for (Tensor* rows : {&m_embedded, &m_branch, &m_normed, &m_dStream, &m_scratch.narrow})
        *rows = m_ops.allocate(plain);
    m_mean = m_ops.allocate(m_rows);
    m_rstd = m_ops.allocate(m_rows);
    m_logits = m_ops.allocate(m_rows * m_config.vocabulary);
    m_scratch.wide = m_ops.allocate(4 * plain);
    allocateActivations();
}

// What is recomputed lies in one set of buffers that all layers share.
void GptTrainer::allocateActivations() {
    constexpr std::int64_t kElementBytes = 4;
    const std::int64_t plain = m_rows * m_config.width;
    const std::int64_t probabilities = m_rows * m_config.heads * m_config.context;
    const std::int64_t block = 15 * plain + 4 * m_rows;  // BlockBuffers without the output
    for (std::int64_t layer = 0; layer < m_config.layers; ++layer) {
        if (layer > 0 && m_recompute == Recompute::kFull) {
            BlockBuffers shared = m_buffers.front();
            shared.output = m_ops.allocate(plain);
            m_buffers.push_back(shared);
        } else {
            m_buffers.push_back(BlockBuffers::allocate(m_ops, m_config, m_rows));
            m_activationBytes += block * kElementBytes;
        }
        if (layer > 0 && m_recompute != Recompute::kNone) {
            m_probabilities.push_back(m_probabilities.front());
        } else {
            m_probabilities.push_back(m_ops.allocate(probabilities));
            m_activationBytes += probabilities * kElementBytes;
        }
        m_activationBytes += plain * kElementBytes;
    }
}

void GptTrainer::initialise(std::uint64_t seed, float deviation) {
    for (const GptParameter& parameter : m_layout.parameters)
        m_ops.upload(m_parameters.slice(parameter.offset, parameter.count),
                     initialValues(m_config, parameter, seed, deviation));
    const std::vector<float> zeros(static_cast<std::size_t>(m_layout.total));
    m_ops.upload(m_firstMoments, zeros);
    m_ops.upload(m_secondMoments, zeros);
    m_steps = 0;
}

void GptTrainer::setBatch(std::span<const std::int32_t> tokens,
                          std::span<const std::int32_t> targets) {
    RIDGE_CHECK(std::ssize(tokens) == m_rows && std::ssize(targets) == m_rows,
                "batch of another size");
    m_ops.upload(m_tokens, tokens);
    m_ops.upload(m_targets, targets);
}

AttentionArgs GptTrainer::attention() const {
    return {m_sequences, m_config.heads, m_config.context, m_config.headDim()};
}
Tensor GptTrainer::tokenTable(const Tensor& flat) const {
    return flat.slice(m_layout.tokenTable, m_config.vocabulary * m_config.width);
}
Tensor GptTrainer::positionTable(const Tensor& flat) const {
    return flat.slice(m_layout.positionTable, m_config.context * m_config.width);
}
const Tensor& GptTrainer::inputOf(std::size_t layer) const {
    return layer == 0 ? m_embedded : m_buffers[layer - 1].output;
}
void GptTrainer::ready(std::int64_t begin, std::int64_t end) const {
    if (m_observer) m_observer(begin, end - begin);
}

void GptTrainer::attentionForwardOf(std::size_t layer) {
    m_ops.attentionForward("attention", attention(), m_buffers[layer].qkv, m_probabilities[layer],
                           m_buffers[layer].attention);
}
void GptTrainer::blockForwardOf(std::size_t layer) {
    blockForward(m_ops, m_config, m_weights[layer], m_buffers[layer], inputOf(layer), m_branch,
                 m_rows, [&] { attentionForwardOf(layer); });
}

double GptTrainer::forward() {
    const WorkRange phase("forward");
    const std::int64_t c = m_config.width;
    m_ops.embeddingForward("embedding", m_rows, m_config.context, c, 0, m_tokens,
                           tokenTable(m_parameters), positionTable(m_parameters), m_embedded);
    for (std::size_t layer = 0; layer < m_buffers.size(); ++layer) blockForwardOf(layer);
    m_ops.layerNormForward("norm", m_rows, c, m_buffers.back().output,
                           m_parameters.slice(m_layout.normGamma, c),
                           m_parameters.slice(m_layout.normBeta, c), m_normed, m_mean, m_rstd);
    m_ops.linear("head", {tokenTable(m_parameters), {}, m_config.vocabulary, c}, m_normed, {},
                 m_logits, m_rows);
    m_ops.softmaxCrossEntropy("loss", m_rows, m_config.vocabulary, m_logits, m_targets, m_losses,
                              1.0F / static_cast<float>(m_rows * m_parts));
    m_ops.download(m_hostLosses, m_losses);
    double sum = 0;
    for (const float loss : m_hostLosses) sum += static_cast<double>(loss);
    return sum / static_cast<double>(m_rows);
}

void GptTrainer::backward(bool accumulate) {
    const WorkRange phase("backward");
    const std::int64_t c = m_config.width;
    const Tensor dTokens = tokenTable(m_gradients);
    m_ops.gemm("head.dx", {.layout = GemmLayout::kNN,
                           .m = m_rows,
                           .n = c,
                           .k = m_config.vocabulary,
                           .a = m_logits,
                           .b = tokenTable(m_parameters),
                           .c = m_scratch.narrow,
                           .bias = {},
                           .accumulate = false});
    m_ops.gemm("head.dw", {.layout = GemmLayout::kTN,
                           .m = m_config.vocabulary,
                           .n = c,
                           .k = m_rows,
                           .a = m_logits,
                           .b = m_normed,
                           .c = dTokens,
                           .bias = {},
                           .accumulate = accumulate});
    m_ops.layerNormBackward("norm.dx", m_rows, c, m_scratch.narrow, m_buffers.back().output,
                            m_parameters.slice(m_layout.normGamma, c), m_mean, m_rstd,
                            {m_dStream, m_gradients.slice(m_layout.normGamma, c),
                             m_gradients.slice(m_layout.normBeta, c), false, accumulate});
    ready(m_layout.normGamma, m_layout.total);
    for (std::size_t layer = m_buffers.size(); layer-- > 0;) {
        const BlockBuffers& buffers = m_buffers[layer];
        if (m_recompute != Recompute::kNone) {
            const WorkRange again("recompute");
            if (m_recompute == Recompute::kFull)
                blockForwardOf(layer);
            else
                attentionForwardOf(layer);
        }
        blockBackward(m_ops, m_config, m_weights[layer], m_weightGradients[layer], buffers,
                      inputOf(layer), m_dStream, m_scratch, m_rows, accumulate,
                      [&](const Tensor& dOut, const Tensor& dQkv) {
                          m_ops.attentionBackward("attention.dx", attention(), buffers.qkv,
                                                  m_probabilities[layer], dOut, dQkv);
                      });
        ready(m_layout.blocks[layer].begin, m_layout.blocks[layer].end);
    }
    // The head has written the token table's gradient; the embedding adds to it.
    m_ops.embeddingBackward("embedding.dw", m_rows, m_config.context, c, m_tokens, m_dStream,
                            dTokens, positionTable(m_gradients), accumulate);
    ready(m_layout.tokenTable, m_layout.positionTable + m_config.context * c);
}

void GptTrainer::optimise(AdamWArgs args) {
    const WorkRange phase("optimizer");
    args.step = ++m_steps;
    m_ops.adamW("adamw", args, m_parameters, m_gradients, m_firstMoments, m_secondMoments);
}

}  // namespace ridge::workloads
