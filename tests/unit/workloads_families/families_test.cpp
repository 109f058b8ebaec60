// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The families' workloads, small: their proofs pass, their payloads are their formulas', and one
// wrong sign in any operator makes the workload an error.
#include "workloads/families/families.h"

#include "family_backends.h"
#include "range_capture.h"
#include "workloads/families/cpu/cpu_family_operators.h"

#include <gtest/gtest.h>

#include <map>
#include <tuple>

namespace ridge::workloads {
namespace {

const DlrmConfig kDlrm{.tables = 3,
                       .rows = 64,
                       .width = 16,
                       .samples = 64,
                       .perBag = 4,
                       .dense = 5,
                       .bottom = {8},
                       .top = {8},
                       .batches = 2};
const GcnConfig kGcn{.nodes = 120, .links = 3, .reach = 8, .inputs = 4, .hidden = 16, .classes = 4};
const ConvNetConfig kConv{
    .samples = 2, .side = 8, .channels = 4, .stages = 2, .classes = 3, .batches = 2};

std::unique_ptr<Workload> make(const std::string& family, const FamilyBackend& backend = {}) {
    if (family == "dlrm") return makeDlrmWorkload(backend, kDlrm);
    if (family == "gcn") return makeGcnWorkload(backend, kGcn);
    return makeConvWorkload(backend, kConv);
}

class Families : public testing::TestWithParam<std::tuple<const char*, const char*>> {
protected:
    void SetUp() override {
        const FamilyBackend backend = familyBackendCalled(std::get<1>(GetParam()));
        if (const auto dense = backend.dense.make(); !dense.ok())
            GTEST_SKIP() << dense.error().message;
        m_workload = make(family(), backend);
        const Status prepared = m_workload->prepare();
        ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    }
    [[nodiscard]] std::string family() const { return std::get<0>(GetParam()); }

