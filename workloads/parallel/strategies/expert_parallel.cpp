// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/expert_parallel.h"

#include "workloads/parallel/strategies/host_memory.h"

#include <algorithm>
#include <cmath>

namespace ridge::workloads {

namespace {

constexpr std::int64_t kRowGranule = 16;  // few shapes, so few primitives

}  // namespace

std::vector<float> expertParameters(const GptConfig& config, const ExpertOptions& options,
                                    std::uint64_t seed, float deviation) {
    const ExpertLayout layout(config, options);
    GptParameter parameter;
    parameter.offset = layout.base;
    parameter.count = layout.total() - layout.base;
    parameter.init = GptParameter::Init::kRandom;
    std::vector<float> values = initialValues(config, parameter, seed, deviation);
    for (std::int64_t layer = 0; layer < layout.layers; ++layer)
        for (std::int64_t i = 0; i < layout.width; ++i)
            values[index(layout.shared(layer) - layout.base + i)] += 1.0F;  // gamma
    return values;
}

ExpertParallelTrainer::ExpertParallelTrainer(Operators& ops, Communicator& communicator,
                                             const GptConfig& config, std::int64_t sequences,
                                             ExpertOptions options)
    : m_ops(ops),
      m_communicator(communicator),
      m_config(config),
      m_layout(config),
      m_options(options),
      m_experts(config, options),
      m_pass(ops, config, {sequences, 0, 0, true, true},
             PassScratch::allocate(ops, config, sequences * config.context)),
      m_rows(m_pass.rows()) {
    m_dense = m_layout.total + config.layers * m_experts.sharedSize();
    m_own = m_dense + config.layers * localExperts() * m_experts.expertSize();
    m_activationBytes = m_pass.activationBytes();
    allocate();
}

Result<std::unique_ptr<ParallelTrainer>> ExpertParallelTrainer::create(Operators& ops,
                                                                       Communicator& communicator,
                                                                       const GptConfig& config,
                                                                       std::int64_t sequences,
                                                                       ExpertOptions options) {
    const std::int64_t n = communicator.size();
    if (sequences % n != 0 || options.experts % n != 0 || options.choices > options.experts)
        return Error{ErrorCode::kBadInput, "the ranks must divide the batch and the experts"};
    std::unique_ptr<ParallelTrainer> trainer(
        new ExpertParallelTrainer(ops, communicator, config, sequences / n, options));
    if (!ops.status().ok()) return withContext(ops.status().error(), "mixture of experts");
    return trainer;
}

void ExpertParallelTrainer::allocate() {
    const std::int64_t c = m_config.width;
    // Every token may want the same expert, but only where nothing limits it.
    const std::int64_t rooms = m_options.experts * expertCapacity(m_options, m_rows);
    const auto kept = [this](std::int64_t count) {
        m_activationBytes += 4 * count;
        return m_ops.allocate(count);
    };
    for (std::int64_t i = 0; i < m_config.layers; ++i) {
        Layer layer;
        for (Tensor* rows : {&layer.input, &layer.normed}) *rows = kept(m_rows * c);
        layer.mean = kept(m_rows);
        layer.rstd = kept(m_rows);
        layer.probabilities = kept(m_rows * m_options.experts);
        for (Tensor* rows : {&layer.in, &layer.out, &layer.returned}) *rows = kept(rooms * c);
        for (Tensor* rows : {&layer.up, &layer.gelu}) *rows = kept(rooms * 4 * c);
        layer.places = m_ops.allocate(m_rows * m_options.choices, RIDGE_DTYPE_INT32);
        m_layers.push_back(std::move(layer));
    }
    m_state.allocate(m_ops, m_own);
    for (Tensor* rows : {&m_send, &m_receive, &m_dIn}) *rows = m_ops.allocate(rooms * c);
    m_wide = m_ops.allocate(rooms * 4 * c);
    m_dNormed = m_ops.allocate(m_rows * c);
    m_dLogits = m_ops.allocate(m_rows * m_options.experts);
    m_chosen.resize(index(m_rows * m_options.choices));
    m_hostProbabilities.resize(index(m_rows * m_options.experts));
    m_ownCounts = m_ops.allocate(8 * m_options.experts, RIDGE_DTYPE_INT8);
    m_allCounts =
        m_ops.allocate(8 * m_options.experts * m_communicator.size(), RIDGE_DTYPE_INT8);
}

Tensor ExpertParallelTrainer::shared(std::size_t layer, const Tensor& flat) const {
    const std::int64_t size = m_experts.sharedSize();
    return flat.slice(m_layout.total + static_cast<std::int64_t>(layer) * size, size);
}

Tensor ExpertParallelTrainer::expert(std::size_t layer, std::int64_t which,
                                     const Tensor& flat) const {
    const std::int64_t size = m_experts.expertSize();
    const std::int64_t at = static_cast<std::int64_t>(layer) * localExperts() + which;
    return flat.slice(m_dense + at * size, size);
}

// On the host: what its probabilities decide is the shape of what follows. Whoever comes first has
// the room.
void ExpertParallelTrainer::chooseExperts(Layer& layer, std::vector<std::int64_t>& counts) {
    const std::int64_t e = m_options.experts;
    const std::int64_t limit = expertCapacity(m_options, m_rows);
    const WorkRange range("router.choose",
                          opWork(RIDGE_OP_ELEMENTWISE, RIDGE_DTYPE_F32,
                                 4 * static_cast<std::uint64_t>(m_rows * e),
                                 4 * static_cast<std::uint64_t>(m_rows * e),
                                 4 * static_cast<std::uint64_t>(m_rows * e)));
    m_ops.download(m_hostProbabilities, layer.probabilities);
    for (std::int64_t t = 0; t < m_rows; ++t) {
        float* p = m_hostProbabilities.data() + t * e;
        float top = -1e30F;
        for (std::int64_t i = 0; i < e; ++i) {
            p[i] -= static_cast<float>(m_options.skew * std::log(static_cast<double>(i + 1)));
            top = std::max(top, p[i]);
        }
        float sum = 0;
        for (std::int64_t i = 0; i < e; ++i) sum += p[i] = std::exp(p[i] - top);
        for (std::int64_t i = 0; i < e; ++i) p[i] /= sum;
        const std::vector<std::int64_t> best = largest(p, e, m_options.choices);
        for (std::size_t k = 0; k < best.size(); ++k) {
            std::int64_t& count = counts[index(best[k])];
            const bool fits = count < limit;
            m_chosen[index(t) * best.size() + k] = {best[k], fits ? count : -1};
            if (fits) ++count;
        }
    }
    m_ops.upload(layer.probabilities, m_hostProbabilities);
}

// All ranks', by way of the memory that the communicator reaches.
Status ExpertParallelTrainer::gatherCounts(Layer& layer, const std::vector<std::int64_t>& own) {
    layer.counts.resize(index(m_options.experts * m_communicator.size()));
    m_ops.uploadBytes(m_ownCounts, std::as_bytes(std::span(own)));
    RIDGE_TRY_STATUS(
        m_communicator.allGather(bytesOf(m_ownCounts), roomOf(m_allCounts), "moe.counts"));
    m_ops.downloadBytes(std::as_writable_bytes(std::span(layer.counts)), m_allCounts);
    m_wireBytes += formulas::wireBytes(formulas::Collective::kAllGather,
                                       static_cast<std::uint64_t>(m_communicator.size()),
                                       8 * layer.counts.size());
    return {};
}

Status ExpertParallelTrainer::route(Layer& layer) {
    std::vector<std::int64_t> own(index(m_options.experts));
    chooseExperts(layer, own);
    RIDGE_TRY_STATUS(gatherCounts(layer, own));
    const std::int64_t limit = expertCapacity(m_options, m_rows);
    const std::int64_t fullest = *std::max_element(layer.counts.begin(), layer.counts.end());
    layer.room = m_options.capacity > 0
                     ? limit
                     : std::min(limit, (fullest + kRowGranule - 1) / kRowGranule * kRowGranule);
    std::vector<std::int32_t> places;
    places.reserve(m_chosen.size());
    for (const Choice& choice : m_chosen)
        places.push_back(choice.place < 0
                             ? -1
                             : static_cast<std::int32_t>(choice.expert * layer.room + choice.place));
    m_ops.upload(layer.places, places);
    return {};
}

ExpertRows ExpertParallelTrainer::expertRows(const Layer& layer, bool weighted) const {
    return {m_rows,
            m_options.choices,
            m_options.experts,
            layer.room,
            m_config.width,
            layer.places,
            weighted ? layer.probabilities : Tensor{}};
}

Status ExpertParallelTrainer::exchange(const Layer& layer, const Tensor& from, const Tensor& to,
                                       const char* name) {
    const std::int64_t rooms = m_options.experts * layer.room;
    const auto bytes = index(4 * rooms * m_config.width);
    m_wireBytes += formulas::wireBytes(formulas::Collective::kAllToAll,
                                       static_cast<std::uint64_t>(m_communicator.size()), bytes);
    return m_communicator.allToAll({static_cast<const std::byte*>(from.data), bytes},
                                   {static_cast<std::byte*>(to.data), bytes}, name);
}

// Rows of tokens into their rooms of m_send, times the probability of the choice if weighted.
void ExpertParallelTrainer::scatterRows(const Layer& layer, const Tensor& rows, bool weighted) {
    m_ops.clear("moe.zero", m_send.slice(0, m_options.experts * layer.room * m_config.width));
    m_ops.toRooms("moe.scatter", expertRows(layer, weighted), rows, m_send);
}

template <typename Work>
void ExpertParallelTrainer::forRooms(const Layer& layer, const Work& work) const {
    const std::int64_t first = m_communicator.rank() * localExperts();
    for (std::int64_t source = 0; source < m_communicator.size(); ++source)
        for (std::int64_t e = 0; e < localExperts(); ++e) {
            const std::int64_t count = layer.counts[index(source * m_options.experts + first + e)];
            const std::int64_t rows =
                std::min(layer.room, (count + kRowGranule - 1) / kRowGranule * kRowGranule);
            if (rows > 0) work(e, (source * localExperts() + e) * layer.room, rows);
        }
}

void ExpertParallelTrainer::expertsForward(std::size_t at) {
    const Layer& layer = m_layers[at];
    const std::int64_t c = m_config.width;
    const std::int64_t f = 4 * c;
    forRooms(layer, [&](std::int64_t e, std::int64_t first, std::int64_t rows) {
        const Tensor p = expert(at, e, m_state.weights);
        m_ops.linear("expert.up", {p.slice(0, f * c), {}, f, c},
                     layer.in.slice(first * c, rows * c), p.slice(f * c, f),
                     layer.up.slice(first * f, rows * f), rows);
        m_ops.geluForward("expert.gelu", layer.up.slice(first * f, rows * f),
                          layer.gelu.slice(first * f, rows * f));
        m_ops.linear("expert.down", {p.slice(f * c + f, f * c), {}, c, f},
                     layer.gelu.slice(first * f, rows * f), p.slice(2 * f * c + f, c),
                     layer.out.slice(first * c, rows * c), rows);
    });
}

// m_receive has the gradients of the experts' outputs; m_dIn gets those of their inputs.
void ExpertParallelTrainer::expertsBackward(std::size_t at) {
    const Layer& layer = m_layers[at];
    const std::int64_t c = m_config.width;
    const std::int64_t f = 4 * c;
    m_ops.clear("moe.zero", m_dIn.slice(0, m_options.experts * layer.room * c));
    std::vector<bool> begun(index(localExperts()));
    forRooms(layer, [&](std::int64_t e, std::int64_t first, std::int64_t rows) {
        const Tensor p = expert(at, e, m_state.weights);
        const Tensor g = expert(at, e, m_state.gradients);
        const Tensor wide = m_wide.slice(first * f, rows * f);
        linearBackward(m_ops, {"expert.down.dx", "expert.down.dw", "expert.down.db"},
                       {m_receive.slice(first * c, rows * c), layer.gelu.slice(first * f, rows * f),
                        p.slice(f * c + f, f * c), wide, g.slice(f * c + f, f * c),
                        g.slice(2 * f * c + f, c), rows, c, f},
                       begun[index(e)]);
        m_ops.geluBackward("expert.gelu.dx", layer.up.slice(first * f, rows * f), wide, wide);
        linearBackward(
            m_ops, {"expert.up.dx", "expert.up.dw", "expert.up.db"},
            {wide, layer.in.slice(first * c, rows * c), p.slice(0, f * c),
             m_dIn.slice(first * c, rows * c), g.slice(0, f * c), g.slice(f * c, f), rows, f, c},
            begun[index(e)]);
        begun[index(e)] = true;
    });
    for (std::int64_t e = 0; e < localExperts(); ++e)
        if (!begun[index(e)]) m_ops.clear("expert.zero", expert(at, e, m_state.gradients));
}

Status ExpertParallelTrainer::forwardLayer(std::size_t at) {
    Layer& layer = m_layers[at];
    const std::int64_t c = m_config.width;
    const std::int64_t e = m_options.experts;
    const Tensor p = shared(at, m_state.weights);
    const Tensor& stream = m_pass.outputOf(at);
    m_ops.copyRows("moe.keep", m_rows, c, {stream, 0, c}, {layer.input, 0, c});
    m_ops.layerNormForward("moe.norm", m_rows, c, layer.input, p.slice(0, c), p.slice(c, c),
                           layer.normed, layer.mean, layer.rstd);
    m_ops.linear("router", {p.slice(2 * c, e * c), {}, e, c}, layer.normed, {}, layer.probabilities,
                 m_rows);
    RIDGE_TRY_STATUS(route(layer));
    scatterRows(layer, layer.normed, false);
    RIDGE_TRY_STATUS(exchange(layer, m_send, layer.in, "moe.dispatch"));
    expertsForward(at);
    RIDGE_TRY_STATUS(exchange(layer, layer.out, layer.returned, "moe.combine.alltoall"));
    m_ops.fromRooms("moe.combine", expertRows(layer, true), layer.returned, stream);
    return {};
}

Status ExpertParallelTrainer::backwardLayer(std::size_t at) {
    const Layer& layer = m_layers[at];
    const std::int64_t c = m_config.width;
    const std::int64_t e = m_options.experts;
    const Tensor p = shared(at, m_state.weights);
    const Tensor g = shared(at, m_state.gradients);
    m_ops.routerBackward("router.dx", expertRows(layer, true), m_pass.dStream(), layer.returned,
                         m_dLogits);
    scatterRows(layer, m_pass.dStream(), true);
    RIDGE_TRY_STATUS(exchange(layer, m_send, m_receive, "moe.combine.dx.alltoall"));
    expertsBackward(at);
    RIDGE_TRY_STATUS(exchange(layer, m_dIn, m_receive, "moe.dispatch.dx"));
    linearBackward(m_ops, {"router.input.dx", "router.dw", ""},
                   {m_dLogits,
                    layer.normed,
                    p.slice(2 * c, e * c),
                    m_dNormed,
                    g.slice(2 * c, e * c),
                    {},
                    m_rows,
                    e,
                    c},
                   false);
    m_ops.fromRooms("moe.gather", expertRows(layer, false), m_receive, m_dNormed);
    m_ops.layerNormBackward("moe.norm.dx", m_rows, c, m_dNormed, layer.input, p.slice(0, c),
                            layer.mean, layer.rstd,
                            {m_pass.dStream(), g.slice(0, c), g.slice(c, c), true, false});
    return {};
}

Status ExpertParallelTrainer::forward() {
    const WorkRange phase("forward");
    const RootParameters root(m_config, m_layout, m_state.weights);
    m_pass.embed(root);
    for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
        m_pass.block(layer, {m_config, m_layout.blocks[layer], m_state.weights});
        RIDGE_TRY_STATUS(forwardLayer(layer));
    }
    const auto rows = static_cast<double>(m_rows * m_communicator.size());
    m_loss = m_pass.loss(root, static_cast<float>(1.0 / rows)) / rows;
    return {};
}

