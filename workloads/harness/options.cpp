// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace ridge::workloads {
namespace {

constexpr std::string_view kBenchmarkPrefix = "--benchmark_";

Error usage(const std::string& what) {
    return {ErrorCode::kBadInput, what + " (see --help)"};
}

// The value of "--name=value"; nothing when the argument is another flag.
std::optional<std::string> valueOf(const std::string& argument, std::string_view name) {
    if (!argument.starts_with(name) || argument.size() <= name.size() ||
        argument[name.size()] != '=')
        return std::nullopt;
    return argument.substr(name.size() + 1);
}

// As Google Benchmark reads its booleans: bare, or =true, =yes, =on, =1.
bool isSwitchedOn(const std::string& argument, std::string_view name) {
    if (argument == name) return true;
    const auto value = valueOf(argument, name);
    return value && (*value == "true" || *value == "yes" || *value == "on" || *value == "1");
}

template <typename Number>
Result<Number> parseNumber(const std::string& flag, const std::string& text, Number minimum,
                           Number maximum) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value >= minimum) ||
        !(value <= maximum))
        return usage(
            fmt::format("{}={}: expected a number from {} to {}", flag, text, minimum, maximum));
    return value;
}

// Google Benchmark takes anything that strtod does, runs for ever on nan and 1e300, and one step
// below 0.
Status checkMinTime(const std::string& flag, const std::string& seconds) {
    RIDGE_TRY([[maybe_unused]] const double value,
              parseNumber<double>(flag, seconds, 0.0001, 86400));
    return {};
}

// It reserves room for as many results, throws below 0 and runs nothing at 0.
Status checkRepetitions(const std::string& flag, const std::string& count) {
    RIDGE_TRY([[maybe_unused]] const int value, parseNumber<int>(flag, count, 1, 100000));
    return {};
}

Status noteBenchmarkFlag(const std::string& argument, Options& options) {
    options.benchmarkArguments.push_back(argument);
    if (isSwitchedOn(argument, "--benchmark_list_tests")) options.listTests = true;
    if (isSwitchedOn(argument, "--benchmark_enable_random_interleaving"))
        options.interleaved = true;
    if (const auto seconds = valueOf(argument, "--benchmark_min_time")) {
        RIDGE_TRY_STATUS(checkMinTime("--benchmark_min_time", *seconds));
        options.minTimeGiven = true;
    }
    if (const auto count = valueOf(argument, "--benchmark_repetitions"))
        RIDGE_TRY_STATUS(checkRepetitions("--benchmark_repetitions", *count));
    if (auto value = valueOf(argument, "--benchmark_out")) options.benchmarkOut = std::move(*value);
    if (auto value = valueOf(argument, "--benchmark_out_format"))
        options.outFormat = std::move(*value);
    if (auto value = valueOf(argument, "--benchmark_format")) options.format = std::move(*value);
    return {};
}

// Google Benchmark also takes each flag from the environment: BENCHMARK_OUT and so on.
// RIDGE_THREADS is what --threads is where that is not given.
Status noteEnvironment(Options& options) {
    const auto get = [](const char* name) {
        return std::string(std::getenv(name) ? std::getenv(name) : "");
    };
    if (const auto threads = get("RIDGE_THREADS"); !threads.empty()) {
        RIDGE_TRY(options.threads, parseNumber<int>("RIDGE_THREADS", threads, 1, 1024));
    }
    options.benchmarkOut = get("BENCHMARK_OUT");
    if (const auto count = get("BENCHMARK_REPETITIONS"); !count.empty())
        RIDGE_TRY_STATUS(checkRepetitions("BENCHMARK_REPETITIONS", count));
    if (const auto seconds = get("BENCHMARK_MIN_TIME"); !seconds.empty()) {
        RIDGE_TRY_STATUS(checkMinTime("BENCHMARK_MIN_TIME", seconds));
        options.minTimeGiven = true;
    }
    if (const auto value = get("BENCHMARK_OUT_FORMAT"); !value.empty()) options.outFormat = value;
    if (const auto value = get("BENCHMARK_FORMAT"); !value.empty()) options.format = value;
    return {};
}

}  // namespace

std::int64_t timedSteps(const WorkloadSpec& spec, bool brief) {
    constexpr std::int64_t kFewest = 3;
    if (!brief || spec.steps <= kFewest) return spec.steps;
    return std::max(kFewest, (spec.steps + 1) / 2);
}

