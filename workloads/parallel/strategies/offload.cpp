// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/offload.h"

#include "workloads/parallel/strategies/host_memory.h"

#include <algorithm>
#include <utility>

namespace ridge::workloads {

OffloadTrainer::OffloadTrainer(Operators& ops, const GptConfig& config, std::int64_t sequences,
                               OffloadMode mode)
    : m_ops(ops),
      m_config(config),
      m_layout(config),
      m_mode(mode),
      m_pass(ops, config, {sequences, 0, 0, true, true},
             PassScratch::allocate(ops, config, sequences * config.context)) {}

Result<std::unique_ptr<ParallelTrainer>> OffloadTrainer::create(
    Operators& ops, const GptConfig& config, std::int64_t sequences, OffloadMode mode,
    const std::filesystem::path& folder) {
    std::unique_ptr<OffloadTrainer> trainer(new OffloadTrainer(ops, config, sequences, mode));
    RIDGE_TRY_STATUS(trainer->allocate(folder));
    if (!ops.status().ok()) return withContext(ops.status().error(), "offload");
    return std::unique_ptr<ParallelTrainer>(std::move(trainer));
}

Status OffloadTrainer::allocate(const std::filesystem::path& folder) {
    m_units.push_back({m_layout.normGamma, m_layout.total - m_layout.normGamma});
    for (auto at = m_layout.blocks.rbegin(); at != m_layout.blocks.rend(); ++at)
        m_units.push_back({at->begin, at->end - at->begin});
    m_units.push_back({0, m_layout.blocks.front().begin});
    m_weights = m_ops.allocate(m_layout.total);
    m_gradients = m_ops.allocate(m_layout.total);
    m_stateBytes = 8 * m_layout.total;
    const auto moments = [this](std::int64_t count) {
        m_stateBytes += 8 * count;
        m_moments.push_back(m_ops.allocate(2 * count));
    };
    if (m_mode == OffloadMode::kResident) {
        for (const Unit& unit : m_units) moments(unit.count);
        return {};
    }
    std::int64_t largest = 0;
    for (const Unit& unit : m_units) largest = std::max(largest, unit.count);
    for (std::size_t slot = 0; slot < kSlots; ++slot) moments(largest);
    const bool beside = m_mode == OffloadMode::kPrefetch;
    if (CopyStreams* streams = copyStreamsOf(m_ops)) {
        RIDGE_TRY(m_tier, PinnedStateTier::create(m_ops, *streams, 2 * m_layout.total, beside));
    } else {
        RIDGE_TRY(m_tier, MappedStateTier::create(folder, 2 * m_layout.total, beside));
    }
    return {};
}

void OffloadTrainer::setLinkLimit(double bytesPerSecond) {
    if (!m_tier) return;
    m_link = bytesPerSecond;
    m_tier->setLinkLimit(bytesPerSecond);
}

Status OffloadTrainer::load(std::span<const float> parameters) {
    RIDGE_CHECK(std::ssize(parameters) == m_layout.total, "parameters of another model");
    m_ops.upload(m_weights, parameters);
    if (m_tier) {
        m_tier->waitForAll();
        m_tier->clear();
    }
    for (Unit& unit : m_units) unit.fetching = 0;
    for (const Tensor& moments : m_moments)
        m_ops.upload(moments, std::vector<float>(index(moments.count)));
    m_steps = 0;
    return m_ops.status();
}

void OffloadTrainer::fetch(std::size_t i) {
    Unit& unit = m_units[i];
    unit.fetching = m_tier->fetch(2 * unit.offset, 2 * unit.count, m_moments[i % kSlots].f32());
}

void OffloadTrainer::stepUnit(std::size_t i, const AdamWArgs& args) {
    const WorkRange phase("optimizer");
    Unit& unit = m_units[i];
    const bool resident = m_mode == OffloadMode::kResident;
    const Tensor& moments = m_moments[resident ? i : i % kSlots];
    if (m_mode == OffloadMode::kBlocking) fetch(i);
    if (!resident) {
        const WorkRange range("offload.wait");
        m_tier->waitFor(std::exchange(unit.fetching, 0));
    }
    m_ops.adamW("adamw", args, m_weights.slice(unit.offset, unit.count),
                m_gradients.slice(unit.offset, unit.count), moments.slice(0, unit.count),
                moments.slice(unit.count, unit.count));
    if (resident) return;
    (void)m_tier->store(2 * unit.offset, 2 * unit.count, moments.f32());
    // Into the same buffer, behind the store in the thread's queue.
    if (m_mode == OffloadMode::kPrefetch && i + kSlots < m_units.size()) fetch(i + kSlots);
}

void OffloadTrainer::forward() {
    const WorkRange phase("forward");
    const RootParameters root(m_config, m_layout, m_weights);
    if (m_mode == OffloadMode::kPrefetch)
        for (std::size_t i = 0; i < std::min(kSlots, m_units.size()); ++i) fetch(i);
    m_pass.embed(root);
    for (std::size_t layer = 0; layer < m_layout.blocks.size(); ++layer)
        m_pass.block(layer, {m_config, m_layout.blocks[layer], m_weights});
    const auto rows = static_cast<double>(m_pass.rows());
    m_loss = m_pass.loss(root, static_cast<float>(1.0 / rows)) / rows;
}

// The tied tables' weights are read by the head and the embedding only, whose backward passes are
// the first and the last: no unit is stepped before its last use.
void OffloadTrainer::backward(const AdamWArgs& args) {
    const WorkRange phase("backward");
    const RootParameters root(m_config, m_layout, m_weights);
    const RootParameters gradients(m_config, m_layout, m_gradients);
    const bool early = m_mode == OffloadMode::kPrefetch;
    std::size_t unit = 0;
    m_pass.lossBackward(root, gradients, false);
    if (early) stepUnit(unit++, args);
    for (std::size_t layer = m_layout.blocks.size(); layer-- > 0;) {
        const GptBlockOffsets& at = m_layout.blocks[layer];
        m_pass.blockBackward(layer, {m_config, at, m_weights}, {m_config, at, m_gradients}, false);
        if (early) stepUnit(unit++, args);
    }
    m_pass.embedBackward(gradients, false);
    if (early) stepUnit(unit, args);
}

Result<double> OffloadTrainer::step(std::span<const std::int32_t> tokens,
                                    std::span<const std::int32_t> targets, AdamWArgs args) {
    m_pass.setBatch(tokens, targets);
    args.step = ++m_steps;
    forward();
    backward(args);
    if (m_mode != OffloadMode::kPrefetch)
        for (std::size_t i = 0; i < m_units.size(); ++i) stepUnit(i, args);
    if (!m_ops.status().ok()) return m_ops.status().error();
    return m_loss;
}

Result<std::vector<float>> OffloadTrainer::parameters() {
    std::vector<float> whole(index(m_layout.total));
    m_ops.download(whole, m_weights);
    return whole;
}

std::vector<Metric> OffloadTrainer::metrics() const {
    const double each = m_tier ? 8.0 * static_cast<double>(m_layout.total) : 0.0;
    std::vector<Metric> made{{"offload_fetch_bytes", each, "B", Metric::Direction::kNone},
                             {"offload_store_bytes", each, "B", Metric::Direction::kNone}};
    if (m_link > 0)
        made.push_back({"link_floor", 2.0 * each / m_link, "s", Metric::Direction::kNone});
    return made;
}

}  // namespace ridge::workloads
