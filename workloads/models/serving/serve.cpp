// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/serving/serve.h"

#include "workloads/models/checks_generation.h"
#include "workloads/models/serving/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace ridge::workloads::serving {

namespace {

using Direction = Metric::Direction;
using Answers = std::vector<std::vector<std::int32_t>>;

constexpr std::uint64_t kSeed = 1;
constexpr std::int64_t kContext = 256;
// Few wide layers: 103 MB of weights that no cache holds, and products long enough that starting them
// and what lies between them is a small part.
constexpr GptConfig kModel{
    .layers = 2, .width = 1024, .heads = 16, .context = kContext, .vocabulary = 512};
// Decoding b rows is 2 b / 4 FLOP for each byte of weights, against ridge points of 6 to 13 that were
// seen: 4 rows are well below, 8 within reach of both roofs. A chunk beside them stays near the ridge
// point: what it adds to a pass is what memory leaves of the processor.
constexpr std::int64_t kBatch = 4;
constexpr std::int64_t kChunk = 8;
// Passes of a gigabyte and more of weights, and more requests, since each takes a tenth of the time.
constexpr GptConfig kAcceleratorModel{
    .layers = 12, .width = 2048, .heads = 16, .context = kContext, .vocabulary = 4096};
constexpr std::int64_t kAcceleratorBatch = 8;
constexpr std::int64_t kAcceleratorRequests = 64;
// What stands for a model in virtual time: seconds per pass, per row, and per cached token read.
// The shape of an accelerator: a pass costs its weights, rows are cheap.
constexpr double kPassSeconds = 4e-3;
constexpr double kRowSeconds = 40e-6;
constexpr double kTokenSeconds = 0.5e-6;

double virtualCost(std::span<const Scheduler::Part> plan) {
    double seconds = kPassSeconds;
    for (const Scheduler::Part& part : plan)
        seconds += kRowSeconds * static_cast<double>(part.tokens) +
                   kTokenSeconds * static_cast<double>(part.position + part.tokens);
    return seconds;
}

void addPercentiles(std::vector<Metric>& metrics, const std::string& name,
                    const Percentiles& values, bool judged) {
    const Direction direction = judged ? Direction::kLower : Direction::kNone;
    metrics.push_back({name + "_p50", values.p50, "s", direction});
    metrics.push_back({name + "_p95", values.p95, "s", direction});
    metrics.push_back({name + "_p99", values.p99, "s", direction});
}

class ServeWorkload final : public Workload {
public:
    ServeWorkload(Backend backend, const ServeOptions& options)
        : m_backend(std::move(backend)), m_options(options), m_trace(makeTrace(options.trace)) {}

