// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/checks.h"

#include "workloads/models/check_values.h"
#include "workloads/models/reference/gpt_reference.h"
#include "workloads/models/tiny_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ridge::workloads {

using reference::Values;
using namespace tiny;

CheckResult checkOracleGradients() {
    const TinyBatch batch = tinyBatch();
    const std::vector<float> initial = tinyParameters();
    Values parameters(initial.begin(), initial.end());
    reference::Gpt gpt(kTiny, kTinySequences, kTiny.context);
    (void)gpt.forward(parameters, batch.tokens, batch.targets);
    const Values gradients = gpt.backward(parameters, batch.tokens, batch.targets);
    double squares = 0;
    for (const double g : gradients) squares += g * g;
    const double typical = std::sqrt(squares / static_cast<double>(gradients.size()));

    constexpr double kStep = 1e-5;
    constexpr std::uint64_t kSamples = 200;
    double worst = 0;
    for (std::uint64_t sample = 0; sample < kSamples; ++sample) {
        const std::size_t at = randomBits(kSeed + 3, sample) % parameters.size();
        const double kept = parameters[at];
        parameters[at] = kept + kStep;
        const double above = gpt.forward(parameters, batch.tokens, batch.targets);
        parameters[at] = kept - kStep;
        const double below = gpt.forward(parameters, batch.tokens, batch.targets);
        parameters[at] = kept;
        const double numeric = (above - below) / (2.0 * kStep);
        const double scale = std::max({std::abs(numeric), std::abs(gradients[at]), typical});
        if (const double error = std::abs(numeric - gradients[at]) / scale; !(error <= worst))
            worst = error;
    }
    return verdict("oracle gradients against finite differences", worst, 1e-6);
}

CheckResult checkTinyModel(Operators& ops, bool fusedAttention) {
    const TinyBatch batch = tinyBatch();
    const std::vector<float> initial = tinyParameters();
    const Values parameters(initial.begin(), initial.end());
    reference::Gpt oracle(kTiny, kTinySequences, kTiny.context);
    const double wantedLoss = oracle.forward(parameters, batch.tokens, batch.targets);
    const Values wanted = oracle.backward(parameters, batch.tokens, batch.targets);

    auto made = GptTrainer::create(ops, kTiny, kTinySequences, Recompute::kNone, fusedAttention);
    if (!made.ok()) return {false, made.error().message};
    GptTrainer& trainer = **made;
    ops.upload(trainer.parameters(), initial);
    trainer.setBatch(batch.tokens, batch.targets);
    const double loss = trainer.forward();
    trainer.backward();
    const CheckResult sameLoss =
        verdict("float32 loss against oracle", std::abs(loss - wantedLoss) / wantedLoss, 1e-4);
    if (!sameLoss.passed) return sameLoss;
    const CheckResult once = compareArrays("float32 gradients against oracle",
                                           host(ops, trainer.gradients()), wanted, 1.0, 1e-4);
    if (!once.passed) return once;
    (void)trainer.forward();
    trainer.backward(true);
    const CheckResult twice = compareArrays("accumulated gradients against oracle",
                                            host(ops, trainer.gradients()), wanted, 2.0, 1e-4);
    return twice.passed ? once : twice;
}

CheckResult checkTinyTraining(Operators& ops, bool fusedAttention) {
    const TinyBatch batch = tinyBatch();
    const std::vector<float> initial = tinyParameters();
    Values weights(initial.begin(), initial.end());
    Values first(weights.size());
    Values second(weights.size());
    reference::Gpt oracle(kTiny, kTinySequences, kTiny.context);
    auto made = GptTrainer::create(ops, kTiny, kTinySequences, Recompute::kNone, fusedAttention);
    if (!made.ok()) return {false, made.error().message};
    GptTrainer& trainer = **made;
    trainer.initialise(kSeed);
    ops.upload(trainer.parameters(), initial);
    trainer.setBatch(batch.tokens, batch.targets);
    double worst = 0;
    double previous = 1e300;
    for (std::int64_t step = 1; step <= 5; ++step) {
        const double wanted = oracle.forward(weights, batch.tokens, batch.targets);
        const Values gradients = oracle.backward(weights, batch.tokens, batch.targets);
        AdamWArgs args;
        args.step = step;
        reference::adamW(args, weights, gradients, first, second);
        const double loss = trainer.forward();
        trainer.backward();
        trainer.optimise();
        if (const double error = std::abs(loss - wanted) / wanted; !(error <= worst)) worst = error;
        if (!(loss < previous)) return {false, fmt::format("loss rises at step {}", step)};
        previous = loss;
    }
    return verdict("5 training losses against oracle", worst, 1e-5);
}

