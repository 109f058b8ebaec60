// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/cpu/dnnl_convolution.h"

#include "workloads/ops/cpu/dnnl_gemm.h"
#include "workloads/ops/cpu/kernels.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ridge::workloads::cpu {

namespace {

using dnnl::memory;
using formulas::ConvolutionShape;
using Tag = memory::format_tag;
using Type = memory::data_type;

enum class Pass { kForward, kData, kWeights };
using Key = std::tuple<Pass, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                       std::uint64_t, std::uint64_t, ridge_dtype>;

std::int64_t i64(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

// One operand: as the caller holds it, and as the primitive takes it.
struct Operand {
    memory given, wanted;
    dnnl::reorder change;  // empty where both are the same
    bool same = true;

    Operand() = default;
    Operand(const memory::desc& plain, const memory::desc& asked, const dnnl::engine& engine,
            bool isInput)
        : given(plain, engine, nullptr), same(plain == asked) {
        wanted = same ? memory(asked, engine, nullptr) : memory(asked, engine);
        if (!same) change = isInput ? dnnl::reorder(given, wanted) : dnnl::reorder(wanted, given);
    }
    void hold(float* data) {
        given.set_data_handle(data);
        if (same) wanted.set_data_handle(data);
    }
    void move(const dnnl::stream& stream, bool isInput) {
        if (same) return;
        dnnl::stream through = stream;
        if (isInput)
            change.execute(through, given, wanted);
        else
            change.execute(through, wanted, given);
    }
};

struct Convolution {
    dnnl::primitive primitive;
    Operand first, second, result;
    int firstName = 0, secondName = 0, resultName = 0;
};

struct Norm {
    dnnl::batch_normalization_forward forward;
    dnnl::batch_normalization_backward backward;
    memory::desc data, channel;
};

struct Plain {
    explicit Plain(const ConvolutionShape& s)
        : x({i64(s.samples), i64(s.inputs), i64(s.side), i64(s.side)}, Type::f32, Tag::nhwc),
          w({i64(s.outputs), i64(s.inputs), i64(s.kernel), i64(s.kernel)}, Type::f32, Tag::ohwi),
          y({i64(s.samples), i64(s.outputs), i64(s.outSide()), i64(s.outSide())}, Type::f32,
            Tag::nhwc) {}
    memory::desc x, w, y;
};

memory::desc as(const memory::desc& plain, Type type, Tag tag) {
    return {plain.dims(), type, tag};
}

}  // namespace

struct DnnlConvolution::State {
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};
    std::map<Key, Convolution> convolutions;
    std::map<std::pair<std::int64_t, std::int64_t>, Norm> norms;

    Convolution make(Pass pass, const ConvolutionArgs& args) const;
    Convolution& find(Pass pass, const ConvolutionArgs& args);
    Norm& findNorm(std::int64_t rows, std::int64_t channels);
    void run(Convolution& convolution, float* first, float* second, float* result);
    [[nodiscard]] memory at(const memory::desc& desc, float* data) const {
        return {desc, engine, data};
    }
};

