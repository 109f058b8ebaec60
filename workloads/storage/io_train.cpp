// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/io_train.h"

#include "base/clock.h"
#include "base/file.h"
#include "workloads/formulas/efficiency.h"
#include "workloads/harness/busy_gemm.h"
#include "workloads/harness/context.h"
#include "workloads/harness/quantile.h"
#include "workloads/storage/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <numeric>
#include <optional>
#include <ridge/work.h>
#include <thread>

namespace ridge::workloads {
namespace {

constexpr std::int64_t kWarmup = 5;

// The steps that the harness timed are the last ones.
double sumOfLast(const std::vector<std::int64_t>& values, std::int64_t count) {
    const auto n = static_cast<std::ptrdiff_t>(
        std::min<std::size_t>(values.size(), static_cast<std::size_t>(count)));
    return static_cast<double>(std::accumulate(values.end() - n, values.end(), std::int64_t{0})) /
           1e9;
}

class IoTrain final : public Workload {
public:
    explicit IoTrain(IoTrainShape shape) : m_shape(std::move(shape)) {}

    Status prepare() override {
        RIDGE_TRY(const std::filesystem::path parent, dataFolder());
        RIDGE_TRY_STATUS(requireDisk(parent));
        RIDGE_TRY(m_folder, TempDir::create("io-train-", parent));
        RIDGE_TRY_STATUS(writeDataset(m_folder->path(), m_shape.dataset, m_shape.makeSample));
        RIDGE_TRY(m_dataset, Dataset::open(m_folder->path(), m_shape.dataset));
        if (!m_dataset->direct())
            return Error{
                ErrorCode::kUnsupported,
                fmt::format(
                    "the file system of {} allows no direct reads, so that every epoch but the "
                    "first would come from memory",
                    parent.string())};
        RIDGE_TRY(m_gemm, BusyGemm::create(m_shape.gemmSize, m_shape.gemmRepeats));
        return {};
    }

    CheckResult check() override {
        const CheckResult product = m_gemm->check();
        if (!product.passed) return product;
        // An epoch with the settings that will be timed, and the batch that reaches into the next.
        LoaderOptions options = m_shape.loader;
        options.fetchDelayNs = 0;
        Loader loader(*m_dataset, options);
        const std::size_t samples = m_shape.dataset.samples();
        const std::size_t batches = (samples + options.batch - 1) / options.batch;
        for (std::size_t i = 0; i < batches; ++i)
            if (auto batch = loader.next(); !batch.ok()) return {false, batch.error().message};
        const bool once = loader.goodEpochs() == 1 && loader.badEpochs() == 0;
        m_loader = std::make_unique<Loader>(*m_dataset, m_shape.loader);
        return {once, fmt::format("{} samples {} in an epoch; {}", samples,
                                  once ? "each once" : "not each once", product.detail)};
    }

    void step(std::uint64_t) override {
        const std::int64_t start = monotonicNs();
        const std::int64_t cpuStart = readClockNs(CLOCK_PROCESS_CPUTIME_ID);
        auto batch = m_loader->next();
        if (!batch.ok() && m_status.ok()) m_status = batch.error();
        const std::int64_t ready = monotonicNs();
        compute();
        const std::int64_t end = monotonicNs();
        m_waitNs.push_back(ready - start);
        m_computeNs.push_back(end - ready);
        m_cpuNs.push_back(readClockNs(CLOCK_PROCESS_CPUTIME_ID) - cpuStart);
    }

    Status status() const override { return m_status; }
    CheckResult finish() override {
        return {m_loader->badEpochs() == 0,
                fmt::format("{} whole epochs, {} with a sample missing or twice",
                            m_loader->goodEpochs() + m_loader->badEpochs(), m_loader->badEpochs())};
    }

    std::vector<Metric> report(const Timing& timing) override {
        const double steps = static_cast<double>(timing.steps);
        const double waited = sumOfLast(m_waitNs, timing.steps);
        const double computed = sumOfLast(m_computeNs, timing.steps);
        const double wall = waited + computed;
        const double samples = static_cast<double>(m_shape.loader.batch) * steps / wall;
        std::vector<Metric> metrics{
            {"samples_per_s", samples, "1/s", Metric::Direction::kHigher},
            {"accelerator_utilization", formulas::acceleratorUtilisation(computed, wall, 0), "1",
             Metric::Direction::kHigher},
            {"loader_wait", waited / steps, "s", Metric::Direction::kLower},
            {"read_bandwidth", samples * static_cast<double>(m_shape.dataset.sampleBytes), "B/s",
             Metric::Direction::kHigher},
            {"cpus_used", sumOfLast(m_cpuNs, timing.steps) / wall, "1", Metric::Direction::kNone}};
        if (m_shape.decodedBytes > 0)
            metrics.push_back({"decode_bandwidth",
                               samples * static_cast<double>(m_shape.decodedBytes), "B/s",
                               Metric::Direction::kHigher});
        if (m_shape.emulatedComputeNs > 0 && m_shape.loader.fetchDelayNs > 0)
            metrics.push_back(
                {"depth_needed",
                 static_cast<double>(formulas::prefetchDepth(
                     static_cast<double>(m_shape.loader.fetchDelayNs) / 1e9,
                     static_cast<double>(m_shape.emulatedComputeNs) / 1e9,
                     static_cast<std::uint64_t>(std::max(m_shape.loader.workers, 1)))),
                 "1", Metric::Direction::kNone});
        return metrics;
    }

private:
    void compute() {
        if (m_shape.emulatedComputeNs <= 0) return m_gemm->run();
        const WorkRange range("accelerator.emulated", opWork(RIDGE_OP_OTHER, RIDGE_DTYPE_NONE, 0, 0, 0));
        std::this_thread::sleep_for(std::chrono::nanoseconds(m_shape.emulatedComputeNs));
    }