    Status prepare() override {
        if (m_options.virtualTime) return {};
        RIDGE_TRY(m_ops, m_backend.make());
        EngineOptions engine;
        engine.config = m_options.config;
        engine.sequences = m_options.policy.maxBatch;
        engine.maxRows = m_options.policy.maxRows;
        engine.block = m_options.policy.block;
        engine.blocks = m_options.policy.blocks;
        RIDGE_TRY(m_engine, GptEngine::create(*m_ops, engine));
        m_engine->initialise(kSeed);
        m_truth = alone();
        if (m_options.load > 0) arriveAtShareOfCapacity();
        return m_ops->status();
    }
    CheckResult check() override {
        // Twice the same trace in virtual time gives the same times to the last bit.
        const auto once = run(virtualClock());
        const auto again = run(virtualClock());
        for (std::size_t i = 0; i < once.outcomes.size(); ++i)
            if (once.outcomes[i].tokens != again.outcomes[i].tokens)
                return {false, fmt::format("request {}: virtual times differ between runs", i)};
        if (m_options.virtualTime)
            return {true, fmt::format("{} requests twice in virtual time: equal to the last bit",
                                      m_trace.size())};
        return checkAll({[&] { return checkStoredModel(*m_ops, Storage::kF32, Storage::kF32); },
                         [&] { return checkTokensAgree(*m_ops, Storage::kF32, Storage::kF32); },
                         [&] { return checkAnswers(); }});
    }
    void step(std::uint64_t index) override {
        Run done;
        if (m_options.virtualTime) {
            const WorkRange phase("schedule");
            for (int i = 0; i < kVirtualRepeats; ++i) done = run(virtualClock());
        } else {
            EngineClock clock(*m_engine, m_trace);
            done = run(clock);
            if (clock.answers() != m_truth) m_wrong = true;
        }
        if (index == 0) return;  // the warm-up
        m_runs.push_back(std::move(done));
    }
    Status status() const override { return m_ops ? m_ops->status() : Status(); }
    CheckResult finish() override {
        if (m_wrong) return {false, "an answer differs from that of the request served alone"};
        return {true, {}};
    }
    std::vector<Metric> report(const Timing&) override {
        // Median run by duration: percentiles of one real run, not averages of several.
        std::sort(m_runs.begin(), m_runs.end(), [](const Run& a, const Run& b) {
            return a.occupancy.duration < b.occupancy.duration;
        });
        const Run& run = m_runs[m_runs.size() / 2];
        const ServingReport report =
            summarise(m_trace, run.outcomes, run.occupancy.duration, m_options.limits);
        const auto blocks = static_cast<double>(m_options.policy.blocks);
        std::vector<Metric> metrics{
            {"goodput", report.goodput, "1/s", Direction::kHigher},
            {"requests_per_s", report.requestsPerSecond, "1/s", Direction::kHigher},
            {"tokens_per_s", report.outputTokensPerSecond, "1/s", Direction::kHigher},
            {"total_tokens_per_s", report.totalTokensPerSecond, "1/s", Direction::kNone},
            {"duration", run.occupancy.duration, "s", Direction::kNone}};
        if (m_capacity > 0) {
            metrics.push_back({"capacity", m_capacity, "1/s", Direction::kHigher});
            metrics.push_back({"offered_rate", m_options.load * m_capacity, "1/s",
                               Direction::kNone});
        }
        addPercentiles(metrics, "ttft", report.ttft, true);
        addPercentiles(metrics, "tpot", report.tpot, true);
        addPercentiles(metrics, "itl", report.itl, true);
        addPercentiles(metrics, "e2e", report.e2e, true);
        addPercentiles(metrics, "queued", report.queued, false);
        const std::vector<Metric> rest{
            {"queue_depth_mean", run.occupancy.meanWaiting, "1", Direction::kNone},
            {"queue_depth_max", static_cast<double>(run.occupancy.mostWaiting), "1",
             Direction::kNone},
            {"kv_occupancy_mean", run.occupancy.meanHeldBlocks / blocks, "1", Direction::kNone},
            {"kv_occupancy_max", static_cast<double>(run.occupancy.mostHeldBlocks) / blocks, "1",
             Direction::kNone},
            {"kv_utilisation", run.occupancy.meanLiveShare, "1", Direction::kHigher},
            {"passes", static_cast<double>(run.occupancy.passes), "1", Direction::kNone},
            {"padded_tokens", static_cast<double>(run.padded), "1", Direction::kLower},
            {"prefix_tokens_reused", static_cast<double>(run.reused), "1", Direction::kNone},
            {"peak_concurrency", static_cast<double>(report.peakConcurrency), "1",
             Direction::kNone}};
        metrics.insert(metrics.end(), rest.begin(), rest.end());
        return metrics;
    }

private:
    static constexpr int kVirtualRepeats = 20;

    struct Run {
        std::vector<Outcome> outcomes;
        Occupancy occupancy;
        std::int64_t padded = 0, reused = 0;
    };

    static VirtualClock virtualClock() { return VirtualClock(virtualCost); }
    Run run(Clock&& clock) { return run(clock); }
    Run run(Clock& clock) {
        Scheduler scheduler(m_options.policy, m_trace);
        Run done;
        done.occupancy = serve(scheduler, clock, m_options.policy);
        done.outcomes.assign(scheduler.outcomes().begin(), scheduler.outcomes().end());
        done.padded = scheduler.paddedTokens();
        done.reused = scheduler.reusedTokens();
        return done;
    }

