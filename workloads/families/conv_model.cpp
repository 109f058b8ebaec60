// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/conv_model.h"

#include "workloads/models/gpt_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ridge/work.h>

namespace ridge::workloads {

namespace {

using formulas::ConvolutionShape;

std::int64_t i64(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

// A convolution, its norm, and what is kept between the passes.
struct Unit {
    std::string name;
    ConvolutionArgs convolution;
    BatchNormArgs norm;
    Tensor weights, dWeights, dScale, dShift;
    Tensor x;     // what went in
    Tensor sums;  // convolved, before the norm; its gradient afterwards
    Tensor y;     // after the norm (and ReLU)

    [[nodiscard]] std::int64_t outElements() const { return i64(convolution.shape.outElements()); }
};

class ConvNet final : public FamilyModel {
public:
    ConvNet(Operators& ops, FamilyOperators& family, const ConvNetConfig& config, ridge_dtype type)
        : m_ops(ops), m_family(family), m_config(config), m_type(type) {}

    [[nodiscard]] Status prepare(std::uint64_t dataSeed);

    [[nodiscard]] std::int64_t parameterCount() const override { return m_all.values.count; }
    void load(std::span<const float> parameters) override {
        m_ops.upload(m_all.values, parameters);
    }
    [[nodiscard]] std::vector<float> parameters() override {
        std::vector<float> all(static_cast<std::size_t>(parameterCount()));
        m_ops.download(all, m_all.values);
        return all;
    }
    void initialise(std::uint64_t seed) override;
    void setBatch(std::uint64_t index) override { m_current = index % m_batches.size(); }
    double forward() override;
    void backward() override;
    void update(float rate) override {
        const WorkRange range("optimizer");
        m_family.sgd("sgd", rate, m_all.values, m_all.gradients);
    }
    [[nodiscard]] double gradientSquares() override { return m_all.squares(m_ops); }

private:
    struct Batch {
        Tensor images, labels;
    };
    struct Block {
        std::size_t first = 0, second = 0;
        std::size_t shortcut = 0;  // 0: the identity
    };

    void run(Unit& unit, const Tensor& x, bool relu);
    // dY -> the unit's parameters' gradients and, where wanted, dX; dY is overwritten.
    void runBack(Unit& unit, const Tensor& dY, const Tensor* dX);
    void forwardBlock(const Block& block, const Tensor& x);
    // m_gradients[0] holds the gradient of the block's output, and of its input afterwards.
    void backwardBlock(const Block& block);

    Operators& m_ops;
    FamilyOperators& m_family;
    ConvNetConfig m_config;
    ridge_dtype m_type;
    DenseParameters m_all;
    std::vector<Unit> m_units;
    std::vector<Block> m_blocks;
    Tensor m_classWeights, m_classBias, m_dClassWeights, m_dClassBias;
    Tensor m_pooled, m_dPooled, m_logits, m_losses;
    Tensor m_gradients[3];  // as large as the largest activation
    std::vector<Batch> m_batches;
    std::size_t m_current = 0;
};

Status ConvNet::prepare(std::uint64_t dataSeed) {
    const auto shapes = m_config.convolutions();
    std::int64_t count = m_config.classes * (m_config.lastChannels() + 1), largest = 0;
    for (const ConvolutionShape& s : shapes) {
        count += i64(s.weights() + 2 * s.outputs);
        largest = std::max({largest, i64(s.outElements()), i64(s.inElements())});
    }
    m_all = DenseParameters::allocate(m_ops, count);
    for (Tensor& room : m_gradients) room = m_ops.allocate(largest);
    RIDGE_TRY_STATUS(m_ops.status());
    std::int64_t at = 0;
    const auto take = [&](std::int64_t size, Tensor& value, Tensor& gradient) {
        value = m_all.values.slice(at, size);
        gradient = m_all.gradients.slice(at, size);
        at += size;
    };
    for (const ConvolutionShape& s : shapes) {
        Unit unit;
        unit.name = fmt::format("conv{}x{}.{}-{}", s.kernel, s.kernel, s.inputs, s.outputs);
        unit.convolution = {s, m_type};
        take(i64(s.weights()), unit.weights, unit.dWeights);
        take(i64(s.outputs), unit.norm.scale, unit.dScale);
        take(i64(s.outputs), unit.norm.shift, unit.dShift);
        unit.norm.channels = i64(s.outputs);
        unit.norm.rows = i64(s.outElements()) / unit.norm.channels;
        unit.norm.mean = m_ops.allocate(unit.norm.channels);
        unit.norm.variance = m_ops.allocate(unit.norm.channels);
        unit.sums = m_ops.allocate(i64(s.outElements()));
        unit.y = m_ops.allocate(i64(s.outElements()));
        m_units.push_back(std::move(unit));
    }
    for (std::size_t unit = 1; unit < m_units.size();) {
        Block block{unit, unit + 1, 0};
        unit += 2;
        if (m_units[block.first].convolution.shape.stride > 1) block.shortcut = unit++;
        m_blocks.push_back(block);
    }
    take(m_config.classes * m_config.lastChannels(), m_classWeights, m_dClassWeights);
    take(m_config.classes, m_classBias, m_dClassBias);
    m_pooled = m_ops.allocate(m_config.samples * m_config.lastChannels());
    m_dPooled = m_ops.allocate(m_pooled.count);
    m_logits = m_ops.allocate(m_config.samples * m_config.classes);
    m_losses = m_ops.allocate(m_config.samples);
    for (std::int64_t i = 0; i < m_config.batches; ++i) {
        const ConvBatch made = convBatch(m_config, dataSeed + static_cast<std::uint64_t>(i));
        const Batch kept{m_ops.allocate(std::ssize(made.images)),
                         m_ops.allocate(std::ssize(made.labels), RIDGE_DTYPE_INT32)};
        RIDGE_TRY_STATUS(m_ops.status());
        m_ops.upload(kept.images, made.images);
        m_ops.upload(kept.labels, made.labels);
        m_batches.push_back(kept);
    }
    return m_ops.status();
}

// He et al.'s deviations; scales one and shifts zero, so that the norms change nothing at first.
void ConvNet::initialise(std::uint64_t seed) {
    for (std::size_t i = 0; i < m_units.size(); ++i) {
        Unit& unit = m_units[i];
        const ConvolutionShape& s = unit.convolution.shape;
        const auto fanIn = static_cast<float>(s.inputs * s.kernel * s.kernel);
        m_ops.upload(unit.weights,
                     uniformValues(unit.weights.count, seed + i, std::sqrt(6.0F / fanIn)));
        const auto channels = static_cast<std::size_t>(unit.norm.channels);
        m_ops.upload(unit.norm.scale, std::vector<float>(channels, 1.0F));
        m_ops.upload(unit.norm.shift, std::vector<float>(channels, 0.0F));
    }
    const float bound = std::sqrt(1.0F / static_cast<float>(m_config.lastChannels()));
    m_ops.upload(m_classWeights, uniformValues(m_classWeights.count, seed + m_units.size(), bound));
    m_ops.upload(m_classBias, std::vector<float>(static_cast<std::size_t>(m_config.classes), 0.0F));
}

void ConvNet::run(Unit& unit, const Tensor& x, bool relu) {
    unit.x = x;
    m_family.convolution(unit.name.c_str(), unit.convolution, x, unit.weights, unit.sums);
    m_family.batchNorm("norm", unit.norm, unit.sums, unit.y);
    if (relu) m_family.relu("relu", unit.y, unit.y);
}

void ConvNet::runBack(Unit& unit, const Tensor& dY, const Tensor* dX) {
    const Tensor gradient = dY.slice(0, unit.outElements());
    m_family.batchNormBackward("norm.bwd", unit.norm, unit.sums, gradient, gradient, unit.dScale,
                               unit.dShift);
    m_family.convolutionBackwardWeights("conv.weight.bwd", unit.convolution, unit.x, gradient,
                                        unit.dWeights);
    if (dX != nullptr)
        m_family.convolutionBackwardData("conv.input.bwd", unit.convolution, gradient, unit.weights,
                                         *dX);
}

void ConvNet::forwardBlock(const Block& block, const Tensor& x) {
    Unit& first = m_units[block.first];
    Unit& second = m_units[block.second];
    run(first, x, true);
    run(second, first.y, false);
    const Tensor* around = &x;
    if (block.shortcut != 0) {
        run(m_units[block.shortcut], x, false);
        around = &m_units[block.shortcut].y;
    }
    m_family.addRelu("add.relu", second.y, *around, second.y);
}

void ConvNet::backwardBlock(const Block& block) {
    Unit& first = m_units[block.first];
    Unit& second = m_units[block.second];
    const std::int64_t out = second.outElements();
    const std::int64_t in = i64(first.convolution.shape.inElements());
    // The sum's gradient goes both ways: one copy for the shortcut, one for the convolutions.
    const Tensor whole = m_gradients[0].slice(0, out), copy = m_gradients[1].slice(0, out);
    m_family.reluBackward("add.relu.bwd", second.y, whole, whole);
    m_family.reluBackward("add.relu.bwd", second.y, whole, copy);
    runBack(second, copy, &m_gradients[2]);
    const Tensor inner = m_gradients[2].slice(0, first.outElements());
    m_family.reluBackward("relu.bwd", first.y, inner, inner);
    const Tensor through = m_gradients[1].slice(0, in);
    runBack(first, inner, &through);
    if (block.shortcut != 0) {
        const Tensor around = m_gradients[2].slice(0, in);
        runBack(m_units[block.shortcut], whole, &around);
        m_ops.add("add.bwd", around, through, m_gradients[0].slice(0, in));
    } else {
        m_ops.add("add.bwd", whole, through, whole);
    }
}

double ConvNet::forward() {
    const WorkRange range("forward");
    const Batch& batch = m_batches[m_current];
    run(m_units[0], batch.images, true);
    const Tensor* x = &m_units[0].y;
    for (const Block& block : m_blocks) {
        forwardBlock(block, *x);
        x = &m_units[block.second].y;
    }
    const std::int64_t pixels = m_config.lastSide() * m_config.lastSide();
    m_family.averagePool("pool", m_config.samples, pixels, m_config.lastChannels(), *x, m_pooled);
    m_ops.gemm("classes", {.layout = GemmLayout::kNT,
                           .m = m_config.samples,
                           .n = m_config.classes,
                           .k = m_config.lastChannels(),
                           .a = m_pooled,
                           .b = m_classWeights,
                           .c = m_logits,
                           .bias = m_classBias});
    m_ops.softmaxCrossEntropy("loss", m_config.samples, m_config.classes, m_logits, batch.labels,
                              m_losses, 1.0F / static_cast<float>(m_config.samples));
    return meanOf(m_ops, m_losses, m_config.samples);
}

void ConvNet::backward() {
    const WorkRange range("backward");
    const std::int64_t samples = m_config.samples, channels = m_config.lastChannels();
    m_ops.gemm("classes.weight.bwd", {.layout = GemmLayout::kTN,
                                      .m = m_config.classes,
                                      .n = channels,
                                      .k = samples,
                                      .a = m_logits,
                                      .b = m_pooled,
                                      .c = m_dClassWeights,
                                      .bias = {}});
    m_ops.columnSum("classes.bias.bwd", m_logits, samples, m_config.classes, m_dClassBias, false);
    m_ops.gemm("classes.input.bwd", {.layout = GemmLayout::kNN,
                                     .m = samples,
                                     .n = channels,
                                     .k = m_config.classes,
                                     .a = m_logits,
                                     .b = m_classWeights,
                                     .c = m_dPooled,
                                     .bias = {}});
    const std::int64_t pixels = m_config.lastSide() * m_config.lastSide();
    m_family.averagePoolBackward("pool.bwd", samples, pixels, channels, m_dPooled, m_gradients[0]);
    for (std::size_t i = m_blocks.size(); i-- > 0;) backwardBlock(m_blocks[i]);
    const Tensor first = m_gradients[0].slice(0, m_units[0].outElements());
    m_family.reluBackward("relu.bwd", m_units[0].y, first, first);
    runBack(m_units[0], first, nullptr);
}

}  // namespace

std::string ConvNetConfig::text() const {
    std::string widths;
    for (std::int64_t s = 0; s < stages; ++s)
        widths += fmt::format("{}{}", s == 0 ? "" : "-", channels << s);
    return fmt::format("B{} {}x{}x3 {} {} classes", samples, side, side, widths, classes);
}

std::vector<ConvolutionShape> ConvNetConfig::convolutions() const {
    const auto u64 = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
    const auto b = u64(samples);
    std::vector<ConvolutionShape> all{{b, 3, u64(channels), u64(side), 3, 1}};
    for (std::int64_t s = 0; s < stages; ++s) {
        const bool halves = s > 0;
        const auto in = u64(channels << (halves ? s - 1 : 0)), out = u64(channels << s);
        const auto from = u64(side >> (halves ? s - 1 : 0)), to = u64(side >> s);
        all.push_back({b, in, out, from, 3, halves ? 2U : 1U});
        all.push_back({b, out, out, to, 3, 1});
        if (halves) all.push_back({b, in, out, from, 1, 2});
    }
    return all;
}

std::uint64_t ConvNetConfig::productFlops() const {
    std::uint64_t flops =
        3 * formulas::gemm(static_cast<std::uint64_t>(samples), static_cast<std::uint64_t>(classes),
                           static_cast<std::uint64_t>(lastChannels()))
                .flops;
    bool isStem = true;
    for (const ConvolutionShape& shape : convolutions()) {
        flops += (isStem ? 2 : 3) * formulas::convolutionFlops(shape);
        isStem = false;
    }
    return flops;
}

ConvBatch convBatch(const ConvNetConfig& config, std::uint64_t seed) {
    return {uniformValues(config.samples * config.side * config.side * 3, 2 * seed, 1.0F),
            randomTokens(config.samples, config.classes, 2 * seed + 1)};
}

namespace {

using Values = std::vector<double>;

Values convolved(const ConvolutionShape& s, const Values& x, std::span<const double> w) {
    Values y(s.outElements());
    const std::size_t side = s.side, out = s.outSide(), k = s.kernel, pad = k / 2;
    std::size_t at = 0;
    for (std::size_t n = 0; n < s.samples; ++n)
        for (std::size_t r = 0; r < out; ++r)
            for (std::size_t c = 0; c < out; ++c)
                for (std::size_t o = 0; o < s.outputs; ++o, ++at)
                    for (std::size_t i = 0; i < k * k; ++i) {
                        const std::size_t row = r * s.stride + i / k, column = c * s.stride + i % k;
                        if (row < pad || row >= side + pad || column < pad || column >= side + pad)
                            continue;
                        const std::size_t pixel = (n * side + row - pad) * side + column - pad;
                        for (std::size_t ch = 0; ch < s.inputs; ++ch)
                            y[at] += x[pixel * s.inputs + ch] * w[(o * k * k + i) * s.inputs + ch];
                    }
    return y;
}

// Batch norm by the statistics of this batch, in place.
void normalise(Values& x, std::size_t channels, std::span<const double> scale,
               std::span<const double> shift) {
    const auto rows = static_cast<double>(x.size() / channels);
    for (std::size_t c = 0; c < channels; ++c) {
        double mean = 0, squares = 0;
        for (std::size_t i = c; i < x.size(); i += channels) mean += x[i] / rows;
        for (std::size_t i = c; i < x.size(); i += channels)
            squares += (x[i] - mean) * (x[i] - mean) / rows;
        const double factor = scale[c] / std::sqrt(squares + 1e-5);
        for (std::size_t i = c; i < x.size(); i += channels)
            x[i] = (x[i] - mean) * factor + shift[c];
    }
}

}  // namespace

double convReference(const ConvNetConfig& config, const ConvBatch& batch,
                     std::span<const double> parameters) {
    const auto shapes = config.convolutions();
    std::size_t at = 0, unit = 0;
    const auto next = [&](const Values& x) {
        const ConvolutionShape& s = shapes[unit++];
        Values y = convolved(s, x, parameters.subspan(at, s.weights()));
        at += s.weights();
        normalise(y, s.outputs, parameters.subspan(at, s.outputs),
                  parameters.subspan(at + s.outputs, s.outputs));
        at += 2 * s.outputs;
        return y;
    };
    const auto rectify = [](Values& x) {
        for (double& value : x) value = std::max(value, 0.0);
    };
    Values x = next(Values(batch.images.begin(), batch.images.end()));
    rectify(x);
    while (unit < shapes.size()) {
        const bool halves = shapes[unit].stride > 1;
        Values inner = next(x);
        rectify(inner);
        Values y = next(inner);
        const Values around = halves ? next(x) : std::move(x);
        for (std::size_t i = 0; i < y.size(); ++i) y[i] += around[i];
        rectify(y);
        x = std::move(y);
    }
    const auto channels = static_cast<std::size_t>(config.lastChannels());
    const auto classes = static_cast<std::size_t>(config.classes);
    const auto pixels = static_cast<std::size_t>(config.lastSide() * config.lastSide());
    double loss = 0;
    for (std::size_t n = 0; n < batch.labels.size(); ++n) {
        Values pooled(channels), logits(classes);
        for (std::size_t p = 0; p < pixels; ++p)
            for (std::size_t c = 0; c < channels; ++c)
                pooled[c] += x[(n * pixels + p) * channels + c] / static_cast<double>(pixels);
        double sum = 0;
        for (std::size_t k = 0; k < classes; ++k) {
            logits[k] = parameters[at + classes * channels + k];
            for (std::size_t c = 0; c < channels; ++c)
                logits[k] += parameters[at + k * channels + c] * pooled[c];
            sum += std::exp(logits[k]);
        }
        loss += std::log(sum) - logits[static_cast<std::size_t>(batch.labels[n])];
    }
    return loss / static_cast<double>(batch.labels.size());
}

Result<std::unique_ptr<FamilyModel>> makeConvNet(Operators& ops, FamilyOperators& family,
                                                 const ConvNetConfig& config, ridge_dtype type,
                                                 std::uint64_t dataSeed) {
    auto made = std::make_unique<ConvNet>(ops, family, config, type);
    RIDGE_TRY_STATUS(made->prepare(dataSeed));
    return std::unique_ptr<FamilyModel>(std::move(made));
}

}  // namespace ridge::workloads
