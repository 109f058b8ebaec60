// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/train.h"

#include "workloads/models/checks.h"
#include "workloads/models/gpt_trainer.h"

namespace ridge::workloads {

namespace {

using formulas::AttentionConvention;

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kBatches = 4;
constexpr GptConfig kStandard{
    .layers = 4, .width = 256, .heads = 4, .context = 256, .vocabulary = 4096};
constexpr GptConfig kSmall{
    .layers = 2, .width = 128, .heads = 4, .context = 128, .vocabulary = 1024};
constexpr std::int64_t kSequences = 4;

class TrainWorkload final : public Workload {
public:
    TrainWorkload(Backend backend, const GptConfig& config, std::int64_t sequences)
        : m_backend(std::move(backend)), m_config(config), m_sequences(sequences) {}

    Status prepare() override;
    CheckResult check() override;
    void step(std::uint64_t index) override;
    std::vector<Metric> report(const Timing& timing) override;

private:
    struct Batch {
        std::vector<std::int32_t> tokens, targets;
    };
    // Ready for the first timed step: same parameters, same batch, whatever was done before.
    void restart() {
        m_trainer->initialise(kSeed);
        m_trainer->setBatch(m_batches[0].tokens, m_batches[0].targets);
    }

    Backend m_backend;
    GptConfig m_config;
    std::int64_t m_sequences;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<GptTrainer> m_trainer;
    std::vector<Batch> m_batches;
};

Status TrainWorkload::prepare() {
    RIDGE_TRY(m_ops, m_backend.make());
    RIDGE_TRY(m_trainer, GptTrainer::create(*m_ops, m_config, m_sequences));
    const std::int64_t rows = m_sequences * m_config.context;
    for (std::uint64_t i = 0; i < kBatches; ++i) {
        // The target of a token is the next one.
        std::vector<std::int32_t> text = randomTokens(rows + 1, m_config.vocabulary, kSeed + 1 + i);
        Batch batch;
        batch.tokens.assign(text.begin(), text.end() - 1);
        batch.targets.assign(text.begin() + 1, text.end());
        m_batches.push_back(std::move(batch));
    }
    restart();
    (void)m_trainer->forward();
    m_trainer->backward();
    m_ops->synchronize();
    return m_ops->status();
}

CheckResult TrainWorkload::check() {
    const std::int64_t rows = m_sequences * m_config.context;
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
         checkOracleGradients, [&] { return checkTinyModel(*m_ops); },
         [&] { return checkTinyTraining(*m_ops); }, [&] { return checkAdamW(*m_ops); },
         [&] { return checkDirectionalDerivative(*m_trainer); }});
    restart();
    if (!m_ops->status().ok()) return {false, m_ops->status().error().message};
    return result;
}

void TrainWorkload::step(std::uint64_t index) {
    const Batch& batch = m_batches[index % kBatches];
    m_trainer->setBatch(batch.tokens, batch.targets);
    (void)m_trainer->forward();
    m_trainer->backward();
    m_trainer->optimise();
    m_ops->synchronize();
}

std::vector<Metric> TrainWorkload::report(const Timing& timing) {
    using Direction = Metric::Direction;
    const auto sequences = static_cast<std::uint64_t>(m_sequences);
    const auto causal = static_cast<double>(
        formulas::trainingStepFlops(m_config.shape(), sequences, AttentionConvention::kCausal));
    const auto full = static_cast<double>(
        formulas::trainingStepFlops(m_config.shape(), sequences, AttentionConvention::kFull));
    const double seconds = timing.medianStepSeconds;
    return {{"tokens_per_s", static_cast<double>(m_sequences * m_config.context) / seconds, "1/s",
             Direction::kHigher},
            {"flops_per_s_causal", causal / seconds, "FLOP/s", Direction::kHigher},
            {"flops_per_s_full", full / seconds, "FLOP/s", Direction::kHigher},
            {"flops_per_step_causal", causal, "FLOP", Direction::kNone},
            {"flops_per_step_full", full, "FLOP", Direction::kNone},
            {"parameters", static_cast<double>(m_trainer->layout().total), "1", Direction::kNone}};
}

WorkloadSpec spec(const Backend& backend, const std::string& name, const GptConfig& config) {
    WorkloadSpec made;
    made.name = name;
    made.params = {{"backend", backend.name},
                   {"dtype", "fp32"},
                   {"model", config.text()},
                   {"batch", std::to_string(kSequences)},
                   {"optimizer", "AdamW"}};
    made.expected = {"compute_bound", "compute"};
    made.create = [backend, config] { return makeTrainWorkload(backend, config, kSequences); };
    return made;
}

}  // namespace

std::unique_ptr<Workload> makeTrainWorkload(const Backend& backend, const GptConfig& config,
                                            std::int64_t sequences) {
    return std::make_unique<TrainWorkload>(backend, config, sequences);
}

std::vector<WorkloadSpec> trainSpecs(const Backend& backend) {
    WorkloadSpec standard = spec(backend, "train.single/fp32", kStandard);
    standard.presets = {"smoke", "standard", "full"};
    standard.steps = 8;
    WorkloadSpec small = spec(backend, "train.single/fp32.small", kSmall);
    small.presets = {"standard", "full"};
    small.warmupSteps = 5;
    small.steps = 100;
    return {standard, small};
}

}  // namespace ridge::workloads
