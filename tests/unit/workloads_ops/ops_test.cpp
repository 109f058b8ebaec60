// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Operators against loops in double, at sizes that are no multiple of a vector, on one and two
// threads.
#include "backends.h"
#include "range_capture.h"
#include "workloads/formulas/op_cost.h"
#include "workloads/models/checks.h"
#include "workloads/models/checks_operators.h"
#include "workloads/models/gpt_layout.h"
#include "workloads/ops/cpu/cpu_operators.h"
#include "workloads/ops/cpu/fast_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>

namespace ridge::workloads {
namespace {

using Host = std::vector<float>;

std::unique_ptr<Operators> makeOps(const char* threads = nullptr) {
    if (threads == nullptr)
        unsetenv("RIDGE_THREADS");
    else
        setenv("RIDGE_THREADS", threads, 1);
    auto made = makeCpuOperators();
    unsetenv("RIDGE_THREADS");
    EXPECT_TRUE(made.ok());
    return std::move(made).value();
}

Host draw(std::int64_t count, std::uint64_t seed, float reach = 1.0F) {
    Host values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] =
            (static_cast<float>(randomBits(seed, i) >> 40) * (1.0F / 8388608.0F) - 1.0F) * reach;
    return values;
}

Tensor put(Operators& ops, const Host& values) {
    const Tensor tensor = ops.allocate(std::ssize(values));
    ops.upload(tensor, values);
    return tensor;
}

Host get(Operators& ops, const Tensor& tensor) {
    Host values(static_cast<std::size_t>(tensor.count));
    ops.download(values, tensor);
    return values;
}

double at(const Host& values, std::int64_t index) {
    return static_cast<double>(values[static_cast<std::size_t>(index)]);
}

INSTANTIATE_TEST_SUITE_P(Ops, OnBackends, everyBackend(), backendName);

TEST_P(OnBackends, GemmInEveryLayoutWithBiasAndAccumulation) {
    constexpr std::int64_t m = 37, n = 29, k = 43;
    const Host a = draw(m * k, 1), b = draw(k * n, 2), bias = draw(n, 3), old = draw(m * n, 4);
    for (const GemmLayout layout : {GemmLayout::kNN, GemmLayout::kNT, GemmLayout::kTN})
        for (const bool withBias : {false, true})
            for (const bool accumulate : {false, true}) {
                const Tensor c = put(*m_ops, old);
                m_ops->gemm("g", {.layout = layout,
                                  .m = m,
                                  .n = n,
                                  .k = k,
                                  .a = put(*m_ops, a),
                                  .b = put(*m_ops, b),
                                  .c = c,
                                  .bias = withBias ? put(*m_ops, bias) : Tensor{},
                                  .accumulate = accumulate});
                ASSERT_TRUE(m_ops->status().ok()) << m_ops->status().error().message;
                const Host got = get(*m_ops, c);
                for (std::int64_t i = 0; i < m; ++i)
                    for (std::int64_t j = 0; j < n; ++j) {
                        double sum = (withBias ? at(bias, j) : 0.0) +
                                     (accumulate ? at(old, i * n + j) : 0.0);
                        for (std::int64_t x = 0; x < k; ++x)
                            sum += at(a, layout == GemmLayout::kTN ? x * m + i : i * k + x) *
                                   at(b, layout == GemmLayout::kNT ? j * k + x : x * n + j);
                        ASSERT_NEAR(at(got, i * n + j), sum, 2e-5);
                    }
            }
}

// Rows that lie whole pages apart are copied first where that is faster.
TEST_P(OnBackends, GemmOfATransposedOperandWithRowsOfWholePages) {
    constexpr std::int64_t m = 2048, n = 3, k = 5;
    const Host a = draw(m * k, 1), b = draw(k * n, 2);
    for (int again = 0; again < 2; ++again) {
        const Tensor c = m_ops->allocate(m * n);
        m_ops->gemm("g", {.layout = GemmLayout::kTN,
                          .m = m,
                          .n = n,
                          .k = k,
                          .a = put(*m_ops, again == 0 ? a : draw(m * k, 3)),
                          .b = put(*m_ops, b),
                          .c = c,
                          .bias = {}});
        ASSERT_TRUE(m_ops->status().ok()) << m_ops->status().error().message;
        const Host got = get(*m_ops, c), left = again == 0 ? a : draw(m * k, 3);
        for (std::int64_t i = 0; i < m; ++i)
            for (std::int64_t j = 0; j < n; ++j) {
                double sum = 0;
                for (std::int64_t x = 0; x < k; ++x) sum += at(left, x * m + i) * at(b, x * n + j);
                ASSERT_NEAR(at(got, i * n + j), sum, 2e-5);
            }
    }
}

TEST_P(OnBackends, GemvIsAProductWithOneColumn) {
    constexpr std::int64_t n = 103, k = 77;
    const Host w = draw(n * k, 1), x = draw(k, 2), bias = draw(n, 3);
    const Tensor y = m_ops->allocate(n);
    m_ops->gemv("v", put(*m_ops, w), put(*m_ops, x), put(*m_ops, bias), y, n, k);
    const Host got = get(*m_ops, y);
    for (std::int64_t i = 0; i < n; ++i) {
        double sum = at(bias, i);
        for (std::int64_t j = 0; j < k; ++j) sum += at(w, i * k + j) * at(x, j);
        EXPECT_NEAR(at(got, i), sum, 2e-5);
    }
}

TEST_P(OnBackends, GeluAndItsSlope) {
    Host x = draw(9001, 1, 6.0F);
    x[0] = 0.0F;
    x[1] = -40.0F;  // the exponential is clamped here
    x[2] = 40.0F;
    const Host dY = draw(9001, 2);
    const Tensor in = put(*m_ops, x);
    const Tensor y = m_ops->allocate(9001);
    const Tensor gradient = put(*m_ops, dY);
    m_ops->geluForward("f", in, y);
    m_ops->geluBackward("b", in, gradient, gradient);  // in place
    const Host value = get(*m_ops, y), slope = get(*m_ops, gradient);
    const auto gelu = [](double v) {
        return 0.5 * v * (1.0 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
    };
    for (std::int64_t i = 0; i < 9001; ++i) {
        const double v = at(x, i);
        EXPECT_NEAR(at(value, i), gelu(v), 1e-6 * (1.0 + std::abs(v)));
        EXPECT_NEAR(at(slope, i), at(dY, i) * (gelu(v + 1e-5) - gelu(v - 1e-5)) / 2e-5, 2e-6);
    }
}

TEST_P(OnBackends, AddColumnSumAndChains) {
    constexpr std::int64_t rows = 131, width = 203;
    const Host a = draw(rows * width, 1), b = draw(rows * width, 2), old = draw(width, 3);
    const Tensor sum = put(*m_ops, old);
    m_ops->columnSum("s", put(*m_ops, a), rows, width, sum, true);
    const Tensor fresh = put(*m_ops, old);
    m_ops->columnSum("s", put(*m_ops, a), rows, width, fresh, false);
    for (std::int64_t j = 0; j < width; ++j) {
        double wanted = 0;
        for (std::int64_t i = 0; i < rows; ++i) wanted += at(a, i * width + j);
        EXPECT_NEAR(at(get(*m_ops, fresh), j), wanted, 2e-5);
        EXPECT_NEAR(at(get(*m_ops, sum), j), wanted + at(old, j), 2e-5);
    }
    const Tensor out = m_ops->allocate(rows * width);
    m_ops->add("a", put(*m_ops, a), put(*m_ops, b), out);
    const Host added = get(*m_ops, out);
    const Operators::Affine chain[] = {{1.5F, 0.25F}, {-0.75F, 1.0F}, {1.25F, -0.5F}, {0.5F, 2.0F}};
    m_ops->affineChain("c", chain, put(*m_ops, a), out);
    const Host fused = get(*m_ops, out);
    for (std::int64_t i = 0; i < rows * width; ++i) {
        EXPECT_EQ(at(added, i), static_cast<double>(static_cast<float>(at(a, i) + at(b, i))));
        double wanted = at(a, i);
        for (const auto& link : chain)
            wanted = static_cast<double>(link.scale) * wanted + static_cast<double>(link.shift);
        EXPECT_NEAR(at(fused, i), wanted, 1e-6);
    }
}

TEST_P(OnBackends, CrossEntropySumsToNothingAndSurvivesLargeLogits) {
    constexpr std::int64_t rows = 19, vocabulary = 101;
    const Host logits = draw(rows * vocabulary, 1, 300.0F);
    const std::vector<std::int32_t> targets = randomTokens(rows, vocabulary, 2);
    const Tensor wanted = m_ops->allocate(rows, RIDGE_DTYPE_INT32);
    m_ops->upload(wanted, targets);
    const Tensor gradient = put(*m_ops, logits);
    const Tensor losses = m_ops->allocate(rows);
    m_ops->softmaxCrossEntropy("l", rows, vocabulary, gradient, wanted, losses, 0.5F);
    const Host loss = get(*m_ops, losses), g = get(*m_ops, gradient);
    for (std::int64_t r = 0; r < rows; ++r) {
        double top = -1e300, sum = 0, total = 0;
        for (std::int64_t v = 0; v < vocabulary; ++v)
            top = std::max(top, at(logits, r * vocabulary + v));
        for (std::int64_t v = 0; v < vocabulary; ++v)
            sum += std::exp(at(logits, r * vocabulary + v) - top);
        const std::int32_t target = targets[static_cast<std::size_t>(r)];
        EXPECT_NEAR(at(loss, r), std::log(sum) + top - at(logits, r * vocabulary + target), 1e-4);
        for (std::int64_t v = 0; v < vocabulary; ++v) {
            const double p = std::exp(at(logits, r * vocabulary + v) - top) / sum;
            EXPECT_NEAR(at(g, r * vocabulary + v), 0.5 * (p - (v == target ? 1.0 : 0.0)), 1e-6);
            total += at(g, r * vocabulary + v);
        }
        EXPECT_NEAR(total, 0.0, 1e-5);
    }
}

TEST_P(OnBackends, ChecksOfTheModelsPass) {
    for (const CheckResult& result :
         {checkGemm(*m_ops, {GemmLayout::kTN, 65, 33, 127}), checkAdamW(*m_ops),
          checkTinyModel(*m_ops), checkTinyTraining(*m_ops), checkTinyModel(*m_ops, true),
          checkTinyTraining(*m_ops, true), checkTinyGeneration(*m_ops)})
        EXPECT_TRUE(result.passed) << result.detail;
}

TEST(Ops, ArgmaxTakesTheFirstOfEquals) {
    const auto ops = makeOps();
    EXPECT_EQ(ops->argmax("a", put(*ops, {1.0F, 3.0F, 2.0F, 3.0F})), 1);
    EXPECT_EQ(ops->argmax("a", put(*ops, {-5.0F})), 0);
}

TEST(Ops, OneThreadUnlessToldOtherwise) {
    EXPECT_NE(makeOps()->describe().find("1 thread"), std::string::npos);
    EXPECT_NE(makeOps("3")->describe().find("3 threads"), std::string::npos);
    EXPECT_NE(makeOps("nonsense")->describe().find("1 thread"), std::string::npos);
    EXPECT_NE(makeCpuOperators(2).value()->describe().find("2 threads"), std::string::npos);
    EXPECT_NE(makeOps("-4")->describe().find("1 thread"), std::string::npos);
}

TEST(Ops, PrimitivesAreMadeOncePerShape) {
    const auto ops = makeOps();
    const Tensor a = ops->allocate(64), b = ops->allocate(64), c = ops->allocate(64);
    const GemmArgs args{.layout = GemmLayout::kTN,
                        .m = 8,
                        .n = 8,
                        .k = 8,
                        .a = a,
                        .b = b,
                        .c = c,
                        .bias = {},
                        .accumulate = false};
    ops->gemm("g", args);
    const std::int64_t made = ops->primitiveCount();
    EXPECT_EQ(made, 1);
    ops->gemm("g", args);
    EXPECT_EQ(ops->primitiveCount(), made);
}

TEST(Ops, TooSmallATensorIsABug) {
    const bool before = ridgeThrowOnBug;
    ridgeThrowOnBug = true;
    const auto ops = makeOps();
    const Tensor a = ops->allocate(64);
    EXPECT_ANY_THROW(ops->gemm("g", {.layout = GemmLayout::kNN,
                                     .m = 9,
                                     .n = 8,
                                     .k = 8,
                                     .a = a,
                                     .b = a,
                                     .c = a,
                                     .bias = {},
                                     .accumulate = false}));
    EXPECT_ANY_THROW((void)a.slice(60, 5));
    EXPECT_ANY_THROW((void)a.i32());
    ridgeThrowOnBug = before;
    EXPECT_EQ(test::openRanges(), 0);
}

TEST(Ops, EveryOperatorTellsItsFlopsAndBytes) {
    const auto ops = makeOps();
    const Tensor a = ops->allocate(64), b = ops->allocate(64), c = ops->allocate(64);
    test::startCapture();
    ops->gemm("product", {.layout = GemmLayout::kNN,
                          .m = 8,
                          .n = 8,
                          .k = 8,
                          .a = a,
                          .b = b,
                          .c = c,
                          .bias = {},
                          .accumulate = false});
    ops->add("sum", a, b, c);
    ops->adamW("optimizer", {}, a, b, c, ops->allocate(64));
    const auto ranges = test::stopCapture();
    ASSERT_EQ(ranges.size(), 3U);
    EXPECT_EQ(ranges[0].name, "product");
    EXPECT_TRUE(ranges[0].hasWork);
    EXPECT_EQ(ranges[0].work.op_kind, RIDGE_OP_GEMM);
    EXPECT_EQ(ranges[0].work.dtype, RIDGE_DTYPE_F32);
    EXPECT_EQ(ranges[0].work.flops, 1024U);
    EXPECT_EQ(ranges[0].work.bytes_read, 512U);
    EXPECT_EQ(ranges[0].work.bytes_written, 256U);
    EXPECT_EQ(ranges[1].work.op_kind, RIDGE_OP_ELEMENTWISE);
    EXPECT_EQ(ranges[1].work.bytes_read, 512U);
    EXPECT_EQ(ranges[2].work.op_kind, RIDGE_OP_OPTIMIZER);
    EXPECT_EQ(ranges[2].work.bytes_read + ranges[2].work.bytes_written, 28U * 64);
}

TEST(FastMath, ExpIsAccurateAndClamped) {
    for (double x = -87.0; x <= 60.0; x += 0.0137) {
        const auto argument = static_cast<float>(x);
        const double wanted = std::exp(static_cast<double>(argument));
        EXPECT_NEAR(static_cast<double>(cpu::fastExp(argument)) / wanted, 1.0, 3e-7) << x;
    }
    EXPECT_GT(cpu::fastExp(-1000.0F), 0.0F);
    EXPECT_LT(cpu::fastExp(1000.0F), std::numeric_limits<float>::infinity());
    EXPECT_EQ(cpu::fastExp(0.0F), 1.0F);
}

TEST(FastMath, PowersOfTwoAreAccurateAndClamped) {
    for (double x = -126.0; x <= 86.0; x += 0.0137) {
        const auto argument = static_cast<float>(x);
        const double wanted = std::exp2(static_cast<double>(argument));
        EXPECT_NEAR(static_cast<double>(cpu::fastExp2(argument)) / wanted, 1.0, 3e-7) << x;
    }
    for (int n = -126; n <= 86; ++n)
        EXPECT_EQ(cpu::fastExp2(static_cast<float>(n)), std::ldexp(1.0F, n));
    EXPECT_GT(cpu::fastExp2(-1000.0F), 0.0F);
    EXPECT_LT(cpu::fastExp2(1000.0F), std::numeric_limits<float>::infinity());
    EXPECT_TRUE(std::isnan(cpu::fastExp2(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace
}  // namespace ridge::workloads
