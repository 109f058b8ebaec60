// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/dlrm_model.h"

#include "workloads/models/gpt_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <ridge/work.h>
#include <unordered_map>

namespace ridge::workloads {

namespace {

std::vector<std::int64_t> bottomWidths(const DlrmConfig& config) {
    std::vector<std::int64_t> widths{config.dense};
    widths.insert(widths.end(), config.bottom.begin(), config.bottom.end());
    widths.push_back(config.width);
    return widths;
}

std::vector<std::int64_t> topWidths(const DlrmConfig& config) {
    std::vector<std::int64_t> widths{config.interactionWidth()};
    widths.insert(widths.end(), config.top.begin(), config.top.end());
    widths.push_back(1);
    return widths;
}

std::int64_t mlpParameters(const std::vector<std::int64_t>& widths) {
    std::int64_t count = 0;
    for (std::size_t i = 1; i < widths.size(); ++i) count += widths[i] * (widths[i - 1] + 1);
    return count;
}

// Fully connected layers with ReLU between them (and after the last one where asked).
class Mlp {
public:
    Mlp(Operators& ops, FamilyOperators& family, std::string name, std::vector<std::int64_t> widths,
        std::int64_t rows, bool lastRelu, const DenseParameters& room, std::int64_t offset)
        : m_ops(ops), m_family(family), m_rows(rows), m_lastRelu(lastRelu) {
        for (std::size_t i = 1; i < widths.size(); ++i) {
            Layer layer;
            layer.in = widths[i - 1];
            layer.out = widths[i];
            const auto take = [&](std::int64_t count, Tensor& value, Tensor& gradient) {
                value = room.values.slice(offset, count);
                gradient = room.gradients.slice(offset, count);
                offset += count;
            };
            take(layer.in * layer.out, layer.weight, layer.dWeight);
            take(layer.out, layer.bias, layer.dBias);
            layer.y = ops.allocate(rows * layer.out);
            layer.dX = ops.allocate(rows * layer.in);
            layer.name = fmt::format("{}.{}", name, i);
            m_layers.push_back(std::move(layer));
        }
    }

    [[nodiscard]] const Tensor& output() const { return m_layers.back().y; }
    [[nodiscard]] const Tensor& inputGradient() const { return m_layers.front().dX; }

    void forward(const Tensor& x) {
        m_input = x;
        const Tensor* from = &m_input;
        for (std::size_t i = 0; i < m_layers.size(); ++i) {
            Layer& layer = m_layers[i];
            m_ops.gemm(layer.name.c_str(), {.layout = GemmLayout::kNT,
                                            .m = m_rows,
                                            .n = layer.out,
                                            .k = layer.in,
                                            .a = *from,
                                            .b = layer.weight,
                                            .c = layer.y,
                                            .bias = layer.bias});
            if (hasRelu(i)) m_family.relu("relu", layer.y, layer.y);
            from = &layer.y;
        }
    }

    // The gradient of the output may be overwritten.
    void backward(const Tensor& dOut, bool wantsInputGradient) {
        const Tensor* from = &dOut;
        for (std::size_t i = m_layers.size(); i-- > 0;) {
            Layer& layer = m_layers[i];
            if (hasRelu(i)) m_family.reluBackward("relu.bwd", layer.y, *from, *from);
            const Tensor& x = i == 0 ? m_input : m_layers[i - 1].y;
            m_ops.gemm("weight.bwd", {.layout = GemmLayout::kTN,
                                      .m = layer.out,
                                      .n = layer.in,
                                      .k = m_rows,
                                      .a = *from,
                                      .b = x,
                                      .c = layer.dWeight,
                                      .bias = {}});
            m_ops.columnSum("bias.bwd", *from, m_rows, layer.out, layer.dBias, false);
            if (i == 0 && !wantsInputGradient) return;
            m_ops.gemm("input.bwd", {.layout = GemmLayout::kNN,
                                     .m = m_rows,
                                     .n = layer.in,
                                     .k = layer.out,
                                     .a = *from,
                                     .b = layer.weight,
                                     .c = layer.dX,
                                     .bias = {}});
            from = &layer.dX;
        }
    }

private:
    struct Layer {
        std::int64_t in = 0, out = 0;
        Tensor weight, bias, dWeight, dBias, y, dX;
        std::string name;
    };
    [[nodiscard]] bool hasRelu(std::size_t i) const {
        return m_lastRelu || i + 1 < m_layers.size();
    }

