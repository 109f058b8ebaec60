// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/checks_generation.h"

#include "workloads/models/check_values.h"
#include "workloads/models/reference/gpt_reference.h"
#include "workloads/models/tiny_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ridge::workloads {

using tiny::keepWorst;
using tiny::largestOf;
using tiny::roundedTo;
using tiny::verdict;
using Doubles = std::vector<double>;

namespace {

constexpr std::uint64_t kSeed = 20250307;  // what the bands of the header were seen with
constexpr GptConfig kTiny{.layers = 2, .width = 64, .heads = 2, .context = 12, .vocabulary = 64};
constexpr GptConfig kSmall{.layers = 3, .width = 64, .heads = 2, .context = 48, .vocabulary = 128};
constexpr float kDeviation = 0.2F;
constexpr float kBandDeviation = 0.1F;  // that of the timed models

// The parameters as an engine with these weights uses them: matrices rounded. The head is a rounded
// copy of the token table, so the oracle, whose head is the table, gets a rounded table too.
std::vector<float> modelParameters(const GptConfig& config, Storage storage,
                                   float deviation = kDeviation) {
    const GptLayout layout(config);
    std::vector<float> all(static_cast<std::size_t>(layout.total));
    for (const GptParameter& parameter : layout.parameters) {
        std::vector<float> values = initialValues(config, parameter, kSeed, deviation);
        const bool matrix = parameter.name == "tokens" || parameter.name.ends_with(".weight");
        if (matrix) values = roundedTo(values, storage);
        std::copy(values.begin(), values.end(),
                  all.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
    }
    return all;
}

}  // namespace

CheckResult checkStoredModel(Operators& ops, Storage weights, Storage cache) {
    const std::vector<float> parameters = modelParameters(kTiny, weights);
    const Doubles exact(parameters.begin(), parameters.end());
    const std::vector<std::int32_t> tokens =
        randomTokens(kTiny.context, kTiny.vocabulary, kSeed + 4);
    reference::Gpt oracle(kTiny, 1, kTiny.context);
    (void)oracle.forward(exact, tokens, tokens);
    const Doubles& wanted = oracle.logits();

    EngineOptions options;
    options.config = kTiny;
    options.weights = weights;
    options.cache = cache;
    options.block = 4;
    auto made = GptGenerator::create(ops, options, kTiny.context, true);
    if (!made.ok()) return {false, made.error().message};
    GptGenerator& generator = **made;
    generator.load(parameters);
    // A chunk, a token, and the rest verified at once.
    std::vector<float> got;
    const auto add = [&] {
        const std::vector<float> rows = generator.logits();
        got.insert(got.end(), rows.begin(), rows.end());
    };
    (void)generator.prefill(std::span(tokens).first(6));
    add();
    (void)generator.decode(tokens[6]);
    add();
    (void)generator.verify(std::span(tokens).subspan(7));
    add();
    if (!ops.status().ok()) return {false, ops.status().error().message};
    double worst = got.size() == wanted.size() ? 0.0 : 1e300;
    const double largest = largestOf(wanted);
    for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i)
        keepWorst(worst, std::abs(static_cast<double>(got[i]) - wanted[i]) / largest);
    return verdict(fmt::format("{} weights, {} cache against the oracle", formulas::name(weights),
                               formulas::name(cache)),
                   worst, cache == Storage::kF32 ? 1e-4 : 3e-2);
}

CheckResult checkLogitBand(Operators& ops, Storage weights, Storage cache) {
    const std::vector<float> parameters = modelParameters(kSmall, Storage::kF32, kBandDeviation);
    const std::vector<std::int32_t> tokens =
        randomTokens(kSmall.context, kSmall.vocabulary, kSeed + 5);
    std::vector<float> logits[2];
    for (const bool rounded : {false, true}) {
        EngineOptions options;
        options.config = kSmall;
        if (rounded) {
            options.weights = weights;
            options.cache = cache;
        }
        auto made = GptGenerator::create(ops, options, kSmall.context, true);
        if (!made.ok()) return {false, made.error().message};
        (*made)->load(parameters);
        (void)(*made)->prefill(tokens);
        logits[rounded ? 1 : 0] = (*made)->logits();
    }
    double error = 0, square = 0;
    for (std::size_t i = 0; i < logits[0].size(); ++i) {
        const double exact = static_cast<double>(logits[0][i]);
        const double off = static_cast<double>(logits[1][i]) - exact;
        error += off * off;
        square += exact * exact;
    }
    const auto bandOf = [](Storage storage) {
        switch (storage) {
            case Storage::kBf16:
                return 1e-2;
            case Storage::kInt8:
                return 1e-2;
            case Storage::kInt4:
                return 1.5e-1;
            case Storage::kF32:
                break;
        }
        return 1e-6;
    };
    return verdict(fmt::format("relative RMS error of the logits, {} weights, {} cache",
                               formulas::name(weights), formulas::name(cache)),
                   std::sqrt(error / square), std::max(bandOf(weights), bandOf(cache)));
}

