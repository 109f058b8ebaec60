// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/infer.h"

#include "workloads/formulas/efficiency.h"
#include "workloads/models/check_values.h"
#include "workloads/models/checks_generation.h"
#include "workloads/models/checks_operators.h"
#include "workloads/models/checks_recorded.h"
#include "workloads/models/gpt_generator.h"
#include "workloads/models/read_bandwidth.h"
#include "workloads/ops/cpu/vector_width.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace ridge::workloads {

namespace {

using formulas::AttentionConvention;
using Direction = Metric::Direction;

constexpr std::uint64_t kSeed = 1;
constexpr GptConfig kPrefill{
    .layers = 8, .width = 512, .heads = 8, .context = 256, .vocabulary = 4096};
constexpr GptConfig kDecode{
    .layers = 8, .width = 1024, .heads = 16, .context = 256, .vocabulary = 256};
// The width and depth of an 8-billion-parameter model would not leave the float variants room on
// one device: half its layers.
constexpr GptConfig kAcceleratorPrefill{
    .layers = 12, .width = 4096, .heads = 32, .context = 2048, .vocabulary = 32000};
constexpr GptConfig kAcceleratorDecode{
    .layers = 16, .width = 4096, .heads = 32, .context = 1024, .vocabulary = 32000};
// Some 120 kernels a token that read 1.4 MB each, less than a microsecond's worth.
constexpr GptConfig kAcceleratorSmallDecode{
    .layers = 12, .width = 768, .heads = 12, .context = 1024, .vocabulary = 4096};
constexpr std::int64_t kPrompt = 32;
constexpr std::int64_t kCheckPrompt = 8;
constexpr std::int64_t kCheckTokens = 4;

std::uint64_t u64(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

// How far logits after a cache may be from those computed anew, in parts of the largest. A few rows
// may be rounded to 16 bits for eight-bit weights (ops/cpu/kernels_linear_fixed.h), and from a
// difference in the last bit on they round differently: 2e-4 over eight layers, where rounding the
// weights costs 7e-3.
double cachedLimit(Storage weights, Storage cache) {
    if (cache != Storage::kF32) return 3e-2;
    return weights == Storage::kInt8 ? 1e-3 : 1e-4;
}

class PrefillWorkload final : public Workload {
public:
    PrefillWorkload(Backend backend, const PrefillOptions& options)
        : m_backend(std::move(backend)), m_options(options) {
        if (m_options.prompt == 0) m_options.prompt = m_options.config.context;
    }

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        EngineOptions engine;
        engine.config = m_options.config;
        engine.weights = m_options.weights;
        // In chunks, the buffers of a pass are those of a chunk; the check reads whole prompts.
        RIDGE_TRY(m_generator, GptGenerator::create(*m_ops, engine, m_options.prompt));
        m_generator->initialise(kSeed);
        m_prompt = randomTokens(m_options.prompt, m_options.config.vocabulary, kSeed + 1);
        (void)m_generator->prefill(m_prompt, m_options.chunk);
        m_ops->synchronize();
        m_logits = m_generator->logits();
        return m_ops->status();
    }
    Status status() const override { return m_ops->status(); }
    CheckResult finish() override {
        return tiny::sameAsBefore("logits after the timed steps and before", m_generator->logits(), m_logits);
    }
    CheckResult check() override {
        const std::int64_t rows = m_options.chunk > 0 ? m_options.chunk : m_options.prompt;
        const std::int64_t c = m_options.config.width;
        return checkAll({[&] { return checkLinear(*m_ops, rows, 3 * c, c, m_options.weights); },
                         [&] { return checkStoredModel(*m_ops, m_options.weights, Storage::kF32); },
                         [&] { return checkTokensAgree(*m_ops, m_options.weights, Storage::kF32); },
                         [&] { return checkLogitBand(*m_ops, m_options.weights, Storage::kF32); },
                         // The cache that a prefill leaves behind serves the next tokens.
                         [&] {
                             return checkCachedDecode(
                                 *m_generator, std::min<std::int64_t>(m_options.prompt, 256) - 3, 2,
                                 cachedLimit(m_options.weights, Storage::kF32));
                         },
                         [&] { return checkChunks(); }});
    }
    void step(std::uint64_t) override {
        (void)m_generator->prefill(m_prompt, m_options.chunk);
        m_ops->synchronize();
    }
    std::vector<Metric> report(const Timing& timing) override {
        const auto shape = m_options.config.shape();
        const std::uint64_t prompt = u64(m_options.prompt);
        const auto causal = static_cast<double>(
            formulas::prefillFlops(shape, prompt, 1, AttentionConvention::kCausal));
        const auto full = static_cast<double>(
            formulas::prefillFlops(shape, prompt, 1, AttentionConvention::kFull));
        const double seconds = timing.medianStepSeconds;
        return {{"tokens_per_s", static_cast<double>(prompt) / seconds, "1/s", Direction::kHigher},
                {"ttft", seconds, "s", Direction::kLower},
                {"flops_per_s_causal", causal / seconds, "FLOP/s", Direction::kHigher},
                {"flops_per_s_full", full / seconds, "FLOP/s", Direction::kHigher},
                {"flops_per_step_causal", causal, "FLOP", Direction::kNone},
                {"flops_per_step_full", full, "FLOP", Direction::kNone}};
    }

private:
    // At full size: a prompt in chunks ends in the same token as whole.
    CheckResult checkChunks() {
        if (m_options.chunk == 0) return {true, "the prompt is read whole"};
        const std::int32_t whole = m_generator->prefill(m_prompt);
        const std::int32_t pieces = m_generator->prefill(m_prompt, m_options.chunk);
        return {whole == pieces, "the token after the prompt in chunks and whole: " +
                                     std::to_string(pieces) + " and " + std::to_string(whole)};
    }

    Backend m_backend;
    PrefillOptions m_options;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<GptGenerator> m_generator;
    std::vector<std::int32_t> m_prompt;
    std::vector<float> m_logits;  // of the prompt, before anything was timed
};

class DecodeWorkload final : public Workload {
public:
    DecodeWorkload(Backend backend, const DecodeOptions& options)
        : m_backend(std::move(backend)), m_options(options) {}

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        const std::int64_t longest = std::max(m_options.prompt, kCheckPrompt + kCheckTokens);
        EngineOptions engine;
        engine.config = m_options.config;
        engine.weights = m_options.weights;
        engine.cache = m_options.cache;
        engine.block = m_options.block;
        engine.sequences = m_options.batch;
        RIDGE_TRY(m_generator, GptGenerator::create(*m_ops, engine, longest));
        m_generator->initialise(kSeed);
        RIDGE_TRY_STATUS(restart());
        m_bandwidth.measure(m_generator->engine());
        return m_ops->status();
    }
    CheckResult check() override {
        const double limit = cachedLimit(m_options.weights, m_options.cache);
        const CheckResult result = checkAll(
            {[&] {
                 const std::int64_t c = m_options.config.width;
                 return checkLinear(*m_ops, m_options.batch, std::min<std::int64_t>(c, 512), c,
                                    m_options.weights);
             },
             [&] { return checkStoredModel(*m_ops, m_options.weights, m_options.cache); },
             [&] { return checkTokensAgree(*m_ops, m_options.weights, Storage::kF32); },
             [&] { return checkLogitBand(*m_ops, m_options.weights, m_options.cache); },
             [&] { return checkGraph(); },
             [&] { return checkCachedDecode(*m_generator, kCheckPrompt, kCheckTokens, limit); }});
        if (const Status status = restart(); !status.ok()) return {false, status.error().message};
        return result;
    }
    void step(std::uint64_t) override {
        if (m_generator->position() == m_options.config.context)
            m_generator->rewind(m_options.prompt);
        m_contexts.push_back(m_generator->position() + 1);
        const bool first = m_logits.empty();
        if (first) m_firstTokens = m_next;
        const auto next = m_generator->decodeAll(m_next);
        std::copy(next.begin(), next.end(), m_next.begin());
        m_ops->synchronize();
        if (first) m_logits = m_generator->logits();
    }
    Status status() const override { return m_ops->status(); }
    // The first token again, over the prompt's cache that all steps have read.
    CheckResult finish() override {
        m_generator->rewind(m_options.prompt);
        const auto next = m_generator->decodeAll(m_firstTokens);
        m_next.assign(next.begin(), next.end());
        m_ops->synchronize();
        const CheckResult same = tiny::sameAsBefore("logits of the first token after the timed steps and before", m_generator->logits(), m_logits);
        if (!same.passed) return same;
        return m_bandwidth.measureAgain(m_generator->engine());
    }
    std::vector<Metric> report(const Timing& timing) override {
        const auto shape = m_options.config.shape();
        // Exact for the mean: bytes are linear in the context. Of the timed steps, which are the
        // last ones: contexts of the warm-up are shorter.
        const auto timed = std::min<std::int64_t>(timing.steps, std::ssize(m_contexts));
        const double context = std::accumulate(m_contexts.end() - timed, m_contexts.end(), 0.0) /
                               static_cast<double>(std::max<std::int64_t>(1, timed));
        const auto weights = static_cast<double>(formulas::weightBytes(shape, m_options.weights));
        const auto perToken =
            static_cast<double>(formulas::kvBytesPerToken(shape, m_options.cache));
        const auto batch = static_cast<double>(m_options.batch);
        const double bytes = weights + batch * context * perToken;
        const double seconds = timing.medianStepSeconds;
        const std::int64_t held = m_options.block > 0 ? m_options.block : m_options.config.context;
        std::vector<Metric> made{
            {"tokens_per_s", batch / seconds, "1/s", Direction::kHigher},
            {"tpot", seconds, "s", Direction::kLower},
            {"bytes_per_s", bytes / seconds, "B/s", Direction::kHigher},
            {"mbu", bytes / seconds / m_bandwidth.best(), "1", Direction::kHigher},
            {"read_bandwidth", m_bandwidth.best(), "B/s", Direction::kNone},
            {"bytes_per_step", bytes, "B", Direction::kNone},
            {"weight_bytes", weights, "B", Direction::kNone},
            {"kv_bytes_per_token", perToken, "B", Direction::kNone},
            {"kv_utilisation",
             formulas::pagedUtilisation(static_cast<std::uint64_t>(context), u64(held)), "1",
             Direction::kHigher},
            {"mean_context", context, "1", Direction::kNone}};
        if (m_options.graph)
            made.push_back({"graph_nodes",
                            static_cast<double>(m_generator->engine().recordedNodes()), "1",
                            Direction::kNone});
        return made;
    }

private:
    CheckResult checkGraph() {
        if (!m_options.graph) return {true, "no graph"};
        const CheckResult tiny = checkRecordedDecode(*m_ops, m_options.weights, m_options.cache);
        // Places in the cache may have moved in the checks before.
        if (const Status status = restart(); !status.ok()) return {false, status.error().message};
        return tiny;
    }
    Status restart() {
        std::vector<std::vector<std::int32_t>> prompts;
        for (std::int64_t i = 0; i < m_options.batch; ++i)
            prompts.push_back(
                randomTokens(m_options.prompt, m_options.config.vocabulary, kSeed + 1 + u64(i)));
        const auto first = m_generator->prefillAll(prompts);
        m_next.assign(first.begin(), first.end());
        if (m_options.graph) RIDGE_TRY_STATUS(m_generator->recordDecode());
        m_ops->synchronize();
        m_contexts.clear();
        m_logits.clear();
        return m_ops->status();
    }