    IoTrainShape m_shape;
    std::optional<TempDir> m_folder;
    std::optional<Dataset> m_dataset;
    std::optional<BusyGemm> m_gemm;
    std::unique_ptr<Loader> m_loader;
    std::vector<std::int64_t> m_waitNs, m_computeNs, m_cpuNs;
    Status m_status;
};

using Presets = std::vector<std::string>;

// Everything known beforehand: 20 ms of computing, 30 ms for a batch.
IoTrainShape emulatedShape(int depth, int workers) {
    IoTrainShape shape;
    shape.loader.depth = depth;
    shape.loader.workers = workers;
    shape.dataset = {64 * 1024, 32, 4};
    shape.loader.batch = 8;
    shape.loader.fetchDelayNs = 30'000'000;
    shape.emulatedComputeNs = 20'000'000;
    return shape;
}

WorkloadSpec trainSpec(std::string name, const IoTrainShape& shape, Presets presets,
                       Expected expected) {
    WorkloadSpec spec;
    spec.name = std::move(name);
    spec.params = ioTrainParams(shape);
    spec.presets = std::move(presets);
    spec.expected = std::move(expected);
    spec.warmupSteps = kWarmup;
    spec.steps = 40;
    spec.create = [shape] { return makeIoTrain(shape); };
    return spec;
}

}  // namespace

IoTrainShape diskTrainShape(int depth, int workers) {
    IoTrainShape shape;
    shape.dataset = {std::size_t{128} << 10, 256, 8};
    shape.loader.batch = 256;
    shape.loader.depth = depth;
    shape.loader.workers = workers;
    shape.gemmRepeats = 18;
    return shape;
}

std::unique_ptr<Workload> makeIoTrain(const IoTrainShape& shape) {
    return std::make_unique<IoTrain>(shape);
}

std::map<std::string, std::string> ioTrainParams(const IoTrainShape& shape) {
    const int depth = shape.loader.depth;
    std::map<std::string, std::string> params{
        {"depth", std::to_string(depth)},
        {"workers", std::to_string(depth > 0 ? shape.loader.workers : 0)},
        {"batch", std::to_string(shape.loader.batch)},
        {"sample_bytes", std::to_string(shape.dataset.sampleBytes)},
        {"samples", std::to_string(shape.dataset.samples())},
        {"read", "direct"}};
    if (shape.emulatedComputeNs > 0)
        params["compute"] = fmt::format("{} ms asleep", shape.emulatedComputeNs / 1'000'000);
    else
        params["gemm"] = fmt::format("{}x{}x{}x{}", shape.gemmRepeats, shape.gemmSize,
                                     shape.gemmSize, shape.gemmSize);
    if (shape.loader.fetchDelayNs > 0)
        params["fetch_delay"] = fmt::format("{} ms", shape.loader.fetchDelayNs / 1'000'000);
    return params;
}

std::vector<WorkloadSpec> ioTrainSpecs() {
    const Expected input{"io_input", "input_io"}, compute{"compute_bound", "compute"};
    std::vector<WorkloadSpec> specs;
    // With enough batches ahead the reading is hidden behind the product, and what is left is the
    // product.
    WorkloadSpec none = trainSpec("io.train/prefetch0", diskTrainShape(0, 1),
                                  {"smoke", "standard", "full"}, input);
    none.fasterVariant = "io.train/prefetch4";
    none.change = "input_hidden";
    specs.push_back(std::move(none));
    for (const int depth : {1, 2, 4, 8}) {
        const Presets presets = depth == 4 ? Presets{"standard", "full"} : Presets{"full"};
        specs.push_back(trainSpec(fmt::format("io.train/prefetch{}", depth), diskTrainShape(depth, 2),
                                  presets, compute));
    }
    for (const int workers : {1, 4})
        specs.push_back(trainSpec(fmt::format("io.train/prefetch4-workers{}", workers),
                                  diskTrainShape(4, workers), {"full"}, compute));
    // AU 40 %, 67 % and 100 % by the formula.
    specs.push_back(trainSpec("io.train/emulated-prefetch0", emulatedShape(0, 1),
                              {"standard", "full"}, input));
    specs.push_back(trainSpec("io.train/emulated-prefetch2-workers1", emulatedShape(2, 1), {"full"},
                              input));
    specs.push_back(trainSpec("io.train/emulated-prefetch2-workers2", emulatedShape(2, 2),
                              {"standard", "full"}, {"compute_unknown", "none"}));
    return specs;
}

}  // namespace ridge::workloads