    // Each request by itself: no batch, no chunks, no shared prefix.
    Answers alone() {
        Answers answers(m_trace.size());
        std::vector<std::int32_t> blocks(static_cast<std::size_t>(m_engine->blocksPerSequence()));
        for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::int32_t>(i);
        for (std::size_t i = 0; i < m_trace.size(); ++i) {
            std::vector<std::int32_t> tokens =
                promptTokens(m_trace[i], i, m_options.config.vocabulary);
            std::size_t at = 0;
            while (std::ssize(answers[i]) < m_trace[i].output) {
                const GptEngine::Item item{std::span(tokens).subspan(at),
                                           static_cast<std::int64_t>(at), blocks};
                const std::int32_t next = m_engine->pass({&item, 1}).front();
                at = tokens.size();
                tokens.push_back(next);
                answers[i].push_back(next);
            }
        }
        return answers;
    }

    [[nodiscard]] std::vector<Request> hurriedTrace() const {
        std::vector<Request> hurried = m_trace;
        for (Request& request : hurried) request.arrival = 0;
        return hurried;
    }

    // The faster of two runs: the first also warms caches and the library.
    void arriveAtShareOfCapacity() {
        const std::vector<Request> hurried = hurriedTrace();
        for (int i = 0; i < 2; ++i) {
            Scheduler scheduler(m_options.policy, hurried);
            EngineClock clock(*m_engine, hurried);
            const double seconds = serve(scheduler, clock, m_options.policy).duration;
            if (seconds > 0)
                m_capacity = std::max(m_capacity, static_cast<double>(hurried.size()) / seconds);
        }
        const double rate = m_options.load * m_capacity;
        if (!(rate > 0)) return;
        for (Request& request : m_trace) request.arrival *= m_options.trace.rate / rate;
    }

    // The trace all at once, as fast as it goes, under the variant's own policy.
    CheckResult checkAnswers() {
        const std::vector<Request> hurried = hurriedTrace();
        Scheduler scheduler(m_options.policy, hurried);
        EngineClock clock(*m_engine, hurried);
        (void)serve(scheduler, clock, m_options.policy);
        if (!m_ops->status().ok()) return {false, m_ops->status().error().message};
        for (std::size_t i = 0; i < hurried.size(); ++i)
            if (clock.answers()[i] != m_truth[i])
                return {false, fmt::format("request {}: its answer depends on its batch", i)};
        return {true,
                fmt::format("{} answers equal to those of requests served alone", hurried.size())};
    }

