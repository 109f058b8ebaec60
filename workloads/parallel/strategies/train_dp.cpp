// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/train_dp.h"

#include "workloads/formulas/parallel.h"
#include "workloads/harness/context.h"
#include "workloads/models/checks.h"
#include "workloads/models/training_data.h"
#include "workloads/parallel/strategies/checks.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace ridge::workloads {

namespace {

using Direction = Metric::Direction;
using formulas::AttentionConvention;

constexpr GptConfig kModel{
    .layers = 4, .width = 256, .heads = 4, .context = 256, .vocabulary = 4096};
constexpr std::int64_t kSequences = 4;  // per rank and step
constexpr double kLink = 0.1e9;         // B/s
constexpr std::uint64_t kSeed = 1;

struct Shape {
    GradientBuckets buckets;
    std::int64_t microBatches = 1;
};

class DataParallel final : public Workload {
public:
    DataParallel(Backend backend, const Shape& shape)
        : m_backend(std::move(backend)), m_shape(shape) {}

    Status prepare() override {
        m_communicator = runContext().communicator;
        if (!m_communicator) return Error{ErrorCode::kUnsupported, "no communicator"};
        RIDGE_TRY(m_ops, m_backend.make());
        const std::int64_t sequences = kSequences / m_shape.microBatches;
        RIDGE_TRY(m_trainer, GptTrainer::create(*m_ops, kModel, sequences));
        m_trainer->setParts(m_communicator->size() * m_shape.microBatches);
        // Every rank reads text of its own.
        m_data = std::make_unique<TrainingData>(
            kModel, sequences,
            kSeed + 100 * static_cast<std::uint64_t>(m_communicator->rank()) + 1);
        m_reducer = std::make_unique<GradientReducer>(*m_trainer, *m_communicator, m_shape.buckets);
        m_trainer->initialise(kSeed);
        runStep(0);
        m_trainer->initialise(kSeed);
        return m_status.ok() ? m_ops->status() : m_status;
    }
    CheckResult check() override {
        return checkAll({[&] { return checkTinyModel(*m_ops); },
                         [&] {
                             return checkDataParallel(*m_ops, *m_communicator, m_shape.buckets,
                                                      m_shape.microBatches);
                         }});
    }
    void step(std::uint64_t index) override {
        // Set per step so that a later workload of the process has the bare fabric again.
        m_communicator->setLinkLimit(kLink);
        runStep(index);
        m_communicator->setLinkLimit(0);
    }
    CheckResult finish() override {
        if (!m_status.ok()) return {false, m_status.error().message};
        // Every rank has applied the same sums to the same weights.
        std::vector<float> weights(static_cast<std::size_t>(m_trainer->layout().total));
        m_ops->download(weights, m_trainer->parameters());
        std::vector<float> first = weights;
        if (const Status status =
                m_communicator->controlBroadcast(first.data(), first.size() * sizeof(float), 0);
            !status.ok())
            return {false, status.error().message};
        return {first == weights, "weights after the timed steps are rank 0's to the bit"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        const auto ranks = static_cast<std::uint64_t>(m_communicator->size());
        const auto tokens =
            static_cast<double>(ranks) * static_cast<double>(kSequences * kModel.context);
        const auto wire = static_cast<double>(formulas::dataParallelWireBytes(
            static_cast<std::uint64_t>(m_trainer->layout().total), ranks, sizeof(float), 0));
        const auto full = static_cast<double>(formulas::trainingStepFlops(
            kModel.shape(), static_cast<std::uint64_t>(kSequences), AttentionConvention::kFull));
        const double seconds = timing.medianStepSeconds;
        return {{"tokens_per_s", tokens / seconds, "1/s", Direction::kHigher},
                {"flops_per_s_full", full / seconds, "FLOP/s", Direction::kHigher},
                {"wire_bytes_per_step", wire, "B", Direction::kNone},
                {"link_floor", wire / kLink, "s", Direction::kNone}};
    }

private:
    void runStep(std::uint64_t index) {
        for (std::int64_t micro = 0; micro < m_shape.microBatches; ++micro) {
            const TrainingData::Batch& batch =
                m_data->batch(index * static_cast<std::uint64_t>(m_shape.microBatches) +
                              static_cast<std::uint64_t>(micro));
            m_trainer->setBatch(batch.tokens, batch.targets);
            (void)m_trainer->forward();
            if (micro + 1 == m_shape.microBatches) m_reducer->arm();
            m_trainer->backward(micro > 0);
        }
        Status status = m_reducer->finish();
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
        m_trainer->optimise();
        m_ops->synchronize();
    }

    Backend m_backend;
    Shape m_shape;
    Communicator* m_communicator = nullptr;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<GptTrainer> m_trainer;
    std::unique_ptr<TrainingData> m_data;
    std::unique_ptr<GradientReducer> m_reducer;
    Status m_status;
};

WorkloadSpec spec(const Backend& backend, const std::string& label, const Shape& shape) {
    WorkloadSpec made;
    made.name = "train.dp/" + label;
    made.params = {
        {"backend", backend.name},
        {"dtype", "fp32"},
        {"model", kModel.text()},
        {"batch", fmt::format("{} per rank", kSequences)},
        {"micro_batches", std::to_string(shape.microBatches)},
        {"bucket_bytes",
         shape.buckets.bucketBytes > 0 ? std::to_string(shape.buckets.bucketBytes) : "whole"},
        {"overlap", shape.buckets.overlap ? "on" : "off"},
        {"link_bytes_per_s", fmt::format("{:.0f}", kLink)}};
    made.ranks = 2;
    made.presets = {"standard", "full"};
    made.warmupSteps = 2;
    made.steps = 8;
    made.create = [backend, shape] { return std::make_unique<DataParallel>(backend, shape); };
    return made;
}

}  // namespace

std::vector<WorkloadSpec> dataParallelSpecs(const Backend& backend) {
    constexpr std::int64_t kMiB = std::int64_t{1} << 20;
    const Expected exposed{"comm_transfer", "communication"};
    const Expected hidden{"compute_bound", "compute"};
    WorkloadSpec whole = spec(backend, "whole", {{0, false}, 1});
    whole.expected = exposed;
    whole.fasterVariant = "train.dp/overlap";
    whole.change = "comm_hidden";
    WorkloadSpec overlap = spec(backend, "overlap", {{kMiB, true}, 1});
    overlap.expected = hidden;
    // Only the last micro-batch's backward pass can hide the exchange, and that is a sixth of the
    // step's work: over this link the rest of it is waited for.
    WorkloadSpec accumulated = spec(backend, "overlap.accum4", {{kMiB, true}, 4});
    accumulated.expected = exposed;
    WorkloadSpec small = spec(backend, "bucket64KiB", {{kMiB / 16, false}, 1});
    small.expected = exposed;
    small.presets = {"full"};
    return {whole, overlap, accumulated, small};
}

}  // namespace ridge::workloads