namespace {

constexpr std::int64_t kPromptTokens = 19;
constexpr std::int64_t kNewTokens = 24;

using Tokens = std::vector<std::int32_t>;

Result<std::unique_ptr<GptGenerator>> smallGenerator(Operators& ops, Storage weights, Storage cache,
                                                     std::int64_t block, std::int64_t sequences) {
    EngineOptions options;
    options.config = kSmall;
    options.weights = weights;
    options.cache = cache;
    options.block = block;
    options.sequences = sequences;
    options.wantedRows = std::max<std::int64_t>(sequences, 5);
    RIDGE_TRY(auto generator, GptGenerator::create(ops, options, kPromptTokens));
    generator->load(modelParameters(kSmall, Storage::kF32));
    return generator;
}

Tokens generate(GptGenerator& generator, const Tokens& prompt, std::int64_t chunk) {
    Tokens tokens{generator.prefill(prompt, chunk)};
    while (std::ssize(tokens) < kNewTokens) tokens.push_back(generator.decode(tokens.back()));
    return tokens;
}

// Every sequence its own prompt; the tokens of sequence `which`.
Tokens generateInBatch(GptGenerator& generator, const std::vector<Tokens>& prompts,
                       std::size_t which) {
    const auto first = generator.prefillAll(prompts);
    Tokens current(first.begin(), first.end());
    Tokens tokens{current[which]};
    while (std::ssize(tokens) < kNewTokens) {
        const auto next = generator.decodeAll(current);
        current.assign(next.begin(), next.end());
        tokens.push_back(current[which]);
    }
    return tokens;
}

// Drafts four tokens, of which the last is wrong each time, keeps those that the model agrees with.
Tokens generateVerified(GptGenerator& generator, const Tokens& prompt, const Tokens& truth) {
    Tokens tokens{generator.prefill(prompt)};
    while (std::ssize(tokens) < kNewTokens) {
        Tokens pass{tokens.back()};
        const std::int64_t room = kNewTokens - std::ssize(tokens);
        for (std::int64_t i = 0; i < std::min<std::int64_t>(3, room); ++i)
            pass.push_back(truth[tokens.size() + static_cast<std::size_t>(i)]);
        pass.push_back((pass.back() + 1) % static_cast<std::int32_t>(kSmall.vocabulary));
        const std::int64_t before = generator.position();
        const auto next = generator.verify(pass);
        std::size_t kept = 0;
        while (kept + 1 < pass.size() && next[kept] == pass[kept + 1]) ++kept;
        for (std::size_t i = 0; i <= kept && std::ssize(tokens) < kNewTokens; ++i)
            tokens.push_back(next[i]);
        generator.rewind(before + static_cast<std::int64_t>(kept) + 1);
    }
    return tokens;
}

}  // namespace

CheckResult checkTokensAgree(Operators& ops, Storage weights, Storage cache) {
    std::vector<Tokens> prompts;
    for (std::uint64_t i = 0; i < 3; ++i)
        prompts.push_back(randomTokens(kPromptTokens, kSmall.vocabulary, kSeed + 6 + i));
    const Tokens& prompt = prompts[1];
    auto contiguous = smallGenerator(ops, weights, cache, 0, 1);
    auto paged = smallGenerator(ops, weights, cache, 16, 1);
    auto batch = smallGenerator(ops, weights, cache, 16, 3);
    for (const auto* made : {&contiguous, &paged, &batch})
        if (!made->ok()) return {false, made->error().message};
    const Tokens truth = generate(**contiguous, prompt, 0);
    const std::pair<const char*, Tokens> others[] = {
        {"paged", generate(**paged, prompt, 0)},
        {"chunked", generate(**paged, prompt, 5)},
        {"batched", generateInBatch(**batch, prompts, 1)},
        {"verified", generateVerified(**contiguous, prompt, truth)}};
    if (!ops.status().ok()) return {false, ops.status().error().message};
    for (const auto& [what, tokens] : others)
        if (tokens != truth) {
            const auto off = std::mismatch(truth.begin(), truth.end(), tokens.begin()).first;
            return {false, fmt::format("greedy tokens with {} weights and {} cache: {} differs "
                                       "from token {} on",
                                       formulas::name(weights), formulas::name(cache), what,
                                       off - truth.begin())};
        }
    return {true, fmt::format("{} greedy tokens equal: contiguous, paged, chunked, batched, "
                              "verified",
                              kNewTokens)};
}

}  // namespace ridge::workloads