namespace {

struct FewSteps {
    std::vector<float> gradients;  // of the first
    std::vector<double> losses;
};

Result<FewSteps> fewSteps(Operators& ops, ridge_dtype products) {
    RIDGE_TRY_STATUS(ops.setProducts(products));
    RIDGE_TRY(const auto trainer, GptTrainer::create(ops, kTiny, kTinySequences));
    const TinyBatch batch = tinyBatch();
    trainer->initialise(kSeed);
    ops.upload(trainer->parameters(), tinyParameters());
    trainer->setBatch(batch.tokens, batch.targets);
    FewSteps steps;
    for (int step = 0; step < 5; ++step) {
        steps.losses.push_back(trainer->forward());
        trainer->backward();
        if (step == 0) steps.gradients = host(ops, trainer->gradients());
        trainer->optimise();
    }
    RIDGE_TRY_STATUS(ops.setProducts(RIDGE_DTYPE_F32));
    return steps;
}

}  // namespace

CheckResult checkProducts(Operators& ops, ridge_dtype products) {
    if (products == RIDGE_DTYPE_F32) return {true, "products in float"};
    const auto exact = fewSteps(ops, RIDGE_DTYPE_F32);
    const auto rough = fewSteps(ops, products);
    if (!exact.ok() || !rough.ok())
        return {false, exact.ok() ? rough.error().message : exact.error().message};
    double both = 0, one = 0, other = 0;
    for (std::size_t i = 0; i < exact->gradients.size(); ++i) {
        const auto a = static_cast<double>(exact->gradients[i]);
        const auto b = static_cast<double>(rough->gradients[i]);
        both += a * b;
        one += a * a;
        other += b * b;
    }
    double drift = 0;
    for (std::size_t step = 0; step < exact->losses.size(); ++step)
        drift = std::max(drift, std::abs(rough->losses[step] / exact->losses[step] - 1.0));
    const double apart = 1.0 - both / std::sqrt(one * other);
    if (CheckResult direction = verdict("gradients with products in fewer bits, 1 - cosine", apart,
                                        products == RIDGE_DTYPE_FP8_E4M3 ? 8e-2 : 1e-3);
        !direction.passed)
        return direction;
    if (exact->gradients == rough->gradients)
        return {false, "products in fewer bits gave the very gradients of float: not in use"};
    return verdict("5 losses with products in fewer bits against float", drift, 2e-2);
}

CheckResult checkRecompute(Operators& ops, Recompute recompute) {
    const TinyBatch batch = tinyBatch();
    const auto gradients = [&](Recompute how) -> Result<std::vector<float>> {
        RIDGE_TRY(const auto trainer, GptTrainer::create(ops, kTiny, kTinySequences, how));
        ops.upload(trainer->parameters(), tinyParameters());
        trainer->setBatch(batch.tokens, batch.targets);
        (void)trainer->forward();
        trainer->backward();
        return host(ops, trainer->gradients());
    };
    const auto kept = gradients(Recompute::kNone);
    const auto again = gradients(recompute);
    if (!kept.ok() || !again.ok()) return {false, "out of memory"};
    const bool equal = std::memcmp(kept->data(), again->data(), kept->size() * sizeof(float)) == 0;
    return {equal, "gradients with recomputation equal those without to the bit"};
}