    std::unique_ptr<Workload> m_workload;
};
INSTANTIATE_TEST_SUITE_P(All, Families,
                         testing::Combine(testing::Values("dlrm", "gcn", "conv"),
                                          testing::Values("cpu1", "cuda_on_host", "gpu")),
                         [](const auto& each) {
                             return std::string(std::get<0>(each.param)) + "_" +
                                    std::get<1>(each.param);
                         });

TEST_P(Families, PassTheirProofsAndReport) {
    Workload* const workload = m_workload.get();
    const CheckResult check = workload->check();
    EXPECT_TRUE(check.passed) << check.detail;
    EXPECT_NE(check.detail.find("finite differences"), std::string::npos) << check.detail;
    for (std::uint64_t i = 0; i < 4; ++i) workload->step(i);
    EXPECT_TRUE(workload->status().ok());
    const CheckResult finish = workload->finish();
    EXPECT_TRUE(finish.passed) << finish.detail;
    EXPECT_NE(finish.detail.find("taken again"), std::string::npos) << finish.detail;
    for (const Metric& metric : workload->report({4, 0.5, 0.5}))
        EXPECT_GT(metric.value, 0) << metric.name;
}

// Only leaves carry work, inside forward, backward and optimizer; sums are the formulas'.
TEST_P(Families, PayloadsOfAStepEqualTheFormulasToTheLastDigit) {
    test::startCapture();
    m_workload->step(0);
    const auto ranges = test::stopCapture();
    std::vector<std::string> phases;
    std::map<int, std::uint64_t> flops;
    std::uint64_t sparse = 0;
    for (const auto& range : ranges) {
        EXPECT_EQ(range.hasWork, range.depth == 1) << range.name;
        if (range.depth == 0) phases.push_back(range.name);
        flops[range.work.op_kind] += range.work.flops;
        if (range.name.starts_with("aggregate")) sparse += range.work.flops;
    }
    EXPECT_EQ(phases, (std::vector<std::string>{"forward", "backward", "optimizer"}));
    EXPECT_EQ(test::openRanges(), 0);
    EXPECT_EQ(flops[RIDGE_OP_GEMM], family() == "dlrm"  ? kDlrm.productFlops()
                                    : family() == "gcn" ? kGcn.productFlops()
                                                        : kConv.productFlops());
    if (family() == "dlrm") {
        EXPECT_EQ(flops[RIDGE_OP_EMBEDDING], 3U * (64 * 3 * 4) * 16);
    }
    if (family() == "gcn") {
        const auto edges = static_cast<std::uint64_t>(std::ssize(makeGraph(kGcn, 23).indices));
        EXPECT_EQ(sparse, 2 * edges * 2 * (16 + 4));
    }
}

// One of the operators computes with the wrong sign.
class Faulty final : public CpuFamilyOperators {
public:
    Faulty(int threads, std::string fault)
        : CpuFamilyOperators(threads), m_fault(std::move(fault)) {}

protected:
    void doEmbeddingBag(const BagArgs& args, const Tensor& table, const Tensor& indices,
                        const Tensor& out) override {
        CpuFamilyOperators::doEmbeddingBag(args, table, indices, out);
        turn("bags", out.slice(0, args.bags() * args.width));
    }
    void doEmbeddingBagUpdate(const BagArgs& args, const Tensor& indices, const Tensor& dOut,
                              float rate, const Tensor& table) override {
        CpuFamilyOperators::doEmbeddingBagUpdate(args, indices, dOut,
                                                 m_fault == "bags.update" ? -rate : rate, table);
    }
    void doDotInteraction(std::int64_t samples, std::int64_t tables, std::int64_t width,
                          const Tensor& dense, const Tensor& bags, const Tensor& out) override {
        CpuFamilyOperators::doDotInteraction(samples, tables, width, dense, bags, out);
        turn("interaction", out);
    }
    void doDotInteractionBackward(std::int64_t samples, std::int64_t tables, std::int64_t width,
                                  const Tensor& dense, const Tensor& bags, const Tensor& dOut,
                                  const Tensor& dDense, const Tensor& dBags) override {
        CpuFamilyOperators::doDotInteractionBackward(samples, tables, width, dense, bags, dOut,
                                                     dDense, dBags);
        turn("interaction.bwd", dBags);
    }
    void doLogisticLoss(std::int64_t rows, const Tensor& logits, const Tensor& labels,
                        const Tensor& losses, float scale) override {
        CpuFamilyOperators::doLogisticLoss(rows, logits, labels, losses, scale);
        turn("loss", logits);
    }
    void doSpmm(const CsrMatrix& matrix, std::int64_t width, const Tensor& x,
                const Tensor& y) override {
        CpuFamilyOperators::doSpmm(matrix, width, x, y);
        turn("spmm", y);
    }
    void doConvolution(const ConvolutionArgs& args, const Tensor& x, const Tensor& w,
                       const Tensor& y) override {
        CpuFamilyOperators::doConvolution(args, x, w, y);
        // Of all convolutions the sign of one: a norm behind it would hide that of a scale.
        if (args.shape.kernel == 1) turn("conv", y);
    }
    void doConvolutionBackwardData(const ConvolutionArgs& args, const Tensor& dY, const Tensor& w,
                                   const Tensor& dX) override {
        CpuFamilyOperators::doConvolutionBackwardData(args, dY, w, dX);
        turn("conv.input", dX);
    }
    void doConvolutionBackwardWeights(const ConvolutionArgs& args, const Tensor& x,
                                      const Tensor& dY, const Tensor& dW) override {
        CpuFamilyOperators::doConvolutionBackwardWeights(args, x, dY, dW);
        turn("conv.weight", dW);
    }
    void doBatchNorm(const BatchNormArgs& args, const Tensor& x, const Tensor& y) override {
        CpuFamilyOperators::doBatchNorm(args, x, y);
        turn("norm", y);
    }
    void doBatchNormBackward(const BatchNormArgs& args, const Tensor& x, const Tensor& dY,
                             const Tensor& dX, const Tensor& dScale,
                             const Tensor& dShift) override {
        CpuFamilyOperators::doBatchNormBackward(args, x, dY, dX, dScale, dShift);
        turn("norm.bwd", dShift);
    }
    void doAveragePoolBackward(std::int64_t samples, std::int64_t pixels, std::int64_t channels,
                               const Tensor& dY, const Tensor& dX) override {
        CpuFamilyOperators::doAveragePoolBackward(samples, pixels, channels, dY, dX);
        turn("pool.bwd", dX.slice(0, samples * pixels * channels));
    }
    void doAveragePool(std::int64_t samples, std::int64_t pixels, std::int64_t channels,
                       const Tensor& x, const Tensor& y) override {
        CpuFamilyOperators::doAveragePool(samples, pixels, channels, x, y);
        turn("pool", y);
    }
    void doRelu(const Tensor& x, const Tensor& y) override {
        if (m_fault == "relu") turn("relu", x);
        CpuFamilyOperators::doRelu(x, y);
    }
    void doReluBackward(const Tensor& y, const Tensor& dY, const Tensor& dX) override {
        CpuFamilyOperators::doReluBackward(y, dY, dX);
        turn("relu.bwd", dX.slice(0, dY.count));
    }
    void doAddRelu(const Tensor& a, const Tensor& b, const Tensor& y) override {
        CpuFamilyOperators::doAddRelu(a, b, y);
        turn("add", y);
    }
    void doSgd(float rate, const Tensor& weights, const Tensor& gradients) override {
        CpuFamilyOperators::doSgd(m_fault == "sgd" ? -rate : rate, weights, gradients);
    }

private:
    void turn(const std::string& name, const Tensor& tensor) const {
        if (name != m_fault) return;
        for (std::int64_t i = 0; i < tensor.count; ++i) tensor.f32()[i] = -tensor.f32()[i];
    }
    std::string m_fault;
};

TEST(FamilyFaults, OneWrongSignIsAnErrorAndNoTime) {
    const std::map<std::string, std::vector<std::string>> faults{
        {"dlrm",
         {"bags", "bags.update", "interaction", "interaction.bwd", "loss", "relu", "relu.bwd",
          "sgd"}},
        {"gcn", {"spmm", "relu", "relu.bwd", "sgd"}},
        {"conv",
         {"conv", "conv.input", "conv.weight", "norm", "norm.bwd", "pool", "pool.bwd", "relu",
          "relu.bwd", "add", "sgd"}}};
    for (const auto& [family, names] : faults)
        for (const std::string& fault : names) {
            FamilyBackend backend;
            backend.make = [&fault](Operators&,
                                    int threads) -> Result<std::unique_ptr<FamilyOperators>> {
                return std::unique_ptr<FamilyOperators>(std::make_unique<Faulty>(threads, fault));
            };
            const auto workload = make(family, backend);
            ASSERT_TRUE(workload->prepare().ok());
            const CheckResult check = workload->check();
            EXPECT_FALSE(check.passed) << family << " " << fault << ": " << check.detail;
        }
}

TEST(FamilySpecs, VariantsSayWhatTheyAre) {
    std::map<std::string, int> families;
    for (const auto& specs : {dlrmSpecs(), gcnSpecs(), convSpecs()}) {
        int smoke = 0;
        for (const WorkloadSpec& spec : specs) {
            ++families[spec.name.substr(0, spec.name.find('/'))];
            EXPECT_TRUE(spec.params.contains("model")) << spec.name;
            for (const std::string& preset : spec.presets) smoke += preset == "smoke" ? 1 : 0;
        }
        EXPECT_EQ(smoke, 1) << "one variant of each family";
    }
    EXPECT_EQ(families,
              (std::map<std::string, int>{{"train.conv", 2}, {"train.dlrm", 3}, {"train.gcn", 2}}));
}

}  // namespace
}  // namespace ridge::workloads