Result<Options> parseOptions(const std::vector<std::string>& arguments) {
    Options options;
    RIDGE_TRY_STATUS(noteEnvironment(options));
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        if (i == 0) {
            options.benchmarkArguments.push_back(argument);
        } else if (argument == "--help" || argument == "-h") {
            options.help = true;
        } else if (argument.starts_with(kBenchmarkPrefix) || valueOf(argument, "--v")) {
            RIDGE_TRY_STATUS(noteBenchmarkFlag(argument, options));
        } else if (argument == "--describe") {
            options.describe = true;
        } else if (argument == "--check-backend") {
            options.checkBackend = true;
        } else if (argument == "--list") {
            options.list = true;
        } else if (argument == "--brief") {
            options.brief = true;
        } else if (argument == "--ceilings") {
            options.ceilings = true;
        } else if (auto file = valueOf(argument, "--ceilings")) {
            options.ceilings = true;
            options.ceilingsFile = std::move(*file);
        } else if (const auto budget = valueOf(argument, "--ceilings-budget")) {
            RIDGE_TRY(options.ceilingsBudget,
                      parseNumber<double>("--ceilings-budget", *budget, 0.5, 3600));
        } else if (const auto seconds = valueOf(argument, "--ceilings-loopback")) {
            RIDGE_TRY(options.loopbackSeconds,
                      parseNumber<double>("--ceilings-loopback", *seconds, 0.01, 3600));
        } else if (auto folder = valueOf(argument, "--data-dir")) {
            if (folder->empty()) return usage("--data-dir needs a folder");
            options.dataDir = std::move(*folder);
        } else if (auto result = valueOf(argument, "--result")) {
            if (result->empty()) return usage("--result needs a file");
            options.resultFile = std::move(*result);
        } else if (const auto backend = valueOf(argument, "--backend")) {
            if (*backend != "cpu" && *backend != "cuda")
                return usage(fmt::format("--backend={}: expected cpu or cuda", *backend));
            options.backend = *backend == "cuda" ? BackendKind::kCuda : BackendKind::kCpu;
        } else if (auto transport = valueOf(argument, "--transport")) {
            if (*transport != "mpi" && *transport != "nccl")
                return usage(fmt::format("--transport={}: expected mpi or nccl", *transport));
            options.transport = std::move(*transport);
        } else if (const auto threads = valueOf(argument, "--threads")) {
            RIDGE_TRY(options.threads, parseNumber<int>("--threads", *threads, 1, 4096));
        } else {
            return usage(fmt::format("unknown argument {}", argument));
        }
    }
    for (const auto& [flag, value] : {std::pair{"--benchmark_format", options.format},
                                      std::pair{"--benchmark_out_format", options.outFormat}})
        if (value != "console" && value != "json" && value != "csv")
            return usage(fmt::format("{}={}: expected console, json or csv", flag, value));
    return options;
}

std::string helpText() {
    return R"(ridge-workloads: the reference workloads, on Google Benchmark.

  --describe                 the selected workloads as JSON: parameters, presets, ranks, what each is built to hit
  --check-backend            nothing is run: exit code 77 and the reason where the --backend cannot be used
  --list                     the same to read: each with its knobs, its formula and the wall it is built to hit
  --brief                    half of each workload's steps (three at least), as the smoke preset runs them
  --ceilings[=FILE]          measure this machine's roofs and write them as JSON (schemas/json/ceilings-1.json)
  --ceilings-budget=SECONDS  about how long that may take (8)
  --data-dir=DIR             where storage workloads put their data, below a folder of their own that is
                             removed at the end ($TMPDIR, or /tmp)
  --result=FILE              every step's time and each metric with its unit, as JSON
  --threads=N                compute threads of the libraries ($RIDGE_THREADS, or 1)
  --backend=cpu|cuda         whose workloads and roofs (cpu)
  --transport=mpi|nccl       what carries the ranks' messages (mpi); several NCCL ranks on one GPU are good
                             for values alone, and marked timing_valid=false

Several ranks: mpirun -n 2 ridge-workloads --benchmark_filter=comm; only rank 0 reports.
Workloads run a fixed number of steps unless --benchmark_min_time is given.
Exit codes: 0 done, 2 usage, 4 a check or a measurement failed, 77 nothing selected can run here,
130 and 143 on SIGINT and SIGTERM.

All flags of Google Benchmark work, with --benchmark_filter on the bare names; its csv has no metrics,
because every family has its own:
)";
}

Result<std::vector<std::size_t>> selectSpecs(const std::vector<WorkloadSpec>& specs,
                                             const std::string& filter) {
    std::string expression = filter.empty() || filter == "all" ? "." : filter;
    const bool inverted = expression.starts_with('-');
    if (inverted) expression.erase(0, 1);
    std::vector<std::size_t> selected;
    try {
        const std::regex regex(expression, std::regex::extended);
        for (std::size_t i = 0; i < specs.size(); ++i)
            if (std::regex_search(specs[i].name, regex) != inverted) selected.push_back(i);
    } catch (const std::regex_error&) {
        return usage(fmt::format("--benchmark_filter={}: not a regular expression", filter));
    }
    if (selected.empty())
        return usage(fmt::format("no workload matches --benchmark_filter={}", filter));
    return selected;
}

}  // namespace ridge::workloads