    Backend m_backend;
    DecodeOptions m_options;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<GptGenerator> m_generator;
    ReadBandwidth m_bandwidth;
    std::vector<std::int32_t> m_next;
    std::vector<std::int32_t> m_firstTokens;  // what the first step after the check read, and gave
    std::vector<float> m_logits;
    std::vector<std::int64_t> m_contexts;  // of each step since the check, the new token included
};

using Presets = std::vector<std::string>;
const Presets kAlways{"smoke", "standard", "full"};
const Presets kStandard{"standard", "full"};
const Presets kFull{"full"};

WorkloadSpec prefillSpec(const Backend& backend, const std::string& variant,
                         const PrefillOptions& options, Presets presets, std::int64_t steps) {
    const std::int64_t prompt = options.prompt > 0 ? options.prompt : options.config.context;
    WorkloadSpec spec;
    spec.name = "infer.prefill/" + variant;
    spec.params = {{"backend", backend.name},
                   {"dtype", formulas::name(options.weights)},
                   {"model", options.config.text()},
                   {"prompt", std::to_string(prompt)},
                   {"batch", "1"}};
    if (options.chunk > 0) spec.params["chunk"] = std::to_string(options.chunk);
    spec.presets = std::move(presets);
    spec.expected = {"compute_bound", "compute"};
    spec.steps = steps;
    spec.create = [backend, options] { return makePrefillWorkload(backend, options); };
    return spec;
}

