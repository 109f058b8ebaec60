// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Operators that go wrong after a workload's check has passed, during the timed steps: a library that refuses a call
// (and takes no time for it), one that returns without computing, one wrong sign. Each ends in an error and no time.
#include "workloads/models/elementwise.h"
#include "workloads/models/infer.h"
#include "workloads/models/kernels/kernels.h"
#include "workloads/models/train.h"
#include "workloads/ops/cpu/cpu_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

namespace ridge::workloads {
namespace {

enum class Fault { kNone, kRefused, kSign };

class LateFaults final : public CpuOperators {
public:
    explicit LateFaults(const Fault& fault) : CpuOperators(1), m_fault(fault) {}
    const Status& status() const override { return m_refused.ok() ? CpuOperators::status() : m_refused; }

protected:
    void doGemm(const GemmArgs& args) override {
        if (refused()) return;
        CpuOperators::doGemm(args);
        turn(args.c);
    }
    void doLinear(const Weight& weight, const Tensor& x, const Tensor& bias, const Tensor& y, std::int64_t rows) override {
        if (refused()) return;
        CpuOperators::doLinear(weight, x, bias, y, rows);
        turn(y);
    }
    void doAttentionFused(const AttentionArgs& args, const Tensor& qkv, const Tensor& out, const Tensor& logSums) override {
        if (refused()) return;
        CpuOperators::doAttentionFused(args, qkv, out, logSums);
        turn(out);
    }
    void doAttentionBackward(const AttentionArgs& args, const Tensor& qkv, const Tensor& probabilities, const Tensor& dOut,
                             const Tensor& dQkv) override {
        if (refused()) return;
        CpuOperators::doAttentionBackward(args, qkv, probabilities, dOut, dQkv);
        turn(dQkv);
    }
    void doAffineChain(std::span<const Affine> steps, const Tensor& x, const Tensor& y) override {
        if (refused()) return;
        CpuOperators::doAffineChain(steps, x, y);
        turn(y);
    }
    void doAdd(const Tensor& a, const Tensor& b, const Tensor& out) override {
        if (refused()) return;
        CpuOperators::doAdd(a, b, out);
        turn(out);
    }
    void doLayerNormForward(std::int64_t rows, std::int64_t width, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                            const Tensor& y, const Tensor& mean, const Tensor& rstd) override {
        if (refused()) return;
        CpuOperators::doLayerNormForward(rows, width, x, gamma, beta, y, mean, rstd);
        turn(y);
    }

private:
    bool refused() {
        if (m_fault == Fault::kRefused) m_refused = Error{ErrorCode::kMeasurement, "out of memory"};
        return m_fault == Fault::kRefused;
    }
    // Of every value: which of them a sampled comparison looks at is its own affair.
    void turn(const Tensor& tensor) const {
        if (m_fault != Fault::kSign) return;
        for (std::int64_t i = 0; i < tensor.count; ++i) tensor.f32()[i] = -tensor.f32()[i];
    }

    const Fault& m_fault;
    Status m_refused;
};

using Make = std::unique_ptr<Workload> (*)(const Backend&);
constexpr GptConfig kModel{.layers = 1, .width = 32, .heads = 2, .context = 64, .vocabulary = 64};

const std::map<std::string, Make>& workloads() {
    static const std::map<std::string, Make> all{
        {"gemm", [](const Backend& b) { return makeGemmWorkload(b, {RIDGE_DTYPE_F32, GemmLayout::kNN, 32, 32, 32}); }},
        {"attention.fused", [](const Backend& b) { return makeAttentionWorkload(b, {{1, 2, 16, 8, true}, true, false}); }},
        {"attention.bwd", [](const Backend& b) { return makeAttentionWorkload(b, {{1, 2, 16, 8, true}, false, true}); }},
        {"residual", [](const Backend& b) { return makeVectorWorkload(b, VectorCase::kBiasGeluResidual, 8, 32); }},
        {"norm", [](const Backend& b) { return makeVectorWorkload(b, VectorCase::kLayerNorm, 8, 32); }},
        {"launch", [](const Backend& b) { return makeLaunchWorkload(b, LaunchCase::kSingle, 4, 2); }},
        {"elementwise", [](const Backend& b) { return makeElementwiseWorkload(b, 256, false); }},
        {"train", [](const Backend& b) { return makeTrainWorkload(b, kModel, 2); }},
        {"prefill", [](const Backend& b) { return makePrefillWorkload(b, {.config = kModel}); }},
        {"decode", [](const Backend& b) { return makeDecodeWorkload(b, {.config = kModel, .prompt = 8}); }}};
    return all;
}

class LateFaultsOf : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Workloads, LateFaultsOf, testing::Values("gemm", "attention.fused", "attention.bwd", "residual", "norm", "launch",
                                                                  "elementwise", "train", "prefill", "decode"),
                         [](const auto& each) {
                             std::string name = each.param;
                             std::replace(name.begin(), name.end(), '.', '_');
                             return name;
                         });

TEST_P(LateFaultsOf, AreErrorsAndNoTimes) {
    Fault fault = Fault::kNone;
    const Backend backend{"cpu", [&]() -> Result<std::unique_ptr<Operators>> { return std::unique_ptr<Operators>(std::make_unique<LateFaults>(fault)); }};
    const auto stepsEndWell = [&](Workload& workload, std::uint64_t first) {
        for (std::uint64_t i = first; i < first + 3; ++i) workload.step(i);
        return workload.status().ok() && workload.finish().passed;
    };
    for (const Fault late : {Fault::kRefused, Fault::kSign}) {
        fault = Fault::kNone;
        const auto workload = workloads().at(GetParam())(backend);
        const Status prepared = workload->prepare();
        ASSERT_TRUE(prepared.ok()) << prepared.error().message;
        const CheckResult check = workload->check();
        ASSERT_TRUE(check.passed) << check.detail;
        EXPECT_TRUE(stepsEndWell(*workload, 0));
        EXPECT_TRUE(stepsEndWell(*workload, 3)) << "a repetition";
        fault = late;
        EXPECT_FALSE(stepsEndWell(*workload, 6)) << static_cast<int>(late);
    }
}

}  // namespace
}  // namespace ridge::workloads
