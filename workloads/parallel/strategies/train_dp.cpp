// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/train_dp.h"

#include "workloads/formulas/parallel.h"
#include "workloads/harness/context.h"
#include "workloads/models/checks.h"
#include "workloads/models/training_data.h"
#include "workloads/parallel/strategies/checks.h"
#include "workloads/parallel/strategies/emulated_link.h"
#include "workloads/parallel/strategies/ordered_collectives.h"
#include "workloads/parallel/strategies/parallel_training.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace ridge::workloads {

namespace {

using Direction = Metric::Direction;
using formulas::AttentionConvention;

constexpr std::uint64_t kSeed = 1;

class DataParallel final : public Workload {
public:
    DataParallel(Backend backend, const DataParallelOptions& options)
        : m_backend(std::move(backend)), m_options(options) {}

    Status prepare() override {
        m_communicator = runContext().communicator;
        if (!m_communicator) return Error{ErrorCode::kUnsupported, "no communicator"};
        RIDGE_TRY(m_ops, m_backend.make());
        RIDGE_TRY(m_order, OrderedCollectives::create(*m_ops, *m_communicator));
        const std::int64_t sequences = m_options.sequences / m_options.microBatches;
        RIDGE_TRY(m_trainer, GptTrainer::create(*m_ops, m_options.model, sequences));
        m_trainer->setParts(m_communicator->size() * m_options.microBatches);
        // Every rank reads text of its own.
        m_data = std::make_unique<TrainingData>(
            m_options.model, sequences,
            kSeed + 100 * static_cast<std::uint64_t>(m_communicator->rank()) + 1);
        m_reducer =
            std::make_unique<GradientReducer>(*m_trainer, *m_communicator, m_options.buckets);
        m_trainer->initialise(kSeed);
        runStep(0);
        m_trainer->initialise(kSeed);
        return m_status.ok() ? m_ops->status() : m_status;
    }
    CheckResult check() override {
        return checkAll({[&] { return checkTinyModel(*m_ops); },
                         [&] {
                             return checkDataParallel(*m_ops, *m_communicator, m_options.buckets,
                                                      m_options.microBatches);
                         }});
    }
    void step(std::uint64_t index) override {
        // Set per step so that a later workload of the process has the bare fabric again.
        m_communicator->setLinkLimit(m_options.link);
        runStep(index);
        m_communicator->setLinkLimit(0);
    }
    Status status() const override { return m_status.ok() ? m_ops->status() : m_status; }
    CheckResult finish() override {
        // Every rank has applied the same sums to the same weights.
        std::vector<float> weights(static_cast<std::size_t>(m_trainer->layout().total));
        m_ops->download(weights, m_trainer->parameters());
        const auto same = equalsRankZero(*m_ops, *m_communicator, weights);
        if (!same.ok()) return {false, same.error().message};
        return {*same, "weights after the timed steps are rank 0's to the bit"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        const auto ranks = static_cast<std::uint64_t>(m_communicator->size());
        const auto tokens = static_cast<double>(ranks) *
                            static_cast<double>(m_options.sequences * m_options.model.context);
        const auto wire = static_cast<double>(formulas::dataParallelWireBytes(
            static_cast<std::uint64_t>(m_trainer->layout().total), ranks, sizeof(float), 0));
        const auto full = static_cast<double>(formulas::trainingStepFlops(
            m_options.model.shape(), static_cast<std::uint64_t>(m_options.sequences),
            AttentionConvention::kFull));
        const double seconds = timing.medianStepSeconds;
        return {{"tokens_per_s", tokens / seconds, "1/s", Direction::kHigher},
                {"flops_per_s_full", full / seconds, "FLOP/s", Direction::kHigher},
                {"wire_bytes_per_step", wire, "B", Direction::kNone},
                {"link_floor", wire / m_options.link, "s", Direction::kNone}};
    }

private:
    void runStep(std::uint64_t index) {
        for (std::int64_t micro = 0; micro < m_options.microBatches; ++micro) {
            const TrainingData::Batch& batch =
                m_data->batch(index * static_cast<std::uint64_t>(m_options.microBatches) +
                              static_cast<std::uint64_t>(micro));
            m_trainer->setBatch(batch.tokens, batch.targets);
            (void)m_trainer->forward();
            if (micro + 1 == m_options.microBatches) m_reducer->arm();
            m_trainer->backward(micro > 0);
        }
        Status status = m_reducer->finish();
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
        m_trainer->optimise();
        m_ops->synchronize();
    }

    Backend m_backend;
    DataParallelOptions m_options;
    Communicator* m_communicator = nullptr;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<OrderedCollectives> m_order;
    std::unique_ptr<GptTrainer> m_trainer;
    std::unique_ptr<TrainingData> m_data;
    std::unique_ptr<GradientReducer> m_reducer;
    Status m_status;
};

WorkloadSpec spec(const Backend& backend, const std::string& label, DataParallelOptions options) {
    WorkloadSpec made;
    made.name = "train.dp/" + label;
    made.presets = {"standard", "full"};
    if (backend.accelerator) {
        // Half a gigabyte of gradients takes 0.1 s there, and the step's products take longer.
        made.name += ".nccl";
        made.presets = {"full"};
        made.params["transport"] = "nccl";
        options.model = kDeviceModel;
        options.link = 5e9;
    } else {
        options.link = linkBesideProducts(options.link);
    }
    made.params.insert(
        {{"backend", backend.name},
         {"dtype", "fp32"},
         {"model", options.model.text()},
         {"batch", fmt::format("{} per rank", options.sequences)},
         {"micro_batches", std::to_string(options.microBatches)},
         {"bucket_bytes",
          options.buckets.bucketBytes > 0 ? std::to_string(options.buckets.bucketBytes) : "whole"},
         {"overlap", options.buckets.overlap ? "on" : "off"},
         {"link_bytes_per_s", fmt::format("{:.0f}", options.link)}});
    made.ranks = 2;
    made.anyRanks = true;
    made.warmupSteps = 2;
    made.steps = 8;
    made.create = [backend, options] { return makeDataParallelWorkload(backend, options); };
    return made;
}

}  // namespace

std::unique_ptr<Workload> makeDataParallelWorkload(const Backend& backend,
                                                   const DataParallelOptions& options) {
    return std::make_unique<DataParallel>(backend, options);
}

std::vector<WorkloadSpec> dataParallelSpecs(const Backend& backend) {
    // A model of thirty times the size has buckets of thirty times the size.
    const std::int64_t bucket = std::int64_t{backend.accelerator ? 25 : 1} << 20;
    const auto options = [](std::int64_t bucketBytes, bool overlap, std::int64_t microBatches) {
        DataParallelOptions made;
        made.buckets = {bucketBytes, overlap};
        made.microBatches = microBatches;
        return made;
    };
    const Expected exposed{"comm_transfer", "communication"};
    const Expected hidden{"compute_bound", "compute"};
    WorkloadSpec whole = spec(backend, "whole", options(0, false, 1));
    whole.expected = exposed;
    whole.fasterVariant = backend.accelerator ? "train.dp/overlap.nccl" : "train.dp/overlap";
    whole.change = "comm_hidden";
    WorkloadSpec overlap = spec(backend, "overlap", options(bucket, true, 1));
    overlap.expected = hidden;
    // Only the last micro-batch's backward pass can hide the exchange, and that is a sixth of the
    // step's work: over this link the rest of it is waited for.
    WorkloadSpec accumulated = spec(backend, "overlap.accum4", options(bucket, true, 4));
    accumulated.expected = exposed;
    WorkloadSpec small = backend.accelerator
                             ? spec(backend, "bucket1MiB", options(bucket / 25, false, 1))
                             : spec(backend, "bucket64KiB", options(bucket / 16, false, 1));
    small.expected = exposed;
    small.presets = {"full"};
    return {whole, overlap, accumulated, small};
}

}  // namespace ridge::workloads
