// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/checks_recorded.h"

#include "workloads/models/tiny_model.h"

#include <fmt/format.h>

#include <cstring>

namespace ridge::workloads {

using namespace tiny;

namespace {

struct Trained {
    std::vector<double> losses;
    std::vector<float> parameters;
};

template <typename Value>
bool sameBits(const std::vector<Value>& a, const std::vector<Value>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Value)) == 0;
}

CheckResult compareTrained(const std::string& what, const Result<Trained>& wanted,
                           const Result<Trained>& got) {
    if (!wanted.ok()) return {false, wanted.error().message};
    if (!got.ok()) return {false, got.error().message};
    for (std::size_t step = 0; step < wanted->losses.size(); ++step)
        if (std::memcmp(&wanted->losses[step], &got->losses[step], sizeof(double)) != 0)
            return {false, fmt::format("{}: the loss of step {} is {:.9g}, {:.9g} without", what,
                                       step, got->losses[step], wanted->losses[step])};
    if (!sameBits(wanted->parameters, got->parameters))
        return {false, fmt::format("{}: parameters after {} steps differ from those without", what,
                                   wanted->losses.size())};
    return {true, fmt::format("{}: {} losses and all parameters equal to the bit", what,
                              wanted->losses.size())};
}

double issuedStep(GptTrainer& trainer) {
    const double loss = trainer.forward();
    trainer.backward();
    trainer.optimise();
    return loss;
}

Result<Trained> trainTiny(Operators& ops, bool fusedAttention, bool recorded) {
    constexpr int kSteps = 3;
    RIDGE_TRY(const auto trainer,
              GptTrainer::create(ops, kTiny, kTinySequences, Recompute::kNone, fusedAttention));
    const TinyBatch text = tinyBatch(kSteps * kTinySequences);
    trainer->initialise(kSeed);
    ops.upload(trainer->parameters(), tinyParameters());
    Trained made;
    for (int step = 0; step < kSteps; ++step) {
        const TinyBatch batch = text.sequences(step * kTinySequences, kTinySequences);
        trainer->setBatch(batch.tokens, batch.targets);
        if (recorded && step == 1) RIDGE_TRY_STATUS(trainer->recordStep());
        made.losses.push_back(recorded && step > 0 ? trainer->runRecordedStep()
                                                   : issuedStep(*trainer));
    }
    made.parameters = host(ops, trainer->parameters());
    RIDGE_TRY_STATUS(ops.status());
    return made;
}

}  // namespace

CheckResult checkRecordedStep(Operators& ops, ridge_dtype products, bool fusedAttention) {
    if (const Status set = ops.setProducts(products); !set.ok())
        return {false, set.error().message};
    const auto issued = trainTiny(ops, fusedAttention, false);
    const auto recorded = trainTiny(ops, fusedAttention, true);
    if (const Status set = ops.setProducts(RIDGE_DTYPE_F32); !set.ok())
        return {false, set.error().message};
    return compareTrained("training by one graph a step", issued, recorded);
}

CheckResult checkRecordedStepAtFullSize(GptTrainer& trainer, std::span<const FullSizeBatch> batches,
                                        const std::function<void()>& restart) {
    const auto train = [&](bool recorded) -> Result<Trained> {
        restart();
        Trained made;
        for (const FullSizeBatch& batch : batches) {
            trainer.setBatch(batch.tokens, batch.targets);
            made.losses.push_back(recorded ? trainer.runRecordedStep() : issuedStep(trainer));
        }
        made.parameters = host(trainer.operators(), trainer.parameters());
        RIDGE_TRY_STATUS(trainer.operators().status());
        return made;
    };
    const auto issued = train(false);
    return compareTrained("a graph at full size", issued, train(true));
}

CheckResult checkRecordedDecode(Operators& ops, Storage weights, Storage cache) {
    constexpr GptConfig kModel{
        .layers = 2, .width = 64, .heads = 2, .context = 16, .vocabulary = 64};
    constexpr std::int64_t kSequences = 2, kPrompt = 3, kTokens = 7, kAgain = 2;
    struct Decoded {
        std::vector<std::int32_t> tokens;
        std::vector<float> logits;
    };
    const auto decode = [&](bool recorded) -> Result<Decoded> {
        EngineOptions options;
        options.config = kModel;
        options.weights = weights;
        options.cache = cache;
        options.sequences = kSequences;
        options.block = 4;
        RIDGE_TRY(const auto generator, GptGenerator::create(ops, options, kPrompt));
        generator->initialise(kSeed);
        std::vector<std::vector<std::int32_t>> prompts;
        for (std::uint64_t i = 0; i < kSequences; ++i)
            prompts.push_back(randomTokens(kPrompt, kModel.vocabulary, kSeed + i));
        const auto first = generator->prefillAll(prompts);
        std::vector<std::int32_t> next(first.begin(), first.end());
        if (recorded) RIDGE_TRY_STATUS(generator->recordDecode());
        Decoded made;
        for (std::int64_t i = 0; i < kTokens + kAgain; ++i) {
            if (i == kTokens) generator->rewind(kPrompt + 1);
            const auto tokens = generator->decodeAll(next);
            next.assign(tokens.begin(), tokens.end());
            const std::vector<float> logits = generator->logits();
            made.tokens.insert(made.tokens.end(), next.begin(), next.end());
            made.logits.insert(made.logits.end(), logits.begin(), logits.end());
        }
        RIDGE_TRY_STATUS(ops.status());
        return made;
    };
    const auto issued = decode(false);
    const auto recorded = decode(true);
    if (!issued.ok()) return {false, issued.error().message};
    if (!recorded.ok()) return {false, recorded.error().message};
    const bool same =
        issued->tokens == recorded->tokens && sameBits(issued->logits, recorded->logits);
    return {same, fmt::format("{} passes of {} sequences by one graph each: tokens and logits {}",
                              kTokens + kAgain, kSequences,
                              same ? "equal to the bit" : "differ from those without")};
}

CheckResult checkKeptWeights(Operators& ops, ridge_dtype products) {
    if (products != RIDGE_DTYPE_FP8_E4M3) return {true, "no codes are kept"};
    constexpr std::int64_t kSteps = 3, kParts = 2;
    const auto train = [&](bool keep) -> Result<Trained> {
        RIDGE_TRY_STATUS(ops.setProducts(products));
        ops.keepQuantisedWeights(keep);
        RIDGE_TRY(const auto trainer, GptTrainer::create(ops, kTiny, kTinySequences));
        const TinyBatch text = tinyBatch(kSteps * kParts * kTinySequences);
        trainer->initialise(kSeed);
        ops.upload(trainer->parameters(), tinyParameters());
        trainer->setParts(kParts);
        Trained made;
        // Large steps: few codes of eight bits change by small ones.
        AdamWArgs args;
        args.learningRate = 3e-2F;
        for (std::int64_t part = 0; part < kSteps * kParts; ++part) {
            const TinyBatch batch = text.sequences(part * kTinySequences, kTinySequences);
            trainer->setBatch(batch.tokens, batch.targets);
            made.losses.push_back(trainer->forward());
            trainer->backward(part % kParts > 0);
            if (part % kParts == kParts - 1) trainer->optimise(args);
        }
        made.parameters = host(ops, trainer->parameters());
        ops.keepQuantisedWeights(true);
        RIDGE_TRY_STATUS(ops.setProducts(RIDGE_DTYPE_F32));
        RIDGE_TRY_STATUS(ops.status());
        return made;
    };
    const auto anew = train(false);
    return compareTrained("codes of weights kept until they change", anew, train(true));
}

}  // namespace ridge::workloads
