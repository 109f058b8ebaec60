// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/pipeline_parallel.h"

#include "base/clock.h"
#include "workloads/harness/quantile.h"
#include "workloads/parallel/strategies/host_memory.h"

#include <algorithm>
#include <numeric>

namespace ridge::workloads {

namespace {

constexpr int kNobody = RIDGE_TRANSPORT_NOBODY;
// Places in a communicator of two neighbours.
constexpr int kUpper = 0, kLower = 1;

}  // namespace

PipelineTrainer::PipelineTrainer(Operators& ops, Communicator& communicator,
                                 const GptConfig& config, std::int64_t sequences,
                                 PipelineOptions options)
    : m_ops(ops),
      m_communicator(communicator),
      m_config(config),
      m_layout(config),
      m_options(options),
      m_sequences(sequences / options.microBatches),
      m_stage(communicator.rank()),
      m_stages(communicator.size()),
      m_layers(config.layers / communicator.size()) {}

Result<std::unique_ptr<ParallelTrainer>> PipelineTrainer::create(Operators& ops,
                                                                 Communicator& communicator,
                                                                 const GptConfig& config,
                                                                 std::int64_t sequences,
                                                                 PipelineOptions options) {
    if (communicator.size() < 2 || config.layers % communicator.size() != 0 ||
        sequences % options.microBatches != 0)
        return Error{ErrorCode::kBadInput,
                     "the ranks must divide the layers, the micro-batches the batch"};
    std::unique_ptr<PipelineTrainer> trainer(
        new PipelineTrainer(ops, communicator, config, sequences, options));
    RIDGE_TRY_STATUS(trainer->connect());
    trainer->allocate();
    if (!ops.status().ok()) return withContext(ops.status().error(), "pipeline");
    return std::unique_ptr<ParallelTrainer>(std::move(trainer));
}

// A communicator for each two neighbours, and one for the two ends: every rank calls for each.
Status PipelineTrainer::connect() {
    for (std::int64_t upper = 0; upper + 1 < m_stages; ++upper) {
        const bool member = m_stage == upper || m_stage == upper + 1;
        RIDGE_TRY(auto pair, m_communicator.split(member ? 0 : -1, m_communicator.rank()));
        if (m_stage == upper)
            m_after = std::move(pair);
        else if (m_stage == upper + 1)
            m_before = std::move(pair);
    }
    RIDGE_TRY(m_ends, m_communicator.split(first() || last() ? 0 : -1, m_communicator.rank()));
    return {};
}

void PipelineTrainer::allocate() {
    const std::int64_t c = m_config.width;
    const std::size_t from = index(m_stage * m_layers);
    m_own = m_layout.blocks[from + index(m_layers) - 1].end - m_layout.blocks[from].begin;
    const auto place = [this](std::int64_t count) { return std::exchange(m_own, m_own + count); };
    if (first() || last()) m_tokenTable = place(m_config.vocabulary * c);
    if (first()) m_positionTable = place(m_config.context * c);
    if (last()) m_norm = place(2 * c);
    m_state.allocate(m_ops, m_own);
    m_scratch = PassScratch::allocate(m_ops, m_config, m_sequences * m_config.context);
    const bool all = m_options.schedule == PipelineSchedule::kGPipe;
    const std::int64_t live =
        all ? m_options.microBatches : std::min(m_options.microBatches, m_stages - m_stage);
    for (std::int64_t i = 0; i < live; ++i)
        m_passes.push_back(std::make_unique<GptPass>(
            m_ops, m_config, PassShape{m_sequences, 0, m_layers, last(), true}, m_scratch));
}

RootParameters PipelineTrainer::root(const Tensor& flat) const {
    const std::int64_t c = m_config.width;
    RootParameters made;
    made.tokenTable = flat.slice(m_tokenTable, m_config.vocabulary * c);
    if (first()) made.positionTable = flat.slice(m_positionTable, m_config.context * c);
    if (last()) {
        made.normGamma = flat.slice(m_norm, c);
        made.normBeta = flat.slice(m_norm + c, c);
    }
    return made;
}

BlockParameters PipelineTrainer::block(std::int64_t layer, const Tensor& flat) const {
    const std::int64_t start = m_layout.blocks[index(m_stage * m_layers)].begin;
    const GptBlockOffsets& at = m_layout.blocks[index(m_stage * m_layers + layer)];
    return {m_config, offsetsWithinBlock(at), flat.slice(at.begin - start, at.end - at.begin)};
}

GptPass& PipelineTrainer::passOf(std::int64_t microBatch) {
    return *m_passes[index(microBatch) % m_passes.size()];
}

void PipelineTrainer::forward(std::int64_t microBatch) {
    const WorkRange phase("forward");
    const std::int64_t start = monotonicNs();
    GptPass& pass = passOf(microBatch);
    const auto rows = index(pass.rows());
    pass.setBatch(m_tokens.subspan(index(microBatch) * rows, rows),
                  m_targets.subspan(index(microBatch) * rows, rows));
    if (first()) pass.embed(root(m_state.weights));
    for (std::int64_t layer = 0; layer < m_layers; ++layer)
        pass.block(index(layer), block(layer, m_state.weights));
    if (last()) {
        const auto all = static_cast<double>(m_tokens.size());
        m_loss += pass.loss(root(m_state.weights), static_cast<float>(1.0 / all)) / all;
    }
    m_ops.synchronize();  // a device has only begun it
    m_computeNs += monotonicNs() - start;
}

void PipelineTrainer::backward(std::int64_t microBatch) {
    const WorkRange phase("backward");
    const std::int64_t start = monotonicNs();
    GptPass& pass = passOf(microBatch);
    const bool more = m_backwards++ > 0;
    if (last()) pass.lossBackward(root(m_state.weights), root(m_state.gradients), more);
    for (std::int64_t layer = m_layers; layer-- > 0;)
        pass.blockBackward(index(layer), block(layer, m_state.weights),
                           block(layer, m_state.gradients), more);
    if (first()) {
        const RootParameters gradients = root(m_state.gradients);
        if (!more) m_ops.clear("tokens.zero", gradients.tokenTable);
        pass.embedBackward(gradients, more);
    }
    m_ops.synchronize();  // a device has only begun it
    m_computeNs += monotonicNs() - start;
}

Status PipelineTrainer::receiveInput(std::int64_t microBatch) {
    if (first()) return {};
    return m_before->sendReceive({}, kNobody, roomOf(passOf(microBatch).input()), kUpper,
                                 "activations.recv");
}
Status PipelineTrainer::sendOutput(std::int64_t microBatch) {
    if (last()) return {};
    return m_after->sendReceive(bytesOf(passOf(microBatch).output()), kLower, {}, kNobody,
                                "activations.send");
}
Status PipelineTrainer::receiveGradient() {
    if (last()) return {};
    return m_after->sendReceive({}, kNobody, roomOf(m_scratch.dStream), kLower, "gradients.recv");
}
Status PipelineTrainer::sendGradient() {
    if (first()) return {};
    return m_before->sendReceive(bytesOf(m_scratch.dStream), kUpper, {}, kNobody, "gradients.send");
}
Status PipelineTrainer::sendOutputReceiveGradient(std::int64_t microBatch) {
    if (last()) return {};
    return m_after->sendReceive(bytesOf(passOf(microBatch).output()), kLower,
                                roomOf(m_scratch.dStream), kLower,
                                "activations.send gradients.recv");
}
Status PipelineTrainer::sendGradientReceiveInput(std::int64_t microBatch) {
    if (first()) return {};
    return m_before->sendReceive(bytesOf(m_scratch.dStream), kUpper,
                                 roomOf(passOf(microBatch).input()), kUpper,
                                 "gradients.send activations.recv");
}

Status PipelineTrainer::runGPipe() {
    for (std::int64_t i = 0; i < m_options.microBatches; ++i) {
        RIDGE_TRY_STATUS(receiveInput(i));
        forward(i);
        RIDGE_TRY_STATUS(sendOutput(i));
    }
    for (std::int64_t i = m_options.microBatches; i-- > 0;) {
        RIDGE_TRY_STATUS(receiveGradient());
        backward(i);
        RIDGE_TRY_STATUS(sendGradient());
    }
    return {};
}

Status PipelineTrainer::runOneForwardOneBackward() {
    const std::int64_t m = m_options.microBatches;
    const std::int64_t ahead = std::min(m, m_stages - m_stage - 1);
    for (std::int64_t i = 0; i < ahead; ++i) {
        RIDGE_TRY_STATUS(receiveInput(i));
        forward(i);
        RIDGE_TRY_STATUS(sendOutput(i));
    }
    if (ahead < m) RIDGE_TRY_STATUS(receiveInput(ahead));
    for (std::int64_t i = 0; i < m - ahead; ++i) {
        forward(ahead + i);
        RIDGE_TRY_STATUS(sendOutputReceiveGradient(ahead + i));
        backward(i);
        const std::int64_t next = ahead + i + 1;
        RIDGE_TRY_STATUS(next < m ? sendGradientReceiveInput(next) : sendGradient());
    }
    for (std::int64_t i = m - ahead; i < m; ++i) {
        RIDGE_TRY_STATUS(receiveGradient());
        backward(i);
        RIDGE_TRY_STATUS(sendGradient());
    }
    return {};
}

Result<double> PipelineTrainer::step(std::span<const std::int32_t> tokens,
                                     std::span<const std::int32_t> targets, AdamWArgs args) {
    m_tokens = tokens;
    m_targets = targets;
    m_loss = 0;
    m_backwards = 0;
    m_computeNs = 0;
    const std::int64_t start = monotonicNs();
    RIDGE_TRY_STATUS(m_options.schedule == PipelineSchedule::kGPipe ? runGPipe()
                                                                    : runOneForwardOneBackward());
    const auto schedule = static_cast<double>(monotonicNs() - start);
    m_bubbles.push_back(1.0 - static_cast<double>(m_computeNs) / schedule);
    const WorkRange phase("optimizer");
    if (m_ends)
        RIDGE_TRY_STATUS(m_ends->allReduceSum(floats(root(m_state.gradients).tokenTable),
                                              "gradients.tied.allreduce"));
    RIDGE_TRY_STATUS(m_state.update(m_ops, args));
    return m_loss;
}

Status PipelineTrainer::load(std::span<const float> parameters) {
    RIDGE_CHECK(std::ssize(parameters) == m_layout.total, "parameters of another model");
    const auto upload = [&](const Tensor& to, std::int64_t from) {
        m_ops.upload(to, parameters.subspan(index(from), index(to.count)));
    };
    for (std::int64_t layer = 0; layer < m_layers; ++layer) {
        const GptBlockOffsets& at = m_layout.blocks[index(m_stage * m_layers + layer)];
        const std::int64_t start = m_layout.blocks[index(m_stage * m_layers)].begin;
        upload(m_state.weights.slice(at.begin - start, at.end - at.begin), at.begin);
    }
    if (first() || last()) {
        const RootParameters own = root(m_state.weights);
        upload(own.tokenTable, m_layout.tokenTable);
        if (first()) upload(own.positionTable, m_layout.positionTable);
        if (last()) upload(own.normGamma, m_layout.normGamma);
        if (last()) upload(own.normBeta, m_layout.normBeta);
    }
    m_state.restart(m_ops);
    m_bubbles.clear();
    return m_ops.status();
}

// Each range from the stage that has it. The token table is on both ends, which must agree.
Result<std::vector<float>> PipelineTrainer::parameters() {
    std::vector<float> whole(index(m_layout.total));
    if (m_shared.empty()) m_shared = m_ops.allocate(m_layout.total);
    RIDGE_TRY_STATUS(m_ops.status());
    const auto share = [&](std::int64_t offset, std::int64_t count, std::int64_t owner,
                           std::int64_t own) -> Status {
        const auto part = std::span(whole).subspan(index(offset), index(count));
        const Tensor room = m_shared.slice(offset, count);
        if (m_stage == owner) {
            m_ops.download(part, m_state.weights.slice(own, count));
            m_ops.upload(room, part);
        }
        RIDGE_TRY_STATUS(m_communicator.broadcast(roomOf(room), static_cast<int>(owner)));
        m_ops.download(part, room);
        return m_ops.status();
    };
    for (std::int64_t stage = 0; stage < m_stages; ++stage) {
        const std::int64_t begin = m_layout.blocks[index(stage * m_layers)].begin;
        const std::int64_t end = m_layout.blocks[index((stage + 1) * m_layers) - 1].end;
        RIDGE_TRY_STATUS(share(begin, end - begin, stage, 0));
    }
    const std::int64_t c = m_config.width;
    const std::int64_t table = m_config.vocabulary * c;
    RIDGE_TRY_STATUS(share(m_layout.tokenTable, table, 0, m_tokenTable));
    RIDGE_TRY_STATUS(share(m_layout.positionTable, m_config.context * c, 0, m_positionTable));
    RIDGE_TRY_STATUS(share(m_layout.normGamma, 2 * c, m_stages - 1, m_norm));
    if (last()) {
        std::vector<float> own(index(table));
        m_ops.download(own, root(m_state.weights).tokenTable);
        if (!std::equal(own.begin(), own.end(), whole.begin() + m_layout.tokenTable))
            return Error{ErrorCode::kMeasurement, "the ends' token tables have drifted apart"};
    }
    return whole;
}

std::uint64_t PipelineTrainer::wireBytesPerStep() const {
    const auto u64 = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
    // One boundary, both directions: this rank sends half of it at each of its boundaries.
    const std::uint64_t boundary = formulas::pipelineWireBytes(
        2, u64(m_sequences), u64(m_config.context), u64(m_config.width), 4);
    const std::uint64_t boundaries = (first() ? 0U : 1U) + (last() ? 0U : 1U);
    std::uint64_t sum = boundaries * u64(m_options.microBatches) * boundary / 2;
    if (m_ends)
        sum += formulas::wireBytes(formulas::Collective::kAllReduce, 2,
                                   u64(m_config.vocabulary * m_config.width) * 4);
    return sum;
}

std::int64_t PipelineTrainer::activationBytes() const {
    return std::ssize(m_passes) * m_passes.front()->activationBytes();
}

void PipelineTrainer::setLinkLimit(double bytesPerSecond) {
    for (Communicator* part : {m_before.get(), m_after.get(), m_ends.get()})
        if (part) part->setLinkLimit(bytesPerSecond);
}

std::vector<Metric> PipelineTrainer::metrics() const {
    using Direction = Metric::Direction;
    std::vector<Metric> made{
        {"bubble_formula",
         formulas::pipelineBubble(static_cast<std::uint64_t>(m_stages),
                                  static_cast<std::uint64_t>(m_options.microBatches)),
         "1", Direction::kNone}};
    const double own = m_bubbles.empty() ? 0.0 : quantile(m_bubbles, 0.5);
    if (const auto all = m_communicator.controlGather(own); all.ok())
        made.push_back(
            {"bubble_share",
             std::accumulate(all->begin(), all->end(), 0.0) / static_cast<double>(m_stages), "1",
             Direction::kLower});
    return made;
}

}  // namespace ridge::workloads