WorkloadSpec decodeSpec(const Backend& backend, const std::string& variant,
                        const DecodeOptions& options, Presets presets, std::int64_t steps) {
    WorkloadSpec spec;
    spec.name = "infer.decode/" + variant;
    spec.params = {
        {"backend", backend.name},
        {"dtype", formulas::name(options.weights)},
        {"cache_dtype", formulas::name(options.cache)},
        {"model", options.config.text()},
        {"prompt", std::to_string(options.prompt)},
        {"batch", std::to_string(options.batch)},
        {"cache", options.block == 0 ? "contiguous" : "paged " + std::to_string(options.block)}};
    if (backend.accelerator) spec.params["graph"] = options.graph ? "on" : "off";
    spec.presets = std::move(presets);
    // 2 b / s FLOP per byte of weights against ridge points of 6 to 13 that were seen: far enough
    // on either side.
    const double intensity = 2.0 * static_cast<double>(options.batch) /
                             (options.weights == Storage::kF32    ? 4.0
                              : options.weights == Storage::kBf16 ? 2.0
                              : options.weights == Storage::kInt8 ? 1.0625
                                                                  : 0.5625);
    // On a GPU they are beyond 100 FLOP per byte: no batch here reaches that.
    if (options.starts)
        spec.expected = {"latency_bound", options.graph ? "none" : "launch"};
    else if (intensity > 16 && !backend.accelerator)
        spec.expected = {"compute_bound", "compute"};
    else if (options.weights == Storage::kInt4 && !backend.accelerator && !cpu::hasWideVectors())
        // Unpacking has too few lanes to go as fast as memory: 0.28 of its roof was seen, where
        // eight bits reach 0.5 and more.
        spec.expected = {"latency_bound", "none"};
    else
        spec.expected = {"memory_wall", "memory_bandwidth"};
    spec.warmupSteps = 5;
    spec.steps = steps;
    spec.create = [backend, options] { return makeDecodeWorkload(backend, options); };
    return spec;
}

}  // namespace

