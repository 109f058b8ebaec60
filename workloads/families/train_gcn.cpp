// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/checks.h"
#include "workloads/families/family_workload.h"

namespace ridge::workloads {

namespace {

constexpr std::uint64_t kDataSeed = 23;

class GcnWorkload final : public FamilyWorkload {
public:
    GcnWorkload(const FamilyBackend& backend, const GcnConfig& config)
        : FamilyWorkload(backend), m_config(config) {}

    std::vector<Metric> report(const Timing& timing) override {
        using Direction = Metric::Direction;
        const double seconds = timing.medianStepSeconds;
        const auto edges = static_cast<double>(m_nonZeros);
        // Each edge's row goes through twice in every layer, forward and backward.
        const double aggregated =
            2 * edges * 2 * static_cast<double>(m_config.hidden + m_config.classes);
        const auto products = static_cast<double>(m_config.productFlops());
        return {{"edges_per_s", 4 * edges / seconds, "1/s", Direction::kHigher},
                {"nodes_per_s", static_cast<double>(m_config.nodes) / seconds, "1/s",
                 Direction::kHigher},
                {"flops_per_s", (products + aggregated) / seconds, "FLOP/s", Direction::kHigher},
                {"flops_per_step", products + aggregated, "FLOP", Direction::kNone},
                {"edges", edges, "1", Direction::kNone}};
    }

protected:
    Result<std::unique_ptr<FamilyModel>> makeModel() override {
        const GcnData data = gcnData(m_config, kDataSeed);
        if (!isSymmetric(data.graph))
            return Error{ErrorCode::kInternal, "the graph's matrix is not symmetric"};
        m_nonZeros = std::ssize(data.graph.indices);
        return makeGcn(ops(), family(), m_config, data);
    }
    CheckResult checkTiny() override {
        const GcnConfig tiny{.nodes = 12,
                             .links = 2,
                             .reach = 4,
                             .shuffled = m_config.shuffled,
                             .inputs = 3,
                             .hidden = 5,
                             .classes = 4};
        const GcnData data = gcnData(tiny, kDataSeed);
        auto model = makeGcn(ops(), family(), tiny, data);
        if (!model.ok()) return {false, model.error().message};
        return checkFamilyTraining(
            "graph network", **model,
            [&](std::span<const double> at) { return gcnReference(tiny, data, at); }, 37);
    }

private:
    GcnConfig m_config;
    std::int64_t m_nonZeros = 0;
};

}  // namespace

std::unique_ptr<Workload> makeGcnWorkload(const FamilyBackend& backend, const GcnConfig& config) {
    return std::make_unique<GcnWorkload>(backend, config);
}

// A GPU's second-level cache holds the features of the processor's graph: four times the nodes
// there. Every neighbour's features come from that cache or beyond in both orders.
std::vector<WorkloadSpec> gcnSpecs(const FamilyBackend& backend) {
    const bool accelerator = backend.dense.accelerator;
    std::vector<WorkloadSpec> specs;
    for (const bool shuffled : {true, false}) {
        GcnConfig config;
        config.shuffled = shuffled;
        if (accelerator) config.nodes *= 4;
        WorkloadSpec spec;
        spec.name = shuffled ? "train.gcn/random" : "train.gcn/ordered";
        spec.params = {{"backend", backend.dense.name},
                       {"dtype", "fp32"},
                       {"model", config.text()},
                       {"links", std::to_string(config.links)},
                       {"order", shuffled ? "random" : "neighbours within 64 rows"},
                       {"optimizer", "SGD"}};
        spec.presets = {"standard", "full"};
        if (shuffled) spec.presets.insert(spec.presets.begin(), "smoke");
        // In order a node's neighbours are in the first-level cache. A row of 16 floats is
        // aggregated from 28 edges of 8 bytes: 2.5 FLOP per byte, below every processor's ridge
        // point, and the products of 16 columns beside it have 4. Of 64 floats it would be 4.8, on
        // the ridge, with eight loads an edge that take twice as long as memory does.
        if (shuffled || accelerator)
            spec.expected = {"latency_bound", "none"};
        else
            spec.expected = {"memory_wall", "memory_bandwidth"};
        spec.warmupSteps = 2;
        spec.steps = accelerator ? 40 : shuffled ? 12 : 40;
        spec.create = [backend, config] { return makeGcnWorkload(backend, config); };
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ridge::workloads
