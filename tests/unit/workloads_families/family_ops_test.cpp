// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Each operator against double, and each gradient against central differences in double of
// sum(dY * f(x)): widths are no multiple of a vector, on every implementation.
#include "family_backends.h"
#include "workloads/families/family_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace ridge::workloads {
namespace {

using Values = std::vector<double>;

struct FamilyOps : testing::TestWithParam<const char*> {
    std::unique_ptr<Operators> ops;
    std::unique_ptr<FamilyOperators> family;
    std::uint64_t seed = 1;

    void SetUp() override {
        const FamilyBackend backend = familyBackendCalled(GetParam());
        auto dense = backend.dense.make();
        if (!dense.ok()) GTEST_SKIP() << dense.error().message;
        ops = std::move(dense).value();
        auto made = backend.make(*ops, 0);
        ASSERT_TRUE(made.ok()) << made.error().message;
        family = std::move(made).value();
    }
    [[nodiscard]] bool onCpu() const { return std::string(GetParam()).starts_with("cpu"); }

    Tensor random(std::int64_t count, float bound = 1.0F) {
        return put(uniformValues(count, seed++, bound));
    }
    Tensor put(const std::vector<float>& values) {
        const Tensor tensor = ops->allocate(std::ssize(values));
        ops->upload(tensor, values);
        return tensor;
    }
    Tensor put(const std::vector<std::int32_t>& values) {
        const Tensor tensor = ops->allocate(std::ssize(values), RIDGE_DTYPE_INT32);
        ops->upload(tensor, values);
        return tensor;
    }
    Values get(const Tensor& tensor) {
        std::vector<float> host(static_cast<std::size_t>(tensor.count));
        ops->download(host, tensor);
        return {host.begin(), host.end()};
    }
    void TearDown() override {
        if (family == nullptr) return;
        EXPECT_TRUE(family->status().ok()) << family->status().error().message;
        EXPECT_TRUE(ops->status().ok());
    }
};
INSTANTIATE_TEST_SUITE_P(Backends, FamilyOps,
                         testing::Values("cpu1", "cpu2", "cuda_on_host", "gpu"),
                         [](const auto& each) { return std::string(each.param); });

void expectNear(const Values& got, const Values& wanted, double limit = 2e-6) {
    ASSERT_EQ(got.size(), wanted.size());
    double largest = 1e-30;
    for (const double value : wanted) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], wanted[i], limit * largest) << "element " << i;
}

// d sum(dY * f(x)) / dx.
Values differences(const std::function<Values(const Values&)>& f, Values x, const Values& dY) {
    const auto sum = [&](const Values& at) {
        const Values y = f(at);
        double total = 0;
        for (std::size_t i = 0; i < y.size(); ++i) total += dY[i] * y[i];
        return total;
    };
    Values gradient(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double kept = x[i];
        x[i] = kept + 1e-6;
        const double above = sum(x);
        x[i] = kept - 1e-6;
        gradient[i] = (above - sum(x)) / 2e-6;
        x[i] = kept;
    }
    return gradient;
}

TEST_P(FamilyOps, BagsSumTheirRowsAndUpdateThem) {
    for (const std::int64_t width : {16, 21, 3}) {
        const BagArgs args{3, 8, width, 5, 4, 20};
        std::vector<std::int32_t> indices;
        for (std::size_t i = 0; i < static_cast<std::size_t>(args.lookups()); ++i)
            indices.push_back(static_cast<std::int32_t>(i * i * 7 % 8));
        const Tensor table = random(3 * 8 * width), named = put(indices);
        const Tensor out = ops->allocate(args.bags() * width);
        const auto f = [&](const Values& rows) {
            Values sums(static_cast<std::size_t>(args.bags() * width));
            for (std::int64_t bag = 0; bag < args.bags(); ++bag)
                for (std::int64_t i = 0; i < 4; ++i)
                    for (std::int64_t c = 0; c < width; ++c)
                        sums[static_cast<std::size_t>(bag * width + c)] +=
                            rows[static_cast<std::size_t>(
                                (bag % 3 * 8 + indices[static_cast<std::size_t>(bag * 4 + i)]) *
                                    width +
                                c)];
            return sums;
        };
        family->embeddingBag("bags", args, table, named, out);
        const Values before = get(table);
        expectNear(get(out), f(before));
        const Tensor dOut = random(args.bags() * width);
        family->embeddingBagUpdate("update", args, named, dOut, 0.5F, table);
        Values wanted = differences(f, before, get(dOut));
        for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = before[i] - 0.5 * wanted[i];
        expectNear(get(table), wanted);
    }
}