std::unique_ptr<Workload> makePrefillWorkload(const Backend& backend,
                                              const PrefillOptions& options) {
    return std::make_unique<PrefillWorkload>(backend, options);
}

std::unique_ptr<Workload> makeDecodeWorkload(const Backend& backend, const DecodeOptions& options) {
    return std::make_unique<DecodeWorkload>(backend, options);
}

std::vector<WorkloadSpec> inferSpecs(const Backend& backend) {
    std::vector<WorkloadSpec> specs;
    const auto prefill = [&](const std::string& variant, Presets presets, std::int64_t steps,
                             auto&& change) {
        PrefillOptions options;
        options.config = backend.accelerator ? kAcceleratorPrefill : kPrefill;
        change(options);
        specs.push_back(prefillSpec(backend, variant, options, std::move(presets), steps));
    };
    prefill("fp32", kAlways, 20, [](PrefillOptions&) {});
    prefill("fp32.p128", kFull, 30, [](PrefillOptions& o) { o.prompt = 128; });
    prefill("fp32.p1024", kStandard, 5, [](PrefillOptions& o) { o.config.context = 1024; });
    prefill("fp32.p1024.chunked", kStandard, 5, [](PrefillOptions& o) {
        o.config.context = 1024;
        o.chunk = 128;
    });
    prefill("fp32.p2048", kFull, 3, [](PrefillOptions& o) { o.config.context = 2048; });
    prefill("int8", kStandard, 10, [](PrefillOptions& o) { o.weights = Storage::kInt8; });

    const auto decode = [&](const std::string& variant, Presets presets, std::int64_t steps,
                            auto&& change) {
        DecodeOptions options;
        options.config = backend.accelerator ? kAcceleratorDecode : kDecode;
        options.prompt = kPrompt;
        change(options);
        specs.push_back(decodeSpec(backend, variant, options, std::move(presets), steps));
    };
    decode("fp32", kAlways, 100, [](DecodeOptions&) {});
    decode("bf16", kStandard, 100, [](DecodeOptions& o) { o.weights = Storage::kBf16; });
    decode("int8", kStandard, 150, [](DecodeOptions& o) { o.weights = Storage::kInt8; });
    decode("int4", kStandard, 200, [](DecodeOptions& o) { o.weights = Storage::kInt4; });
    decode("fp32.paged", kStandard, 60, [](DecodeOptions& o) { o.block = 16; });
    decode("fp32.b4", kFull, 30, [](DecodeOptions& o) { o.batch = 4; });
    decode("fp32.b8", kStandard, 30, [](DecodeOptions& o) { o.batch = 8; });
    decode("fp32.b64", kStandard, 10, [](DecodeOptions& o) {
        o.batch = 64;
        o.prompt = 16;
        o.config.context = 64;
    });
    decode("int8.b64", kFull, 10, [](DecodeOptions& o) {
        o.batch = 64;
        o.prompt = 16;
        o.config.context = 64;
        o.weights = Storage::kInt8;
    });
    if (backend.accelerator) {
        decode("int4.graph", kStandard, 200, [](DecodeOptions& o) {
            o.weights = Storage::kInt4;
            o.graph = true;
        });
        for (const bool graph : {false, true})
            decode(graph ? "bf16.small.graph" : "bf16.small", kStandard, 300,
                   [graph](DecodeOptions& o) {
                       o.config = kAcceleratorSmallDecode;
                       o.weights = Storage::kBf16;
                       o.starts = true;
                       o.graph = graph;
                   });
        WorkloadSpec& slow = specs[specs.size() - 2];
        slow.fasterVariant = specs.back().name;
        slow.change = "no_launch_cost";
    }
    // Long enough that the cache is a good part of what a step reads.
    for (const Storage cache : {Storage::kF32, Storage::kBf16, Storage::kInt8})
        decode(std::string("int8.b2.paged.kv-") + formulas::name(cache),
               cache == Storage::kInt8 ? kStandard : kFull, 40, [cache](DecodeOptions& o) {
                   o.batch = 2;
                   o.block = 16;
                   o.prompt = 256;
                   o.config.context = 512;
                   o.weights = Storage::kInt8;
                   o.cache = cache;
               });
    return specs;
}

}  // namespace ridge::workloads
