// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Convolutions as products, and batch norms.
//
// A product of images is one of matrices once the images are unfolded: row (sample, pixel of the
// output) holds the kernel's window of the input, K = kernel^2 * inputs elements in the order of
// the weights (height, width, channel). Then Y = rows W', dW = dY' rows, and dX gathers from dY W.
// As many samples at a time as unfold into kPieceBytes, so that the rows come back from the
// second-level cache. A 1x1 kernel at stride 1 needs none of it: the image is its own rows.
// Where operands are rounded, rows are kPad elements apart, as tensor cores want them.
#include "workloads/families/cuda/cuda_family_backend.h"
#include "workloads/ops/cuda/passes.h"

#include <algorithm>
#include <cmath>

namespace ridge::workloads::cuda {

namespace {

constexpr std::int64_t kPieceBytes = std::int64_t{32} << 20;
constexpr std::int64_t kPad = 8;
constexpr float kEpsilon = 1e-5F;

constexpr std::int64_t padded(std::int64_t columns) {
    return (columns + kPad - 1) / kPad * kPad;
}

struct Shape {
    std::int64_t inputs, outputs, side, outSide, kernel, stride;
    std::int64_t window, step;  // elements of a row that count, and from row to row

    Shape(const formulas::ConvolutionShape& s, bool rounded)
        : inputs(i64(s.inputs)),
          outputs(i64(s.outputs)),
          side(i64(s.side)),
          outSide(i64(s.outSide())),
          kernel(i64(s.kernel)),
          stride(i64(s.stride)),
          window(kernel * kernel * inputs),
          step(rounded ? padded(window) : window) {}

