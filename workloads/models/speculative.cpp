// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/speculative.h"

#include "base/clock.h"
#include "workloads/formulas/efficiency.h"
#include "workloads/models/checks_generation.h"
#include "workloads/models/checks_operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ridge::workloads {

namespace {

using Direction = Metric::Direction;

constexpr std::uint64_t kSeed = 1;
constexpr GptConfig kTarget{
    .layers = 8, .width = 1024, .heads = 16, .context = 256, .vocabulary = 256};
// Half the depth of an 8-billion-parameter model, as infer.decode has it.
constexpr GptConfig kAcceleratorTarget{
    .layers = 16, .width = 4096, .heads = 32, .context = 256, .vocabulary = 4096};
constexpr std::int64_t kPlainTokens = 12;  // timed for the speed-up

double unit(std::uint64_t seed, std::uint64_t index) {
    return static_cast<double>(randomBits(seed, index) >> 11) * 0x1p-53;
}

}  // namespace

SpeculativeDecoder::SpeculativeDecoder(GptGenerator& target, GptGenerator& draft,
                                       std::vector<std::int32_t> truth, std::int64_t gamma,
                                       double acceptance, std::uint64_t seed)
    : m_target(target),
      m_draft(draft),
      m_truth(std::move(truth)),
      m_gamma(gamma),
      m_acceptance(acceptance),
      m_seed(seed),
      m_prompt(target.position()) {
    RIDGE_CHECK(std::ssize(m_truth) > gamma + 1 && draft.position() == m_prompt,
                "too little truth, or two prompts");
    m_tokens.push_back(m_truth.front());
}

bool SpeculativeDecoder::exhausted() const {
    return std::ssize(m_tokens) + m_gamma + 1 > std::ssize(m_truth);
}

void SpeculativeDecoder::restart() {
    m_target.rewind(m_prompt);
    m_draft.rewind(m_prompt);
    m_tokens.resize(1);
}

std::int64_t SpeculativeDecoder::round() {
    const auto vocabulary = static_cast<std::int32_t>(m_target.config().vocabulary);
    const std::int64_t before = m_target.position();
    m_pass.assign(1, m_tokens.back());
    {
        const WorkRange phase("draft");
        for (std::int64_t i = 0; i < m_gamma; ++i) {
            (void)m_draft.decode(m_pass.back());
            const std::int32_t right = m_truth[m_tokens.size() + static_cast<std::size_t>(i)];
            const bool agree = unit(m_seed, m_draws++) < m_acceptance;
            m_pass.push_back(agree ? right : (right + 1) % vocabulary);
        }
    }
    const auto next = m_target.verify(m_pass);
    std::size_t kept = 0;
    while (kept + 1 < m_pass.size() && next[kept] == m_pass[kept + 1]) ++kept;
    m_tokens.insert(m_tokens.end(), next.begin(),
                    next.begin() + static_cast<std::ptrdiff_t>(kept) + 1);
    // Both caches forget what was not kept; the draft has not read its own last token.
    const std::int64_t position = before + static_cast<std::int64_t>(kept) + 1;
    m_target.rewind(position);
    if (m_draft.position() > position) {
        m_draft.rewind(position);
    } else if (m_draft.position() < position) {
        (void)m_draft.decode(m_pass.back());
    }
    return static_cast<std::int64_t>(kept) + 1;
}

