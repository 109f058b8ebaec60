// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/gcn_model.h"

#include "workloads/models/gpt_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ridge/work.h>

namespace ridge::workloads {

namespace {

class Gcn final : public FamilyModel {
public:
    Gcn(Operators& ops, FamilyOperators& family, const GcnConfig& config, std::int64_t nonZeros)
        : m_ops(ops),
          m_family(family),
          m_config(config),
          m_weights(
              DenseParameters::allocate(ops, config.hidden * (config.inputs + config.classes))),
          m_matrix{config.nodes,
                   config.nodes,
                   nonZeros,
                   ops.allocate(config.nodes + 1, RIDGE_DTYPE_INT32),
                   ops.allocate(nonZeros, RIDGE_DTYPE_INT32),
                   ops.allocate(nonZeros)},
          m_features(ops.allocate(config.nodes * config.inputs)),
          m_labels(ops.allocate(config.nodes, RIDGE_DTYPE_INT32)),
          m_projected(ops.allocate(config.nodes * config.hidden)),
          m_hidden(ops.allocate(config.nodes * config.hidden)),
          m_narrow(ops.allocate(config.nodes * config.classes)),
          m_logits(ops.allocate(config.nodes * config.classes)),
          m_losses(ops.allocate(config.nodes)) {}

    void fill(const GcnData& data) {
        m_ops.upload(m_matrix.offsets, data.graph.offsets);
        m_ops.upload(m_matrix.indices, data.graph.indices);
        m_ops.upload(m_matrix.values, data.graph.values);
        m_ops.upload(m_features, data.features);
        m_ops.upload(m_labels, data.labels);
    }

    [[nodiscard]] std::int64_t parameterCount() const override { return m_weights.values.count; }
    void load(std::span<const float> parameters) override {
        m_ops.upload(m_weights.values, parameters);
    }
    [[nodiscard]] std::vector<float> parameters() override {
        std::vector<float> all(static_cast<std::size_t>(parameterCount()));
        m_ops.download(all, m_weights.values);
        return all;
    }
    // Glorot and Bengio's bounds.
    void initialise(std::uint64_t seed) override {
        const auto bound = [](std::int64_t in, std::int64_t out) {
            return std::sqrt(6.0F / static_cast<float>(in + out));
        };
        m_ops.upload(first(m_weights.values),
                     uniformValues(m_config.inputs * m_config.hidden, seed,
                                   bound(m_config.inputs, m_config.hidden)));
        m_ops.upload(second(m_weights.values),
                     uniformValues(m_config.hidden * m_config.classes, seed + 1,
                                   bound(m_config.hidden, m_config.classes)));
    }
    void setBatch(std::uint64_t) override {}  // the whole graph, every time
    double forward() override;
    void backward() override;
    void update(float rate) override {
        const WorkRange range("optimizer");
        m_family.sgd("sgd", rate, m_weights.values, m_weights.gradients);
    }
    [[nodiscard]] double gradientSquares() override { return m_weights.squares(m_ops); }

private:
    [[nodiscard]] Tensor first(const Tensor& of) const {
        return of.slice(0, m_config.inputs * m_config.hidden);
    }
    [[nodiscard]] Tensor second(const Tensor& of) const {
        return of.slice(m_config.inputs * m_config.hidden, m_config.hidden * m_config.classes);
    }
    // c(nodes, n) = a(nodes, k) b(k, n); likewise with b transposed, and a^T b over all nodes.
    void product(const char* name, GemmLayout layout, std::int64_t n, std::int64_t k,
                 const Tensor& a, const Tensor& b, const Tensor& c) {
        m_ops.gemm(name, {.layout = layout,
                          .m = m_config.nodes,
                          .n = n,
                          .k = k,
                          .a = a,
                          .b = b,
                          .c = c,
                          .bias = {}});
    }
    void weightGradient(const char* name, std::int64_t in, std::int64_t out, const Tensor& x,
                        const Tensor& dY, const Tensor& dW) {
        m_ops.gemm(name, {.layout = GemmLayout::kTN,
                          .m = in,
                          .n = out,
                          .k = m_config.nodes,
                          .a = x,
                          .b = dY,
                          .c = dW,
                          .bias = {}});
    }

