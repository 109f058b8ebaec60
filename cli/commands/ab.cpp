// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge ab: is B slower than A? Two commands in randomised blocks, every run a fresh process.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <filesystem>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <random>
#include <unistd.h>

#include "analyzer/regression/judge.h"
#include "base/text.h"
#include "cli/ab/driver.h"
#include "cli/app/app.h"
#include "cli/commands/verdict_commands.h"
#include "cli/app/process.h"
#include "cli/app/validators.h"
#include "cli/verdicts/options.h"
#include "collector/recorder/environment.h"
#include "reports/json/run_json.h"
#include "reports/verdicts/verdicts.h"

namespace ridge::cli {
namespace {

namespace fs = std::filesystem;

struct AbArguments {
    AbPlan plan;
    VerdictOptions verdict;
    std::vector<std::string> metrics;
    std::string unit, output;
    int blocks = 5;
    bool noConfirm = false, higherIsBetter = false;
    std::int64_t seed = -1;
};

struct Job {
    AbArguments arguments;
    const Globals* globals = nullptr;
    statistics::Rules rules;
    std::unique_ptr<AbDriver> driver;
    analyzer::Verdicts verdicts;
    std::string started;
    std::size_t screenBlocks = 0;
    bool confirming = false;
    std::vector<std::size_t> suspects;
};

Status prepare(Job& job) {
    AbArguments& a = job.arguments;
    if (trim(a.plan.a).empty() || trim(a.plan.b).empty()) return Error{ErrorCode::kBadInput, "give both commands: ridge ab --a \"CMD\" --b \"CMD\""};
    if (a.metrics.empty()) a.metrics = {"time"};
    for (const std::string& text : a.metrics) {
        RIDGE_TRY(MetricSpec spec, parseMetric(text));
        spec.higherIsBetter = a.higherIsBetter;
        spec.unit = a.unit;
        a.plan.metrics.push_back(std::move(spec));
    }
    if (a.higherIsBetter && std::all_of(a.plan.metrics.begin(), a.plan.metrics.end(), [](const MetricSpec& m) { return m.kind == MetricSpec::Kind::kTime; }))
        return Error{ErrorCode::kBadInput, "--higher-is-better: less time is better; it is for regex: and gbench: metrics"};
    RIDGE_TRY(job.rules, rulesOf(a.verdict));
    a.plan.seed = a.seed >= 0 ? static_cast<std::uint64_t>(a.seed) : std::random_device{}();
    RIDGE_TRY_STATUS(checkReports(a.verdict, {}, job.globals->force));
    if (a.output.empty()) return {};
    std::error_code ec;
    fs::create_directories(a.output + "/a", ec);
    fs::create_directories(a.output + "/b", ec);
    if (ec) return Error{ErrorCode::kBadInput, fmt::format("cannot create {}: {}", a.output, ec.message())};
    for (const char* name : {"/a/run.json", "/b/run.json", "/verdicts.json", "/report.html", "/report.md"}) RIDGE_TRY_STATUS(mayWrite(a.output + name, job.globals->force));
    return {};
}

// A run.json per side: what compare and track read.
Status writeSamples(const Job& job) {
    analyzer::RunReport run;
    run.startedAt = job.started;
    run.endedAt = utcNow();
    run.toolVersion = version();
    run.argv = job.globals->arguments;
    run.seed = job.arguments.plan.seed;
    for (const auto& entry : recorder::readEnvironment()) {
        auto& group = entry.category == "key" ? run.keyFields : entry.category == "volatile" ? run.volatileFields : run.recorded;
        group.emplace(entry.name, entry.value);
    }
    for (const bool ofB : {false, true}) {
        run.sessionId = "ab-" + job.started;
        run.id = run.sessionId + (ofB ? "-b" : "-a");
        run.labels = {{"command", ofB ? job.arguments.plan.b : job.arguments.plan.a}, {"side", ofB ? "b" : "a"}};
        run.benchmarks = job.driver->samples(ofB);
        RIDGE_TRY_STATUS(writeOutput(job.arguments.output + (ofB ? "/b/run.json" : "/a/run.json"), reports::renderJson(run), job.globals->force));
    }
    const std::string& folder = job.arguments.output;
    RIDGE_TRY_STATUS(writeOutput(folder + "/verdicts.json", reports::renderJson(job.verdicts), job.globals->force));
    RIDGE_TRY_STATUS(writeOutput(folder + "/report.html", reports::renderHtml(job.verdicts), job.globals->force));
    return writeOutput(folder + "/report.md", reports::renderMarkdown(job.verdicts), job.globals->force);
}

std::string shellQuoted(const std::string& text) {
    if (!text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,%@+") == std::string::npos) return text;
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

void judge(Job& job) {
    const AbArguments& a = job.arguments;
    analyzer::Verdicts& v = job.verdicts;
    v.title = "ab";
    v.labelA = a.plan.a;
    v.labelB = a.plan.b;
    v.interrupted = interruptedBy() != 0;
    v.method = {"block_rank", a.noConfirm ? "benjamini_hochberg" : "screen_and_confirm", job.rules.alpha, job.rules.minEffect, job.rules.floor(), a.plan.seed, job.screenBlocks,
                a.noConfirm ? 0 : statistics::kConfirmBlocks};
    analyzer::BlockedJob blocked;
    blocked.identical = a.plan.a == a.plan.b;
    blocked.screen = job.driver->metrics(0);
    for (auto& metric : blocked.screen) metric.blocks.resize(std::min(metric.blocks.size(), job.screenBlocks));
    if (!a.noConfirm) {
        auto fresh = job.driver->metrics(job.screenBlocks);
        for (std::size_t i = 0; i < fresh.size(); ++i)
            if (std::find(job.suspects.begin(), job.suspects.end(), i) == job.suspects.end() || fresh[i].blocks.size() < statistics::kConfirmBlocks) fresh[i].blocks.clear();
        blocked.confirm = std::move(fresh);
    }
    v.results = analyzer::judgeBlocks(blocked, job.rules);
    v.missing = job.driver->onlyA();
    v.added = job.driver->onlyB();
    const double least = 2 * std::pow(6.0, -static_cast<double>(job.screenBlocks));
    if (a.noConfirm && least > job.rules.alpha / static_cast<double>(std::max<std::size_t>(1, v.results.size())))
        v.notes.push_back(fmt::format("{} blocks cannot decide about {} metrics at once; take more with --blocks, or leave out --no-confirm", job.screenBlocks, v.results.size()));
    if (const std::size_t invalid = job.driver->invalidSlots(); invalid > 0) v.notes.push_back(fmt::format("{} runs were not valid and were measured again with their block; their causes are in run.json (-o)", invalid));
    v.notes.push_back(fmt::format("CPU time lost to gaps while measuring: {} in {}{}{}", formatDuration(job.driver->preemptedNs()), formatDuration(job.driver->measuredNs()),
                                  job.driver->gapQuality().empty() ? "" : "; ", job.driver->gapQuality()));
    for (const std::string& argument : job.globals->arguments) v.reproduce += (v.reproduce.empty() ? "" : " ") + shellQuoted(argument);
    if (a.seed < 0) v.reproduce += fmt::format(" --seed {}", a.plan.seed);
}

Status measureAll(Job& job) {
    const AbArguments& a = job.arguments;
    const auto blocks = static_cast<std::size_t>(a.blocks);
    const auto progress = [&](const char* what, std::size_t of) {
        return [&job, what, of](std::size_t i) {
            if (!job.globals->quiet && isatty(2)) std::fprintf(stderr, "\r\x1b[Kridge: %s block %zu of %zu", what, i + 1, of);
        };
    };
    const auto clear = [&] {
        if (!job.globals->quiet && isatty(2)) std::fprintf(stderr, "\r\x1b[K");
    };
    RIDGE_TRY_STATUS(job.driver->warmUp());
    if (interruptedBy()) return {};
    Status status = job.driver->measure(blocks, progress("measuring,", blocks));
    clear();
    job.screenBlocks = std::min(blocks, job.driver->blocks());
    if (!status.ok() || interruptedBy() || a.noConfirm) return status;
    job.suspects = analyzer::flagged(job.driver->metrics(0), job.rules);
    if (job.suspects.empty()) return status;
    job.confirming = true;
    note(*job.globals, fmt::format("{} of {} metrics stand out; measuring {} fresh blocks to confirm", job.suspects.size(), job.driver->metrics(0).size(), statistics::kConfirmBlocks));
    status = job.driver->measure(statistics::kConfirmBlocks, progress("confirming,", statistics::kConfirmBlocks));
    clear();
    return status;
}

int abCommand(AbArguments arguments, const Globals& globals) {
    if (arguments.verdict.jsonGiven && arguments.verdict.json.empty()) arguments.verdict.json = "-";
    Job job;
    job.arguments = std::move(arguments);
    job.globals = &globals;
    if (const Status status = prepare(job); !status.ok()) return fail(status.error());
    catchInterrupts();
    job.started = utcNow();
    job.driver = std::make_unique<AbDriver>(job.arguments.plan);
    const Status measured = measureAll(job);
    judge(job);
    if (!job.arguments.output.empty())
        if (const Status status = writeSamples(job); !status.ok()) return fail(4, status.error().message);
    if (!measured.ok()) {
        job.verdicts.failed.push_back(measured.error().message);
        VerdictOptions files = job.arguments.verdict;  // what there is, for whoever asked for files
        for (std::string* path : {&files.json, &files.markdown, &files.junit, &files.html, &files.openmetrics})
            if (*path == "-") path->clear();
        Globals quiet = globals;
        quiet.quiet = true;
        if (const Status status = writeReports(files, job.verdicts, quiet); !status.ok()) return fail(4, status.error().message);
        return fail(measured.error());
    }
    if (const Status status = writeReports(job.arguments.verdict, job.verdicts, globals); !status.ok()) return fail(4, status.error().message);
    if (interruptedBy()) note(globals, fmt::format("interrupted after {} blocks; what there is was written", job.driver->blocks()));
    return exitCodeOf(job.verdicts, job.arguments.verdict);
}

}  // namespace

void addAb(CLI::App& app, Globals& globals) {
    auto a = std::make_shared<AbArguments>();
    CLI::App* command = app.add_subcommand("ab", "Is B slower than A? Two commands in randomised blocks, a fresh process each, and a verdict per metric");
    command->add_option("--a", a->plan.a, "The baseline's command, for /bin/sh")->type_name("CMD")->required();
    command->add_option("--b", a->plan.b, "The candidate's command")->type_name("CMD")->required();
    command->add_option("--metric", a->metrics, "time, regex:PATTERN, gbench:NAME[@FIELD], run:NAME[@METRIC] (NAME *: all); may be given several times")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->type_name("METRIC")->default_str("time");
    command->add_flag("--higher-is-better", a->higherIsBetter, "Of the numbers that regex: and gbench:NAME@FIELD give");
    command->add_option("--unit", a->unit, "Unit of a regex: metric, for the reports")->check(CLI::IsMember({"ns", "s", "B", "B/s", "FLOP", "FLOP/s", "J", "W", "Hz", "K", "1", "1/s", "share"}));
    command->add_option("--blocks", a->blocks, "Blocks of 2 + 2 runs; 10 on a machine that others use too")->check(CLI::Range(static_cast<int>(statistics::kLeastBlocks), 10000))->default_str("5");
    command->add_flag("--no-confirm", a->noConfirm, "Decide at once, without measuring what stands out again");
    command->add_option("--seed", a->seed, "Of the order of the runs (default: drawn, and reported)")->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 62));
    command->add_option("--timeout", a->plan.timeout, "Seconds that one run may take")->check(finiteRange(0.1, 86400.0))->default_str("600");
    command->add_option("-o,--output", a->output, "Folder for every sample (a/run.json, b/run.json), verdicts.json, report.html and report.md")->type_name("DIR");
    addRuleOptions(*command, a->verdict);
    CLI::Option* json = addReportOptions(*command, a->verdict);
    addCommonOptions(*command, globals, false);
    command->footer("Four verdicts: regressed, improved, unchanged (shown to be), inconclusive (with the smallest change that would have been found).\n"
                    "A run that fails is repeated with its block three times.\n"
                    "Exit codes: 0 no regression; 1 regressed; 2 usage; 3 inconclusive with --fail-on inconclusive; 4 a command failed; 130/143 interrupted.\n\n"
                    "Examples:\n  ridge ab --a ./old --b ./new\n  ridge ab --a './bench_old --benchmark_format=json' --b './bench_new --benchmark_format=json' --metric 'gbench:*'\n"
                    "  ridge ab --a 'python3 train.py' --b 'python3 train.py --compile' --metric 'regex:([0-9.]+) tokens/s' --higher-is-better --blocks 10\n"
                    "  ridge ab --a 'ridge run gemm --json' --b 'RIDGE_WORKLOADS=./new/ridge-workloads ridge run gemm --json' --metric 'run:*' --html ab.html");
    command->callback([a, json, &globals] {
        a->verdict.jsonGiven = json->count() > 0;
        globals.action = [a, &globals] { return abCommand(*a, globals); };
    });
}

}  // namespace ridge::cli