TEST_P(FamilyOps, InteractionAndItsGradients) {
    constexpr std::int64_t kSamples = 33, kTables = 3, kWidth = 5, kWide = 5 + 6;
    const Tensor dense = random(kSamples * kWidth), bags = random(kSamples * kTables * kWidth);
    const Tensor out = ops->allocate(kSamples * kWide), dOut = random(kSamples * kWide);
    const Tensor dDense = ops->allocate(dense.count), dBags = ops->allocate(bags.count);
    family->dotInteraction("i", kSamples, kTables, kWidth, dense, bags, out);
    // Of x = [dense | bags].
    const auto f = [&](const Values& x) {
        Values y;
        const auto at = [&](std::size_t s, std::size_t v, std::size_t c) {
            return v == 0 ? x[s * kWidth + c]
                          : x[kSamples * kWidth + (s * kTables + v - 1) * kWidth + c];
        };
        for (std::size_t s = 0; s < kSamples; ++s) {
            for (std::size_t c = 0; c < kWidth; ++c) y.push_back(at(s, 0, c));
            for (std::size_t i = 1; i <= kTables; ++i)
                for (std::size_t j = 0; j < i; ++j) {
                    double dot = 0;
                    for (std::size_t c = 0; c < kWidth; ++c) dot += at(s, i, c) * at(s, j, c);
                    y.push_back(dot);
                }
        }
        return y;
    };
    const auto joined = [&](const Tensor& a, const Tensor& b) {
        Values both = get(a);
        const Values more = get(b);
        both.insert(both.end(), more.begin(), more.end());
        return both;
    };
    const Values x = joined(dense, bags);
    expectNear(get(out), f(x));
    family->dotInteractionBackward("b", kSamples, kTables, kWidth, dense, bags, dOut, dDense,
                                   dBags);
    expectNear(joined(dDense, dBags), differences(f, x, get(dOut)));
}

TEST_P(FamilyOps, LogisticLossAndItsGradientHoldForLargeLogits) {
    const std::vector<float> z{0.3F, -2.0F, 0.0F, 1.5F, 80.0F, -80.0F};
    const std::vector<float> label{1, 0, 1, 0, 0, 1};
    const Tensor logits = put(z), labels = put(label), losses = ops->allocate(6);
    family->logisticLoss("l", 6, logits, labels, losses, 0.25F);
    const auto f = [&](const Values& x) {
        Values y;
        for (std::size_t i = 0; i < x.size(); ++i)
            y.push_back(std::log1p(std::exp(-std::abs(x[i]))) + std::max(x[i], 0.0) -
                        static_cast<double>(label[i]) * x[i]);
        return y;
    };
    const Values x(z.begin(), z.end());
    expectNear(get(losses), f(x));
    expectNear(get(logits), differences(f, x, Values(6, 0.25)), 1e-6);
}

TEST_P(FamilyOps, SparseProductEqualsTheDenseOne) {
    // 70 x 9, some rows empty.
    std::vector<std::int32_t> offsets{0}, indices;
    for (std::int32_t r = 0; r < 70; ++r) {
        for (std::int32_t c = 0; c < 9; ++c)
            if (r % 5 != 0 && (r * 31 + c * 17) % 4 == 0) indices.push_back(c);
        offsets.push_back(static_cast<std::int32_t>(indices.size()));
    }
    const auto count = std::ssize(indices);
    const CsrMatrix matrix{70, 9, count, put(offsets), put(indices), random(count)};
    const Values values = get(matrix.values);
    for (const std::int64_t width : {1, 16, 64, 87}) {
        const Tensor x = random(9 * width), y = random(70 * width);
        family->spmm("s", matrix, width, x, y);
        Values wanted(static_cast<std::size_t>(70 * width));
        const Values dense = get(x);
        const auto wide = static_cast<std::size_t>(width);
        for (std::size_t r = 0; r < 70; ++r)
            for (auto e = static_cast<std::size_t>(offsets[r]);
                 e < static_cast<std::size_t>(offsets[r + 1]); ++e)
                for (std::size_t c = 0; c < wide; ++c)
                    wanted[r * wide + c] +=
                        values[e] * dense[static_cast<std::size_t>(indices[e]) * wide + c];
        expectNear(get(y), wanted);
    }
}