    Operators& m_ops;
    FamilyOperators& m_family;
    std::int64_t m_rows;
    bool m_lastRelu;
    Tensor m_input;
    std::vector<Layer> m_layers;
};

class Dlrm final : public FamilyModel {
public:
    Dlrm(Operators& ops, FamilyOperators& family, const DlrmConfig& config)
        : m_ops(ops),
          m_family(family),
          m_config(config),
          m_denseCount(mlpParameters(bottomWidths(config)) + mlpParameters(topWidths(config))),
          m_dense(DenseParameters::allocate(ops, m_denseCount)),
          m_table(ops.allocate(config.tables * config.rows * config.width)),
          m_bags(ops.allocate(config.samples * config.tables * config.width)),
          m_dBags(ops.allocate(m_bags.count)),
          m_dDense(ops.allocate(config.samples * config.width)),
          m_interaction(ops.allocate(config.samples * config.interactionWidth())),
          m_losses(ops.allocate(config.samples)) {}

    // After the constructor, when memory was enough for it.
    void prepare(std::uint64_t dataSeed);

    [[nodiscard]] std::int64_t parameterCount() const override {
        return m_denseCount + m_table.count;
    }
    void load(std::span<const float> parameters) override {
        m_ops.upload(m_dense.values, parameters.first(static_cast<std::size_t>(m_denseCount)));
        m_ops.upload(m_table, parameters.subspan(static_cast<std::size_t>(m_denseCount)));
    }
    [[nodiscard]] std::vector<float> parameters() override {
        std::vector<float> all(static_cast<std::size_t>(parameterCount()));
        const std::span<float> whole(all);
        m_ops.download(whole.first(static_cast<std::size_t>(m_denseCount)), m_dense.values);
        m_ops.download(whole.subspan(static_cast<std::size_t>(m_denseCount)), m_table);
        return all;
    }
    void initialise(std::uint64_t seed) override;
    void setBatch(std::uint64_t index) override { m_current = index % m_batches.size(); }
    double forward() override;
    void backward() override;
    void update(float rate) override;
    [[nodiscard]] double gradientSquares() override;

private:
    struct Batch {
        Tensor dense, labels, indices;
        std::int64_t distinct = 0;
    };
    [[nodiscard]] BagArgs bagArgs() const {
        return {m_config.tables,  m_config.rows,   m_config.width,
                m_config.samples, m_config.perBag, batch().distinct};
    }
    [[nodiscard]] const Batch& batch() const { return m_batches[m_current]; }