Convolution DnnlConvolution::State::make(Pass pass, const ConvolutionArgs& args) const {
    const ConvolutionShape& s = args.shape;
    const Plain plain(s);
    const Type type = args.type == RIDGE_DTYPE_BF16 ? Type::bf16 : Type::f32;
    const memory::dims strides{i64(s.stride), i64(s.stride)};
    const std::int64_t before = i64(s.kernel / 2);
    // What the last output still reaches beyond the image.
    const std::int64_t after =
        (i64(s.outSide()) - 1) * i64(s.stride) + i64(s.kernel) - i64(s.side) - before;
    const memory::dims left{before, before}, right{after, after};
    const auto direct = dnnl::algorithm::convolution_direct;
    // Backward primitives ask for the forward one of operands of the same types.
    const auto x = as(plain.x, type, Tag::nhwc), y = as(plain.y, type, Tag::nhwc);
    const auto w = as(plain.w, type, Tag::any);
    const auto yForward = pass == Pass::kForward ? plain.y : y;
    const dnnl::convolution_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, direct, x, w, yForward, strides, left, right}, engine);
    Convolution made;
    if (pass == Pass::kForward) {
        made.primitive = dnnl::convolution_forward(forward);
        made.first = Operand(plain.x, forward.src_desc(), engine, true);
        made.second = Operand(plain.w, forward.weights_desc(), engine, true);
        made.result = Operand(plain.y, forward.dst_desc(), engine, false);
        made.firstName = DNNL_ARG_SRC;
        made.secondName = DNNL_ARG_WEIGHTS;
        made.resultName = DNNL_ARG_DST;
    } else if (pass == Pass::kData) {
        const dnnl::convolution_backward_data::primitive_desc plan(
            {direct, plain.x, w, y, strides, left, right}, engine, forward);
        made.primitive = dnnl::convolution_backward_data(plan);
        made.first = Operand(plain.y, plan.diff_dst_desc(), engine, true);
        made.second = Operand(plain.w, plan.weights_desc(), engine, true);
        made.result = Operand(plain.x, plan.diff_src_desc(), engine, false);
        made.firstName = DNNL_ARG_DIFF_DST;
        made.secondName = DNNL_ARG_WEIGHTS;
        made.resultName = DNNL_ARG_DIFF_SRC;
    } else {
        const dnnl::convolution_backward_weights::primitive_desc plan(
            {direct, x, as(plain.w, Type::f32, Tag::any), y, strides, left, right}, engine,
            forward);
        made.primitive = dnnl::convolution_backward_weights(plan);
        made.first = Operand(plain.x, plan.src_desc(), engine, true);
        made.second = Operand(plain.y, plan.diff_dst_desc(), engine, true);
        made.result = Operand(plain.w, plan.diff_weights_desc(), engine, false);
        made.firstName = DNNL_ARG_SRC;
        made.secondName = DNNL_ARG_DIFF_DST;
        made.resultName = DNNL_ARG_DIFF_WEIGHTS;
    }
    return made;
}

Convolution& DnnlConvolution::State::find(Pass pass, const ConvolutionArgs& args) {
    const ConvolutionShape& s = args.shape;
    const Key key{pass, s.samples, s.inputs, s.outputs, s.side, s.kernel, s.stride, args.type};
    if (const auto found = convolutions.find(key); found != convolutions.end())
        return found->second;
    return convolutions.emplace(key, make(pass, args)).first->second;
}

Norm& DnnlConvolution::State::findNorm(std::int64_t rows, std::int64_t channels) {
    const auto key = std::pair(rows, channels);
    if (const auto found = norms.find(key); found != norms.end()) return found->second;
    Norm made;
    made.data = {{1, channels, rows, 1}, Type::f32, Tag::nhwc};
    made.channel = {{channels}, Type::f32, Tag::a};
    const auto flags = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
    const dnnl::batch_normalization_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, made.data, kNormEpsilon, flags}, engine);
    made.forward = dnnl::batch_normalization_forward(forward);
    made.backward = dnnl::batch_normalization_backward(
        {{dnnl::prop_kind::backward, made.data, made.data, kNormEpsilon, flags}, engine, forward});
    return norms.emplace(key, std::move(made)).first->second;
}

void DnnlConvolution::State::run(Convolution& c, float* first, float* second, float* result) {
    c.first.hold(first);
    c.second.hold(second);
    c.result.hold(result);
    c.first.move(stream, true);
    c.second.move(stream, true);
    c.primitive.execute(stream, {{c.firstName, c.first.wanted},
                                 {c.secondName, c.second.wanted},
                                 {c.resultName, c.result.wanted}});
    c.result.move(stream, false);
    stream.wait();
}

namespace {

template <typename Body>
Status guarded(Body&& body) {
    try {
        body();
    } catch (const dnnl::error& error) {
        return Error{ErrorCode::kMeasurement,
                     "oneDNN " + DnnlGemm::version() + ": " + error.what()};
    }
    return {};
}

// Of x [samples, side, side, inputs] the pixels that a 1x1 convolution with a stride reads.
std::vector<float> everyStride(const ConvolutionShape& s, const float* x) {
    std::vector<float> used;
    used.reserve(s.samples * s.outSide() * s.outSide() * s.inputs);
    for (std::uint64_t n = 0; n < s.samples; ++n)
        for (std::uint64_t row = 0; row < s.side; row += s.stride)
            for (std::uint64_t column = 0; column < s.side; column += s.stride) {
                const float* pixel = x + ((n * s.side + row) * s.side + column) * s.inputs;
                used.insert(used.end(), pixel, pixel + s.inputs);
            }
    return used;
}

}  // namespace

