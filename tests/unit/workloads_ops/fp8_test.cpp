// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Eight-bit floats: codes against a search of all 256, products in every layout against double on
// the quantised operands, and what their ranges say. Where no backend here multiplies them, the
// CUDA sources on the host do.
#include "workloads/ops/fp8.h"

#include "backends.h"
#include "range_capture.h"
#include "workloads/models/checks.h"
#include "workloads/models/checks_operators.h"
#include "workloads/models/gpt_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace ridge::workloads {
namespace {

class Fp8 : public OnBackends {
protected:
    void SetUp() override {
        OnBackends::SetUp();
        if (IsSkipped()) return;
        if (const Status native = m_ops->canMultiply(RIDGE_DTYPE_FP8_E4M3); !native.ok())
            GTEST_SKIP() << native.error().message;
    }
    Tensor put(const std::vector<float>& values) {
        const Tensor tensor = m_ops->allocate(std::ssize(values));
        m_ops->upload(tensor, values);
        return tensor;
    }
    std::vector<float> floats(const Tensor& tensor) {
        std::vector<float> host(static_cast<std::size_t>(tensor.count));
        m_ops->download(host, tensor);
        return host;
    }
    // What x(rows, columns) becomes: codes, padded rows of it or of its columns, and the scale.
    struct Codes {
        std::vector<std::uint8_t> codes;
        double scale = 0;
    };
    Codes quantised(const QuantiseArgs& args, const std::vector<float>& x, ridge_dtype type) {
        const std::int64_t count = args.turned ? args.columns * paddedToFp8(args.rows)
                                               : args.rows * paddedToFp8(args.columns);
        const Tensor from = put(x), to = m_ops->allocate(count, type), scale = m_ops->allocate(1);
        m_ops->uploadBytes(to, std::vector<std::byte>(static_cast<std::size_t>(count),
                                                      std::byte{0x55}));  // is overwritten
        m_ops->quantise("q", args, from, to, scale);
        Codes made;
        made.codes.resize(static_cast<std::size_t>(count));
        m_ops->downloadBytes(std::as_writable_bytes(std::span(made.codes)), to);
        made.scale = static_cast<double>(floats(scale)[0]);
        return made;
    }
};
INSTANTIATE_TEST_SUITE_P(All, Fp8, everyBackend(), backendName);

std::vector<float> drawn(std::int64_t count, std::uint64_t seed, float bound) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = bound * (static_cast<float>(randomBits(seed, i) >> 40) * 0x1p-23F - 1.0F);
    return values;
}

// The code whose value is nearest; of two, the even one.
std::uint8_t nearest(double value, ridge_dtype type) {
    int best = 0;
    double apart = std::numeric_limits<double>::infinity();
    for (int code = 0; code < 256; ++code) {
        if ((code & 0x7F) > static_cast<int>(fp8Format(type).largestCode)) continue;
        const double held = static_cast<double>(fromFp8(static_cast<std::uint8_t>(code), type));
        if (std::signbit(held) != std::signbit(value)) continue;
        const double now = std::abs(held - value);
        if (now < apart || (!(now > apart) && code % 2 == 0)) {
            best = code;
            apart = now;
        }
    }
    return static_cast<std::uint8_t>(best);
}

TEST(Fp8Values, AreThoseOfThePaper) {
    constexpr auto e4m3 = RIDGE_DTYPE_FP8_E4M3, e5m2 = RIDGE_DTYPE_FP8_E5M2;
    EXPECT_EQ(fromFp8(0x7E, e4m3), 448.0F);
    EXPECT_EQ(fromFp8(0x08, e4m3), 0x1p-6F);  // the smallest normal value
    EXPECT_EQ(fromFp8(0x01, e4m3), 0x1p-9F);
    EXPECT_EQ(fromFp8(0xB8, e4m3), -1.0F);
    EXPECT_TRUE(std::isnan(fromFp8(0x7F, e4m3)));
    EXPECT_EQ(fromFp8(0x7B, e5m2), 57344.0F);
    EXPECT_EQ(fromFp8(0x04, e5m2), 0x1p-14F);
    EXPECT_EQ(fromFp8(0x01, e5m2), 0x1p-16F);
    EXPECT_EQ(fromFp8(0xFC, e5m2), -HUGE_VALF);
    EXPECT_TRUE(std::isnan(fromFp8(0x7D, e5m2)));
}

TEST_P(Fp8, CodesAreTheNearestAndScalesAPowerOfTwo) {
    constexpr std::int64_t kRows = 37, kColumns = 21;
    std::vector<float> x = drawn(kRows * kColumns, 3, 1.0F);
    // Many orders of magnitude, so that all exponents and the steps below them are met.
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::ldexp(x[i], -static_cast<int>(i % 24));
    x[5] = 0.0F;
    x[6] = -7.3F;  // the largest
    for (const ridge_dtype type : {RIDGE_DTYPE_FP8_E4M3, RIDGE_DTYPE_FP8_E5M2})
        for (const bool turned : {false, true}) {
            const Codes made = quantised({kRows, kColumns, turned}, x, type);
            int exponent = 0;
            EXPECT_EQ(std::frexp(made.scale, &exponent), 0.5);
            const double top = 7.3 / made.scale;
            const auto largest = static_cast<double>(fp8Format(type).largest);
            EXPECT_LE(top, largest);
            EXPECT_GT(top, largest / 2);
            const std::int64_t step = paddedToFp8(turned ? kRows : kColumns);
            ASSERT_EQ(std::ssize(made.codes), (turned ? kColumns : kRows) * step);
            for (std::int64_t i = 0; i < std::ssize(made.codes); ++i) {
                const std::int64_t outer = i / step, inner = i % step;
                const std::int64_t row = turned ? inner : outer, column = turned ? outer : inner;
                const bool isThere = row < kRows && column < kColumns;
                const double value =
                    isThere
                        ? static_cast<double>(x[static_cast<std::size_t>(row * kColumns + column)])
                        : 0.0;
                ASSERT_EQ(made.codes[static_cast<std::size_t>(i)],
                          nearest(value / made.scale, type))
                    << value << " at " << row << ", " << column;
            }
        }
}