    static std::int64_t i64(std::uint64_t value) { return static_cast<std::int64_t>(value); }
    [[nodiscard]] std::int64_t inPixels() const { return side * side; }
    [[nodiscard]] std::int64_t outPixels() const { return outSide * outSide; }
    [[nodiscard]] bool isProduct() const { return kernel == 1 && stride == 1; }
};

struct Store32 {
    float* to;
    __device__ void operator()(std::int64_t i, float value) const { to[i] = value; }
};
struct Store16 {
    std::uint16_t* to;
    __device__ void operator()(std::int64_t i, float value) const { to[i] = roundToBf16(value); }
};

// Element `at` of the rows of images x: one window's element, zero where it lies outside or pads.
template <typename Store>
struct Unfold {
    Shape s;
    const float* x;
    Store store;
    __device__ void operator()(std::int64_t at) const {
        const std::int64_t element = at % s.step, pixel = at / s.step;
        const std::int64_t channel = element % s.inputs, tap = element / s.inputs;
        const std::int64_t half = s.kernel / 2;
        const std::int64_t row = pixel / s.outSide % s.outSide * s.stride + tap / s.kernel - half;
        const std::int64_t column = pixel % s.outSide * s.stride + tap % s.kernel - half;
        const bool inside =
            element < s.window && row >= 0 && row < s.side && column >= 0 && column < s.side;
        const std::int64_t sample = pixel / s.outSide / s.outSide;
        store(at,
              inside ? x[((sample * s.side + row) * s.side + column) * s.inputs + channel] : 0.0F);
    }
};

// Each element of dX: the sum over all windows that hold it. Always in the same order.
struct Fold {
    Shape s;
    const float* rows;  // `window` elements apart
    float* dX;
    __device__ void operator()(std::int64_t at) const {
        const std::int64_t channel = at % s.inputs, column = at / s.inputs % s.side;
        const std::int64_t row = at / s.inputs / s.side % s.side;
        const std::int64_t sample = at / s.inputs / s.side / s.side;
        const std::int64_t half = s.kernel / 2;
        float sum = 0.0F;
        for (std::int64_t i = 0; i < s.kernel; ++i) {
            const std::int64_t down = row + half - i;
            if (down < 0 || down % s.stride != 0 || down / s.stride >= s.outSide) continue;
            for (std::int64_t j = 0; j < s.kernel; ++j) {
                const std::int64_t across = column + half - j;
                if (across < 0 || across % s.stride != 0 || across / s.stride >= s.outSide)
                    continue;
                const std::int64_t pixel =
                    (sample * s.outSide + down / s.stride) * s.outSide + across / s.stride;
                sum += rows[pixel * s.window + (i * s.kernel + j) * s.inputs + channel];
            }
        }
        dX[at] = sum;
    }
};

// Rows of `window` floats, rounded, `step` apart.
struct RoundRows {
    const float* x;
    std::uint16_t* y;
    std::int64_t window, step;
    __device__ void operator()(std::int64_t at) const {
        const std::int64_t element = at % step;
        y[at] = element < window ? roundToBf16(x[at / step * window + element]) : 0U;
    }
};

// x(rows, columns) as an operand of a product: itself, or a rounded copy `step` elements apart.
struct Operand {
    const void* data;
    std::int64_t step;
};

struct ChannelSquares {
    const float* x;
    const float* mean;
    __device__ float operator()(std::int64_t row, std::int64_t c, std::int64_t width) const {
        const float apart = x[row * width + c] - mean[c];
        return apart * apart;
    }
};
struct ChannelProjection {
    const float* x;
    const float* dY;
    const float* mean;
    const float* variance;
    __device__ float operator()(std::int64_t row, std::int64_t c, std::int64_t width) const {
        const std::int64_t at = row * width + c;
        return dY[at] * (x[at] - mean[c]) / sqrtf(variance[c] + kEpsilon);
    }
};

struct Normalise {
    const float* x;
    const float* scale;
    const float* shift;
    const float* mean;
    const float* variance;
    float* y;
    std::int64_t channels;
    __device__ void operator()(std::int64_t i) const {
        const std::int64_t c = i % channels;
        y[i] = (x[i] - mean[c]) / sqrtf(variance[c] + kEpsilon) * scale[c] + shift[c];
    }
};

struct NormaliseGradient {
    const float* x;
    const float* dY;
    const float* scale;
    const float* mean;
    const float* variance;
    const float* dScale;
    const float* dShift;
    float* dX;  // may be dY
    std::int64_t channels;
    float share;  // 1 / rows
    __device__ void operator()(std::int64_t i) const {
        const std::int64_t c = i % channels;
        const float inverse = 1.0F / sqrtf(variance[c] + kEpsilon);
        const float normed = (x[i] - mean[c]) * inverse;
        dX[i] = scale[c] * inverse * (dY[i] - share * (dShift[c] + normed * dScale[c]));
    }
};

// Pieces of the samples: body(first sample, samples).
template <typename Body>
void forPieces(const Shape& s, std::int64_t samples, std::int64_t elementBytes, const Body& body) {
    const std::int64_t piece =
        s.isProduct() ? samples
                      : std::clamp<std::int64_t>(
                            kPieceBytes / (s.outPixels() * s.step * elementBytes), 1, samples);
    for (std::int64_t first = 0; first < samples; first += piece)
        body(first, std::min(piece, samples - first));
}

// What all products here have in common; A and B as said, C in float.
StridedProduct productOf(GemmLayout layout, bool rounded, const Operand& a, const Operand& b,
                         float* c) {
    StridedProduct product;
    product.layout = layout;
    product.type = rounded ? RIDGE_DTYPE_BF16 : RIDGE_DTYPE_F32;
    product.a = a.data;
    product.lda = a.step;
    product.b = b.data;
    product.ldb = b.step;
    product.c = c;
    return product;
}

Operand operandOf(Device& device, const float* x, std::int64_t rows, std::int64_t columns,
                  void* room) {
    if (room == nullptr) return {x, columns};
    const std::int64_t step = padded(columns);
    forElements(device, rows * step,
                RoundRows{x, static_cast<std::uint16_t*>(room), columns, step});
    return {room, step};
}

Operand unfolded(Device& device, const Shape& s, const float* x, std::int64_t samples, bool rounded,
                 void* room) {
    const std::int64_t count = samples * s.outPixels() * s.step;
    if (rounded)
        forElements(device, count, Unfold<Store16>{s, x, {static_cast<std::uint16_t*>(room)}});
    else if (s.isProduct())
        return {x, s.inputs};
    else
        forElements(device, count, Unfold<Store32>{s, x, {static_cast<float*>(room)}});
    return {room, s.step};
}

}  // namespace

void CudaFamilyOperators::doConvolution(const ConvolutionArgs& args, const Tensor& x,
                                        const Tensor& weights, const Tensor& y) {
    const bool rounded = args.type == RIDGE_DTYPE_BF16;
    const Shape s(args.shape, rounded);
    const std::int64_t bytes = rounded ? 2 : 4;
    const Operand w = operandOf(m_device, weights.f32(), s.outputs, s.window,
                                rounded ? scratch(kWeightCopy, 2 * s.outputs * s.step) : nullptr);
    forPieces(s, Shape::i64(args.shape.samples), bytes, [&](std::int64_t at, std::int64_t count) {
        const std::int64_t rows = count * s.outPixels();
        void* room =
            s.isProduct() && !rounded ? nullptr : scratch(kColumnRows, rows * s.step * bytes);
        if (!m_device.status().ok()) return;
        const Operand a =
            unfolded(m_device, s, x.f32() + at * s.inPixels() * s.inputs, count, rounded, room);
        StridedProduct product =
            productOf(GemmLayout::kNT, rounded, a, w, y.f32() + at * s.outPixels() * s.outputs);
        product.m = rows;
        product.n = s.outputs;
        product.k = s.window;
        product.ldc = s.outputs;
        m_device.multiply(product);
    });
}

void CudaFamilyOperators::doConvolutionBackwardData(const ConvolutionArgs& args, const Tensor& dY,
                                                    const Tensor& weights, const Tensor& dX) {
    const bool rounded = args.type == RIDGE_DTYPE_BF16;
    const Shape s(args.shape, rounded);
    const Operand w = operandOf(m_device, weights.f32(), s.outputs, s.window,
                                rounded ? scratch(kWeightCopy, 2 * s.outputs * s.step) : nullptr);
    forPieces(s, Shape::i64(args.shape.samples), 4, [&](std::int64_t at, std::int64_t count) {
        const std::int64_t rows = count * s.outPixels();
        float* to = dX.f32() + at * s.inPixels() * s.inputs;
        float* room =
            s.isProduct() ? to : static_cast<float*>(scratch(kColumnRows, rows * s.window * 4));
        void* copy = rounded ? scratch(kOperand, 2 * rows * padded(s.outputs)) : nullptr;
        if (!m_device.status().ok()) return;
        const Operand a =
            operandOf(m_device, dY.f32() + at * s.outPixels() * s.outputs, rows, s.outputs, copy);
        StridedProduct product = productOf(GemmLayout::kNN, rounded, a, w, room);
        product.m = rows;
        product.n = s.window;
        product.k = s.outputs;
        product.ldc = s.window;
        m_device.multiply(product);
        if (!s.isProduct())
            forElements(m_device, count * s.inPixels() * s.inputs, Fold{s, room, to});
    });
}

void CudaFamilyOperators::doConvolutionBackwardWeights(const ConvolutionArgs& args, const Tensor& x,
                                                       const Tensor& dY, const Tensor& dWeights) {
    const bool rounded = args.type == RIDGE_DTYPE_BF16;
    const Shape s(args.shape, rounded);
    const std::int64_t bytes = rounded ? 2 : 4;
    forPieces(s, Shape::i64(args.shape.samples), bytes, [&](std::int64_t at, std::int64_t count) {
        const std::int64_t rows = count * s.outPixels();
        void* room =
            s.isProduct() && !rounded ? nullptr : scratch(kColumnRows, rows * s.step * bytes);
        void* copy = rounded ? scratch(kOperand, 2 * rows * padded(s.outputs)) : nullptr;
        if (!m_device.status().ok()) return;
        const Operand b =
            unfolded(m_device, s, x.f32() + at * s.inPixels() * s.inputs, count, rounded, room);
        const Operand a =
            operandOf(m_device, dY.f32() + at * s.outPixels() * s.outputs, rows, s.outputs, copy);
        StridedProduct product = productOf(GemmLayout::kTN, rounded, a, b, dWeights.f32());
        product.m = s.outputs;
        product.n = s.window;
        product.k = rows;
        product.ldc = s.window;
        product.beta = at == 0 ? 0.0F : 1.0F;
        m_device.multiply(product);
    });
}

void CudaFamilyOperators::doBatchNorm(const BatchNormArgs& args, const Tensor& x, const Tensor& y) {
    const std::int64_t rows = args.rows, channels = args.channels;
    auto* parts = static_cast<float*>(scratch(kPartials, 4 * columnParts(rows, channels)));
    if (parts == nullptr) return;
    const float share = 1.0F / static_cast<float>(rows);
    // The mean first: the difference of two large sums would lose the variance.
    sumColumns(m_device, Plain{x.f32()}, rows, channels, parts, StoreMean{args.mean.f32(), share});
    sumColumns(m_device, ChannelSquares{x.f32(), args.mean.f32()}, rows, channels, parts,
               StoreMean{args.variance.f32(), share});
    forElements(m_device, rows * channels,
                Normalise{x.f32(), args.scale.f32(), args.shift.f32(), args.mean.f32(),
                          args.variance.f32(), y.f32(), channels});
}

void CudaFamilyOperators::doBatchNormBackward(const BatchNormArgs& args, const Tensor& x,
                                              const Tensor& dY, const Tensor& dX,
                                              const Tensor& dScale, const Tensor& dShift) {
    const std::int64_t rows = args.rows, channels = args.channels;
    auto* parts = static_cast<float*>(scratch(kPartials, 4 * columnParts(rows, channels)));
    if (parts == nullptr) return;
    sumColumns(m_device, Plain{dY.f32()}, rows, channels, parts, StoreSum{dShift.f32(), false});
    sumColumns(m_device, ChannelProjection{x.f32(), dY.f32(), args.mean.f32(), args.variance.f32()},
               rows, channels, parts, StoreSum{dScale.f32(), false});
    forElements(m_device, rows * channels,
                NormaliseGradient{x.f32(), dY.f32(), args.scale.f32(), args.mean.f32(),
                                  args.variance.f32(), dScale.f32(), dShift.f32(), dX.f32(),
                                  channels, 1.0F / static_cast<float>(rows)});
}

}  // namespace ridge::workloads::cuda