Values convolved(const formulas::ConvolutionShape& s, const Values& x, const Values& w) {
    Values y(s.outElements());
    const auto pad = static_cast<std::int64_t>(s.kernel / 2);
    for (std::size_t at = 0; at < y.size(); ++at) {
        const std::size_t o = at % s.outputs, column = at / s.outputs % s.outSide();
        const std::size_t row = at / s.outputs / s.outSide() % s.outSide();
        const std::size_t n = at / s.outputs / s.outSide() / s.outSide();
        for (std::size_t i = 0; i < s.kernel; ++i)
            for (std::size_t j = 0; j < s.kernel; ++j) {
                const auto r = static_cast<std::int64_t>(row * s.stride + i) - pad;
                const auto c = static_cast<std::int64_t>(column * s.stride + j) - pad;
                if (std::min(r, c) < 0 || std::max(r, c) >= static_cast<std::int64_t>(s.side))
                    continue;
                const std::size_t pixel = (n * s.side + static_cast<std::size_t>(r)) * s.side +
                                          static_cast<std::size_t>(c);
                for (std::size_t in = 0; in < s.inputs; ++in)
                    y[at] += x[pixel * s.inputs + in] *
                             w[((o * s.kernel + i) * s.kernel + j) * s.inputs + in];
            }
    }
    return y;
}

TEST_P(FamilyOps, ConvolutionsAndTheirGradients) {
    for (const formulas::ConvolutionShape shape : {formulas::ConvolutionShape{2, 3, 4, 5, 3, 1},
                                                   formulas::ConvolutionShape{1, 16, 5, 6, 3, 2},
                                                   formulas::ConvolutionShape{2, 4, 6, 6, 1, 2},
                                                   formulas::ConvolutionShape{1, 2, 3, 5, 3, 2}}) {
        const ConvolutionArgs args{shape};
        const auto size = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
        const Tensor x = random(size(shape.inElements())), w = random(size(shape.weights()));
        const Tensor y = ops->allocate(size(shape.outElements())), dY = random(y.count);
        const Tensor dX = ops->allocate(x.count), dW = ops->allocate(w.count);
        family->convolution("c", args, x, w, y);
        const Values hostX = get(x), hostW = get(w);
        expectNear(get(y), convolved(shape, hostX, hostW));
        family->convolutionBackwardData("d", args, dY, w, dX);
        expectNear(get(dX),
                   differences([&](const Values& at) { return convolved(shape, at, hostW); }, hostX,
                               get(dY)));
        family->convolutionBackwardWeights("w", args, x, dY, dW);
        expectNear(get(dW),
                   differences([&](const Values& at) { return convolved(shape, hostX, at); }, hostW,
                               get(dY)));
        EXPECT_TRUE(!onCpu() || family->primitiveCount() % 3 == 0);
    }
    const std::int64_t made = family->primitiveCount();
    const ConvolutionArgs again{{2, 3, 4, 5, 3, 1}};
    family->convolution("c", again, random(150), random(108), ops->allocate(200));
    EXPECT_EQ(family->primitiveCount(), made) << "no primitive is made twice";
}

// The library widens bf16 where the processor has none, so the numbers can be held anywhere.
TEST_P(FamilyOps, RoundedConvolutionsAreThoseOfTheRoundedOperands) {
    if (const Status can = ops->canMultiply(RIDGE_DTYPE_BF16); !can.ok()) GTEST_SKIP() << can.error().message;
    const formulas::ConvolutionShape shape{1, 16, 16, 6, 3, 1};
    const auto rounded = [](Values values) {
        for (double& value : values) {
            int exponent = 0;
            const double fraction = std::frexp(value, &exponent);
            value = std::ldexp(std::nearbyint(fraction * 256.0) / 256.0, exponent);
        }
        return values;
    };
    const ConvolutionArgs args{shape, RIDGE_DTYPE_BF16};
    const Tensor x = random(576), w = random(2304), y = ops->allocate(576), dY = random(576);
    const Tensor dX = ops->allocate(576), dW = ops->allocate(2304);
    const Values hostX = rounded(get(x)), hostW = rounded(get(w)), hostDY = rounded(get(dY));
    family->convolution("c", args, x, w, y);
    expectNear(get(y), convolved(shape, hostX, hostW), 1e-5);
    family->convolutionBackwardData("d", args, dY, w, dX);
    expectNear(
        get(dX),
        differences([&](const Values& at) { return convolved(shape, at, hostW); }, hostX, hostDY),
        1e-5);
    family->convolutionBackwardWeights("w", args, x, dY, dW);
    expectNear(
        get(dW),
        differences([&](const Values& at) { return convolved(shape, hostX, at); }, hostW, hostDY),
        1e-5);
}