TEST_P(Fp8, NothingButZerosAndTinyValuesStayWhatTheyAre) {
    const Codes zeros = quantised({1, 16, false}, std::vector<float>(16), RIDGE_DTYPE_FP8_E4M3);
    EXPECT_EQ(zeros.codes, std::vector<std::uint8_t>(16));
    EXPECT_EQ(zeros.scale, 1.0);
    const Codes tiny =
        quantised({1, 16, false}, std::vector<float>(16, 0x1p-60F), RIDGE_DTYPE_FP8_E4M3);
    EXPECT_EQ(static_cast<double>(fromFp8(tiny.codes[0], RIDGE_DTYPE_FP8_E4M3)) * tiny.scale,
              0x1p-60);
}

// Every layout, with a summed index that is no multiple of sixteen.
TEST_P(Fp8, ProductsAreThoseOfTheQuantisedOperands) {
    constexpr std::int64_t m = 19, n = 32, k = 70;
    ASSERT_TRUE(m_ops->setProducts(RIDGE_DTYPE_FP8_E4M3).ok());
    for (const GemmLayout layout : {GemmLayout::kNN, GemmLayout::kNT, GemmLayout::kTN})
        for (const bool gradient : {false, true}) {
            const std::vector<float> a = drawn(m * k, 1, 3e-4F), b = drawn(k * n, 2, 5.0F);
            const std::vector<float> bias = drawn(n, 4, 1e-3F), before = drawn(m * n, 5, 1e-3F);
            const bool turnedA = layout == GemmLayout::kTN, turnedB = layout != GemmLayout::kNT;
            GemmArgs args;
            args.layout = layout;
            args.m = m;
            args.n = n;
            args.k = k;
            args.a = put(a);
            args.b = put(b);
            args.c = put(before);
            args.bias = gradient ? Tensor{} : put(bias);
            args.accumulate = gradient;
            args.leftIsGradient = gradient;
            test::startCapture();
            m_ops->gemm("g", args);
            const auto ranges = test::stopCapture();
            ASSERT_EQ(ranges.size(), 3U);
            EXPECT_EQ(ranges.back().work.dtype, RIDGE_DTYPE_FP8_E4M3);
            EXPECT_EQ(ranges.back().work.flops, 2U * m * n * k);
            const ridge_dtype left = gradient ? RIDGE_DTYPE_FP8_E5M2 : RIDGE_DTYPE_FP8_E4M3;
            const Codes codesA = quantised({turnedA ? k : m, turnedA ? m : k, turnedA}, a, left);
            const Codes codesB =
                quantised({turnedB ? k : n, turnedB ? n : k, turnedB}, b, RIDGE_DTYPE_FP8_E4M3);
            const std::vector<float> got = floats(args.c);
            const std::int64_t step = paddedToFp8(k);
            double worst = 0;
            for (std::int64_t i = 0; i < m; ++i)
                for (std::int64_t j = 0; j < n; ++j) {
                    const auto at = static_cast<std::size_t>(i * n + j);
                    double sum = 0, size = 0;
                    for (std::int64_t x = 0; x < k; ++x) {
                        const double term =
                            static_cast<double>(fromFp8(
                                codesA.codes[static_cast<std::size_t>(i * step + x)], left)) *
                            static_cast<double>(
                                fromFp8(codesB.codes[static_cast<std::size_t>(j * step + x)],
                                        RIDGE_DTYPE_FP8_E4M3)) *
                            codesA.scale * codesB.scale;
                        sum += term;
                        size += std::abs(term);
                    }
                    sum += static_cast<double>(gradient ? before[at]
                                                        : bias[static_cast<std::size_t>(j)]);
                    worst = std::max(worst, std::abs(static_cast<double>(got[at]) - sum) / size);
                }
            // Tensor cores keep about 14 bits of a sum of eight-bit products.
            EXPECT_LT(worst, onHostDevice() ? 1e-6 : 1e-3);
        }
    // n is no multiple of sixteen: in bf16, and its range says so.
    GemmArgs narrow;
    narrow.m = m;
    narrow.n = 13;
    narrow.k = k;
    narrow.a = put(drawn(m * k, 1, 1.0F));
    narrow.b = put(drawn(k * 13, 2, 1.0F));
    narrow.c = m_ops->allocate(m * 13);
    test::startCapture();
    m_ops->gemm("g", narrow);
    EXPECT_EQ(test::stopCapture().back().work.dtype, RIDGE_DTYPE_BF16);
    EXPECT_TRUE(m_ops->status().ok());
}

TEST_P(Fp8, TypedProductsAndTrainingPassTheirProofs) {
    const CheckResult product =
        checkTypedGemm(*m_ops, {GemmLayout::kNT, 65, 48, 128}, RIDGE_DTYPE_FP8_E4M3);
    EXPECT_TRUE(product.passed) << product.detail;
    const CheckResult training = checkProducts(*m_ops, RIDGE_DTYPE_FP8_E4M3);
    EXPECT_TRUE(training.passed) << training.detail;
}

}  // namespace
}  // namespace ridge::workloads