    Operators& m_ops;
    FamilyOperators& m_family;
    GcnConfig m_config;
    DenseParameters m_weights;
    CsrMatrix m_matrix;
    Tensor m_features, m_labels;
    Tensor m_projected, m_hidden;  // nodes x hidden; the projection's room takes gradients later
    Tensor m_narrow, m_logits;     // nodes x classes
    Tensor m_losses;
};

double Gcn::forward() {
    const WorkRange range("forward");
    const GcnConfig& c = m_config;
    product("project.1", GemmLayout::kNN, c.hidden, c.inputs, m_features, first(m_weights.values),
            m_projected);
    m_family.spmm("aggregate.1", m_matrix, c.hidden, m_projected, m_hidden);
    m_family.relu("relu", m_hidden, m_hidden);
    product("project.2", GemmLayout::kNN, c.classes, c.hidden, m_hidden, second(m_weights.values),
            m_narrow);
    m_family.spmm("aggregate.2", m_matrix, c.classes, m_narrow, m_logits);
    m_ops.softmaxCrossEntropy("loss", c.nodes, c.classes, m_logits, m_labels, m_losses,
                              1.0F / static_cast<float>(c.nodes));
    return meanOf(m_ops, m_losses, c.nodes);
}

void Gcn::backward() {
    const WorkRange range("backward");
    const GcnConfig& c = m_config;
    m_family.spmm("aggregate.2.bwd", m_matrix, c.classes, m_logits, m_narrow);
    weightGradient("project.2.weight.bwd", c.hidden, c.classes, m_hidden, m_narrow,
                   second(m_weights.gradients));
    product("project.2.input.bwd", GemmLayout::kNT, c.hidden, c.classes, m_narrow,
            second(m_weights.values), m_projected);
    m_family.reluBackward("relu.bwd", m_hidden, m_projected, m_projected);
    m_family.spmm("aggregate.1.bwd", m_matrix, c.hidden, m_projected, m_hidden);
    weightGradient("project.1.weight.bwd", c.inputs, c.hidden, m_features, m_hidden,
                   first(m_weights.gradients));
}

}  // namespace

std::string GcnConfig::text() const {
    return fmt::format("{} nodes {}-{}-{}", nodes, inputs, hidden, classes);
}

std::uint64_t GcnConfig::productFlops() const {
    // Both layers forward and to their weights, the second to its input too.
    return static_cast<std::uint64_t>(2 * nodes * hidden * (2 * inputs + 3 * classes));
}

std::vector<std::int32_t> nodeNumbers(const GcnConfig& config, std::uint64_t seed) {
    std::vector<std::int32_t> number(static_cast<std::size_t>(config.nodes));
    std::iota(number.begin(), number.end(), 0);
    if (config.shuffled)
        for (std::size_t i = number.size(); i > 1; --i)
            std::swap(number[i - 1], number[randomBits(seed + 1, i) % i]);
    return number;
}

Graph makeGraph(const GcnConfig& config, std::uint64_t seed) {
    const auto n = static_cast<std::size_t>(config.nodes);
    const std::vector<std::int32_t> number = nodeNumbers(config, seed);
    std::vector<std::vector<std::int32_t>> rows(n);
    for (std::size_t i = 0; i < n; ++i) {
        rows[static_cast<std::size_t>(number[i])].push_back(number[i]);
        for (std::size_t l = 0; l < static_cast<std::size_t>(config.links); ++l) {
            const std::uint64_t draw =
                randomBits(seed, i * static_cast<std::size_t>(config.links) + l);
            const std::size_t other = (i + 1 + draw % static_cast<std::uint64_t>(config.reach)) % n;
            rows[static_cast<std::size_t>(number[i])].push_back(number[other]);
            rows[static_cast<std::size_t>(number[other])].push_back(number[i]);
        }
    }
    Graph graph;
    graph.offsets.push_back(0);
    for (auto& row : rows) {
        std::sort(row.begin(), row.end());
        row.erase(std::unique(row.begin(), row.end()), row.end());
        graph.indices.insert(graph.indices.end(), row.begin(), row.end());
        graph.offsets.push_back(static_cast<std::int32_t>(graph.indices.size()));
    }
    graph.values.reserve(graph.indices.size());
    for (const auto& row : rows)
        for (const std::int32_t other : row)
            graph.values.push_back(
                1.0F / std::sqrt(static_cast<float>(row.size() *
                                                    rows[static_cast<std::size_t>(other)].size())));
    return graph;
}

bool isSymmetric(const Graph& graph) {
    const auto& [offsets, indices, values] = graph;
    for (std::size_t r = 0; r + 1 < offsets.size(); ++r)
        for (auto e = static_cast<std::size_t>(offsets[r]);
             e < static_cast<std::size_t>(offsets[r + 1]); ++e) {
            const auto c = static_cast<std::size_t>(indices[e]);
            const auto begin = indices.begin() + offsets[c], end = indices.begin() + offsets[c + 1];
            const auto found = std::lower_bound(begin, end, static_cast<std::int32_t>(r));
            if (found == end || *found != static_cast<std::int32_t>(r)) return false;
            const float back = values[static_cast<std::size_t>(found - indices.begin())];
            if (!(std::abs(back - values[e]) <= 0.0F)) return false;
        }
    return true;
}

GcnData gcnData(const GcnConfig& config, std::uint64_t seed) {
    GcnData data;
    data.graph = makeGraph(config, seed);
    data.features = uniformValues(config.nodes * config.inputs, seed + 2, 1.0F);
    data.labels.resize(static_cast<std::size_t>(config.nodes));
    // Stretches of the ring are communities: one class each, and a feature that hints at it.
    const std::vector<std::int32_t> number = nodeNumbers(config, seed);
    for (std::int64_t i = 0; i < config.nodes; ++i) {
        const std::int64_t label = i * config.classes / config.nodes;
        const auto node = static_cast<std::size_t>(number[static_cast<std::size_t>(i)]);
        data.labels[node] = static_cast<std::int32_t>(label);
        data.features[node * static_cast<std::size_t>(config.inputs) +
                      static_cast<std::size_t>(label % config.inputs)] += 1.0F;
    }
    return data;
}

namespace {

using Values = std::vector<double>;

Values aggregated(const Graph& graph, const Values& x, std::size_t width) {
    Values y(x.size());
    for (std::size_t r = 0; r + 1 < graph.offsets.size(); ++r)
        for (auto e = static_cast<std::size_t>(graph.offsets[r]);
             e < static_cast<std::size_t>(graph.offsets[r + 1]); ++e)
            for (std::size_t c = 0; c < width; ++c)
                y[r * width + c] += static_cast<double>(graph.values[e]) *
                                    x[static_cast<std::size_t>(graph.indices[e]) * width + c];
    return y;
}

Values multiplied(const Values& x, std::span<const double> w, std::size_t in, std::size_t out) {
    Values y(x.size() / in * out);
    for (std::size_t r = 0; r < x.size() / in; ++r)
        for (std::size_t i = 0; i < in; ++i)
            for (std::size_t o = 0; o < out; ++o) y[r * out + o] += x[r * in + i] * w[i * out + o];
    return y;
}

}  // namespace

double gcnReference(const GcnConfig& config, const GcnData& data,
                    std::span<const double> parameters) {
    const auto in = static_cast<std::size_t>(config.inputs);
    const auto hidden = static_cast<std::size_t>(config.hidden);
    const auto classes = static_cast<std::size_t>(config.classes);
    const Values x(data.features.begin(), data.features.end());
    Values h =
        aggregated(data.graph, multiplied(x, parameters.first(in * hidden), in, hidden), hidden);
    for (double& value : h) value = std::max(value, 0.0);
    const Values z = aggregated(
        data.graph, multiplied(h, parameters.subspan(in * hidden), hidden, classes), classes);
    double loss = 0;
    for (std::size_t r = 0; r < data.labels.size(); ++r) {
        double sum = 0;
        for (std::size_t c = 0; c < classes; ++c) sum += std::exp(z[r * classes + c]);
        loss += std::log(sum) - z[r * classes + static_cast<std::size_t>(data.labels[r])];
    }
    return loss / static_cast<double>(data.labels.size());
}

Result<std::unique_ptr<FamilyModel>> makeGcn(Operators& ops, FamilyOperators& family,
                                             const GcnConfig& config, const GcnData& data) {
    auto made = std::make_unique<Gcn>(ops, family, config, std::ssize(data.graph.indices));
    RIDGE_TRY_STATUS(ops.status());
    made->fill(data);
    RIDGE_TRY_STATUS(ops.status());
    return std::unique_ptr<FamilyModel>(std::move(made));
}

}  // namespace ridge::workloads