    Operators& m_ops;
    FamilyOperators& m_family;
    DlrmConfig m_config;
    std::int64_t m_denseCount;
    DenseParameters m_dense;
    Tensor m_table, m_bags, m_dBags, m_dDense, m_interaction, m_losses;
    std::unique_ptr<Mlp> m_bottom, m_top;
    std::vector<Batch> m_batches;
    std::size_t m_current = 0;
};

void Dlrm::prepare(std::uint64_t dataSeed) {
    const auto bottom = bottomWidths(m_config);
    m_bottom = std::make_unique<Mlp>(m_ops, m_family, "bottom", bottom, m_config.samples, true,
                                     m_dense, 0);
    m_top = std::make_unique<Mlp>(m_ops, m_family, "top", topWidths(m_config), m_config.samples,
                                  false, m_dense, mlpParameters(bottom));
    for (std::int64_t i = 0; i < m_config.batches; ++i) {
        const DlrmBatch made = dlrmBatch(m_config, dataSeed + static_cast<std::uint64_t>(i));
        Batch kept{m_ops.allocate(std::ssize(made.dense)), m_ops.allocate(std::ssize(made.labels)),
                   m_ops.allocate(std::ssize(made.indices), RIDGE_DTYPE_INT32), made.distinct};
        if (!m_ops.status().ok()) return;
        m_ops.upload(kept.dense, made.dense);
        m_ops.upload(kept.labels, made.labels);
        m_ops.upload(kept.indices, made.indices);
        m_batches.push_back(kept);
    }
}

// Weights as in the paper's code by their fan-in, embeddings small.
void Dlrm::initialise(std::uint64_t seed) {
    std::int64_t at = 0;
    for (const auto& widths : {bottomWidths(m_config), topWidths(m_config)})
        for (std::size_t i = 1; i < widths.size(); ++i) {
            const std::int64_t count = widths[i] * (widths[i - 1] + 1);
            const float bound = std::sqrt(3.0F / static_cast<float>(widths[i - 1]));
            m_ops.upload(m_dense.values.slice(at, count),
                         uniformValues(count, seed + static_cast<std::uint64_t>(at), bound));
            at += count;
        }
    constexpr std::int64_t kPiece = 1 << 20;
    for (std::int64_t first = 0; first < m_table.count; first += kPiece) {
        const std::int64_t count = std::min(kPiece, m_table.count - first);
        m_ops.upload(m_table.slice(first, count),
                     uniformValues(count, seed + 7919 + static_cast<std::uint64_t>(first), 0.05F));
    }
}

double Dlrm::forward() {
    const WorkRange range("forward");
    const Batch& now = batch();
    m_family.embeddingBag("bags", bagArgs(), m_table, now.indices, m_bags);
    m_bottom->forward(now.dense);
    m_family.dotInteraction("interaction", m_config.samples, m_config.tables, m_config.width,
                            m_bottom->output(), m_bags, m_interaction);
    m_top->forward(m_interaction);
    m_family.logisticLoss("loss", m_config.samples, m_top->output(), now.labels, m_losses,
                          1.0F / static_cast<float>(m_config.samples));
    return meanOf(m_ops, m_losses, m_config.samples);
}

void Dlrm::backward() {
    const WorkRange range("backward");
    m_top->backward(m_top->output(), true);
    m_family.dotInteractionBackward("interaction.bwd", m_config.samples, m_config.tables,
                                    m_config.width, m_bottom->output(), m_bags,
                                    m_top->inputGradient(), m_dDense, m_dBags);
    m_bottom->backward(m_dDense, false);
}

void Dlrm::update(float rate) {
    const WorkRange range("optimizer");
    m_family.embeddingBagUpdate("bags.update", bagArgs(), batch().indices, m_dBags, rate, m_table);
    m_family.sgd("sgd", rate, m_dense.values, m_dense.gradients);
}

double Dlrm::gradientSquares() {
    std::vector<float> gradients(static_cast<std::size_t>(m_dBags.count));
    m_ops.download(gradients, m_dBags);
    std::vector<std::int32_t> indices(static_cast<std::size_t>(batch().indices.count));
    m_ops.downloadBytes(std::as_writable_bytes(std::span(indices)), batch().indices);
    const auto width = static_cast<std::size_t>(m_config.width);
    const auto perBag = static_cast<std::size_t>(m_config.perBag);
    double sum = m_dense.squares(m_ops);
    for (std::int64_t t = 0; t < m_config.tables; ++t) {
        std::unordered_map<std::int32_t, std::size_t> places;
        std::vector<double> rows;
        for (std::int64_t s = 0; s < m_config.samples; ++s) {
            const auto bag = static_cast<std::size_t>(s * m_config.tables + t);
            for (std::size_t i = 0; i < perBag; ++i) {
                const auto [place, isNew] = places.emplace(indices[bag * perBag + i], rows.size());
                if (isNew) rows.resize(rows.size() + width);
                for (std::size_t c = 0; c < width; ++c)
                    rows[place->second + c] += static_cast<double>(gradients[bag * width + c]);
            }
        }
        for (const double g : rows) sum += g * g;
    }
    return sum;
}

using Vector = std::vector<double>;

// One sample through the layers; takes the parameters from `at` on.
Vector mlpReference(const std::vector<std::int64_t>& widths, std::span<const double> parameters,
                    std::size_t& at, Vector x, bool lastRelu) {
    for (std::size_t i = 1; i < widths.size(); ++i) {
        const auto in = static_cast<std::size_t>(widths[i - 1]);
        const auto out = static_cast<std::size_t>(widths[i]);
        Vector y(out);
        for (std::size_t o = 0; o < out; ++o) {
            y[o] = parameters[at + out * in + o];
            for (std::size_t c = 0; c < in; ++c) y[o] += parameters[at + o * in + c] * x[c];
            if (lastRelu || i + 1 < widths.size()) y[o] = std::max(y[o], 0.0);
        }
        at += out * (in + 1);
        x = std::move(y);
    }
    return x;
}

}  // namespace

std::string DlrmConfig::text() const {
    return fmt::format("B{} {} {}x{}x{} bags of {} {}", samples,
                       fmt::join(bottomWidths(*this), "-"), tables, rows, width, perBag,
                       fmt::join(topWidths(*this), "-"));
}

std::uint64_t DlrmConfig::productFlops() const {
    std::uint64_t flops = 0;
    const auto b = static_cast<std::uint64_t>(samples);
    // Forward and both gradients; the first layer of the bottom has no gradient of its input.
    for (const auto& [widths, inputGradient] :
         {std::pair{bottomWidths(*this), false}, std::pair{topWidths(*this), true}})
        for (std::size_t i = 1; i < widths.size(); ++i)
            flops += (i > 1 || inputGradient ? 3U : 2U) * 2U * b *
                     static_cast<std::uint64_t>(widths[i] * widths[i - 1]);
    const auto f = static_cast<std::uint64_t>(tables) + 1, w = static_cast<std::uint64_t>(width);
    return flops + formulas::dotInteraction(b, f, w).flops +
           formulas::dotInteractionBackward(b, f, w).flops;
}

std::int32_t scatteredRank(double draw, std::int64_t rows, double exponent) {
    RIDGE_CHECK(rows > 0 && (rows & (rows - 1)) == 0, "the rows of a table are a power of two");
    // The inverse of the distribution of x^-exponent on [1, rows + 1).
    const double power = 1.0 - exponent;
    const double top = std::pow(static_cast<double>(rows + 1), power);
    const double rank = std::pow(1.0 + draw * (top - 1.0), 1.0 / power);
    const auto whole = std::min(static_cast<std::uint64_t>(rank), static_cast<std::uint64_t>(rows));
    // An odd factor permutes the numbers below a power of two.
    return static_cast<std::int32_t>(((whole - 1) * 0x9E3779B1U) &
                                     static_cast<std::uint64_t>(rows - 1));
}

DlrmBatch dlrmBatch(const DlrmConfig& config, std::uint64_t seed) {
    DlrmBatch made;
    made.dense = uniformValues(config.samples * config.dense, 3 * seed, 1.0F);
    made.labels.resize(static_cast<std::size_t>(config.samples));
    for (std::size_t s = 0; s < made.labels.size(); ++s)
        made.labels[s] = randomBits(3 * seed + 1, s) % 4 == 0 ? 1.0F : 0.0F;
    made.indices.resize(static_cast<std::size_t>(config.samples * config.tables * config.perBag));
    std::vector<bool> named(static_cast<std::size_t>(config.tables * config.rows));
    for (std::size_t i = 0; i < made.indices.size(); ++i) {
        const double draw = static_cast<double>(randomBits(3 * seed + 2, i) >> 11) * 0x1p-53;
        made.indices[i] = scatteredRank(draw, config.rows, config.exponent);
        const std::size_t table =
            i / static_cast<std::size_t>(config.perBag) % static_cast<std::size_t>(config.tables);
        const std::size_t at = table * static_cast<std::size_t>(config.rows) +
                               static_cast<std::size_t>(made.indices[i]);
        made.distinct += named[at] ? 0 : 1;
        named[at] = true;
    }
    return made;
}

double dlrmReference(const DlrmConfig& config, const DlrmBatch& batch,
                     std::span<const double> parameters) {
    const auto bottom = bottomWidths(config), top = topWidths(config);
    const auto tablesAt = static_cast<std::size_t>(mlpParameters(bottom) + mlpParameters(top));
    const auto width = static_cast<std::size_t>(config.width);
    const auto tables = static_cast<std::size_t>(config.tables);
    const auto perBag = static_cast<std::size_t>(config.perBag);
    double loss = 0;
    for (std::size_t s = 0; s < static_cast<std::size_t>(config.samples); ++s) {
        const auto* dense = batch.dense.data() + s * static_cast<std::size_t>(config.dense);
        std::size_t at = 0;
        std::vector<Vector> features{
            mlpReference(bottom, parameters, at, Vector(dense, dense + config.dense), true)};
        for (std::size_t t = 0; t < tables; ++t) {
            Vector sum(width);
            for (std::size_t i = 0; i < perBag; ++i) {
                const auto row =
                    static_cast<std::size_t>(batch.indices[(s * tables + t) * perBag + i]);
                for (std::size_t c = 0; c < width; ++c)
                    sum[c] +=
                        parameters[tablesAt +
                                   (t * static_cast<std::size_t>(config.rows) + row) * width + c];
            }
            features.push_back(std::move(sum));
        }
        Vector joined = features[0];
        for (std::size_t i = 1; i < features.size(); ++i)
            for (std::size_t j = 0; j < i; ++j) {
                double dot = 0;
                for (std::size_t c = 0; c < width; ++c) dot += features[i][c] * features[j][c];
                joined.push_back(dot);
            }
        const double z = mlpReference(top, parameters, at, std::move(joined), false)[0];
        loss += std::log1p(std::exp(-std::abs(z))) + std::max(z, 0.0) -
                static_cast<double>(batch.labels[s]) * z;
    }
    return loss / static_cast<double>(config.samples);
}

Result<std::unique_ptr<FamilyModel>> makeDlrm(Operators& ops, FamilyOperators& family,
                                              const DlrmConfig& config, std::uint64_t dataSeed) {
    auto made = std::make_unique<Dlrm>(ops, family, config);
    RIDGE_TRY_STATUS(ops.status());
    made->prepare(dataSeed);
    RIDGE_TRY_STATUS(ops.status());
    return std::unique_ptr<FamilyModel>(std::move(made));
}

}  // namespace ridge::workloads