CheckResult checkAccumulation(Operators& ops, std::int64_t microBatches) {
    const std::int64_t sequences = microBatches * kTinySequences;
    const TinyBatch whole = tinyBatch(sequences);
    const std::vector<float> initial = tinyParameters();
    const Values parameters(initial.begin(), initial.end());
    reference::Gpt oracle(kTiny, sequences, kTiny.context);
    (void)oracle.forward(parameters, whole.tokens, whole.targets);
    const Values wanted = oracle.backward(parameters, whole.tokens, whole.targets);

    auto made = GptTrainer::create(ops, kTiny, kTinySequences);
    if (!made.ok()) return {false, made.error().message};
    GptTrainer& trainer = **made;
    ops.upload(trainer.parameters(), initial);
    trainer.setParts(microBatches);
    for (std::int64_t part = 0; part < microBatches; ++part) {
        const TinyBatch batch = whole.sequences(part * kTinySequences, kTinySequences);
        trainer.setBatch(batch.tokens, batch.targets);
        (void)trainer.forward();
        trainer.backward(part > 0);
    }
    return compareArrays(fmt::format("gradients of {} micro-batches against oracle", microBatches),
                         host(ops, trainer.gradients()), wanted, 1.0, 1e-4);
}

CheckResult checkAdamW(Operators& ops) {
    constexpr std::int64_t kCount = 1003;  // no multiple of a vector
    const Tensor tensors[] = {ops.allocate(kCount), ops.allocate(kCount), ops.allocate(kCount),
                              ops.allocate(kCount)};
    const std::vector<float> weights = draw(kCount, kSeed);
    std::vector<float> gradients(kCount);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
        // Magnitudes from 1e-6 to 1, both signs.
        const auto exponent = static_cast<float>(randomBits(kSeed + 1, i) % 7);
        gradients[i] = std::pow(10.0F, -exponent) * ((i & 1U) == 0 ? 1.0F : -0.7F);
    }
    ops.upload(tensors[0], weights);
    ops.upload(tensors[1], gradients);
    Values wanted(weights.begin(), weights.end());
    const Values exact(gradients.begin(), gradients.end());
    Values first(kCount);
    Values second(kCount);
    AdamWArgs args{.learningRate = 1e-2F};
    double worst = 0;
    for (args.step = 1; args.step <= 3; ++args.step) {
        ops.adamW("check", args, tensors[0], tensors[1], tensors[2], tensors[3]);
        reference::adamW(args, wanted, exact, first, second);
    }
    const std::vector<float> got = host(ops, tensors[0]);
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double allowed = 3.0 * (4.0 * kRoundoff * std::abs(wanted[i]) + 1e-5 * 1e-2);
        const double error = std::abs(static_cast<double>(got[i]) - wanted[i]) / allowed;
        if (!(error <= worst)) worst = error;
    }
    return verdict("AdamW against double, in units of its tolerance", worst, 1.0);
}

CheckResult checkTinyGeneration(Operators& ops) {
    const std::vector<float> initial = tinyParameters();
    const Values parameters(initial.begin(), initial.end());
    auto made = GptGenerator::create(ops, kTiny, kTiny.context, true);
    if (!made.ok()) return {false, made.error().message};
    GptGenerator& generator = **made;
    generator.load(initial);

    const std::vector<std::int32_t> tokens =
        randomTokens(kTiny.context, kTiny.vocabulary, kSeed + 4);
    reference::Gpt oracle(kTiny, 1, kTiny.context);
    (void)oracle.forward(parameters, tokens, tokens);
    const Values& wanted = oracle.logits();
    double largest = 0;
    for (const double value : wanted) largest = std::max(largest, std::abs(value));

    // Half of the tokens by prefill, the rest one by one from the cache.
    const auto half = static_cast<std::size_t>(kTiny.context / 2);
    (void)generator.prefill({tokens.data(), half});
    std::vector<float> got = generator.logits();
    for (std::size_t t = half; t < tokens.size(); ++t) {
        (void)generator.decode(tokens[t]);
        const std::vector<float> row = generator.logits();
        got.insert(got.end(), row.begin(), row.end());
    }
    double worst = got.size() == wanted.size() ? 0.0 : 1e300;
    for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i) {
        const double error = std::abs(static_cast<double>(got[i]) - wanted[i]) / largest;
        if (!(error <= worst)) worst = error;
    }
    return verdict("prefill and cached decode against oracle", worst, 1e-4);
}

