// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/parallel_training.h"

#include "workloads/formulas/transformer.h"
#include "workloads/harness/context.h"
#include "workloads/models/gpt_trainer.h"
#include "workloads/models/training_data.h"
#include "workloads/parallel/exact.h"
#include "workloads/parallel/solo_transport.h"
#include "workloads/parallel/strategies/ordered_collectives.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

namespace ridge::workloads {

namespace {

using Direction = Metric::Direction;
constexpr std::uint64_t kSeed = 1;
constexpr float kDeviation = 0.02F;
constexpr double kLossLimit = 1e-5;
constexpr int kMostRanks = 4;  // that the proof's model can be divided by
// Bytes that one rank may keep of attention before it makes its scores anew.
constexpr std::int64_t kMostStored = std::int64_t{4} << 30;

std::int64_t storedProbabilities(const GptConfig& model) {
    return 4 * model.layers * model.heads * model.context * model.context;
}

std::vector<float> initialModel(const ParallelSetup& setup) {
    const GptLayout layout(setup.model);
    std::vector<float> all;
    all.reserve(static_cast<std::size_t>(layout.total));
    for (const GptParameter& parameter : layout.parameters) {
        const auto values = initialValues(setup.model, parameter, kSeed, kDeviation);
        all.insert(all.end(), values.begin(), values.end());
    }
    if (setup.moreParameters) {
        const auto more = setup.moreParameters(setup.model);
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

class ParallelTraining final : public Workload {
public:
    explicit ParallelTraining(ParallelSetup setup) : m_setup(std::move(setup)) {}

    Status prepare() override {
        m_communicator = runContext().communicator;
        if (!m_communicator && m_setup.ranks > 1)
            return Error{ErrorCode::kUnsupported, "no communicator"};
        if (m_communicator && m_communicator->size() > kMostRanks)
            return Error{ErrorCode::kUnsupported,
                         fmt::format("proven on up to {} ranks", kMostRanks)};
        if (!m_communicator) {
            RIDGE_TRY(m_solo, Communicator::create(soloTransport()));
            m_communicator = m_solo.get();
        }
        RIDGE_TRY(m_ops, m_setup.backend.make());
        RIDGE_TRY(m_order, OrderedCollectives::create(*m_ops, *m_communicator));
        auto made = m_setup.make(*m_ops, *m_communicator, m_setup.model, m_setup.sequences);
        // A rank without its part would leave the others in the first step's collectives.
        RIDGE_TRY(const bool all, m_communicator->allAgree(made.ok()));
        if (made.ok() && !all)
            return Error{ErrorCode::kMeasurement, "another rank could not make its part"};
        // Where the ranks do not divide what they share, it cannot run; that is no failure.
        if (!made.ok() && made.error().code == ErrorCode::kBadInput)
            return Error{ErrorCode::kUnsupported, made.error().message};
        RIDGE_TRY(m_trainer, std::move(made));
        RIDGE_TRY_STATUS(proofCanBeDivided());
        m_data = std::make_unique<TrainingData>(m_setup.model, m_setup.sequences, kSeed + 1);
        m_initial = initialModel(m_setup);
        RIDGE_TRY_STATUS(m_trainer->load(m_initial));
        for (std::size_t i = 0; i < m_losses.size(); ++i) {
            const TrainingData::Batch& batch = m_data->batch(i);
            RIDGE_TRY(const double share,
                      m_trainer->step(batch.tokens, batch.targets, proofArgs()));
            RIDGE_TRY(const auto shares, m_communicator->controlGather(share));
            m_losses[i] = std::accumulate(shares.begin(), shares.end(), 0.0);
        }
        RIDGE_TRY_STATUS(m_trainer->load(m_initial));
        return m_ops->status();
    }

    CheckResult check() override {
        std::string detail;
        for (const auto& [op, bytes] : m_setup.collectives) {
            const Place place = hasPlace(op, Place::kOut) ? Place::kOut : Place::kIn;
            const bool threaded = bytes >= Communicator::kAsyncBytes;
            const ExactOutcome exact = proveExact(*m_communicator, op, bytes, place, threaded);
            if (!exact.ok) return {false, fmt::format("{}: {}", shortName(op), exact.text)};
            detail += fmt::format("{} exact; ", shortName(op));
        }
        const CheckResult first = firstLosses();
        if (!first.passed) return first;
        const CheckResult twin = sameAsTwin();
        if (!twin.passed) return twin;
        CheckResult proof =
            checkParallelTraining(*m_ops, *m_communicator, m_setup.make, m_setup.proof);
        proof.detail = detail + first.detail + "; " + twin.detail + proof.detail;
        return proof;
    }

    void step(std::uint64_t index) override {
        // Set per step so that a later workload of the process has the bare fabric again.
        m_communicator->setLinkLimit(m_setup.link);
        m_trainer->setLinkLimit(m_setup.link);
        const TrainingData::Batch& batch = m_data->batch(index);
        const Result<double> loss = m_trainer->step(batch.tokens, batch.targets, {});
        m_ops->synchronize();
        m_communicator->setLinkLimit(0);
        if (!loss.ok() && m_status.ok()) m_status = loss.error();
        if (loss.ok() && !std::isfinite(*loss) && m_status.ok())
            m_status = Error{ErrorCode::kMeasurement, "a loss is not a number"};
    }

    Status status() const override { return m_status.ok() ? m_ops->status() : m_status; }
    CheckResult finish() override {
        const auto own = m_trainer->parameters();
        if (!own.ok()) return {false, own.error().message};
        const auto same = equalsRankZero(*m_ops, *m_communicator, *own);
        if (!same.ok()) return {false, same.error().message};
        return {*same && *own != m_initial,
                "weights after the timed steps have changed and are rank 0's to the bit"};
    }

    std::vector<Metric> report(const Timing& timing) override {
        const double seconds = timing.medianStepSeconds;
        const auto tokens = static_cast<double>(m_setup.sequences * m_setup.model.context);
        const auto flops = static_cast<double>(
            formulas::trainingStepFlops(m_setup.model.shape(),
                                        static_cast<std::uint64_t>(m_setup.sequences),
                                        formulas::AttentionConvention::kFull) +
            m_setup.extraFlops);
        const auto wire = static_cast<double>(m_trainer->wireBytesPerStep());
        std::vector<Metric> made{
            {"tokens_per_s", tokens / seconds, "1/s", Direction::kHigher},
            {"flops_per_s_full", flops / seconds, "FLOP/s", Direction::kHigher},
            {"wire_bytes_per_step", wire, "B", Direction::kNone},
            {"state_bytes", static_cast<double>(m_trainer->stateBytes()), "B", Direction::kLower},
            {"activation_bytes", static_cast<double>(m_trainer->activationBytes()), "B",
             Direction::kLower}};
        if (m_setup.link > 0 && wire > 0)
            made.push_back({"link_floor", wire / m_setup.link, "s", Direction::kNone});
        for (const Metric& own : m_trainer->metrics()) made.push_back(own);
        return made;
    }

private:
    // Ranks may divide the model and not the small one that it is proven with.
    Status proofCanBeDivided() {
        const ParallelProof& proof = m_setup.proof;
        auto made = m_setup.make(*m_ops, *m_communicator, proof.config, proof.sequences);
        if (made.ok() || made.error().code != ErrorCode::kBadInput) return {};
        return Error{ErrorCode::kUnsupported,
                     fmt::format("no proof on {} ranks: {}, of the proof's model too",
                                 m_communicator->size(), made.error().message)};
    }
    // An epsilon that gradients made of rounding alone do not outweigh.
    static AdamWArgs proofArgs() {
        AdamWArgs args;
        args.epsilon = 1e-6F;
        return args;
    }

    // At full size, against one rank that does it all, one sequence at a time; the second loss
    // follows from the first step. Strategies with more parameters have the tiny model's proof.
    CheckResult firstLosses() {
        if (m_setup.moreParameters)
            return {std::isfinite(m_losses[1]), fmt::format("first loss {:.4f}", m_losses[0])};
        auto made = GptTrainer::create(*m_ops, m_setup.model, 1, Recompute::kNone,
                                       storedProbabilities(m_setup.model) > kMostStored);
        if (!made.ok()) return {false, made.error().message};
        GptTrainer& serial = **made;
        serial.initialise(kSeed, kDeviation);
        m_ops->upload(serial.parameters(), m_initial);
        serial.setParts(m_setup.sequences);
        double worst = 0;
        for (std::size_t i = 0; i < m_losses.size(); ++i) {
            const TrainingData::Batch& batch = m_data->batch(i);
            const auto count = static_cast<std::size_t>(m_setup.model.context);
            double wanted = 0;
            for (std::size_t at = 0; at < batch.tokens.size(); at += count) {
                serial.setBatch(std::span(batch.tokens).subspan(at, count),
                                std::span(batch.targets).subspan(at, count));
                wanted += serial.forward() / static_cast<double>(m_setup.sequences);
                if (i + 1 < m_losses.size()) serial.backward(at > 0);
            }
            if (i + 1 < m_losses.size()) serial.optimise(proofArgs());
            const double error = std::abs(m_losses[i] - wanted) / wanted;
            if (!(error <= worst)) worst = error;
        }
        return {worst <= kLossLimit,
                fmt::format("first {} losses at full size against one rank's: worst {:.1e} "
                            "(limit {:.0e})",
                            m_losses.size(), worst, kLossLimit)};
    }

    Result<std::vector<float>> twoSteps(ParallelTrainer& trainer) {
        RIDGE_TRY_STATUS(trainer.load(m_initial));
        for (std::uint64_t i = 0; i < 2; ++i) {
            const TrainingData::Batch& batch = m_data->batch(i);
            RIDGE_TRY(const double loss, trainer.step(batch.tokens, batch.targets, {}));
            (void)loss;
        }
        return trainer.parameters();
    }

    // At full size, where collectives are large enough to go to the communication thread.
    CheckResult sameAsTwin() {
        if (!m_setup.twin) return {true, {}};
        const auto compare = [this]() -> Result<bool> {
            RIDGE_TRY(const auto twin,
                      m_setup.twin(*m_ops, *m_communicator, m_setup.model, m_setup.sequences));
            RIDGE_TRY(const std::vector<float> wanted, twoSteps(*twin));
            RIDGE_TRY(const std::vector<float> got, twoSteps(*m_trainer));
            RIDGE_TRY_STATUS(m_trainer->load(m_initial));
            return got == wanted;
        };
        const Result<bool> equal = compare();
        if (!equal.ok()) return {false, equal.error().message};
        return {*equal, "two steps at full size equal the plain arrangement's to the bit; "};
    }

    ParallelSetup m_setup;
    std::unique_ptr<Communicator> m_solo;  // of a run with one rank
    Communicator* m_communicator = nullptr;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<OrderedCollectives> m_order;
    std::unique_ptr<ParallelTrainer> m_trainer;
    std::unique_ptr<TrainingData> m_data;
    std::vector<float> m_initial;
    std::array<double, 2> m_losses{};
    Status m_status;
};

}  // namespace

void moveToDevice(ParallelSetup& setup, const DeviceSize& size) {
    if (!setup.backend.accelerator) return;
    setup.name += ".nccl";
    if (!setup.fasterVariant.empty()) setup.fasterVariant += ".nccl";
    setup.params["transport"] = "nccl";
    setup.model = size.model;
    setup.sequences = size.sequences;
    setup.link = size.link;
    setup.fullOnly = true;
}

WorkloadSpec parallelSpec(const ParallelSetup& setup) {
    WorkloadSpec made;
    made.name = setup.name;
    made.params = setup.params;
    made.params["backend"] = setup.backend.name;
    made.params["dtype"] = "fp32";
    made.params["model"] = setup.model.text();
    made.params["batch"] = fmt::format("{} in all", setup.sequences);
    made.params["optimizer"] = "AdamW";
    if (setup.link > 0) made.params["link_bytes_per_s"] = fmt::format("{:.0f}", setup.link);
    made.ranks = setup.ranks;
    made.anyRanks = setup.ranks > 1;
    made.presets = setup.fullOnly ? std::vector<std::string>{"full"}
                                  : std::vector<std::string>{"standard", "full"};
    made.expected = setup.expected;
    made.fasterVariant = setup.fasterVariant;
    made.change = setup.change;
    made.warmupSteps = 2;
    made.steps = setup.steps;
    made.create = [setup] { return std::make_unique<ParallelTraining>(setup); };
    return made;
}

}  // namespace ridge::workloads