    Backend m_backend;
    ServeOptions m_options;
    std::vector<Request> m_trace;
    double m_capacity = 0;  // requests per second, all at once
    std::unique_ptr<Operators> m_ops;
    std::unique_ptr<GptEngine> m_engine;
    Answers m_truth;
    std::vector<Run> m_runs;
    bool m_wrong = false;
};

struct Row {
    const char* name;
    Policy::Batching batching;
    std::int64_t chunk;
    bool prefix;
    double load;  // of the measured capacity; 0: all at once (the server alone sets the pace)
    double burstiness;
    bool recorded;
    bool standard;
};

constexpr auto kStatic = Policy::Batching::kStatic;
constexpr auto kContinuous = Policy::Batching::kContinuous;
constexpr Row kRows[] = {
    {"static", kStatic, 0, false, 0, 1, false, true},
    {"continuous", kContinuous, 0, false, 0, 1, false, true},
    {"continuous.chunked", kContinuous, kChunk, false, 0, 1, false, true},
    {"continuous.prefix", kContinuous, 0, true, 0, 1, false, false},
    {"poisson.load20", kContinuous, 0, false, 0.2, 1, false, false},
    {"poisson.load50", kContinuous, 0, false, 0.5, 1, false, true},
    {"poisson.load200", kContinuous, 0, false, 2, 1, false, false},
    {"bursty.load50", kContinuous, 0, false, 0.5, 0.25, false, false},
    {"recorded.load50", kContinuous, kChunk, true, 0.5, 1, true, false},
};

ServeOptions optionsOf(const Row& row, bool accelerator) {
    ServeOptions options;
    options.config = accelerator ? kAcceleratorModel : kModel;
    options.policy.batching = row.batching;
    options.policy.maxBatch = accelerator ? kAcceleratorBatch : kBatch;
    options.policy.chunk = row.chunk;
    options.policy.prefixCache = row.prefix;
    // All at once: two batches of them. Arrivals are told by more.
    options.trace.requests = row.load < 0.5 ? 8 : 16;
    if (accelerator) options.trace.requests = kAcceleratorRequests;
    if (!row.recorded) {
        options.trace.shortestPrompt = 8;
        options.trace.longestPrompt = 32;
    }
    // All at once is about batching: answers of unequal length are what static batches pad.
    if (row.load <= 0) {
        options.trace.shortestOutput = 4;
        options.trace.longestOutput = 64;
    }
    options.load = row.load;
    options.trace.rate = row.load > 0 ? 1 : 0;
    options.trace.burstiness = row.burstiness;
    if (row.prefix) options.trace.sharedShare = row.recorded ? 0.366 : 0.75;
    if (row.recorded) options.trace.lengths = TraceOptions::Lengths::kRecorded;
    options.limits = {1.0, 0.1, 0};
    return options;
}

WorkloadSpec specOf(const Backend& backend, const std::string& name, const ServeOptions& options) {
    WorkloadSpec spec;
    spec.name = "infer.serve/" + name;
    const bool fixed = options.policy.batching == kStatic;
    spec.params = {
        {"backend", backend.name},
        {"dtype", "fp32"},
        {"model", options.virtualTime ? "cost model" : options.config.text()},
        {"requests", std::to_string(options.trace.requests)},
        {"rate", options.load > 0         ? fmt::format("{:g} of capacity", options.load)
                 : options.trace.rate > 0 ? fmt::format("{:g}/s", options.trace.rate)
                                          : "all at once"},
        {"burstiness", fmt::format("{:g}", options.trace.burstiness)},
        {"batching", fixed ? "static" : "continuous"},
        {"prompts",
         options.policy.chunk > 0 ? fmt::format("chunks of {}", options.policy.chunk) : "first"},
        {"prefix_cache", options.policy.prefixCache ? "on" : "off"},
        {"batch", std::to_string(options.policy.maxBatch)},
        {"limits",
         fmt::format("ttft {:g} s, tpot {:g} s", options.limits.ttft, options.limits.tpot)}};
    spec.warmupSteps = 1;
    spec.create = [backend, options] { return makeServeWorkload(backend, options); };
    return spec;
}

}  // namespace

std::unique_ptr<Workload> makeServeWorkload(const Backend& backend, const ServeOptions& options) {
    return std::make_unique<ServeWorkload>(backend, options);
}

std::vector<WorkloadSpec> serveSpecs(const Backend& backend) {
    std::vector<WorkloadSpec> specs;
    for (const Row& row : kRows) {
        WorkloadSpec spec = specOf(backend, row.name, optionsOf(row, backend.accelerator));
        spec.presets = {"full"};
        if (row.standard) spec.presets.insert(spec.presets.begin(), "standard");
        // Decoding has most of the time; below its capacity the server waits for requests.
        if (row.load > 0 && row.load < 1)
            spec.expected = {"idle", "host"};
        else
            spec.expected = {"memory_wall", "memory_bandwidth"};
        if (spec.name == "infer.serve/continuous") spec.presets = {"smoke", "standard", "full"};
        spec.steps = 3;
        if (spec.name == "infer.serve/static") {
            spec.fasterVariant = "infer.serve/continuous";
            spec.change = "continuous_batching";
        }
        specs.push_back(std::move(spec));
    }
    for (const double burstiness : {1.0, 0.25}) {
        ServeOptions options = optionsOf(kRows[1], false);
        options.virtualTime = true;
        options.policy.maxBatch = 8;
        options.trace.requests = 500;
        options.trace.shortestPrompt = 16;
        options.trace.longestPrompt = 64;
        options.trace.rate = 60;
        options.trace.burstiness = burstiness;
        options.policy.chunk = 64;
        WorkloadSpec spec =
            specOf({}, burstiness < 1 ? "virtual.bursty" : "virtual.poisson", options);  // no model
        spec.presets = {"full"};
        spec.expected = {"host", "host"};
        spec.steps = 10;
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ridge::workloads::serving