DnnlConvolution::DnnlConvolution() : m_state(std::make_unique<State>()) {}
DnnlConvolution::~DnnlConvolution() = default;

Status DnnlConvolution::forward(const ConvolutionArgs& args, float* x, float* weights, float* y) {
    return guarded([&] { m_state->run(m_state->find(Pass::kForward, args), x, weights, y); });
}

Status DnnlConvolution::backwardData(const ConvolutionArgs& args, float* dY, float* weights,
                                     float* dX) {
    return guarded([&] { m_state->run(m_state->find(Pass::kData, args), dY, weights, dX); });
}

Status DnnlConvolution::backwardWeights(const ConvolutionArgs& args, float* x, float* dY,
                                        float* dWeights) {
    // oneDNN 2.6's AVX2 kernel for strided 1x1 convolutions copies the pixels that it needs to a buffer of its own, and
    // writes beyond that one where the channels are not whole vectors. So those pixels are taken out here.
    const ConvolutionShape& s = args.shape;
    if (s.kernel == 1 && s.stride > 1 && s.inputs % 8 != 0) {
        std::vector<float> used = everyStride(s, x);
        ConvolutionArgs dense = args;
        dense.shape.side = s.outSide();
        dense.shape.stride = 1;
        return guarded([&] { m_state->run(m_state->find(Pass::kWeights, dense), used.data(), dY, dWeights); });
    }
    return guarded([&] { m_state->run(m_state->find(Pass::kWeights, args), x, dY, dWeights); });
}

Status DnnlConvolution::norm(const BatchNormArgs& args, float* x, float* y) {
    return guarded([&] {
        Norm& found = m_state->findNorm(args.rows, args.channels);
        found.forward.execute(m_state->stream,
                              {{DNNL_ARG_SRC, m_state->at(found.data, x)},
                               {DNNL_ARG_DST, m_state->at(found.data, y)},
                               {DNNL_ARG_MEAN, m_state->at(found.channel, args.mean.f32())},
                               {DNNL_ARG_VARIANCE, m_state->at(found.channel, args.variance.f32())},
                               {DNNL_ARG_SCALE, m_state->at(found.channel, args.scale.f32())},
                               {DNNL_ARG_SHIFT, m_state->at(found.channel, args.shift.f32())}});
        m_state->stream.wait();
    });
}

Status DnnlConvolution::normBackward(const BatchNormArgs& args, float* x, float* dY, float* dX,
                                     float* dScale, float* dShift) {
    return guarded([&] {
        Norm& found = m_state->findNorm(args.rows, args.channels);
        found.backward.execute(
            m_state->stream, {{DNNL_ARG_SRC, m_state->at(found.data, x)},
                              {DNNL_ARG_DIFF_DST, m_state->at(found.data, dY)},
                              {DNNL_ARG_DIFF_SRC, m_state->at(found.data, dX)},
                              {DNNL_ARG_MEAN, m_state->at(found.channel, args.mean.f32())},
                              {DNNL_ARG_VARIANCE, m_state->at(found.channel, args.variance.f32())},
                              {DNNL_ARG_SCALE, m_state->at(found.channel, args.scale.f32())},
                              {DNNL_ARG_SHIFT, m_state->at(found.channel, args.shift.f32())},
                              {DNNL_ARG_DIFF_SCALE, m_state->at(found.channel, dScale)},
                              {DNNL_ARG_DIFF_SHIFT, m_state->at(found.channel, dShift)}});
        m_state->stream.wait();
    });
}

std::int64_t DnnlConvolution::primitiveCount() const {
    return static_cast<std::int64_t>(m_state->convolutions.size() + m_state->norms.size());
}

}  // namespace ridge::workloads::cpu
