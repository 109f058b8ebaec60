// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/train.h"

#include "workloads/models/check_values.h"
#include "workloads/models/checks.h"
#include "workloads/models/checks_operators.h"
#include "workloads/models/checks_recorded.h"
#include "workloads/models/gpt_trainer.h"
#include "workloads/models/training_data.h"

namespace ridge::workloads {

namespace {

using formulas::AttentionConvention;

constexpr std::uint64_t kSeed = 1;
constexpr GptConfig kSmall{
    .layers = 2, .width = 128, .heads = 4, .context = 128, .vocabulary = 1024};
constexpr GptConfig kAccelerator{
    .layers = 12, .width = 768, .heads = 12, .context = 1024, .vocabulary = 50304};
constexpr std::int64_t kAcceleratorSequences = 8;

class TrainWorkload final : public Workload {
public:
    TrainWorkload(Backend backend, const GptConfig& config, std::int64_t sequences,
                  TrainOptions options)
        : m_backend(std::move(backend)),
          m_config(config),
          m_sequences(sequences),
          m_options(options) {}

    Status prepare() override;
    CheckResult check() override;
    void step(std::uint64_t index) override { m_lastLoss = take(index, m_losses); }
    Status status() const override { return m_ops->status(); }
    CheckResult finish() override;
    std::vector<Metric> report(const Timing& timing) override;

private:
    // Ready for the first timed step: same parameters, same batch, whatever was done before.
    void restart() {
        m_trainer->initialise(kSeed);
        const TrainingData::Batch& first = m_data->batch(0);
        m_trainer->setBatch(first.tokens, first.targets);
    }
    // Takes a step, adds its loss to the first few, and returns it.
    double take(std::uint64_t index, std::vector<double>& losses);
    CheckResult checkGraph();
    [[nodiscard]] std::uint64_t recomputedFlops(AttentionConvention convention) const;

