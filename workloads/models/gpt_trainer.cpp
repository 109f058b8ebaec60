// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/gpt_trainer.h"

#include <array>

namespace ridge::workloads {

GptTrainer::GptTrainer(Operators& ops, const GptConfig& config, const PassShape& shape)
    : m_ops(ops),
      m_config(config),
      m_layout(config),
      m_pass(ops, config, shape,
             PassScratch::allocate(ops, config, shape.sequences * config.context)) {
    for (Tensor* flat : {&m_parameters, &m_gradients, &m_firstMoments, &m_secondMoments})
        *flat = m_ops.allocate(m_layout.total);
}

Result<std::unique_ptr<GptTrainer>> GptTrainer::create(Operators& ops, const GptConfig& config,
                                                       std::int64_t sequences, Recompute recompute,
                                                       bool fusedAttention) {
    if (config.heads < 1 || config.width % config.heads != 0 || sequences < 1)
        return Error{ErrorCode::kBadInput,
                     "width must be a multiple of heads, and sequences at least 1"};
    std::unique_ptr<GptTrainer> trainer(new GptTrainer(
        ops, config, {.sequences = sequences, .recompute = recompute, .fused = fusedAttention}));
    if (!ops.status().ok()) return withContext(ops.status().error(), "model " + config.text());
    trainer->m_root = {config, trainer->m_layout, trainer->m_parameters};
    trainer->m_rootGradients = {config, trainer->m_layout, trainer->m_gradients};
    for (const GptBlockOffsets& at : trainer->m_layout.blocks) {
        trainer->m_weights.emplace_back(config, at, trainer->m_parameters);
        trainer->m_weightGradients.emplace_back(config, at, trainer->m_gradients);
    }
    return trainer;
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
    m_pass.setBatch(tokens, targets);
}

void GptTrainer::ready(std::int64_t begin, std::int64_t end) const {
    if (m_observer) m_observer(begin, end - begin);
}

double GptTrainer::forward() {
    const WorkRange phase("forward");
    issueForward();
    return m_pass.readLoss() / static_cast<double>(m_pass.rows());
}

void GptTrainer::issueForward() {
    m_pass.embed(m_root);
    for (std::size_t layer = 0; layer < m_weights.size(); ++layer)
        m_pass.block(layer, m_weights[layer]);
    m_pass.issueLoss(m_root, 1.0F / static_cast<float>(m_pass.rows() * m_parts));
}

void GptTrainer::backward(bool accumulate) {
    const WorkRange phase("backward");
    m_pass.lossBackward(m_root, m_rootGradients, accumulate);
    ready(m_layout.normGamma, m_layout.total);
    for (std::size_t layer = m_weights.size(); layer-- > 0;) {
        m_pass.blockBackward(layer, m_weights[layer], m_weightGradients[layer], accumulate);
        ready(m_layout.blocks[layer].begin, m_layout.blocks[layer].end);
    }
    // The head has written the token table's gradient; the embedding adds to it.
    m_pass.embedBackward(m_rootGradients, accumulate);
    ready(m_layout.tokenTable, m_layout.positionTable + m_config.context * m_config.width);
}

void GptTrainer::optimise(AdamWArgs args) {
    const WorkRange phase("optimizer");
    args.step = ++m_steps;
    m_ops.adamW("adamw", args, m_parameters, m_gradients, m_firstMoments, m_secondMoments);
}

Status GptTrainer::recordStep(const AdamWArgs& args) {
    RIDGE_CHECK(m_parts == 1 && !m_observer, "a recorded step is a whole one of one rank");
    GraphRecorder* recorder = graphsOf(m_ops);
    if (recorder == nullptr)
        return Error{ErrorCode::kUnsupported, m_ops.describe() + " records no graphs"};
    if (m_corrections.empty()) m_corrections = m_ops.allocate(2);
    RIDGE_TRY_STATUS(m_ops.status());
    m_recordedArgs = args;
    m_recordedArgs.corrections = m_corrections;
    const formulas::OpCost before = m_ops.issued();
    recorder->beginGraph();
    issueForward();
    backward();
    m_ops.adamW("adamw", m_recordedArgs, m_parameters, m_gradients, m_firstMoments,
                m_secondMoments);
    RIDGE_TRY(m_graph, recorder->endGraph());
    const formulas::OpCost& after = m_ops.issued();
    m_graphWork =
        opWork(RIDGE_OP_GEMM, m_ops.products(), after.flops - before.flops,
               after.bytesRead - before.bytesRead, after.bytesWritten - before.bytesWritten);
    return {};
}

double GptTrainer::runRecordedStep() {
    RIDGE_CHECK(m_graph != nullptr, "no step was recorded");
    m_recordedArgs.step = ++m_steps;
    const AdamWCorrections corrections = correctionsOf(m_recordedArgs);
    m_ops.upload(m_corrections, std::array{corrections.first, corrections.second});
    const WorkRange range("step.graph", m_graphWork);
    m_graph->launch();
    return m_pass.readLoss() / static_cast<double>(m_pass.rows());
}

}  // namespace ridge::workloads