CheckResult checkDirectionalDerivative(GptTrainer& trainer) {
    Operators& ops = trainer.operators();
    const double loss = trainer.forward();
    trainer.backward();
    const std::vector<float> gradients = host(ops, trainer.gradients());
    const std::vector<float> kept = host(ops, trainer.parameters());
    double squares = 0;
    for (const float g : gradients) squares += static_cast<double>(g) * static_cast<double>(g);
    // The loss shall change by about 0.01 each way.
    const double step = 0.01 / squares;
    double losses[2] = {};
    std::vector<float> moved(kept.size());
    for (int side = 0; side < 2; ++side) {
        const auto factor = static_cast<float>(side == 0 ? step : -step);
        for (std::size_t i = 0; i < kept.size(); ++i) moved[i] = kept[i] + factor * gradients[i];
        ops.upload(trainer.parameters(), moved);
        losses[side] = trainer.forward();
    }
    const double measured = (losses[0] - losses[1]) / (2.0 * step);
    CheckResult result = verdict("loss along the gradient at full size",
                                 std::abs(measured - squares) / squares, 1e-2);
    const double uniform = std::log(static_cast<double>(trainer.config().vocabulary));
    if (!(std::abs(loss - uniform) < 0.5 * uniform))
        return {false, fmt::format("first loss {:.3f} is far from ln V = {:.3f}", loss, uniform)};
    return result;
}

CheckResult checkCachedDecode(GptGenerator& generator, std::int64_t prompt, std::int64_t tokens,
                              double limit) {
    Operators& ops = generator.operators();
    std::vector<std::int32_t> sequence =
        randomTokens(prompt, generator.config().vocabulary, kSeed + 5);
    std::vector<std::vector<float>> cached;
    std::int32_t next = generator.prefill(sequence);
    for (std::int64_t i = 0; i < tokens; ++i) {
        sequence.push_back(next);
        next = generator.decode(next);
        cached.push_back(generator.logits());
    }
    sequence.push_back(next);
    double worst = 0;
    for (std::int64_t i = 0; i < tokens; ++i) {
        const auto length = static_cast<std::size_t>(prompt + i + 1);
        const std::int32_t again = generator.prefill({sequence.data(), length});
        const std::vector<float> all = generator.logits();
        const std::size_t width = cached[0].size();
        const float* last = all.data() + (all.size() - width);
        double largest = 0;
        double difference = 0;
        for (std::size_t v = 0; v < width; ++v) {
            largest = std::max(largest, std::abs(static_cast<double>(last[v])));
            const double off =
                std::abs(static_cast<double>(last[v]) -
                         static_cast<double>(cached[static_cast<std::size_t>(i)][v]));
            if (!(off <= difference)) difference = off;
        }
        if (const double error = difference / largest; !(error <= worst)) worst = error;
        const double between =
            std::abs(static_cast<double>(last[again]) -
                     static_cast<double>(last[static_cast<std::size_t>(sequence[length])]));
        if (again != sequence[length] && (limit <= 1e-4 || between > limit * largest))
            return {false, fmt::format("token {}: {} from the cache, {} computed anew", length,
                                       sequence[length], again)};
    }
    if (!ops.status().ok()) return {false, ops.status().error().message};
    return verdict(fmt::format("{} tokens from the cache equal to computed anew; logits", tokens),
                   worst, limit);
}

CheckResult checkAll(std::initializer_list<std::function<CheckResult()>> checks) {
    CheckResult all{true, {}};
    for (const auto& check : checks) {
        const CheckResult one = check();
        if (!one.passed) return one;
        all.detail += (all.detail.empty() ? "" : "; ") + one.detail;
    }
    return all;
}

}  // namespace ridge::workloads
