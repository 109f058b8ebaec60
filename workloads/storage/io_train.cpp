// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/file.h"
#include "workloads/harness/busy_gemm.h"
#include "workloads/harness/context.h"
#include "workloads/storage/loader.h"
#include "workloads/storage/storage.h"

#include <fmt/format.h>

#include <optional>

namespace ridge::workloads {
namespace {

// Fixed, so that a slower disk shows as a slower workload.
constexpr std::size_t kBatch = 24;
constexpr int kWorkers = 2;
constexpr std::int64_t kGemmSize = 512;
constexpr int kGemmRepeats = 9;

class IoTrain final : public Workload {
public:
    explicit IoTrain(int depth) : m_options{kBatch, depth, kWorkers, 1} {}

    Status prepare() override {
        const auto& parent = runContext().dataDir;
        RIDGE_TRY_STATUS(requireDisk(parent));
        RIDGE_TRY(m_folder, TempDir::create("io-train-", parent));
        RIDGE_TRY_STATUS(writeDataset(m_folder->path(), m_shape));
        RIDGE_TRY(m_dataset, Dataset::open(m_folder->path(), m_shape));
        if (!m_dataset->direct())
            return Error{
                ErrorCode::kUnsupported,
                fmt::format(
                    "the file system of {} allows no direct reads, so that every epoch but the "
                    "first would come from memory",
                    parent.string())};
        RIDGE_TRY(m_gemm, BusyGemm::create(kGemmSize, kGemmRepeats));
        return {};
    }

    CheckResult check() override {
        const CheckResult product = m_gemm->check();
        if (!product.passed) return product;
        // An epoch with the settings that will be timed, and the batch that reaches into the next.
        Loader loader(*m_dataset, m_options);
        const std::size_t batches = (m_shape.samples() + kBatch - 1) / kBatch;
        for (std::size_t i = 0; i < batches; ++i)
            if (auto batch = loader.next(); !batch.ok()) return {false, batch.error().message};
        const bool once = loader.goodEpochs() == 1 && loader.badEpochs() == 0;
        m_loader = std::make_unique<Loader>(*m_dataset, m_options);
        return {once, fmt::format("{} samples {} in an epoch; {}", m_shape.samples(),
                                  once ? "each once" : "not each once", product.detail)};
    }

    void step(std::uint64_t) override {
        auto batch = m_loader->next();
        if (!batch.ok() && m_status.ok()) m_status = batch.error();
        m_gemm->run();
        ++m_steps;
    }

    CheckResult finish() override {
        if (!m_status.ok()) return {false, m_status.error().message};
        return {m_loader->badEpochs() == 0,
                fmt::format("{} whole epochs, {} with a sample missing or twice",
                            m_loader->goodEpochs() + m_loader->badEpochs(), m_loader->badEpochs())};
    }

    std::vector<Metric> report(const Timing& timing) override {
        // Utilisation by MLPerf Storage: compute time over running time. Waiting is measured around
        // next(), over warm-up and timed steps; what is not waiting is compute.
        const double waited =
            static_cast<double>(m_loader->waitedNs()) / 1e9 / static_cast<double>(m_steps);
        const double samples = static_cast<double>(kBatch) / timing.meanStepSeconds;
        const double utilization = std::max(0.0, 1.0 - waited / timing.meanStepSeconds);
        return {{"samples_per_s", samples, "1/s", Metric::Direction::kHigher},
                {"accelerator_utilization", utilization, "1", Metric::Direction::kHigher},
                {"loader_wait", waited, "s", Metric::Direction::kLower},
                {"read_bandwidth", samples * static_cast<double>(m_shape.sampleBytes), "B/s",
                 Metric::Direction::kHigher}};
    }

private:
    DatasetShape m_shape;
    LoaderOptions m_options;
    std::optional<TempDir> m_folder;
    std::optional<Dataset> m_dataset;
    std::optional<BusyGemm> m_gemm;
    std::unique_ptr<Loader> m_loader;
    Status m_status;
    std::uint64_t m_steps = 0;
};

}  // namespace

std::vector<WorkloadSpec> ioTrainSpecs() {
    std::vector<WorkloadSpec> specs;
    for (const int depth : {0, 4}) {
        WorkloadSpec spec;
        spec.name = fmt::format("io.train/prefetch{}", depth);
        const DatasetShape shape;
        spec.params = {
            {"depth", std::to_string(depth)},
            {"workers", std::to_string(depth > 0 ? kWorkers : 0)},
            {"batch", std::to_string(kBatch)},
            {"sample_bytes", std::to_string(shape.sampleBytes)},
            {"samples", std::to_string(shape.samples())},
            {"read", "direct"},
            {"gemm", fmt::format("{}x{}x{}x{}", kGemmRepeats, kGemmSize, kGemmSize, kGemmSize)}};
        spec.presets = depth == 0 ? std::vector<std::string>{"smoke", "standard", "full"}
                                  : std::vector<std::string>{"standard", "full"};
        // With enough batches ahead the reading is hidden behind the product, and what is left is
        // the product.
        spec.expected =
            depth == 0 ? Expected{"io_input", "input_io"} : Expected{"compute_bound", "compute"};
        if (depth == 0) {
            spec.fasterVariant = "io.train/prefetch4";
            spec.change = "input_hidden";
        }
        spec.warmupSteps = 5;
        spec.steps = 40;
        spec.create = [depth] { return std::make_unique<IoTrain>(depth); };
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ridge::workloads
