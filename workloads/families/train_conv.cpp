// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/checks.h"
#include "workloads/families/family_workload.h"
#include "workloads/models/checks.h"

namespace ridge::workloads {

namespace {

constexpr std::uint64_t kDataSeed = 29;

class ConvWorkload final : public FamilyWorkload {
public:
    ConvWorkload(const FamilyBackend& backend, const ConvNetConfig& config, ridge_dtype type)
        : FamilyWorkload(backend), m_config(config), m_type(type) {}

    std::vector<Metric> report(const Timing& timing) override {
        using Direction = Metric::Direction;
        const double seconds = timing.medianStepSeconds;
        const auto flops = static_cast<double>(m_config.productFlops());
        return {{"samples_per_s", static_cast<double>(m_config.samples) / seconds, "1/s",
                 Direction::kHigher},
                {"flops_per_s", flops / seconds, "FLOP/s", Direction::kHigher},
                {"flops_per_step", flops, "FLOP", Direction::kNone}};
    }

protected:
    Result<std::unique_ptr<FamilyModel>> makeModel() override {
        RIDGE_TRY_STATUS(ops().canMultiply(m_type));
        return makeConvNet(ops(), family(), m_config, m_type, kDataSeed);
    }
    // The proofs in double are of float; what fewer bits change is held in a band after them.
    CheckResult checkTiny() override {
        const ConvNetConfig tiny{
            .samples = 2, .side = 6, .channels = 3, .stages = 2, .classes = 3, .batches = 1};
        auto model = makeConvNet(ops(), family(), tiny, RIDGE_DTYPE_F32, kDataSeed);
        if (!model.ok()) return {false, model.error().message};
        const ConvBatch batch = convBatch(tiny, kDataSeed);
        CheckResult result = checkFamilyTraining(
            "convolutional network", **model,
            [&](std::span<const double> at) { return convReference(tiny, batch, at); }, 41);
        if (!result.passed || m_type == RIDGE_DTYPE_F32) return result;
        const ConvNetConfig small{
            .samples = 8, .side = 16, .channels = 16, .stages = 2, .classes = 4, .batches = 1};
        auto exact = makeConvNet(ops(), family(), small, RIDGE_DTYPE_F32, kDataSeed);
        auto rounded = makeConvNet(ops(), family(), small, m_type, kDataSeed);
        if (!exact.ok() || !rounded.ok()) return {false, "no memory for the comparison of types"};
        const CheckResult same = checkSameDirection(**exact, **rounded, 43);
        return {same.passed, result.detail + "; " + same.detail};
    }

private:
    ConvNetConfig m_config;
    ridge_dtype m_type;
};

}  // namespace

std::unique_ptr<Workload> makeConvWorkload(const FamilyBackend& backend,
                                           const ConvNetConfig& config, ridge_dtype type) {
    return std::make_unique<ConvWorkload>(backend, config, type);
}

std::vector<WorkloadSpec> convSpecs(const FamilyBackend& backend) {
    const bool accelerator = backend.dense.accelerator;
    std::vector<WorkloadSpec> specs;
    ConvNetConfig config;
    if (accelerator) {
        config.samples = 256;
        config.channels = 64;
    }
    for (const ridge_dtype type : {RIDGE_DTYPE_F32, RIDGE_DTYPE_BF16}) {
        const bool rounded = type == RIDGE_DTYPE_BF16;
        WorkloadSpec spec;
        spec.name = rounded ? "train.conv/bf16" : "train.conv/fp32";
        spec.params = {{"backend", backend.dense.name},
                       {"dtype", rounded ? "bf16" : "fp32"},
                       {"model", config.text()},
                       {"batch", std::to_string(config.samples)},
                       {"layout", "NHWC"},
                       {"optimizer", "SGD"}};
        spec.presets = {"standard", "full"};
        if (!rounded) spec.presets.insert(spec.presets.begin(), "smoke");
        // Unfolding takes longer than products on tensor cores, and moves what no payload counts.
        if (accelerator && rounded)
            spec.expected = {"latency_bound", "none"};
        else
            spec.expected = {"compute_bound", "compute"};
        spec.warmupSteps = 2;
        spec.steps = accelerator ? 40 : 16;
        spec.create = [backend, config, type] { return makeConvWorkload(backend, config, type); };
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ridge::workloads