    Backend m_backend;
    GptConfig m_config;
    std::int64_t m_sequences;
    TrainOptions m_options;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<GptTrainer> m_trainer;
    std::unique_ptr<TrainingData> m_data;
    std::vector<double> m_losses;  // of the first steps after the check
    double m_lastLoss = 0;
};

Status TrainWorkload::prepare() {
    if (m_options.microBatches < 1 || m_sequences % m_options.microBatches != 0)
        return Error{ErrorCode::kBadInput, "the micro-batches must divide the batch"};
    if (m_options.graph && m_options.microBatches > 1)
        return Error{ErrorCode::kBadInput, "a recorded step has one micro-batch"};
    RIDGE_TRY(m_ops, m_backend.make());
    const std::int64_t sequences = m_sequences / m_options.microBatches;
    RIDGE_TRY(m_trainer, GptTrainer::create(*m_ops, m_config, sequences, m_options.recompute,
                                            m_options.fusedAttention));
    m_trainer->setParts(m_options.microBatches);
    m_data = std::make_unique<TrainingData>(m_config, sequences, kSeed + 1);
    restart();
    RIDGE_TRY_STATUS(m_ops->setProducts(m_options.products));
    (void)m_trainer->forward();
    m_trainer->backward();
    if (m_options.microBatches > 1) m_trainer->backward(true);  // its primitives too
    if (m_options.graph) RIDGE_TRY_STATUS(m_trainer->recordStep());
    m_ops->synchronize();
    return m_ops->status();
}

CheckResult TrainWorkload::checkGraph() {
    if (!m_options.graph) return {true, "no graph"};
    const CheckResult tiny =
        checkRecordedStep(*m_ops, m_options.products, m_options.fusedAttention);
    if (!tiny.passed) return tiny;
    if (const Status set = m_ops->setProducts(m_options.products); !set.ok())
        return {false, set.error().message};
    std::vector<FullSizeBatch> batches;
    for (std::uint64_t i = 0; i < 2; ++i) {
        const TrainingData::Batch& batch = m_data->batch(i);
        batches.push_back({batch.tokens, batch.targets});
    }
    CheckResult full = checkRecordedStepAtFullSize(*m_trainer, batches, [this] { restart(); });
    full.detail = tiny.detail + "; " + full.detail;
    return full;
}

CheckResult TrainWorkload::check() {
    const std::int64_t rows = m_trainer->sequences() * m_config.context;
    // The proofs against double arithmetic are those of the model in float32; what fewer bits cost
    // comes after them.
    if (Status set = m_ops->setProducts(RIDGE_DTYPE_F32); !set.ok())
        return {false, set.error().message};
    CheckResult result = checkAll(
        {[&] {
             return checkGemm(*m_ops, {GemmLayout::kNT, rows, 3 * m_config.width, m_config.width});
         },
         [&] {
             return checkGemm(*m_ops, {GemmLayout::kNN, rows, m_config.width, 4 * m_config.width});
         },
         [&] {
             return checkGemm(*m_ops, {GemmLayout::kTN, 4 * m_config.width, m_config.width, rows});
         },
         checkOracleGradients, [&] { return checkTinyModel(*m_ops, m_options.fusedAttention); },
         [&] { return checkTinyTraining(*m_ops, m_options.fusedAttention); },
         [&] { return checkAdamW(*m_ops); },
         [&] { return checkRecompute(*m_ops, m_options.recompute); },
         [&] { return checkAccumulation(*m_ops, m_options.microBatches); },
         [&] {
             m_trainer->setParts(1);  // this batch alone
             CheckResult along = checkDirectionalDerivative(*m_trainer);
             m_trainer->setParts(m_options.microBatches);
             return along;
         },
         [&] { return checkProducts(*m_ops, m_options.products); },
         [&] { return checkKeptWeights(*m_ops, m_options.products); },
         [&] { return checkGraph(); }});
    if (Status set = m_ops->setProducts(m_options.products); !set.ok())
        return {false, set.error().message};
    restart();
    if (!m_ops->status().ok()) return {false, m_ops->status().error().message};
    return result;
}

double TrainWorkload::take(std::uint64_t index, std::vector<double>& losses) {
    double loss = 0;
    if (m_options.graph) {
        const TrainingData::Batch& batch = m_data->batch(index);
        m_trainer->setBatch(batch.tokens, batch.targets);
        loss = m_trainer->runRecordedStep();
    } else {
        const auto parts = static_cast<std::uint64_t>(m_options.microBatches);
        for (std::uint64_t part = 0; part < parts; ++part) {
            const TrainingData::Batch& batch = m_data->batch(index * parts + part);
            m_trainer->setBatch(batch.tokens, batch.targets);
            loss = m_trainer->forward();
            m_trainer->backward(part > 0);
        }
        m_trainer->optimise();
    }
    m_ops->synchronize();
    if (losses.size() < tiny::kReplayedSteps) losses.push_back(loss);
    return loss;
}

// The first steps again, from the same weights.
CheckResult TrainWorkload::finish() {
    restart();
    std::vector<double> again;
    for (std::uint64_t i = 0; i < m_losses.size(); ++i) (void)take(i, again);
    if (!m_ops->status().ok()) return {false, m_ops->status().error().message};
    return tiny::sameLosses(again, m_losses, m_lastLoss, m_backend.accelerator);
}

std::uint64_t TrainWorkload::recomputedFlops(AttentionConvention convention) const {
    const auto sequences = static_cast<std::uint64_t>(m_sequences);
    switch (m_options.recompute) {
        case Recompute::kFull:
            return formulas::blockRecomputeFlops(m_config.shape(), sequences, convention);
        case Recompute::kSelective:
            return formulas::attentionRecomputeFlops(m_config.shape(), sequences, convention);
        case Recompute::kNone:
            break;
    }
    return 0;
}

std::vector<Metric> TrainWorkload::report(const Timing& timing) {
    using Direction = Metric::Direction;
    const auto sequences = static_cast<std::uint64_t>(m_sequences);
    const auto causal = static_cast<double>(
        formulas::trainingStepFlops(m_config.shape(), sequences, AttentionConvention::kCausal));
    const auto full = static_cast<double>(
        formulas::trainingStepFlops(m_config.shape(), sequences, AttentionConvention::kFull));
    const double seconds = timing.medianStepSeconds;
    std::vector<Metric> made{
        {"tokens_per_s", static_cast<double>(m_sequences * m_config.context) / seconds, "1/s",
         Direction::kHigher},
        {"flops_per_s_causal", causal / seconds, "FLOP/s", Direction::kHigher},
        {"flops_per_s_full", full / seconds, "FLOP/s", Direction::kHigher},
        {"flops_per_step_causal", causal, "FLOP", Direction::kNone},
        {"flops_per_step_full", full, "FLOP", Direction::kNone},
        {"activation_bytes", static_cast<double>(m_trainer->activationBytes()), "B",
         Direction::kLower},
        {"parameters", static_cast<double>(m_trainer->layout().total), "1", Direction::kNone}};
    // The machine's work, recomputation included: for HFU, as the model's is for MFU. Fused
    // attention does another: its payloads say how much.
    if (!m_options.fusedAttention)
        made.push_back({"hardware_flops_per_step_full",
                        full + static_cast<double>(recomputedFlops(AttentionConvention::kFull)),
                        "FLOP", Direction::kNone});
    if (m_options.graph)
        made.push_back({"graph_nodes", static_cast<double>(m_trainer->recordedNodes()), "1",
                        Direction::kNone});
    return made;
}

const char* text(Recompute recompute) {
    switch (recompute) {
        case Recompute::kSelective:
            return "selective";
        case Recompute::kFull:
            return "full";
        case Recompute::kNone:
            break;
    }
    return "none";
}

const char* dtypeText(ridge_dtype type) {
    return type == RIDGE_DTYPE_BF16       ? "bf16"
           : type == RIDGE_DTYPE_TF32     ? "tf32"
           : type == RIDGE_DTYPE_FP8_E4M3 ? "fp8"
                                          : "fp32";
}

// sequences: of the whole batch; 0: what the backend's other variants have.
WorkloadSpec spec(const Backend& backend, const std::string& name, const GptConfig& config,
                  TrainOptions options = {}, std::int64_t sequences = 0) {
    if (sequences == 0) sequences = backend.accelerator ? kAcceleratorSequences : kTrainSequences;
    WorkloadSpec made;
    made.name = name;
    made.params = {{"backend", backend.name},
                   {"dtype", dtypeText(options.products)},
                   {"model", config.text()},
                   {"batch", std::to_string(sequences)},
                   {"micro_batches", std::to_string(options.microBatches)},
                   {"recompute", text(options.recompute)},
                   {"attention", options.fusedAttention ? "fused" : "stored probabilities"},
                   {"optimizer", "AdamW"}};
    if (backend.accelerator) made.params["graph"] = options.graph ? "on" : "off";
    made.expected = {"compute_bound", "compute"};
    made.create = [backend, config, sequences, options] {
        return makeTrainWorkload(backend, config, sequences, options);
    };
    return made;
}

}  // namespace

std::unique_ptr<Workload> makeTrainWorkload(const Backend& backend, const GptConfig& config,
                                            std::int64_t sequences, TrainOptions options) {
    return std::make_unique<TrainWorkload>(backend, config, sequences, options);
}

std::vector<WorkloadSpec> trainSpecs(const Backend& backend) {
    const GptConfig& model = backend.accelerator ? kAccelerator : kTrainModel;
    // A processor needs a second and a half for a step. Preparing and checking take three at full
    // size, so one more warms it up.
    const auto time = [&](WorkloadSpec& spec) {
        spec.warmupSteps = backend.accelerator ? 2 : 1;
        spec.steps = backend.accelerator ? 8 : 4;
    };
    WorkloadSpec standard = spec(backend, "train.single/fp32", model);
    standard.presets = {"standard", "full"};
    time(standard);
    standard.fasterVariant = "train.single/fp32.fused";
    standard.change = "attention_fused";
    WorkloadSpec small = spec(backend, "train.single/fp32.small", kSmall);
    small.presets = {"smoke", "standard", "full"};
    small.warmupSteps = 5;
    small.steps = 100;
    if (backend.accelerator) {
        small.expected = {"latency_bound", "launch"};
        small.fasterVariant = "train.single/fp32.small.graph";
        small.change = "no_launch_cost";
    }
    std::vector<WorkloadSpec> all{standard, small};
    const auto add = [&](const std::string& name, TrainOptions options,
                         std::vector<std::string> presets, std::int64_t sequences = 0) {
        WorkloadSpec made = spec(backend, name, model, options, sequences);
        made.presets = std::move(presets);
        time(made);
        all.push_back(std::move(made));
    };
    const auto variant = [&](const std::string& name, TrainOptions options) {
        add(name, options, {"standard", "full"});
    };
    TrainOptions fused;
    fused.fusedAttention = true;
    variant("train.single/fp32.fused", fused);
    variant("train.single/bf16", {Recompute::kNone, 1, RIDGE_DTYPE_BF16});
    add("train.single/fp32.b1", {}, {"full"}, 1);
    if (backend.accelerator) {
        variant("train.single/tf32", {Recompute::kNone, 1, RIDGE_DTYPE_TF32});
        variant("train.single/fp8", {Recompute::kNone, 1, RIDGE_DTYPE_FP8_E4M3});
        variant("train.single/bf16.graph",
                {Recompute::kNone, 1, RIDGE_DTYPE_BF16, /*fusedAttention=*/false, /*graph=*/true});
        TrainOptions recorded;
        recorded.graph = true;
        WorkloadSpec graph = spec(backend, "train.single/fp32.small.graph", kSmall, recorded);
        graph.presets = small.presets;
        graph.warmupSteps = small.warmupSteps;
        graph.steps = small.steps;
        // The starts are gone; kernels of a few blocks, one after the other, are near no roof.
        graph.expected = {"latency_bound", "none"};
        all.push_back(std::move(graph));
    }
    const ridge_dtype products = backend.accelerator ? RIDGE_DTYPE_TF32 : RIDGE_DTYPE_F32;
    add("train.recompute/none", {Recompute::kNone, 1, products}, {"full"});
    variant("train.recompute/selective", {Recompute::kSelective, 1, products});
    variant("train.recompute/full", {Recompute::kFull, 1, products});
    for (const std::int64_t parts : {1, 2})
        add("train.accum/" + std::to_string(parts), {Recompute::kNone, parts, products}, {"full"});
    variant("train.accum/4", {Recompute::kNone, 4, products});
    // A micro-batch is a sequence at least.
    add("train.accum/8", {Recompute::kNone, 8, products}, {"full"}, 8);
    // Codes of weights are made in the first of four micro-batches and kept for the others.
    if (backend.accelerator)
        variant("train.accum/4.fp8", {Recompute::kNone, 4, RIDGE_DTYPE_FP8_E4M3});
    return all;
}

}  // namespace ridge::workloads