TEST_P(FamilyOps, BatchNormAndItsGradients) {
    constexpr std::size_t kRows = 12, kChannels = 5;
    const BatchNormArgs args{kRows,
                             kChannels,
                             random(kChannels),
                             random(kChannels),
                             ops->allocate(kChannels),
                             ops->allocate(kChannels)};
    const Tensor x = random(kRows * kChannels, 2.0F), y = ops->allocate(x.count);
    const Tensor dY = random(x.count), dX = ops->allocate(x.count);
    const Tensor dScale = ops->allocate(kChannels), dShift = ops->allocate(kChannels);
    // Of [x | scale | shift].
    const auto f = [](const Values& all) {
        Values out(kRows * kChannels);
        for (std::size_t c = 0; c < kChannels; ++c) {
            double mean = 0, squares = 0;
            for (std::size_t r = 0; r < kRows; ++r) mean += all[r * kChannels + c] / kRows;
            for (std::size_t r = 0; r < kRows; ++r)
                squares += std::pow(all[r * kChannels + c] - mean, 2) / kRows;
            for (std::size_t r = 0; r < kRows; ++r)
                out[r * kChannels + c] = (all[r * kChannels + c] - mean) /
                                             std::sqrt(squares + 1e-5) *
                                             all[kRows * kChannels + c] +
                                         all[kRows * kChannels + kChannels + c];
        }
        return out;
    };
    Values all = get(x);
    for (const Tensor* part : {&args.scale, &args.shift})
        for (const double value : get(*part)) all.push_back(value);
    family->batchNorm("n", args, x, y);
    expectNear(get(y), f(all));
    family->batchNormBackward("b", args, x, dY, dX, dScale, dShift);
    Values got = get(dX);
    for (const Tensor* part : {&dScale, &dShift})
        for (const double value : get(*part)) got.push_back(value);
    expectNear(got, differences(f, all, get(dY)), 1e-5);
    // In place, as the models call it.
    family->batchNormBackward("b", args, x, dY, dY, dScale, dShift);
    expectNear(get(dY), get(dX), 1e-7);
}

TEST_P(FamilyOps, PoolingReluAndSgd) {
    constexpr std::size_t kSamples = 3, kPixels = 4, kChannels = 21;
    const Tensor x = random(kSamples * kPixels * kChannels),
                 y = ops->allocate(kSamples * kChannels);
    const Tensor dY = random(y.count), dX = ops->allocate(x.count);
    const auto f = [](const Values& in) {
        Values out(kSamples * kChannels);
        for (std::size_t i = 0; i < in.size(); ++i)
            out[i / (kPixels * kChannels) * kChannels + i % kChannels] += in[i] / kPixels;
        return out;
    };
    family->averagePool("p", kSamples, kPixels, kChannels, x, y);
    expectNear(get(y), f(get(x)));
    family->averagePoolBackward("p", kSamples, kPixels, kChannels, dY, dX);
    expectNear(get(dX), differences(f, get(x), get(dY)));

    const Tensor a = random(3001), b = random(3001), out = ops->allocate(3001);
    const Tensor dOut = random(3001), dA = ops->allocate(3001);
    const Values hostB = get(b);
    const auto sum = [&](const Values& in) {
        Values both(in.size());
        for (std::size_t i = 0; i < in.size(); ++i) both[i] = std::max(in[i] + hostB[i], 0.0);
        return both;
    };
    family->addRelu("a", a, b, out);
    expectNear(get(out), sum(get(a)));
    family->reluBackward("r", out, dOut, dA);
    Values slope = get(dOut);
    const Values hostA = get(a);
    for (std::size_t i = 0; i < slope.size(); ++i)
        if (hostA[i] + hostB[i] <= 0) slope[i] = 0;
    expectNear(get(dA), slope);
    family->relu("r", a, a);
    for (const double value : get(a)) ASSERT_GE(value, 0.0);

    const Tensor w = random(3001), g = random(3001);
    Values wanted = get(w);
    const Values gradient = get(g);
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] -= 0.125 * gradient[i];
    family->sgd("s", 0.125F, w, g);
    expectNear(get(w), wanted);
}

}  // namespace
}  // namespace ridge::workloads