namespace {

class SpeculativeWorkload final : public Workload {
public:
    SpeculativeWorkload(Backend backend, const SpeculativeOptions& options)
        : m_backend(std::move(backend)), m_options(options) {}

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        EngineOptions target;
        target.config = m_options.config;
        target.wantedRows = m_options.gamma + 1;
        RIDGE_TRY(m_target, GptGenerator::create(*m_ops, target, m_options.prompt));
        EngineOptions draft;
        draft.config = m_options.config;
        draft.config.layers = m_options.draftLayers;
        RIDGE_TRY(m_draft, GptGenerator::create(*m_ops, draft, m_options.prompt));
        m_target->initialise(kSeed);
        m_draft->initialise(kSeed + 1);
        const auto prompt = randomTokens(m_options.prompt, m_options.config.vocabulary, kSeed + 2);
        (void)m_draft->prefill(prompt);
        std::vector<std::int32_t> truth{m_target->prefill(prompt)};
        // As many as the rounds of a context may need; the last ones are timed alone.
        const std::int64_t wanted = std::min(m_options.config.context - m_options.prompt,
                                             kRoundsPerContext * (m_options.gamma + 1) + 1);
        const auto decodeOne = [&](GptGenerator& generator) {
            const std::int64_t start = monotonicNs();
            const std::int32_t next = generator.decode(truth.back());
            m_ops->synchronize();
            return std::pair(next, static_cast<double>(monotonicNs() - start) / 1e9);
        };
        std::vector<double> plain, drafting;
        while (std::ssize(truth) < wanted) {
            const auto [next, seconds] = decodeOne(*m_target);
            plain.push_back(seconds);
            if (std::ssize(drafting) < kPlainTokens) {
                drafting.push_back(decodeOne(*m_draft).second);
                m_draft->rewind(m_options.prompt);
            }
            truth.push_back(next);
        }
        m_plainSeconds = medianOf(plain);
        m_draftSeconds = medianOf(drafting);
        m_target->rewind(m_options.prompt);
        m_decoder = std::make_unique<SpeculativeDecoder>(
            *m_target, *m_draft, truth, m_options.gamma, m_options.acceptance, kSeed + 3);
        m_truth = std::move(truth);
        return m_ops->status();
    }
    CheckResult check() override {
        return checkAll({[&] { return checkStoredModel(*m_ops, Storage::kF32, Storage::kF32); },
                         [&] { return checkTokensAgree(*m_ops, Storage::kF32, Storage::kF32); },
                         [&] {
                             return checkLinear(*m_ops, m_options.gamma + 1, 512,
                                                m_options.config.width, Storage::kF32);
                         }});
    }
    void step(std::uint64_t) override {
        if (m_decoder->exhausted()) m_decoder->restart();
        m_kept += m_decoder->round();
        ++m_rounds;
        m_ops->synchronize();
        const auto& tokens = m_decoder->tokens();
        m_equal = m_equal && std::equal(tokens.begin(), tokens.end(), m_truth.begin());
    }
    Status status() const override { return m_ops->status(); }
    // The text is that of plain decoding, and as many drafts were kept as the formula says, within
    // four standard errors of the drawing.
    CheckResult finish() override {
        if (!m_equal) return {false, "speculative text differs from plain greedy text"};
        const double wanted = formulas::speculativeTokens(m_options.acceptance, drafted());
        const double spread = static_cast<double>(m_options.gamma) / 2.0;
        const double allowed =
            4.0 * spread / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, m_rounds)));
        return {std::abs(perRound() - wanted) <= allowed,
                fmt::format("{:.2f} tokens per verification, {:.2f} by the formula", perRound(),
                            wanted)};
    }
    std::vector<Metric> report(const Timing& timing) override {
        const double perToken = timing.meanStepSeconds / perRound();
        return {
            {"tokens_per_s", 1.0 / perToken, "1/s", Direction::kHigher},
            {"tpot", perToken, "s", Direction::kLower},
            {"tokens_per_verify", perRound(), "1", Direction::kHigher},
            {"tokens_per_verify_formula",
             formulas::speculativeTokens(m_options.acceptance, drafted()), "1", Direction::kNone},
            {"draft_cost", m_draftSeconds / m_plainSeconds, "1", Direction::kLower},
            {"plain_tpot", m_plainSeconds, "s", Direction::kNone},
            {"speedup", m_plainSeconds / perToken, "1", Direction::kHigher},
            {"speedup_formula",
             formulas::speculativeSpeedup(m_options.acceptance, drafted(),
                                          m_draftSeconds / m_plainSeconds),
             "1", Direction::kNone}};
    }

private:
    static constexpr std::int64_t kRoundsPerContext = 12;

    static double medianOf(std::vector<double> values) {
        std::sort(values.begin(), values.end());
        return values[values.size() / 2];
    }
    [[nodiscard]] std::uint64_t drafted() const {
        return static_cast<std::uint64_t>(m_options.gamma);
    }
    [[nodiscard]] double perRound() const {
        return static_cast<double>(m_kept) /
               static_cast<double>(std::max<std::int64_t>(1, m_rounds));
    }

    Backend m_backend;
    SpeculativeOptions m_options;
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<GptGenerator> m_target, m_draft;
    std::unique_ptr<SpeculativeDecoder> m_decoder;
    std::vector<std::int32_t> m_truth;
    double m_plainSeconds = 1, m_draftSeconds = 1;
    std::int64_t m_kept = 0, m_rounds = 0;
    bool m_equal = true;
};

}  // namespace

std::unique_ptr<Workload> makeSpeculativeWorkload(const Backend& backend,
                                                  const SpeculativeOptions& options) {
    return std::make_unique<SpeculativeWorkload>(backend, options);
}

std::vector<WorkloadSpec> speculativeSpecs(const Backend& backend) {
    struct Row {
        std::int64_t gamma;
        double acceptance;
        bool standard;
    };
    std::vector<WorkloadSpec> specs;
    for (const Row& row : {Row{1, 0.8, false}, Row{2, 0.8, false}, Row{4, 0.5, false},
                           Row{4, 0.8, true}, Row{4, 0.95, false}, Row{8, 0.8, false}}) {
        WorkloadSpec spec;
        spec.name = fmt::format("infer.spec/g{}.a{:.0f}", row.gamma, 100 * row.acceptance);
        SpeculativeOptions options;
        options.config = backend.accelerator ? kAcceleratorTarget : kTarget;
        options.gamma = row.gamma;
        options.acceptance = row.acceptance;
        spec.params = {{"backend", backend.name},
                       {"dtype", "fp32"},
                       {"model", options.config.text()},
                       {"draft_layers", std::to_string(options.draftLayers)},
                       {"gamma", std::to_string(row.gamma)},
                       {"acceptance", fmt::format("{:.2f}", row.acceptance)}};
        spec.presets = {"full"};
        if (row.standard) spec.presets = {"smoke", "standard", "full"};
        spec.expected = {"memory_wall", "memory_bandwidth"};
        spec.steps = 20;
        spec.create = [backend, options] { return makeSpeculativeWorkload(backend, options); };
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ridge::workloads
