// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/infer.h"

#include "workloads/models/checks.h"
#include "workloads/models/gpt_generator.h"

#include <algorithm>

namespace ridge::workloads {

namespace {

using formulas::AttentionConvention;
using Direction = Metric::Direction;

constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kElementBytes = 4;
constexpr GptConfig kPrefill{
    .layers = 8, .width = 512, .heads = 8, .context = 256, .vocabulary = 4096};
constexpr GptConfig kDecode{
    .layers = 8, .width = 1024, .heads = 16, .context = 256, .vocabulary = 256};
constexpr std::int64_t kPrompt = 32;
constexpr std::int64_t kCheckPrompt = 8;
constexpr std::int64_t kCheckTokens = 6;

class PrefillWorkload final : public Workload {
public:
    PrefillWorkload(Backend backend, const GptConfig& config)
        : m_backend(std::move(backend)), m_config(config) {}

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        RIDGE_TRY(m_generator, GptGenerator::create(*m_ops, m_config, m_config.context));
        m_generator->initialise(kSeed);
        m_prompt = randomTokens(m_config.context, m_config.vocabulary, kSeed + 1);
        (void)m_generator->prefill(m_prompt);
        m_ops->synchronize();
        return m_ops->status();
    }
    CheckResult check() override {
        const std::int64_t rows = m_config.context;
        return checkAll({[&] {
                             return checkGemm(*m_ops, {GemmLayout::kNT, rows, 3 * m_config.width,
                                                       m_config.width});
                         },
                         [&] { return checkTinyGeneration(*m_ops); },
                         // The cache that a prefill leaves behind serves the next tokens.
                         [&] { return checkCachedDecode(*m_generator, m_config.context - 3, 2); }});
    }
    void step(std::uint64_t) override {
        (void)m_generator->prefill(m_prompt);
        m_ops->synchronize();
    }
    std::vector<Metric> report(const Timing& timing) override {
        const auto prompt = static_cast<std::uint64_t>(m_config.context);
        const auto causal = static_cast<double>(
            formulas::prefillFlops(m_config.shape(), prompt, 1, AttentionConvention::kCausal));
        const auto full = static_cast<double>(
            formulas::prefillFlops(m_config.shape(), prompt, 1, AttentionConvention::kFull));
        const double seconds = timing.medianStepSeconds;
        return {{"tokens_per_s", static_cast<double>(prompt) / seconds, "1/s", Direction::kHigher},
                {"ttft", seconds, "s", Direction::kLower},
                {"flops_per_s_causal", causal / seconds, "FLOP/s", Direction::kHigher},
                {"flops_per_s_full", full / seconds, "FLOP/s", Direction::kHigher},
                {"flops_per_step_causal", causal, "FLOP", Direction::kNone},
                {"flops_per_step_full", full, "FLOP", Direction::kNone}};
    }

private:
    Backend m_backend;
    GptConfig m_config;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<GptGenerator> m_generator;
    std::vector<std::int32_t> m_prompt;
};

class DecodeWorkload final : public Workload {
public:
    DecodeWorkload(Backend backend, const GptConfig& config, std::int64_t prompt)
        : m_backend(std::move(backend)), m_config(config), m_promptLength(prompt) {}

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        const std::int64_t longest = std::max(m_promptLength, kCheckPrompt + kCheckTokens);
        RIDGE_TRY(m_generator, GptGenerator::create(*m_ops, m_config, longest));
        m_generator->initialise(kSeed);
        restart();
        return m_ops->status();
    }
    CheckResult check() override {
        const CheckResult result =
            checkAll({[&] { return checkTinyGeneration(*m_ops); },
                      [&] { return checkCachedDecode(*m_generator, kCheckPrompt, kCheckTokens); }});
        restart();
        return result;
    }
    void step(std::uint64_t) override {
        if (m_generator->position() == m_config.context) m_generator->rewind(m_promptLength);
        m_contextSum += static_cast<std::uint64_t>(m_generator->position()) + 1;
        ++m_steps;
        m_next = m_generator->decode(m_next);
        m_ops->synchronize();
    }
    std::vector<Metric> report(const Timing& timing) override {
        // Exact for the mean: bytes are linear in the context.
        const double context = static_cast<double>(m_contextSum) /
                               static_cast<double>(std::max<std::uint64_t>(1, m_steps));
        const auto weights = static_cast<double>(
            formulas::decodeStepBytes(m_config.shape(), 1, 0, kElementBytes, kElementBytes));
        const auto perToken =
            static_cast<double>(formulas::kvBytesPerToken(m_config.shape(), kElementBytes));
        const double bytes = weights + context * perToken;
        const double seconds = timing.medianStepSeconds;
        return {{"tokens_per_s", 1.0 / seconds, "1/s", Direction::kHigher},
                {"tpot", seconds, "s", Direction::kLower},
                {"bytes_per_s", bytes / seconds, "B/s", Direction::kHigher},
                {"bytes_per_step", bytes, "B", Direction::kNone},
                {"weight_bytes", weights, "B", Direction::kNone},
                {"kv_bytes_per_token", perToken, "B", Direction::kNone},
                {"mean_context", context, "1", Direction::kNone}};
    }

private:
    void restart() {
        m_next = m_generator->prefill(randomTokens(m_promptLength, m_config.vocabulary, kSeed + 1));
        m_ops->synchronize();
        m_contextSum = 0;
        m_steps = 0;
    }

    Backend m_backend;
    GptConfig m_config;
    std::int64_t m_promptLength;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<GptGenerator> m_generator;
    std::int32_t m_next = 0;
    std::uint64_t m_contextSum = 0;
    std::uint64_t m_steps = 0;
};

}  // namespace

std::unique_ptr<Workload> makePrefillWorkload(const Backend& backend, const GptConfig& config) {
    return std::make_unique<PrefillWorkload>(backend, config);
}

std::unique_ptr<Workload> makeDecodeWorkload(const Backend& backend, const GptConfig& config,
                                             std::int64_t prompt) {
    return std::make_unique<DecodeWorkload>(backend, config, prompt);
}

std::vector<WorkloadSpec> inferSpecs(const Backend& backend) {
    WorkloadSpec prefill;
    prefill.name = "infer.prefill/fp32";
    prefill.params = {{"backend", backend.name},
                      {"dtype", "fp32"},
                      {"model", kPrefill.text()},
                      {"prompt", std::to_string(kPrefill.context)},
                      {"batch", "1"}};
    prefill.presets = {"smoke", "standard", "full"};
    prefill.expected = {"compute_bound", "compute"};
    prefill.steps = 20;
    prefill.create = [backend] { return makePrefillWorkload(backend, kPrefill); };

    WorkloadSpec decode;
    decode.name = "infer.decode/fp32";
    decode.params = {
        {"backend", backend.name},           {"dtype", "fp32"}, {"model", kDecode.text()},
        {"prompt", std::to_string(kPrompt)}, {"batch", "1"},    {"cache", "contiguous"}};
    decode.presets = {"smoke", "standard", "full"};
    decode.expected = {"memory_wall", "memory_bandwidth"};
    decode.warmupSteps = 5;
    decode.steps = 100;
    decode.create = [backend] { return makeDecodeWorkload(backend, kDecode, kPrompt); };
    return {prefill, decode};
}

}  // namespace ridge::workloads
