// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/zero.h"

#include "workloads/parallel/strategies/host_memory.h"

#include <algorithm>

namespace ridge::workloads {

ZeroTrainer::ZeroTrainer(Operators& ops, Communicator& communicator, const GptConfig& config,
                         std::int64_t sequences, ZeroOptions options)
    : m_ops(ops),
      m_communicator(communicator),
      m_config(config),
      m_layout(config),
      m_options(options),
      m_sequences(sequences),
      m_pass(ops, config, {sequences, 0, 0, true, true},
             PassScratch::allocate(ops, config, sequences * config.context)) {}

Result<std::unique_ptr<ParallelTrainer>> ZeroTrainer::create(Operators& ops,
                                                             Communicator& communicator,
                                                             const GptConfig& config,
                                                             std::int64_t sequences,
                                                             ZeroOptions options) {
    if (sequences % communicator.size() != 0)
        return Error{ErrorCode::kBadInput, "the ranks must divide the batch"};
    std::unique_ptr<ZeroTrainer> trainer(
        new ZeroTrainer(ops, communicator, config, sequences / communicator.size(), options));
    trainer->allocate();
    if (!ops.status().ok()) return withContext(ops.status().error(), "ZeRO");
    return std::unique_ptr<ParallelTrainer>(std::move(trainer));
}

Tensor ZeroTrainer::kept(std::int64_t count) {
    m_stateBytes += 4 * count;
    return m_ops.allocate(count);
}

void ZeroTrainer::allocate() {
    const auto unit = [&](std::int64_t begin, std::int64_t end) {
        Unit made;
        made.offset = begin;
        made.count = end - begin;
        const std::int64_t n = m_options.stage == 0 ? 1 : m_communicator.size();
        made.shard = (made.count + n - 1) / n;
        made.padded = n * made.shard;
        m_units.push_back(made);
    };
    unit(0, m_layout.blocks.front().begin);
    unit(m_layout.normGamma, m_layout.total);
    for (const GptBlockOffsets& at : m_layout.blocks) unit(at.begin, at.end);
    const std::int64_t largest = m_units[kFirstBlock].padded;
    for (std::size_t i = 0; i < 2; ++i) {
        if (m_options.stage >= 3) m_weightBuffers[i] = m_ops.allocate(largest);
        if (m_options.stage >= 2) m_gradientBuffers[i] = m_ops.allocate(largest);
        m_gradientUsers[i] = kFirstBlock + i;
    }
    for (std::size_t i = 0; i < m_units.size(); ++i) allocateUnit(i);
}

void ZeroTrainer::allocateUnit(std::size_t i) {
    Unit& unit = m_units[i];
    const std::int64_t own = m_options.stage == 0 ? 0 : m_communicator.rank() * unit.shard;
    const bool block = i >= kFirstBlock;
    const std::size_t buffer = i % 2;
    if (m_options.stage >= 3) {
        unit.weights = block ? m_weightBuffers[buffer] : m_ops.allocate(unit.padded);
        unit.ownWeights = kept(unit.shard);
    } else {
        unit.weights = kept(unit.padded);
        unit.ownWeights = unit.weights.slice(own, unit.shard);
    }
    if (m_options.stage >= 2) {
        unit.gradients = block ? m_gradientBuffers[buffer] : m_ops.allocate(unit.padded);
        unit.ownGradients = kept(unit.shard);
    } else {
        unit.gradients = kept(unit.padded);
        unit.ownGradients = unit.gradients.slice(own, unit.shard);
    }
    unit.firstMoments = kept(unit.shard);
    unit.secondMoments = kept(unit.shard);
}

RootParameters ZeroTrainer::root(bool gradients) const {
    const auto pick = [gradients](const Unit& unit) {
        return gradients ? unit.gradients : unit.weights;
    };
    const std::int64_t c = m_config.width;
    const Tensor tables = pick(m_units[kTables]);
    const Tensor norm = pick(m_units[kNorm]);
    RootParameters made;
    made.tokenTable = tables.slice(0, m_config.vocabulary * c);
    made.positionTable = tables.slice(m_config.vocabulary * c, m_config.context * c);
    made.normGamma = norm.slice(0, c);
    made.normBeta = norm.slice(c, c);
    return made;
}

BlockParameters ZeroTrainer::block(std::int64_t layer, bool gradients) const {
    const Unit& unit = m_units[kFirstBlock + index(layer)];
    return {m_config, offsetsWithinBlock(m_layout.blocks[index(layer)]),
            gradients ? unit.gradients : unit.weights};
}

Status ZeroTrainer::load(std::span<const float> parameters) {
    RIDGE_CHECK(std::ssize(parameters) == m_layout.total, "parameters of another model");
    RIDGE_TRY_STATUS(m_communicator.wait());
    for (Unit& unit : m_units) {
        unit.gathering = unit.reducing = 0;
        std::vector<float> whole(index(unit.padded));
        std::copy_n(parameters.begin() + unit.offset, unit.count, whole.begin());
        const std::int64_t own = m_options.stage == 0 ? 0 : m_communicator.rank() * unit.shard;
        if (m_options.stage < 3) m_ops.upload(unit.weights, whole);
        m_ops.upload(unit.ownWeights, std::span<const float>(whole).subspan(index(own)));
        for (const Tensor* moments : {&unit.firstMoments, &unit.secondMoments})
            m_ops.clear("moments.zero", *moments);
    }
    m_steps = 0;
    return m_ops.status();
}

// The owners' weights to everyone. In place but for stage 3.
Status ZeroTrainer::gather(Unit& unit) {
    const auto own = std::as_bytes(floats(unit.ownWeights));
    const auto all = std::as_writable_bytes(floats(unit.weights).first(index(unit.padded)));
    if (!m_options.prefetch) return m_communicator.allGather(own, all, "weights.allgather");
    RIDGE_TRY_STATUS(m_communicator.allGatherAsync(own, all, "weights.allgather"));
    unit.gathering = m_communicator.lastSequence();
    return {};
}

Status ZeroTrainer::reduce(Unit& unit) {
    const std::span<float> all = floats(unit.gradients).first(index(unit.padded));
    const std::span<float> own = floats(unit.ownGradients);
    Status status;
    if (m_options.stage == 0)
        status = m_options.prefetch ? m_communicator.allReduceSumAsync(all, "gradients.allreduce")
                                    : m_communicator.allReduceSum(all, "gradients.allreduce");
    else
        status = m_options.prefetch
                     ? m_communicator.reduceScatterSumAsync(all, own, "gradients.reducescatter")
                     : m_communicator.reduceScatterSum(all, own, "gradients.reducescatter");
    if (m_options.prefetch) unit.reducing = m_communicator.lastSequence();
    return status;
}

Status ZeroTrainer::arrived(std::uint64_t& sequence, const char* name) {
    if (sequence == 0) return {};
    const WorkRange range(name);
    return m_communicator.waitFor(std::exchange(sequence, 0));
}

// The block's weights are there after this, and those of `next` on their way.
Status ZeroTrainer::useBlock(std::int64_t layer, std::int64_t next) {
    Unit& unit = m_units[kFirstBlock + index(layer)];
    if (m_options.stage < 3) return arrived(unit.gathering, "weights.wait");
    if (unit.gathering == 0) RIDGE_TRY_STATUS(gather(unit));
    RIDGE_TRY_STATUS(arrived(unit.gathering, "weights.wait"));
    if (m_options.prefetch && next >= 0 && next < m_config.layers)
        return gather(m_units[kFirstBlock + index(next)]);
    return {};
}

// Blocks take turns in two gradient buffers: the last user's must have left.
Status ZeroTrainer::freeGradients(std::size_t unit) {
    if (m_options.stage < 2) return {};
    const std::size_t buffer = unit % 2;
    RIDGE_TRY_STATUS(arrived(m_units[m_gradientUsers[buffer]].reducing, "gradients.wait"));
    m_gradientUsers[buffer] = unit;
    return {};
}

Status ZeroTrainer::forward() {
    const WorkRange phase("forward");
    if (m_options.stage == 3) {
        for (const std::size_t i : {kTables, kNorm}) RIDGE_TRY_STATUS(gather(m_units[i]));
        if (m_options.prefetch) RIDGE_TRY_STATUS(gather(m_units[kFirstBlock]));
    }
    for (const std::size_t i : {kTables, kNorm})
        RIDGE_TRY_STATUS(arrived(m_units[i].gathering, "weights.wait"));
    m_pass.embed(root(false));
    for (std::int64_t layer = 0; layer < m_config.layers; ++layer) {
        RIDGE_TRY_STATUS(useBlock(layer, layer + 1));
        m_pass.block(index(layer), block(layer, false));
    }
    const auto rows = static_cast<double>(m_pass.rows() * m_communicator.size());
    m_loss = m_pass.loss(root(false), static_cast<float>(1.0 / rows)) / rows;
    return {};
}

Status ZeroTrainer::backward() {
    const WorkRange phase("backward");
    m_pass.lossBackward(root(false), root(true), false);
    RIDGE_TRY_STATUS(reduce(m_units[kNorm]));
    for (std::int64_t layer = m_config.layers; layer-- > 0;) {
        const std::size_t unit = kFirstBlock + index(layer);
        RIDGE_TRY_STATUS(useBlock(layer, layer - 1));
        RIDGE_TRY_STATUS(freeGradients(unit));
        m_pass.blockBackward(index(layer), block(layer, false), block(layer, true), false);
        RIDGE_TRY_STATUS(reduce(m_units[unit]));
    }
    m_pass.embedBackward(root(true), false);
    return reduce(m_units[kTables]);
}

Status ZeroTrainer::optimise(const AdamWArgs& args) {
    const WorkRange phase("optimizer");
    for (Unit& unit : m_units) {
        RIDGE_TRY_STATUS(arrived(unit.reducing, "gradients.wait"));
        m_ops.adamW("adamw", args, unit.ownWeights, unit.ownGradients, unit.firstMoments,
                    unit.secondMoments);
        if (m_options.stage == 1 || m_options.stage == 2) RIDGE_TRY_STATUS(gather(unit));
    }
    return {};
}

Result<double> ZeroTrainer::step(std::span<const std::int32_t> tokens,
                                 std::span<const std::int32_t> targets, AdamWArgs args) {
    const auto rows = index(m_pass.rows());
    const auto first = rows * index(m_communicator.rank());
    m_pass.setBatch(tokens.subspan(first, rows), targets.subspan(first, rows));
    args.step = ++m_steps;
    RIDGE_TRY_STATUS(forward());
    RIDGE_TRY_STATUS(backward());
    RIDGE_TRY_STATUS(optimise(args));
    if (!m_ops.status().ok()) return m_ops.status().error();
    return m_loss;
}

Result<std::vector<float>> ZeroTrainer::parameters() {
    RIDGE_TRY_STATUS(m_communicator.wait());
    std::vector<float> all(index(m_layout.total));
    for (Unit& unit : m_units) {
        unit.gathering = 0;
        if (m_options.stage == 3)
            RIDGE_TRY_STATUS(m_communicator.allGather(
                std::as_bytes(floats(unit.ownWeights)),
                std::as_writable_bytes(floats(unit.weights).first(index(unit.padded)))));
        m_ops.download(std::span(all).subspan(index(unit.offset), index(unit.count)),
                       unit.weights.slice(0, unit.count));
    }
    return all;
}

std::uint64_t ZeroTrainer::wireBytesPerStep() const {
    using formulas::Collective;
    const auto n = static_cast<std::uint64_t>(m_communicator.size());
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < m_units.size(); ++i) {
        const auto bytes = 4 * static_cast<std::uint64_t>(m_units[i].padded);
        if (m_options.stage == 0) {
            sum += formulas::wireBytes(Collective::kAllReduce, n, bytes);
            continue;
        }
        const std::uint64_t gathers = m_options.stage == 3 && i >= kFirstBlock ? 2 : 1;
        sum += formulas::wireBytes(Collective::kReduceScatter, n, bytes) +
               gathers * formulas::wireBytes(Collective::kAllGather, n, bytes);
    }
    return sum;
}

}  // namespace ridge::workloads
