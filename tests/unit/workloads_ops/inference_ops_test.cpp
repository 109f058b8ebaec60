// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Stored weights, typed products, fused attention and the KV cache against loops in double, at
// sizes that are no multiple of a vector or a tile; and broken operators, which the checks must
// find.
#include "range_capture.h"
#include "workloads/harness/variant.h"
#include "workloads/models/checks_inference.h"
#include "workloads/models/infer.h"
#include "workloads/models/kernels/kernels.h"
#include "workloads/models/serving/serve.h"
#include "workloads/models/speculative.h"
#include "workloads/models/train.h"
#include "workloads/ops/cpu/cpu_backend.h"
#include "workloads/ops/cpu/cpu_operators.h"
#include "workloads/ops/cpu/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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

class OnThreads : public testing::TestWithParam<int> {
protected:
    std::unique_ptr<Operators> m_ops = makeOps(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Inference, OnThreads, testing::Values(1, 2));

TEST_P(OnThreads, LinearWithFewAndManyRowsOfEveryStorage) {
    for (const Storage storage : kAll)
        for (const std::int64_t rows : {1, 2, 3, 4, 7, 16, 17, 40})
            expectPassed(checkLinear(*m_ops, rows, 77, 192, storage));
    for (const Storage storage : {Storage::kF32, Storage::kBf16})  // no whole groups
        for (const std::int64_t rows : {1, 5, 33})
            expectPassed(checkLinear(*m_ops, rows, 31, 101, storage));
}

TEST_P(OnThreads, FusedUnfusedAndStoredAttention) {
    for (const std::int64_t tokens : {1, 5, 128, 130, 300})
        for (const bool causal : {true, false}) {
            const AttentionArgs args{2, 3, tokens, 24, causal};
            expectPassed(checkAttention(*m_ops, args, AttentionKind::kUnfused, false));
            expectPassed(checkAttention(*m_ops, args, AttentionKind::kStored, true));
            expectPassed(checkAttention(*m_ops, args, AttentionKind::kFused, true));
        }
}

TEST_P(OnThreads, StoredModelsMatchTheOracleOnRoundedParameters) {
    for (const Storage weights : kAll)
        expectPassed(checkStoredModel(*m_ops, weights, Storage::kF32));
    for (const Storage cache : {Storage::kBf16, Storage::kInt8})
        expectPassed(checkStoredModel(*m_ops, Storage::kF32, cache));
}

TEST_P(OnThreads, GreedyTokensDoNotDependOnHowTheyAreComputed) {
    for (const Storage weights : kAll)
        expectPassed(checkTokensAgree(*m_ops, weights, Storage::kF32));
}

TEST(InferenceOps, RoundingStaysInItsBands) {
    const auto ops = makeOps();
    for (const Storage weights : kAll) expectPassed(checkLogitBand(*ops, weights, Storage::kF32));
    for (const Storage cache : {Storage::kBf16, Storage::kInt8})
        expectPassed(checkLogitBand(*ops, Storage::kF32, cache));
}

TEST(InferenceOps, EveryVersionOfTheKernelsAgrees) {
    constexpr std::int64_t kRows = 5, kN = 9, kK = 128;
    std::vector<float> weights(kN * kK), x(kRows * kK);
    for (std::size_t i = 0; i < weights.size(); ++i)
        weights[i] = static_cast<float>(randomBits(1, i) >> 40) * 0x1p-23F - 1.0F;
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<float>(randomBits(2, i) >> 40) * 0x1p-23F - 1.0F;
    std::vector<const cpu::LinearKernels*> versions{&cpu::linearKernelsPortable()};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        versions.push_back(&cpu::linearKernelsAvx2());
    if (__builtin_cpu_supports("avx512f")) versions.push_back(&cpu::linearKernelsAvx512());
#endif
    for (const Storage storage : kAll) {
        const Packed packed = pack(weights, storage);
        const std::vector<float> rounded = unpack(packed, storage);
        for (const cpu::LinearKernels* version : versions) {
            std::vector<float> y(kRows * kN);
            const auto kernel = storage == Storage::kF32    ? version->f32
                                : storage == Storage::kBf16 ? version->bf16
                                : storage == Storage::kInt8 ? version->int8
                                                            : version->int4;
            kernel({.rows = kRows,
                    .n = kN,
                    .k = kK,
                    .weights = packed.values.data(),
                    .scales = packed.scales.data(),
                    .x = x.data(),
                    .bias = nullptr,
                    .y = y.data(),
                    .stride = kN});
            for (std::size_t r = 0; r < kRows; ++r)
                for (std::size_t i = 0; i < kN; ++i) {
                    double sum = 0;
                    for (std::size_t j = 0; j < kK; ++j)
                        sum += static_cast<double>(x[r * kK + j]) *
                               static_cast<double>(rounded[i * kK + j]);
                    EXPECT_NEAR(static_cast<double>(y[r * kN + i]), sum, 2e-5) << name(storage);
                }
        }
    }
}

TEST(InferenceOps, TypedProductsWhereTheyAreNative) {
    const auto ops = makeOps();
    for (const ridge_dtype type : {RIDGE_DTYPE_BF16, RIDGE_DTYPE_INT8}) {
        const Status native = ops->canMultiply(type);
        if (!native.ok()) {
            EXPECT_EQ(native.error().code, ErrorCode::kUnsupported);
            EXPECT_NE(native.error().message.find("emulated"), std::string::npos);
            continue;
        }
        for (const GemmLayout layout : {GemmLayout::kNN, GemmLayout::kNT, GemmLayout::kTN})
            expectPassed(checkTypedGemm(*ops, {layout, 65, 33, 127}, type));
    }
    EXPECT_TRUE(ops->canMultiply(RIDGE_DTYPE_F32).ok());
    EXPECT_FALSE(ops->canMultiply(RIDGE_DTYPE_F16).ok());
}

TEST(InferenceOps, BiasGeluResidualFusedEqualsItsParts) {
    constexpr std::int64_t kRows = 13, kWidth = 77;
    const auto ops = makeOps();
    Tensor x = ops->allocate(kRows * kWidth), residual = ops->allocate(kRows * kWidth);
    Tensor bias = ops->allocate(kWidth);
    for (Tensor* t : {&x, &residual, &bias})
        for (std::int64_t i = 0; i < t->count; ++i)
            t->f32()[i] = std::sin(static_cast<float>(i + t->count));
    const Tensor one = ops->allocate(kRows * kWidth), two = ops->allocate(kRows * kWidth),
                 apart = ops->allocate(kRows * kWidth), fused = ops->allocate(kRows * kWidth);
    ops->biasAdd("1", kRows, kWidth, x, bias, one);
    ops->geluForward("2", one, two);
    ops->add("3", two, residual, apart);
    ops->biasGeluResidual("f", kRows, kWidth, x, bias, residual, fused);
    for (std::int64_t i = 0; i < kRows * kWidth; ++i)
        EXPECT_NEAR(fused.f32()[i], apart.f32()[i], 1e-6F);
}

TEST(InferenceOps, ChecksumSeesEveryByte) {
    const auto ops = makeOps();
    const Tensor x = ops->allocate(1001, RIDGE_DTYPE_INT8);
    const std::uint64_t before = ops->checksum("c", x);
    for (const std::int64_t at : {std::int64_t{0}, std::int64_t{511}, std::int64_t{1000}}) {
        x.i8()[at] = 1;
        EXPECT_NE(ops->checksum("c", x), before) << at;
        x.i8()[at] = 0;
        EXPECT_EQ(ops->checksum("c", x), before);
    }
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
    for (const bool batched : {false, true})
        workloads[batched ? "launch.batched" : "launch"] = [&broken, batched] {
            return makeLaunchWorkload(broken, batched, 4, 8);
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
