// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Stored weights, typed products, fused attention and the KV cache against loops in double, at
// sizes that are no multiple of a vector or a tile; and broken operators, which the checks must
// find.
#include "backends.h"
#include "range_capture.h"
#include "workloads/harness/variant.h"
#include "workloads/models/checks_generation.h"
#include "workloads/models/checks_operators.h"
#include "workloads/models/infer.h"
#include "workloads/models/kernels/kernels.h"
#include "workloads/models/serving/serve.h"
#include "workloads/models/speculative.h"
#include "workloads/models/train.h"
#include "workloads/ops/cpu/cpu_backend.h"
#include "workloads/ops/cpu/cpu_operators.h"
#include "workloads/ops/cpu/kernels.h"
#include "workloads/ops/graphs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>

namespace ridge::workloads {
namespace {

using formulas::name;

constexpr Storage kAll[] = {Storage::kF32, Storage::kBf16, Storage::kInt8, Storage::kInt4};

std::unique_ptr<Operators> makeOps(int threads = 1) {
    auto made = makeCpuOperators(threads);
    EXPECT_TRUE(made.ok());
    return std::move(made).value();
}

void expectPassed(const CheckResult& result) {
    EXPECT_TRUE(result.passed) << result.detail;
}

std::vector<float> drawn(std::int64_t count, std::uint64_t seed) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(randomBits(seed, i) >> 40) * 0x1p-23F - 1.0F;
    return values;
}

Tensor put(Operators& ops, const std::vector<float>& values) {
    const Tensor tensor = ops.allocate(std::ssize(values));
    ops.upload(tensor, values);
    return tensor;
}

std::vector<float> got(Operators& ops, const Tensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.count));
    ops.download(values, tensor);
    return values;
}

TEST(Weights, Bf16RoundsToNearestEven) {
    EXPECT_EQ(fromBf16(toBf16(1.0F)), 1.0F);
    EXPECT_EQ(toBf16(1.0F + 0x1p-8F), toBf16(1.0F));  // a tie goes to even: down here
    EXPECT_EQ(fromBf16(toBf16(1.0F + 3 * 0x1p-8F)), 1.0F + 0x1p-6F);  // and up here
    EXPECT_EQ(fromBf16(toBf16(-2.5F)), -2.5F);
    EXPECT_TRUE(std::isnan(fromBf16(toBf16(std::numeric_limits<float>::quiet_NaN()))));
    EXPECT_EQ(fromBf16(toBf16(std::numeric_limits<float>::infinity())),
              std::numeric_limits<float>::infinity());
}

TEST(Weights, PackingIsExactForWhatItCanHoldAndBoundedForTheRest) {
    std::vector<float> values(128);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(static_cast<int>(i % 16) - 8);
    EXPECT_EQ(unpack(pack(values, Storage::kInt4), Storage::kInt4), values);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = 0.5F * static_cast<float>(static_cast<int>(i * 2) - 127);
    EXPECT_EQ(pack(values, Storage::kInt8).scales.size(), 2U);
    for (const Storage storage : kAll) {
        const std::vector<float> back = unpack(pack(values, storage), storage);
        ASSERT_EQ(back.size(), values.size());
        const float most = storage == Storage::kInt4 ? 63.5F / 8 * 1.1F : 0.51F;
        for (std::size_t i = 0; i < values.size(); ++i)
            EXPECT_NEAR(back[i], values[i], most) << name(storage) << " " << i;
    }
    const std::vector<float> zeros(64);
    EXPECT_EQ(unpack(pack(zeros, Storage::kInt8), Storage::kInt8), zeros);
    EXPECT_EQ(unpack(pack(zeros, Storage::kInt4), Storage::kInt4), zeros);
    EXPECT_TRUE(parseStorage("int4").ok());
    EXPECT_FALSE(parseStorage("int3").ok());
}

