// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/runner.h"

#include "base/file.h"
#include "workloads/harness/bare_name_reporter.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <ridge/work.h>
#include <stdexcept>

namespace ridge::workloads {
namespace {

const char* directionName(Metric::Direction direction) {
    switch (direction) {
        case Metric::Direction::kLower:
            return "lower";
        case Metric::Direction::kHigher:
            return "higher";
        case Metric::Direction::kNone:
            break;
    }
    return "none";
}

nlohmann::ordered_json runToJson(const Run& run) {
    nlohmann::ordered_json json{{"steps", run.stepSeconds.size()},
                                {"step_seconds", run.stepSeconds}};
    auto metrics = nlohmann::ordered_json::array();
    for (const Metric& metric : run.metrics)
        metrics.push_back({{"name", metric.name},
                           {"value", metric.value},
                           {"unit", metric.unit},
                           {"direction", directionName(metric.direction)}});
    json["metrics"] = std::move(metrics);
    return json;
}

}  // namespace

int exitCodeOf(const Outcomes& outcomes) {
    if (outcomes.failed > 0) return exitCodeFor(ErrorCode::kMeasurement);
    return outcomes.ran == 0 && outcomes.skipped > 0 ? exitCodeFor(ErrorCode::kUnsupported) : 0;
}

Runner::Runner(const std::vector<WorkloadSpec>& specs, std::vector<std::size_t> selected,
               const Options& options, Communicator* communicator)
    : m_specs(specs),
      m_selected(std::move(selected)),
      m_options(options),
      m_communicator(communicator) {}

// One variant lives at a time, except when Google Benchmark interleaves repetitions: preparing anew
// for each would double the run. Rank 0 and its followers see the same sequence, so they agree.
Variant& Runner::variantFor(std::size_t spec) {
    if (!m_options.interleaved)
        std::erase_if(m_variants, [spec](const auto& entry) { return entry.first != spec; });
    auto& variant = m_variants[spec];
    if (!variant) variant = std::make_unique<Variant>(m_specs[spec], m_communicator);
    return *variant;
}

Status Runner::send(Command command) {
    if (!m_communicator) return {};
    return m_communicator->controlBroadcast(&command, sizeof command, 0);
}

template <typename State>
void Runner::runBody(State& state, std::size_t spec) {
    Record& record = m_records[spec];
    const auto fail = [&](const std::string& text) {
        record.readiness = Readiness::kFailed;
        record.text = text;
        state.SkipWithError(text.c_str());
    };
    if (const Status sent = send(
            {static_cast<std::int64_t>(spec), static_cast<std::int64_t>(state.max_iterations)});
        !sent.ok())
        return fail(sent.error().message);
    try {
        Variant& variant = variantFor(spec);
        const Readiness readiness = variant.makeReady();
        if (readiness == Readiness::kFailed) return fail(variant.text());
        record.readiness = readiness;
        record.text = variant.text();
        if (readiness == Readiness::kSkipped)
            return state.SkipWithError(("skipped: " + variant.text()).c_str());

        std::vector<double> seconds;
        seconds.reserve(static_cast<std::size_t>(state.max_iterations));
        {
            const FrameRange frame(m_specs[spec].name.c_str(), RIDGE_CATEGORY_WORKLOAD);
            variant.warmUp();
            for ([[maybe_unused]] auto iteration : state) seconds.push_back(variant.timedStep());
        }
        Run run = variant.conclude(std::move(seconds));
        if (!run.finish.passed)
            return fail("check failed after the timed steps: " + run.finish.detail);
        // Functional only: ranks that share a GPU, or the host's memory by way of one.
        const bool untimed = m_communicator && m_communicator->transport().timingValid() == 0;
        state.SetLabel((untimed ? "timing_valid=false; " : "") + variant.text());
        state.counters["step_median"] = quantile(run.stepSeconds, 0.5);
        state.counters["step_min"] = quantile(run.stepSeconds, 0.0);
        for (const Metric& metric : run.metrics) state.counters[metric.name] = metric.value;
        record.runs.push_back(std::move(run));
    } catch (const std::exception& error) {
        fail(fmt::format("{}: {}", m_specs[spec].name, error.what()));
        if (m_communicator) m_communicator->abortAll(exitCodeFor(ErrorCode::kMeasurement));
    }
}

Outcomes Runner::lead() {
    for (const std::size_t spec : m_selected) {
        auto* benchmark = benchmark::RegisterBenchmark(
            m_specs[spec].name.c_str(),
            [this, spec](benchmark::State& state) { runBody(state, spec); });
        benchmark->Unit(benchmark::kMillisecond)->UseRealTime();
        if (const std::int64_t steps = timedSteps(m_specs[spec], m_options.brief);
            steps > 0 && !m_options.minTimeGiven)
            benchmark->Iterations(steps);
    }
    const auto display = makeBareNameReporter(m_options.format);
    const auto file =
        !m_options.benchmarkOut.empty() ? makeBareNameReporter(m_options.outFormat) : nullptr;
    // Everything that is registered was selected by bare name: the filter has done its work.
    benchmark::RunSpecifiedBenchmarks(display.get(), file.get(), ".");
    benchmark::ClearRegisteredBenchmarks();
    m_variants.clear();
    if (const Status sent = send({}); !sent.ok()) return {0, 0, 1};
    Outcomes outcomes;
    for (const auto& [spec, record] : m_records) {
        outcomes.ran += record.readiness == Readiness::kReady ? 1 : 0;
        outcomes.skipped += record.readiness == Readiness::kSkipped ? 1 : 0;
        outcomes.failed += record.readiness == Readiness::kFailed ? 1 : 0;
    }
    return outcomes;
}

Status Runner::follow() {
    for (;;) {
        Command command;
        RIDGE_TRY_STATUS(m_communicator->controlBroadcast(&command, sizeof command, 0));
        if (command.spec < 0) return {};
        const auto spec = static_cast<std::size_t>(command.spec);
        Variant& variant = variantFor(spec);
        if (variant.makeReady() != Readiness::kReady) continue;
        std::vector<double> seconds;
        {
            const FrameRange frame(m_specs[spec].name.c_str(), RIDGE_CATEGORY_WORKLOAD);
            variant.warmUp();
            for (std::int64_t i = 0; i < command.steps; ++i) seconds.push_back(variant.timedStep());
        }
        const Run run = variant.conclude(std::move(seconds));
        if (!run.finish.passed) continue;  // rank 0 knows, by agreement
    }
}

Status Runner::writeResult(const std::string& path) const {
    auto list = nlohmann::ordered_json::array();
    for (const std::size_t spec : m_selected) {
        const auto found = m_records.find(spec);
        if (found == m_records.end()) continue;
        const Record& record = found->second;
        nlohmann::ordered_json entry{{"name", m_specs[spec].name}};
        entry["status"] = record.readiness == Readiness::kReady     ? "ok"
                          : record.readiness == Readiness::kSkipped ? "skipped"
                                                                    : "error";
        entry["check"] = record.readiness == Readiness::kReady     ? "passed"
                         : record.readiness == Readiness::kSkipped ? "not run"
                                                                   : "failed";
        entry["detail"] = record.text;
        entry["params"] = m_specs[spec].params;
        entry["ranks"] = m_communicator ? m_communicator->size() : m_specs[spec].ranks;
        if (m_communicator) {
            const ridge_transport_t& transport = m_communicator->transport();
            entry["transport"] = transport.name();
            entry["timing_valid"] = transport.timingValid() != 0;
        }
        auto runs = nlohmann::ordered_json::array();
        for (const Run& run : record.runs) runs.push_back(runToJson(run));
        entry["runs"] = std::move(runs);
        list.push_back(std::move(entry));
    }
    const nlohmann::ordered_json document{
        {"schema_version", "1"}, {"threads", m_options.threads}, {"workloads", list}};
    return writeFileAtomically(
        path, document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace ridge::workloads
