// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/checks.h"
#include "workloads/families/family_workload.h"

#include <fmt/format.h>

namespace ridge::workloads {

namespace {

constexpr std::uint64_t kDataSeed = 17;

class DlrmWorkload final : public FamilyWorkload {
public:
    DlrmWorkload(const FamilyBackend& backend, DlrmConfig config)
        : FamilyWorkload(backend), m_config(std::move(config)) {}

    std::vector<Metric> report(const Timing& timing) override {
        using Direction = Metric::Direction;
        const double seconds = timing.medianStepSeconds;
        const auto samples = static_cast<double>(m_config.samples);
        const double lookups = samples * static_cast<double>(m_config.tables * m_config.perBag);
        const auto flops = static_cast<double>(m_config.productFlops());
        return {{"samples_per_s", samples / seconds, "1/s", Direction::kHigher},
                {"lookups_per_s", lookups / seconds, "1/s", Direction::kHigher},
                {"flops_per_s", flops / seconds, "FLOP/s", Direction::kHigher},
                {"flops_per_step", flops, "FLOP", Direction::kNone},
                {"table_bytes", static_cast<double>(m_config.tableBytes()), "B", Direction::kNone}};
    }

protected:
    Result<std::unique_ptr<FamilyModel>> makeModel() override {
        return makeDlrm(ops(), family(), m_config, kDataSeed);
    }
    // Rows of five, no multiple of a vector; eight of them for 36 lookups, so that bags share rows.
    CheckResult checkTiny() override {
        const DlrmConfig tiny{.tables = 2,
                              .rows = 8,
                              .width = 5,
                              .samples = 6,
                              .perBag = 3,
                              .dense = 3,
                              .bottom = {4},
                              .top = {4},
                              .batches = 1};
        auto model = makeDlrm(ops(), family(), tiny, kDataSeed);
        if (!model.ok()) return {false, model.error().message};
        const DlrmBatch batch = dlrmBatch(tiny, kDataSeed);
        return checkFamilyTraining(
            "recommender", **model,
            [&](std::span<const double> at) { return dlrmReference(tiny, batch, at); }, 31);
    }

private:
    DlrmConfig m_config;
};

WorkloadSpec spec(const FamilyBackend& backend, const std::string& name, const DlrmConfig& config,
                  Expected expected, std::int64_t steps, std::vector<std::string> presets) {
    WorkloadSpec made;
    made.name = name;
    made.params = {{"backend", backend.dense.name},
                   {"dtype", "fp32"},
                   {"model", config.text()},
                   {"batch", std::to_string(config.samples)},
                   {"table_bytes", std::to_string(config.tableBytes())},
                   {"indices", fmt::format("rank^-{}", config.exponent)},
                   {"optimizer", "SGD"}};
    made.presets = std::move(presets);
    made.expected = std::move(expected);
    made.warmupSteps = 3;
    made.steps = steps;
    made.create = [backend, config] { return makeDlrmWorkload(backend, config); };
    return made;
}

}  // namespace

std::unique_ptr<Workload> makeDlrmWorkload(const FamilyBackend& backend, const DlrmConfig& config) {
    return std::make_unique<DlrmWorkload>(backend, config);
}

// A GPU has enough rows on their way to be bound by memory's rate where a processor waits for each:
// rows of 256 B there, so that one is two of its lines; tables of 2 GiB or, cached, of 4 MiB.
std::vector<WorkloadSpec> dlrmSpecs(const FamilyBackend& backend) {
    const bool accelerator = backend.dense.accelerator;
    DlrmConfig cached;  // 1 MiB of tables
    if (accelerator) {
        cached.width = 64;
        cached.samples = 8192;
        cached.batches = 4;
    }
    DlrmConfig large = cached;
    large.rows = std::int64_t{1} << 20;  // 512 MiB
    DlrmConfig mlp = cached;
    mlp.bottom = {512, 256, 64};
    mlp.top = {512, 256};
    if (accelerator) {
        mlp.bottom = {2048, 1024, 256};
        mlp.top = {2048, 1024};
    }
    mlp.perBag = 1;
    const Expected rows = accelerator ? Expected{"memory_wall", "memory_bandwidth"}
                                      : Expected{"latency_bound", "none"};
    return {spec(backend, "train.dlrm/large", large, rows, 60, {"smoke", "standard", "full"}),
            spec(backend, "train.dlrm/cached", cached, {"latency_bound", "none"}, 200,
                 {"standard", "full"}),
            spec(backend, "train.dlrm/mlp", mlp, {"compute_bound", "compute"}, 40,
                 {"standard", "full"})};
}

}  // namespace ridge::workloads