TEST(Weights, VectorCastsEqualTheScalarOnes) {
    const auto ops = makeOps();
    std::vector<float> values(1003);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = std::bit_cast<float>(static_cast<std::uint32_t>(randomBits(3, i)));
    const Tensor from = ops->allocate(std::ssize(values));
    ops->upload(from, values);
    const Tensor half = ops->allocate(from.count, RIDGE_DTYPE_BF16);
    const Tensor back = ops->allocate(from.count);
    ops->cast("down", from, half);
    ops->cast("up", half, back);
    for (std::size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(half.bf16()[i], toBf16(values[i])) << values[i];
        if (!std::isnan(values[i])) {
            ASSERT_EQ(back.f32()[i], fromBf16(toBf16(values[i])));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Inference, OnBackends, everyBackend(), backendName);

TEST_P(OnBackends, LinearWithFewAndManyRowsOfEveryStorage) {
    for (const Storage storage : kAll)
        for (const std::int64_t rows : {1, 2, 3, 4, 7, 16, 17, 40})
            expectPassed(checkLinear(*m_ops, rows, 77, 192, storage));
    for (const Storage storage : {Storage::kF32, Storage::kBf16})  // no whole groups
        for (const std::int64_t rows : {1, 5, 33})
            expectPassed(checkLinear(*m_ops, rows, 31, 101, storage));
}

TEST_P(OnBackends, FusedUnfusedAndStoredAttention) {
    const auto check = [&](const AttentionArgs& args) {
        expectPassed(checkAttention(*m_ops, args, AttentionKind::kUnfused, false));
        expectPassed(checkAttention(*m_ops, args, AttentionKind::kStored, true));
        expectPassed(checkAttention(*m_ops, args, AttentionKind::kFused, true));
    };
    for (const bool causal : {true, false}) {
        for (const std::int64_t tokens : {1, 5, 66}) check({2, 3, tokens, 24, causal});
        for (const std::int64_t width : {40, 64, 100, 128}) check({1, 1, 35, width, causal});
        if (onHostDevice()) continue;  // a few hundred threads by turns: sizes enough to see edges
        for (const std::int64_t tokens : {128, 130, 300}) check({2, 3, tokens, 24, causal});
    }
}

TEST_P(OnBackends, StoredModelsMatchTheOracleOnRoundedParameters) {
    for (const Storage weights : storages())
        expectPassed(checkStoredModel(*m_ops, weights, Storage::kF32));
    for (const Storage cache : {Storage::kBf16, Storage::kInt8})
        expectPassed(checkStoredModel(*m_ops, Storage::kF32, cache));
}

TEST_P(OnBackends, GreedyTokensDoNotDependOnHowTheyAreComputed) {
#if defined(__SANITIZE_ADDRESS__)
    if (onHostDevice()) GTEST_SKIP() << "its threads by turns take minutes under a sanitizer";
#endif
    for (const Storage weights : storages())
        expectPassed(checkTokensAgree(*m_ops, weights, Storage::kF32));
}

TEST(InferenceOps, RoundingStaysInItsBands) {
    const auto ops = makeOps();
    for (const Storage weights : kAll) expectPassed(checkLogitBand(*ops, weights, Storage::kF32));
    for (const Storage cache : {Storage::kBf16, Storage::kInt8})
        expectPassed(checkLogitBand(*ops, Storage::kF32, cache));
}

std::vector<const cpu::LinearKernels*> kernelVersions() {
    std::vector<const cpu::LinearKernels*> versions{&cpu::linearKernelsPortable()};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        versions.push_back(&cpu::linearKernelsAvx2());
    if (__builtin_cpu_supports("avx512f")) versions.push_back(&cpu::linearKernelsAvx512());
#endif
    return versions;
}

// Products of the first `rows` rows of x with n rows of stored weights.
std::vector<float> fewRows(const cpu::LinearKernels& version, Storage storage, const Packed& packed,
                           const std::vector<float>& x, std::int64_t rows, std::int64_t n,
                           std::int64_t k) {
    std::vector<float> y(static_cast<std::size_t>(rows * n));
    const auto kernel = storage == Storage::kF32    ? version.f32
                        : storage == Storage::kBf16 ? version.bf16
                        : storage == Storage::kInt8 ? version.int8
                                                    : version.int4;
    kernel({.rows = rows,
            .n = n,
            .k = k,
            .weights = packed.values.data(),
            .scales = packed.scales.data(),
            .x = x.data(),
            .bias = nullptr,
            .y = y.data(),
            .stride = n});
    return y;
}

// Every number of rows that a tile or its rest can have, and weight rows that tiles do not divide.
TEST(InferenceOps, EveryVersionOfTheKernelsAgrees) {
    constexpr std::int64_t kRows = cpu::kFewRows, kN = 11, kK = 192;
    const std::vector<float> weights = drawn(kN * kK, 1), x = drawn(kRows * kK, 2);
    double largest = 0;
    for (const float value : x) largest = std::max(largest, std::abs(static_cast<double>(value)));
    for (const Storage storage : kAll) {
        const Packed packed = pack(weights, storage);
        const std::vector<float> rounded = unpack(packed, storage);
        for (const cpu::LinearKernels* version : kernelVersions())
            for (std::int64_t rows = 1; rows <= kRows; ++rows) {
                const std::int64_t n = rows % kN + 1;
                const std::vector<float> y = fewRows(*version, storage, packed, x, rows, n, kK);
                for (std::int64_t r = 0; r < rows; ++r)
                    for (std::int64_t i = 0; i < n; ++i) {
                        double sum = 0, magnitude = 0;
                        for (std::int64_t j = 0; j < kK; ++j) {
                            const auto w =
                                static_cast<double>(rounded[static_cast<std::size_t>(i * kK + j)]);
                            sum += static_cast<double>(x[static_cast<std::size_t>(r * kK + j)]) * w;
                            magnitude += std::abs(w);
                        }
                        // Where eight bits are multiplied as whole numbers, x is rounded to 16.
                        const double rounding =
                            storage == Storage::kInt8 ? magnitude * largest / 65534.0 : 0.0;
                        ASSERT_NEAR(static_cast<double>(y[static_cast<std::size_t>(r * n + i)]),
                                    sum, 2e-5 + rounding)
                            << name(storage) << ", " << rows << " rows";
                    }
            }
    }
}

void expectRowsStandAlone(const cpu::LinearKernels& version, Storage storage, std::int64_t k) {
    constexpr std::int64_t kN = 7;
    const std::vector<float> x = drawn(cpu::kFewRows * k, 4);
    const Packed packed = pack(drawn(kN * k, 3), storage);
    const std::vector<float> alone = fewRows(version, storage, packed, x, 1, kN, k);
    for (std::int64_t rows = 2; rows <= cpu::kFewRows; ++rows) {
        const std::vector<float> all = fewRows(version, storage, packed, x, rows, kN, k);
        for (std::size_t i = 0; i < alone.size(); ++i)
            ASSERT_EQ(all[i], alone[i]) << name(storage) << ", " << rows << " rows of " << k;
    }
}

// What a request is told does not depend on who is served beside it: to the last bit where weights
// have no scales, or are multiplied in whole numbers. 4096: several weight rows at a time.
TEST(InferenceOps, ARowsProductDoesNotDependOnTheRowsBesideIt) {
    for (const Storage storage : {Storage::kF32, Storage::kBf16})
        for (const cpu::LinearKernels* version : kernelVersions())
            expectRowsStandAlone(*version, storage, 101);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        for (const std::int64_t k : {192, 4096})
            expectRowsStandAlone(cpu::linearKernelsAvx2(), Storage::kInt8, k);
#endif
}

// Values that differ by many powers of two from group to group, nothing but zeros, next to nothing,
// and rows so long that they are not made whole numbers of.
TEST(InferenceOps, EightBitWeightsTakeAnyRow) {
    for (const std::int64_t k : {256, 4096, 8192}) {
        constexpr std::int64_t kN = 5, kRows = 9;
        const Packed packed = pack(drawn(kN * k, 5), Storage::kInt8);
        const std::vector<float> rounded = unpack(packed, Storage::kInt8);
        std::vector<float> x = drawn(kRows * k, 6);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const std::size_t group = i / 64;
            if (group % 4 == 1) x[i] *= 0x1p20F;
            if (group % 4 == 2) x[i] = 0.0F;
            if (group % 4 == 3) x[i] *= 0x1p-120F;
        }
        for (const cpu::LinearKernels* version : kernelVersions()) {
            const std::vector<float> y = fewRows(*version, Storage::kInt8, packed, x, kRows, kN, k);
            for (std::int64_t r = 0; r < kRows; ++r)
                for (std::int64_t i = 0; i < kN; ++i) {
                    double sum = 0, magnitude = 0;
                    for (std::int64_t j = 0; j < k; ++j) {
                        const double part =
                            static_cast<double>(x[static_cast<std::size_t>(r * k + j)]) *
                            static_cast<double>(rounded[static_cast<std::size_t>(i * k + j)]);
                        sum += part;
                        magnitude += std::abs(part);
                    }
                    ASSERT_NEAR(static_cast<double>(y[static_cast<std::size_t>(r * kN + i)]), sum,
                                1e-5 * magnitude)
                        << "row " << r << " of " << k;
                }
        }
    }
}

// Heads of any width, blocks of any number of tokens, sums begun by those before.
TEST(InferenceOps, AttentionOverAnEightBitCacheIsThatOfItsValues) {
    for (const std::int64_t width : {1, 8, 24, 64, 100})
        for (const std::int64_t tokens : {1, 3, 16}) {
            const auto n = static_cast<std::size_t>(width);
            const std::vector<float> query = drawn(width, 9), weights = drawn(tokens, 10);
            std::vector<std::int8_t> stored(static_cast<std::size_t>(tokens) * n);
            for (std::size_t i = 0; i < stored.size(); ++i)
                stored[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
            std::vector<float> scales(static_cast<std::size_t>(tokens));
            for (std::size_t t = 0; t < scales.size(); ++t)
                scales[t] = 0.01F * static_cast<float>(t + 1);
            std::vector<float> scores(scales.size()), out(n, 0.5F);
            cpu::cacheScoresInt8(tokens, width, 0.25F, query.data(), stored.data(), scales.data(),
                                 scores.data());
            cpu::cacheValuesInt8(tokens, width, weights.data(), stored.data(), scales.data(),
                                 out.data());
            std::vector<double> wanted(n, 0.5);
            for (std::size_t t = 0; t < scales.size(); ++t) {
                double score = 0;
                for (std::size_t i = 0; i < n; ++i) {
                    const double value =
                        static_cast<double>(scales[t]) * static_cast<double>(stored[t * n + i]);
                    score += 0.25 * static_cast<double>(query[i]) * value;
                    wanted[i] += static_cast<double>(weights[t]) * value;
                }
                ASSERT_NEAR(static_cast<double>(scores[t]), score, 1e-4) << width;
            }
            for (std::size_t i = 0; i < n; ++i)
                ASSERT_NEAR(static_cast<double>(out[i]), wanted[i], 1e-4) << width;
        }
}

// The depth and length of row at which rounding adds up, not the tiny models of the other checks.
TEST(InferenceOps, DecodingPassesItsOwnChecksWithEveryWeight) {
    for (const Storage weights : kAll) {
        DecodeOptions options;
        options.config = {.layers = 8, .width = 256, .heads = 4, .context = 64, .vocabulary = 256};
        options.prompt = 16;
        options.weights = weights;
        const auto workload = makeDecodeWorkload(Backend{}, options);
        ASSERT_TRUE(workload->prepare().ok());
        expectPassed(workload->check());
    }
}

// A value that is no number must not become one on its way through whole numbers.
TEST(InferenceOps, WhatIsNotFiniteShowsInTheProduct) {
    constexpr std::int64_t kN = 3, kK = 192;
    const Packed packed = pack(drawn(kN * kK, 7), Storage::kInt8);
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
        for (const cpu::LinearKernels* version : kernelVersions())
            for (const std::size_t at : {std::size_t{0}, std::size_t{77}, std::size_t{191}}) {
                std::vector<float> x = drawn(2 * kK, 8);
                x[at] = bad;
                const std::vector<float> y =
                    fewRows(*version, Storage::kInt8, packed, x, 2, kN, kK);
                for (std::size_t i = 0; i < kN; ++i) {
                    EXPECT_FALSE(std::isfinite(y[i])) << bad << " at " << at;
                    EXPECT_TRUE(std::isfinite(y[kN + i])) << "the row beside it";
                }
            }
}

// Recorded operators do nothing until they are started, then what they do when issued, each time
// with what their operands hold by then.
TEST_P(OnBackends, AGraphDoesWhatItsOperatorsDo) {
    GraphRecorder* recorder = graphsOf(*m_ops);
    if (recorder == nullptr) GTEST_SKIP() << m_ops->describe() << " records no graphs";
    const Tensor x = put(*m_ops, drawn(1000, 1)), y = m_ops->allocate(1000);
    const auto issue = [&] {
        m_ops->affine("a", {2.0F, 1.0F}, x, y);
        m_ops->add("b", x, y, y);
    };
    issue();
    const std::vector<float> expected = got(*m_ops, y);
    m_ops->upload(y, std::vector<float>(1000));
    recorder->beginGraph();
    issue();
    auto graph = recorder->endGraph();
    if (!graph.ok() && graph.error().code == ErrorCode::kUnsupported)
        GTEST_SKIP() << graph.error().message;
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    EXPECT_EQ((*graph)->nodes(), 2);
    EXPECT_EQ(got(*m_ops, y), std::vector<float>(1000));
    for (int round = 0; round < 2; ++round) {
        (*graph)->launch();
        EXPECT_EQ(got(*m_ops, y), expected);
        m_ops->upload(y, std::vector<float>(1000));
    }
    m_ops->upload(x, std::vector<float>(1000));
    (*graph)->launch();
    EXPECT_EQ(got(*m_ops, y), std::vector<float>(1000, 1.0F));
    EXPECT_TRUE(m_ops->status().ok());
}

TEST_P(OnBackends, TypedProductsWhereTheyAreNative) {
    for (const ridge_dtype type : {RIDGE_DTYPE_BF16, RIDGE_DTYPE_TF32, RIDGE_DTYPE_INT8}) {
        const Status native = m_ops->canMultiply(type);
        if (!native.ok()) {
            EXPECT_EQ(native.error().code, ErrorCode::kUnsupported);
            EXPECT_FALSE(native.error().message.empty());
            continue;
        }
        const bool inTensorCores = type == RIDGE_DTYPE_INT8 && !onProcessor();
        for (const GemmLayout layout : {GemmLayout::kNN, GemmLayout::kNT, GemmLayout::kTN})
            if (!inTensorCores) expectPassed(checkTypedGemm(*m_ops, {layout, 65, 33, 127}, type));
        if (inTensorCores) {
            expectPassed(checkTypedGemm(*m_ops, {GemmLayout::kNT, 65, 36, 124}, type));
            continue;
        }
        // A size at which oneDNN packs int8 for its vector kernels: small ones do not saturate.
        if (type == RIDGE_DTYPE_INT8)
            expectPassed(checkTypedGemm(*m_ops, {GemmLayout::kNN, 256, 256, 512}, type));
    }
    ASSERT_TRUE(m_ops->setProducts(RIDGE_DTYPE_F32).ok());
    EXPECT_TRUE(m_ops->canMultiply(RIDGE_DTYPE_F32).ok());
    EXPECT_FALSE(m_ops->canMultiply(RIDGE_DTYPE_F16).ok());
}

TEST_P(OnBackends, TrainingInFewerBitsGoesTheSameWay) {
    for (const ridge_dtype type : {RIDGE_DTYPE_F32, RIDGE_DTYPE_BF16, RIDGE_DTYPE_TF32})
        if (m_ops->canMultiply(type).ok()) expectPassed(checkProducts(*m_ops, type));
}

// Products of f32 tensors computed in fewer bits: those of the rounded operands, and said so.
TEST_P(OnBackends, ProductsInFewerBits) {
    constexpr std::int64_t m = 19, n = 13, k = 70;
    const std::vector<float> a = drawn(m * k, 1), b = drawn(k * n, 2);
    const Tensor left = put(*m_ops, a), right = put(*m_ops, b), c = m_ops->allocate(m * n);
    const auto product = [&] {
        GemmArgs args;
        args.m = m;
        args.n = n;
        args.k = k;
        args.a = left;
        args.b = right;
        args.c = c;
        m_ops->gemm("g", args);
        return got(*m_ops, c);
    };
    const std::vector<float> exact = product();
    // Half an ulp of each operand: 2^-9 for bf16's eight bits, 2^-11 for tf32's eleven.
    const std::pair<ridge_dtype, double> cases[] = {{RIDGE_DTYPE_BF16, 0x1p-9},
                                                    {RIDGE_DTYPE_TF32, 0x1p-11}};
    for (const auto& [type, half] : cases) {
        if (const Status set = m_ops->setProducts(type); !set.ok()) {
            EXPECT_EQ(set.error().code, ErrorCode::kUnsupported);
            continue;
        }
        test::startCapture();
        const std::vector<float> rough = product();
        const auto ranges = test::stopCapture();
        ASSERT_EQ(ranges.size(), type == RIDGE_DTYPE_BF16 ? 3U : 1U);  // with two casts, or without
        EXPECT_EQ(ranges.back().work.dtype, type);
        EXPECT_EQ(ranges.back().work.flops, 2U * m * n * k);
        double worst = 0;
        for (std::int64_t i = 0; i < m; ++i)
            for (std::int64_t j = 0; j < n; ++j) {
                double size = 0;
                for (std::int64_t x = 0; x < k; ++x)
                    size += std::abs(static_cast<double>(a[static_cast<std::size_t>(i * k + x)]) *
                                     static_cast<double>(b[static_cast<std::size_t>(x * n + j)]));
                const auto at = static_cast<std::size_t>(i * n + j);
                worst = std::max(worst, std::abs(static_cast<double>(rough[at]) -
                                                 static_cast<double>(exact[at])) /
                                            size);
            }
        EXPECT_LT(worst, 2.01 * half);
        EXPECT_GT(worst, half / 100) << "computed in f32";
        ASSERT_TRUE(m_ops->setProducts(RIDGE_DTYPE_F32).ok());
        EXPECT_EQ(product(), exact);
    }
}

TEST_P(OnBackends, BiasGeluResidualFusedEqualsItsParts) {
    constexpr std::int64_t kRows = 7, kWidth = 101;
    const Tensor x = put(*m_ops, drawn(kRows * kWidth, 1)),
                 residual = put(*m_ops, drawn(kRows * kWidth, 2)),
                 bias = put(*m_ops, drawn(kWidth, 3));
    const Tensor one = m_ops->allocate(kRows * kWidth), two = m_ops->allocate(kRows * kWidth),
                 apart = m_ops->allocate(kRows * kWidth), fused = m_ops->allocate(kRows * kWidth);
    m_ops->biasAdd("1", kRows, kWidth, x, bias, one);
    m_ops->geluForward("2", one, two);
    m_ops->add("3", two, residual, apart);
    m_ops->biasGeluResidual("f", kRows, kWidth, x, bias, residual, fused);
    const std::vector<float> wanted = got(*m_ops, apart), found = got(*m_ops, fused);
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-6F);
}

TEST_P(OnBackends, ChecksumSeesEveryByte) {
    const Tensor x = m_ops->allocate(1001, RIDGE_DTYPE_INT8);
    std::vector<std::byte> bytes(1001);
    const std::uint64_t before = m_ops->checksum("c", x);
    for (const std::size_t at : {0UL, 511UL, 1000UL}) {
        bytes[at] = std::byte{1};
        m_ops->uploadBytes(x, bytes);
        EXPECT_NE(m_ops->checksum("c", x), before) << at;
        bytes[at] = std::byte{0};
        m_ops->uploadBytes(x, bytes);
        EXPECT_EQ(m_ops->checksum("c", x), before);
    }
}

TEST(CudaOnHost, DeviceMemoryIsOutOfTheHostsReach) {
    const auto ops = cuda::makeOperatorsOnHost();
    const Tensor x = ops->allocate(8);
    ops->upload(x, std::vector<float>(8, 1.0F));
    const auto look = [&] {
        const volatile float value = *x.f32();
        std::_Exit(value > 2.0F ? 1 : 0);
    };
    EXPECT_DEATH(look(), "");  // by a signal, or by the sanitizer that catches it
}

TEST(InferenceOps, PayloadsTellStoredBytes) {
    const auto ops = makeOps();
    const Weight weight = ops->allocateWeight(128, 64, Storage::kInt4);
    const Tensor x = ops->allocate(2 * 64), y = ops->allocate(2 * 128);
    test::startCapture();
    ops->linear("linear", weight, x, {}, y, 2);
    const auto ranges = test::stopCapture();
    ASSERT_EQ(ranges.size(), 1U);
    EXPECT_EQ(ranges[0].work.op_kind, RIDGE_OP_GEMM);
    EXPECT_EQ(ranges[0].work.flops, 2U * 2 * 128 * 64);
    EXPECT_EQ(ranges[0].work.bytes_read, 4U * 2 * 64 + 128 * 64 / 2 + 128 * 4);
    EXPECT_EQ(ranges[0].work.bytes_written, 4U * 2 * 128);
}

// --- broken on purpose: each flips one sign or drops one piece ---

struct WrongSoftmaxScale final : CpuOperators {
    using CpuOperators::CpuOperators;
    void doAttentionFused(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                          const Tensor& logSums) override {
        CpuOperators::doAttentionFused(args, qkv, out, logSums);
        out.f32()[out.count - 1] = -out.f32()[out.count - 1];
    }
};
struct WrongLinear final : CpuOperators {
    using CpuOperators::CpuOperators;
    void doLinear(const Weight& weight, const Tensor& x, const Tensor& bias, const Tensor& y,
                  std::int64_t rows) override {
        CpuOperators::doLinear(weight, x, bias, y, rows);
        for (std::int64_t r = 0; r < rows; ++r) y.f32()[r * weight.n] *= -1.0F;
    }
};
struct WrongCache final : CpuOperators {
    using CpuOperators::CpuOperators;
    void doCacheStore(const Tensor& qkv, const KvCache& cache,
                      std::span<const CacheRows> rows) override {
        CpuOperators::doCacheStore(qkv, cache, rows);
        // Keys of the last row of every part: as if never written.
        for (const CacheRows& part : rows) {
            const std::int64_t token = part.position + part.rows - 1;
            const std::int64_t block = part.blocks[static_cast<std::size_t>(token / cache.block)];
            const std::int64_t at = (block * cache.heads * cache.block + token % cache.block);
            if (cache.keys.type == RIDGE_DTYPE_F32)
                std::fill_n(cache.keys.f32() + at * cache.headDim, cache.headDim, 0.0F);
        }
    }
};

TEST(Broken, AWrongSignInAnOperatorFailsItsCheck) {
    WrongSoftmaxScale attention(1);
    EXPECT_FALSE(checkAttention(attention, {1, 2, 40, 16}, AttentionKind::kFused, false).passed);
    WrongLinear linear(1);
    EXPECT_FALSE(checkLinear(linear, 3, 8, 64, Storage::kF32).passed);
    EXPECT_FALSE(checkStoredModel(linear, Storage::kF32, Storage::kF32).passed);
    WrongCache cache(1);
    EXPECT_FALSE(checkStoredModel(cache, Storage::kF32, Storage::kF32).passed);
}

// A backend whose every operator flips the sign of its first result.
struct WrongEverywhere final : CpuOperators {
    using CpuOperators::CpuOperators;
    static void flip(const Tensor& tensor) {
        if (tensor.type == RIDGE_DTYPE_F32) {
            tensor.f32()[0] *= -1.0F;
        } else {
            tensor.i32()[0] *= -1;
        }
    }
    void doGemm(const GemmArgs& args) override {
        CpuOperators::doGemm(args);
        for (std::int64_t r = 0; r < args.m; ++r) flip(args.c.slice(r * args.n, 1));
    }
    void doLinear(const Weight& weight, const Tensor& x, const Tensor& bias, const Tensor& y,
                  std::int64_t rows) override {
        CpuOperators::doLinear(weight, x, bias, y, rows);
        for (std::int64_t r = 0; r < rows; ++r) flip(y.slice(r * weight.n, 1));
    }
    void doAttentionValues(const AttentionArgs& args, const Tensor& scores, const Tensor& qkv,
                           const Tensor& out) override {
        CpuOperators::doAttentionValues(args, scores, qkv, out);
        flip(out);
    }
    void doAttentionFused(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                          const Tensor& logSums) override {
        CpuOperators::doAttentionFused(args, qkv, out, logSums);
        flip(out);
    }
    void doAttentionFusedBackward(const AttentionArgs& args, const Tensor& qkv, const Tensor& out,
                                  const Tensor& logSums, const Tensor& dOut,
                                  const Tensor& dQkv) override {
        CpuOperators::doAttentionFusedBackward(args, qkv, out, logSums, dOut, dQkv);
        flip(dQkv.slice(dQkv.count - 1, 1));
    }
    void doAttentionBackward(const AttentionArgs& args, const Tensor& qkv,
                             const Tensor& probabilities, const Tensor& dOut,
                             const Tensor& dQkv) override {
        CpuOperators::doAttentionBackward(args, qkv, probabilities, dOut, dQkv);
        flip(dQkv.slice(dQkv.count - 1, 1));
    }
    void doBiasGeluResidual(std::int64_t rows, std::int64_t width, const Tensor& x,
                            const Tensor& bias, const Tensor& residual,
                            const Tensor& out) override {
        CpuOperators::doBiasGeluResidual(rows, width, x, bias, residual, out);
        for (std::int64_t r = 0; r < rows; ++r) flip(out.slice(r * width, 1));
    }
    void doLayerNormForward(std::int64_t rows, std::int64_t width, const Tensor& x,
                            const Tensor& gamma, const Tensor& beta, const Tensor& y,
                            const Tensor& mean, const Tensor& rstd) override {
        CpuOperators::doLayerNormForward(rows, width, x, gamma, beta, y, mean, rstd);
        for (std::int64_t r = 0; r < rows; ++r) flip(y.slice(r * width, 1));
    }
    void doAdd(const Tensor& a, const Tensor& b, const Tensor& out) override {
        CpuOperators::doAdd(a, b, out);
        for (std::int64_t i = 7; i < out.count; i += 8) out.f32()[i] *= -1.0F;
    }
};

TEST(Broken, WorkloadsOverAWrongBackendReportAnErrorAndNoTime) {
    Backend broken;
    broken.name = "broken";
    broken.make = [] {
        return Result<std::unique_ptr<Operators>>(
            std::unique_ptr<Operators>(std::make_unique<WrongEverywhere>(1)));
    };
    const GptConfig config{.layers = 2, .width = 64, .heads = 2, .context = 64, .vocabulary = 128};
    PrefillOptions prefill;
    prefill.config = config;
    DecodeOptions decode;
    decode.config = config;
    decode.weights = Storage::kInt8;
    SpeculativeOptions speculative;
    speculative.config = config;
    speculative.config.context = 128;
    speculative.prompt = 8;
    serving::ServeOptions serve;
    serve.config = config;
    serve.trace.longestPrompt = 20;
    serve.trace.requests = 3;
    std::map<std::string, std::function<std::unique_ptr<Workload>()>> workloads;
    workloads["gemm"] = [&] {
        return makeGemmWorkload(broken, {RIDGE_DTYPE_F32, GemmLayout::kNN, 16, 16, 16});
    };
    for (const bool fused : {false, true})
        for (const bool backward : {false, true})
            workloads[std::string("attention") + (fused ? ".fused" : "") +
                      (backward ? ".bwd" : "")] = [&broken, fused, backward] {
                return makeAttentionWorkload(broken, {{1, 1, 20, 8}, fused, backward});
            };
    for (const VectorCase which : {VectorCase::kBiasGeluResidual,
                                   VectorCase::kBiasGeluResidualFused, VectorCase::kLayerNorm})
        workloads["vector" + std::to_string(static_cast<int>(which))] = [&broken, which] {
            return makeVectorWorkload(broken, which, 8, 64);
        };
    for (const LaunchCase which : {LaunchCase::kSingle, LaunchCase::kBatched})
        workloads["launch" + std::to_string(static_cast<int>(which))] = [&broken, which] {
            return makeLaunchWorkload(broken, which, 4, 8);
        };
    workloads["prefill"] = [&] { return makePrefillWorkload(broken, prefill); };
    workloads["decode"] = [&] { return makeDecodeWorkload(broken, decode); };
    workloads["spec"] = [&] { return makeSpeculativeWorkload(broken, speculative); };
    workloads["serve"] = [&] { return serving::makeServeWorkload(broken, serve); };
    workloads["train"] = [&] { return makeTrainWorkload(broken, config, 1); };
    for (const auto& [name, create] : workloads) {
        WorkloadSpec spec;
        spec.name = name;
        spec.create = create;
        Variant variant(spec, nullptr);
        EXPECT_EQ(variant.makeReady(), Readiness::kFailed) << name << ": " << variant.text();
        EXPECT_NE(variant.text().find("check failed"), std::string::npos) << variant.text();
    }
}

}  // namespace
}  // namespace ridge::workloads