Status ExpertParallelTrainer::backward() {
    const WorkRange phase("backward");
    const RootParameters root(m_config, m_layout, m_state.weights);
    const RootParameters gradients(m_config, m_layout, m_state.gradients);
    m_pass.lossBackward(root, gradients, false);
    for (std::size_t layer = m_layers.size(); layer-- > 0;) {
        RIDGE_TRY_STATUS(backwardLayer(layer));
        const GptBlockOffsets& at = m_layout.blocks[layer];
        m_pass.blockBackward(layer, {m_config, at, m_state.weights},
                             {m_config, at, m_state.gradients}, false);
    }
    m_pass.embedBackward(gradients, false);
    m_wireBytes +=
        formulas::dataParallelWireBytes(static_cast<std::uint64_t>(m_dense),
                                        static_cast<std::uint64_t>(m_communicator.size()), 4, 0);
    return m_communicator.allReduceSum(floats(m_state.gradients.slice(0, m_dense)),
                                       "gradients.allreduce");
}

Result<double> ExpertParallelTrainer::step(std::span<const std::int32_t> tokens,
                                           std::span<const std::int32_t> targets, AdamWArgs args) {
    const auto rows = index(m_rows);
    const auto first = rows * index(m_communicator.rank());
    m_pass.setBatch(tokens.subspan(first, rows), targets.subspan(first, rows));
    m_wireBytes = 0;
    RIDGE_TRY_STATUS(forward());
    RIDGE_TRY_STATUS(backward());
    const WorkRange phase("optimizer");
    RIDGE_TRY_STATUS(m_state.update(m_ops, args));
    return m_loss;
}

