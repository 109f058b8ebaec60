// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/checks.h"

#include "workloads/models/tiny_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace ridge::workloads {

namespace {

using reference::Values;
using namespace tiny;

constexpr std::size_t kSteps = 5;
constexpr double kLossLimit = 1e-5;

// Losses before each of five AdamW steps on the whole batch, in double precision.
std::array<double, kSteps> oracleLosses(const TinyBatch& batch, std::int64_t sequences) {
    const std::vector<float> initial = tinyParameters();
    Values weights(initial.begin(), initial.end());
    Values first(weights.size());
    Values second(weights.size());
    reference::Gpt oracle(kTiny, sequences, kTiny.context);
    std::array<double, kSteps> losses{};
    AdamWArgs args;
    for (args.step = 1; args.step <= static_cast<std::int64_t>(kSteps); ++args.step) {
        losses[static_cast<std::size_t>(args.step - 1)] =
            oracle.forward(weights, batch.tokens, batch.targets);
        const Values gradients = oracle.backward(weights, batch.tokens, batch.targets);
        reference::adamW(args, weights, gradients, first, second);
    }
    return losses;
}

}  // namespace

Result<bool> equalsRankZero(Operators& ops, Communicator& communicator,
                            const std::vector<float>& own) {
    const Tensor room = ops.allocate(std::ssize(own));
    RIDGE_TRY_STATUS(ops.status());
    ops.upload(room, own);
    ops.synchronize();
    RIDGE_TRY_STATUS(
        communicator.controlBroadcast(room.data, static_cast<std::size_t>(room.bytes()), 0));
    std::vector<float> first(own.size());
    ops.download(first, room);
    RIDGE_TRY_STATUS(ops.status());
    return first == own;
}

CheckResult checkDataParallel(Operators& ops, Communicator& communicator,
                              const GradientBuckets& buckets, std::int64_t microBatches) {
    const std::int64_t parts = communicator.size() * microBatches;
    const std::int64_t sequences = parts * kTinySequences;
    const TinyBatch whole = tinyBatch(sequences);
    const std::array<double, kSteps> wanted = oracleLosses(whole, sequences);

    auto made = GptTrainer::create(ops, kTiny, kTinySequences);
    if (!made.ok()) return {false, made.error().message};
    GptTrainer& trainer = **made;
    trainer.initialise(kSeed);
    ops.upload(trainer.parameters(), tinyParameters());
    trainer.setParts(parts);
    GradientReducer reducer(trainer, communicator, buckets);
    double worst = 0;
    for (const double expected : wanted) {
        double loss = 0;
        for (std::int64_t micro = 0; micro < microBatches; ++micro) {
            const std::int64_t part = communicator.rank() * microBatches + micro;
            const TinyBatch batch = whole.sequences(part * kTinySequences, kTinySequences);
            trainer.setBatch(batch.tokens, batch.targets);
            loss += trainer.forward() / static_cast<double>(parts);
            if (micro + 1 == microBatches) reducer.arm();
            trainer.backward(micro > 0);
        }
        if (const Status status = reducer.finish(); !status.ok())
            return {false, status.error().message};
        trainer.optimise();
        // The mean over all ranks; its rounding to float is far below the limit.
        std::array<float, 1> sum{static_cast<float>(loss)};
        if (const Status status = communicator.allReduceSum(sum, "check.loss"); !status.ok())
            return {false, status.error().message};
        const double error = std::abs(static_cast<double>(sum[0]) - expected) / expected;
        if (!(error <= worst)) worst = error;
    }
    if (!ops.status().ok()) return {false, ops.status().error().message};
    return verdict(
        fmt::format("{} losses of {} ranks against one in double", kSteps, communicator.size()),
        worst, kLossLimit);
}

Trajectory trajectoryOf(reference::Gpt& oracle, const TrajectoryInput& input) {
    Values weights(input.parameters.begin(), input.parameters.end());
    Values first(weights.size());
    Values second(weights.size());
    Trajectory made;
    AdamWArgs args = input.args;
    for (args.step = 1; args.step <= input.steps; ++args.step) {
        made.losses.push_back(oracle.forward(weights, input.tokens, input.targets));
        const Values gradients = oracle.backward(weights, input.tokens, input.targets);
        reference::adamW(args, weights, gradients, first, second);
    }
    made.parameters = std::move(weights);
    return made;
}

Trajectory gptTrajectory(const TrajectoryInput& input) {
    reference::Gpt oracle(input.config, input.sequences, input.config.context);
    return trajectoryOf(oracle, input);
}

CheckResult checkParallelTraining(Operators& ops, Communicator& communicator,
                                  const MakeTrainer& make, const ParallelProof& proof) {
    constexpr double kParameterLimit = 1e-6;
    AdamWArgs args;
    args.epsilon = 1e-3F;
    std::vector<float> initial = tinyParameters(proof.config);
    initial.insert(initial.end(), proof.moreParameters.begin(), proof.moreParameters.end());
    const TinyBatch batch = tinyBatch(proof.sequences, proof.config);
    const Trajectory wanted =
        proof.oracle({proof.config, proof.sequences, initial, batch.tokens, batch.targets, args,
                      static_cast<std::int64_t>(kSteps)});

    const auto train = [&]() -> Result<CheckResult> {
        RIDGE_TRY(const auto trainer, make(ops, communicator, proof.config, proof.sequences));
        RIDGE_TRY_STATUS(trainer->load(initial));
        double worstLoss = 0;
        for (const double expected : wanted.losses) {
            RIDGE_TRY(const double share, trainer->step(batch.tokens, batch.targets, args));
            RIDGE_TRY(const std::vector<double> shares, communicator.controlGather(share));
            const double loss = std::accumulate(shares.begin(), shares.end(), 0.0);
            const double error = std::abs(loss - expected) / expected;
            if (!(error <= worstLoss)) worstLoss = error;
        }
        RIDGE_TRY(const std::vector<float> got, trainer->parameters());
        if (got.size() != wanted.parameters.size())
            return CheckResult{false, "the trainer's parameters are another model's"};
        double worst = 0;
        std::size_t where = 0;
        for (std::size_t i = 0; i < got.size(); ++i) {
            const double off = std::abs(static_cast<double>(got[i]) - wanted.parameters[i]);
            if (!(off <= worst)) {
                worst = off;
                where = i;
            }
        }
        if (!ops.status().ok()) return ops.status().error();
        const CheckResult losses = verdict(
            fmt::format("{} losses of {} ranks against one in double", kSteps, communicator.size()),
            worstLoss, kLossLimit);
        const CheckResult weights = verdict("parameters after them", worst, kParameterLimit,
                                            fmt::format("element {}", where));
        if (!losses.passed) return losses;
        return CheckResult{weights.passed, losses.detail + "; " + weights.detail};
    };
    const Result<CheckResult> result = train();
    return result.ok() ? *result : CheckResult{false, result.error().message};
}

}  // namespace ridge::workloads