Status ExpertParallelTrainer::load(std::span<const float> parameters) {
    RIDGE_CHECK(std::ssize(parameters) == m_experts.total(), "parameters of another model");
    const auto part = [&](std::int64_t offset, std::int64_t count) {
        return parameters.subspan(index(offset), index(count));
    };
    m_ops.upload(m_state.weights.slice(0, m_layout.total), part(0, m_layout.total));
    for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
        const auto number = static_cast<std::int64_t>(layer);
        m_ops.upload(shared(layer, m_state.weights),
                     part(m_experts.shared(number), m_experts.sharedSize()));
        for (std::int64_t e = 0; e < localExperts(); ++e) {
            const std::int64_t whole = m_communicator.rank() * localExperts() + e;
            m_ops.upload(expert(layer, e, m_state.weights),
                         part(m_experts.expert(number, whole), m_experts.expertSize()));
        }
    }
    m_state.restart(m_ops);
    return m_ops.status();
}

Result<std::vector<float>> ExpertParallelTrainer::parameters() {
    std::vector<float> whole(index(m_experts.total()));
    m_ops.download(std::span(whole).first(index(m_layout.total)),
                   m_state.weights.slice(0, m_layout.total));
    const std::int64_t size = m_experts.expertSize();
    std::vector<float> all(index(m_options.experts * size));
    // Where the communicator reaches: its first use allocates it.
    if (m_allExperts.empty()) m_allExperts = m_ops.allocate(m_options.experts * size);
    if (m_allExperts.empty()) return m_ops.status().error();
    for (std::size_t layer = 0; layer < m_layers.size(); ++layer) {
        const auto number = static_cast<std::int64_t>(layer);
        m_ops.download(std::span(whole).subspan(index(m_experts.shared(number)),
                                                index(m_experts.sharedSize())),
                       shared(layer, m_state.weights));
        const std::int64_t first = m_dense + number * localExperts() * size;
        RIDGE_TRY_STATUS(m_communicator.allGather(
            bytesOf(m_state.weights.slice(first, localExperts() * size)), roomOf(m_allExperts)));
        m_ops.download(all, m_allExperts);
        std::copy(all.begin(), all.end(), whole.begin() + m_experts.expert(number, 0));
    }
    return whole;
}

// Of the last step: a dropless one is as large as its fullest expert.
std::uint64_t ExpertParallelTrainer::wireBytesPerStep() const {
    return m_wireBytes;
}

std::vector<Metric> ExpertParallelTrainer::metrics() const {
    double worst = 0;
    double taken = 0;
    for (const Layer& layer : m_layers) {
        double fullest = 0;
        double all = 0;
        for (std::int64_t e = 0; e < m_options.experts; ++e) {
            double sum = 0;
            for (std::int64_t source = 0; source < m_communicator.size(); ++source)
                sum += static_cast<double>(layer.counts[index(source * m_options.experts + e)]);
            fullest = std::max(fullest, sum);
            all += sum;
        }
        taken += all;
        worst = std::max(worst, fullest * static_cast<double>(m_options.experts) / all);
    }
    const auto choices =
        static_cast<double>(m_config.layers * m_communicator.size() * m_rows * m_options.choices);
    return {{"dropped_share", 1.0 - taken / choices, "1", Metric::Direction::kLower},
            {"imbalance", worst, "1", Metric::Direction::kLower}};
}

}  // namespace ridge::workloads
