// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge run: the reference workloads, each variant in a fresh process with a timeline of its own, measured
// roofs before and after, one report.
#include <fcntl.h>
#include <sys/file.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>

#include "analyzer/regression/sessions.h"
#include "analyzer/store/store.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/app/app.h"
#include "cli/app/validators.h"
#include "cli/app/neighbours.h"
#include "cli/app/output_stream.h"
#include "cli/app/process.h"
#include "cli/run/ceilings.h"
#include "cli/run/merge.h"
#include "cli/run/plan.h"
#include "cli/run/program.h"
#include "cli/run/result.h"
#include "cli/run/subject.h"
#include "cli/verdicts/options.h"
#include "cli/verdicts/stored.h"
#include "collector/recorder/record.h"
#include "reports/common/summary.h"
#include "reports/html/html.h"
#include "reports/json/report_json.h"
#include "reports/json/run_json.h"
#include "reports/markdown/markdown.h"
#include "reports/terminal/table.h"
#include "reports/terminal/terminal.h"
#include "reports/verdicts/parts.h"
#include "reports/verdicts/verdicts.h"

namespace ridge::cli {
namespace fs = std::filesystem;
namespace {

struct RunArguments {
    Selection selection;
    std::string backend = "auto", output;
    int repeats = 1, sessions = 0;  // sessions 0: one, with a baseline five
    std::vector<std::string> baseline, allowed;
    VerdictOptions verdict;
    double ceilingsBudget = 0;  // 0: by the preset
    double timeout = 300;       // seconds of one process
    bool list = false, dryRun = false;
};

struct Run {
    RunArguments arguments;
    const Globals* globals = nullptr;
    std::string workloads, agentDir, folder, started;
    int claim = -1;  // descriptor of the folder, locked
    std::vector<Outcome> outcomes;
    std::vector<std::vector<analyzer::Analysis>> analyses;  // per outcome, per attempt; without a timeline an empty one
    std::vector<analyzer::Ceiling> before, after;
    std::vector<reports::RunWarning> warnings;
    std::string unbegun;  // empty: every chosen workload was begun
    reports::RunReport report;
};

std::string joined(const std::vector<std::string>& list) {
    std::string out;
    for (const auto& item : list) out += (out.empty() ? "" : ",") + item;
    return out;
}

int printList(const std::vector<Variant>& variants, const Globals& globals) {
    if (globals.json) {
        auto json = nlohmann::ordered_json::array();
        for (const Variant& v : variants) {
            nlohmann::ordered_json entry{{"name", v.name}, {"family", v.family}, {"formula", v.formula}, {"params", v.params}, {"presets", v.presets}, {"ranks", v.ranks}, {"steps", v.brief ? v.briefSteps : v.steps}};
            entry["expected"] = nullptr;
            if (v.expected) entry["expected"] = {{"class", name(v.expected->wallClass)}, {"cause", name(v.expected->cause)}};
            json.push_back(std::move(entry));
        }
        fmt::print("{}\n", json.dump(1));
        return 0;
    }
    reports::Table table({{"workload", reports::Table::Align::kLeft, 24}, {"ranks", reports::Table::Align::kRight}, {"steps", reports::Table::Align::kRight}, {"presets"}, {"built to hit", reports::Table::Align::kLeft, 14, true}, {"knobs", reports::Table::Align::kLeft, 12, true}});
    reports::Table formulas({{"family"}, {"what it counts", reports::Table::Align::kLeft, 20, true}});
    std::string family;
    for (const Variant& v : variants) {
        std::string knobs;
        for (const auto& [knob, value] : v.params) knobs += fmt::format("{}{}={}", knobs.empty() ? "" : "; ", knob, value);
        table.add({v.name, std::to_string(v.ranks), std::to_string(v.brief ? v.briefSteps : v.steps), joined(v.presets), v.expected ? reports::shortVerdictText(*v.expected) : "-", knobs});
        if (v.family != family && !v.formula.empty()) formulas.add({v.family, v.formula});
        family = v.family;
    }
    fmt::print("{}", table.render(terminalWidth(), wantsColour(globals)));
    if (!formulas.empty()) fmt::print("\n{}", formulas.render(terminalWidth(), wantsColour(globals)));
    return 0;
}

// Two runs that start in the same second get a folder each.
std::string freshFolder() {
    const std::string name = "runs/" + utcNowForPath();
    std::error_code ec;
    fs::create_directories("runs", ec);
    for (int i = 1; i < 100; ++i) {
        const std::string folder = i == 1 ? name : fmt::format("{}-{}", name, i);
        if (fs::create_directory(folder, ec)) return folder;
    }
    return name;
}

// Minutes of measuring are not to end in a report that cannot be written.
Status probeFolder(const std::string& folder) {
    const std::string path = folder + fmt::format("/.probe-{}", getpid());
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : 0;
    const std::string content(std::size_t{256} << 10, '\0');
    const ssize_t written = fd < 0 ? 0 : write(fd, content.data(), content.size());
    if (written < 0) error = errno;
    else if (!error && static_cast<std::size_t>(written) < content.size()) error = ENOSPC;
    if (fd >= 0) close(fd);
    unlink(path.c_str());
    if (error == 0) return {};
    return Error{codeOfWriteError(error), fmt::format("nothing can be written into {}: {}", folder, std::strerror(error))};
}

Status makeFolder(Run& run) {
    run.folder = run.arguments.output.empty() ? freshFolder() : run.arguments.output;
    std::error_code ec;
    if (fs::exists(run.folder, ec) && !fs::is_directory(run.folder, ec))
        return Error{ErrorCode::kBadInput, fmt::format("{} is not a directory; -o names a folder", run.folder)};
    fs::create_directories(run.folder, ec);
    if (ec) return Error{codeOfWriteError(ec.value()), fmt::format("cannot create {}: {}", run.folder, ec.message())};
    RIDGE_TRY_STATUS(probeFolder(run.folder));
    // Held until we end, however that is: a second run with this folder would mix its files with ours.
    run.claim = open(run.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run.claim >= 0 && flock(run.claim, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return Error{ErrorCode::kBadInput, fmt::format("another ridge run writes into {} now; name another folder with -o", run.folder)};
    if (!fs::is_empty(run.folder, ec) && !run.globals->force)
        return Error{ErrorCode::kBadInput, fmt::format("{} is not empty; --force writes into it", run.folder)};
    return {};
}

Attempt runOnce(Run& run, const Variant& variant, const std::string& folder, int repeat) {
    const std::string suffix = repeat == 0 ? "" : fmt::format("-{}", repeat + 1);
    const std::string result = folder + "/result" + suffix + ".json";
    Attempt attempt;
    attempt.startedUtcNs = realtimeNs();
    recorder::RecordOptions options;
    options.command = commandFor(variant, run.workloads, result, folder + "/benchmark" + suffix + ".json", run.arguments.backend);
    options.output = folder + "/trace" + suffix + ".sqlite";
    options.force = true;
    options.traceIo = true;
    options.timeoutSeconds = run.arguments.timeout;
    options.endOnInterrupt = true;
    options.quiet = true;
    options.agentLibDir = run.agentDir;
    options.gaveUp = setInterrupted;
    if (variant.ranks > 1) options.extraEnvironment = {{"OMPI_ALLOW_RUN_AS_ROOT", "1"}, {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"}};
    std::error_code ec;
    fs::remove(result, ec);
    bool timedOut = false;
    const auto outcome = [&] {
        const ProgressLine progress(!run.globals->quiet, variant.name);
        const OutputToFile log(folder + "/log" + suffix + ".txt");
        return recorder::record(options);
    }();
    if (outcome.ok()) {
        if (outcome->interruptedBy) setInterrupted(outcome->interruptedBy);
        attempt.exitStatus = outcome->programStatus;
        attempt.trace = options.output;
        attempt.interrupted = outcome->interruptedBy != 0;
        timedOut = outcome->timedOut;
    } else {
        attempt.recordingError = outcome.error().message;
    }
    auto said = readResult(result, variant.name);
    if (attempt.interrupted)
        attempt.result = {"skipped", fmt::format("interrupted by signal {}", interruptedBy()), {}, {}};
    else if (timedOut)
        attempt.result = {"error", fmt::format("ended after {} s without an end in sight (--timeout); see {}/log{}.txt", run.arguments.timeout, folder, suffix), {}, {}};
    else if (said.ok())
        attempt.result = std::move(*said);
    else
        attempt.result = {"error", fmt::format("no result, exit code {}; see {}/log{}.txt", attempt.exitStatus, folder, suffix), {}, {}};
    return attempt;
}

// Sessions outermost: what belongs to one moment of the machine stays together, and the next comes later.
void runAll(Run& run, const std::vector<Variant>& variants) {
    for (int session = 0; session < run.arguments.sessions; ++session)
        for (std::size_t i = 0; i < variants.size(); ++i) {
            if (interruptedBy()) return;
            if (session == 0) run.outcomes.push_back({variants[i], {}});
            Outcome& outcome = run.outcomes[i];
            const std::string folder = run.folder + "/" + folderNameFor(variants[i].name);
            std::error_code ec;
            fs::create_directories(folder, ec);
            const bool failedBefore = outcome.status() == "error";
            for (int repeat = 0; repeat < run.arguments.repeats && !interruptedBy(); ++repeat) {
                outcome.attempts.push_back(runOnce(run, variants[i], folder, session * run.arguments.repeats + repeat));
                outcome.attempts.back().session = session;
            }
            if (outcome.status() != "ok" && !(failedBefore && session > 0)) note(*run.globals, fmt::format("{}: {}: {}", variants[i].name, outcome.status(), outcome.reason()));
        }
}

void noteTheUnbegun(Run& run, std::size_t chosen) {
    const std::size_t begun = run.outcomes.size();
    if (begun >= chosen) return;
    run.unbegun = fmt::format("interrupted: {} of {} chosen workloads never began", chosen - begun, chosen);
    run.warnings.push_back({"not_begun", run.unbegun, ""});
    note(*run.globals, run.unbegun);
}

double budgetOf(const Run& run) {
    if (run.arguments.ceilingsBudget > 0) return run.arguments.ceilingsBudget;
    return run.arguments.selection.preset == "smoke" ? 6 : run.arguments.selection.preset == "full" ? 20 : 8;
}

std::vector<analyzer::Ceiling> measure(Run& run, const std::string& when) {
    if (interruptedBy()) return {};
    const ProgressLine progress(!run.globals->quiet, "measuring the roofs " + when);
    auto ceilings = measureCeilings(run.workloads, run.folder + "/ceilings-" + when + ".json", budgetOf(run), run.arguments.backend);
    if (ceilings.ok()) return std::move(*ceilings);
    if (!interruptedBy()) {
        run.warnings.push_back({"no_ceilings_" + when, ceilings.error().message, ""});
        note(*run.globals, ceilings.error().message);
    }
    return {};
}

analyzer::Analysis analyzeAll(Run& run) {
    const ProgressLine progress(!run.globals->quiet, "analyzing");
    analyzer::AnalyzeOptions options;
    options.ceilings = betterOf(run.before, run.after);
    std::vector<analyzer::Analysis> parts;
    for (Outcome& outcome : run.outcomes) {
        std::vector<analyzer::Analysis> ofAttempts;
        for (Attempt& attempt : outcome.attempts) {
            holdAgainstReadRoof(attempt.result.metrics, options.ceilings, run.arguments.backend == "cuda");
            ofAttempts.emplace_back();  // one for each attempt: what it says belongs to that process
            if (attempt.trace.empty() || attempt.interrupted) continue;
            // Before the analysis: findings such as decode_bandwidth rest on what the workload counted.
            if (const Status stored = analyzer::storeResults(attempt.trace, outcome.variant.name, attempt.result.metrics); !stored.ok())
                run.warnings.push_back({"results_not_stored", stored.error().message, outcome.variant.name});
            auto analysis = analyzer::analyze({attempt.trace}, options);
            if (analysis.ok())
                if (const Status stored = analyzer::storeAttribution(attempt.trace, *analysis); !stored.ok())
                    run.warnings.push_back({"not_stored", stored.error().message, outcome.variant.name});
            // A process that ended before its first step has a timeline, but nothing to judge.
            if (analysis.ok() && attempt.result.status != "ok" && analysis->stepSource != "ridge")
                run.warnings.push_back({"no_steps", "it ended before its first step", outcome.variant.name});
            else if (analysis.ok())
                ofAttempts.back() = std::move(*analysis);
            else
                run.warnings.push_back({"not_analyzed", analysis.error().message, outcome.variant.name});
        }
        const auto first = std::find_if(ofAttempts.begin(), ofAttempts.end(), [](const analyzer::Analysis& a) { return !a.sources.empty(); });
        analyzer::Analysis part = first == ofAttempts.end() ? analyzer::Analysis{} : *first;
        analyzer::joinFacts(part, {factsOf(outcome)});  // the answer key comes after the verdict
        parts.push_back(std::move(part));
        run.analyses.push_back(std::move(ofAttempts));
    }
    analyzer::Analysis all = mergeAnalyses(parts);
    std::vector<analyzer::WhatIfPair> pairs;
    for (const Outcome& outcome : run.outcomes)
        if (outcome.variant.pair) pairs.push_back(*outcome.variant.pair);
    analyzer::joinPairs(all, pairs);
    if (all.ceilings.empty()) all.ceilings = options.ceilings;
    if (!run.unbegun.empty()) all.gate.push_back({"not_begun", Severity::kWarning, 1, run.unbegun});
    if (!run.before.empty() && !run.after.empty()) {
        all.gate.push_back(driftCheck(run.before, run.after, all.roofline));
        if (all.gate.back().severity != Severity::kInfo) run.warnings.push_back({"ceiling_drift", all.gate.back().detail, ""});
    } else {
        all.gate.push_back({"ceiling_drift", Severity::kWarning, 0, "roofs were not measured both before and after the run"});
    }
    return all;
}

void fillRunReport(Run& run, const analyzer::Analysis& all) {
    reports::RunReport& r = run.report;
    r.id = fs::path(run.folder).filename().string();
    r.sessionId = r.id;  // one invocation is one session, unless it was asked for several
    if (run.arguments.sessions > 1) r.labels[std::string(analyzer::kSessionsLabel)] = std::to_string(run.arguments.sessions);
    r.startedAt = run.started;
    r.endedAt = utcNow();
    r.toolVersion = version();
    r.argv = run.globals->arguments;
    describeSubject(run.workloads, r);
    if (const char* ci = std::getenv("GITHUB_ACTIONS"); ci && std::string_view(ci) == "true") r.ciProvider = "github";
    else if (const char* gitlab = std::getenv("GITLAB_CI"); gitlab && std::string_view(gitlab) == "true") r.ciProvider = "gitlab";
    for (const auto& field : all.environment) {
        auto& group = field.fieldClass == "key" ? r.keyFields : field.fieldClass == "volatile" ? r.volatileFields : r.recorded;
        group.emplace(field.name, field.value);
    }
    for (std::size_t i = 0; i < run.outcomes.size(); ++i) r.benchmarks.push_back(benchmarkOf(run.outcomes[i], run.analyses[i], run.warnings));
    r.warnings = run.warnings;
}

Status writeAll(Run& run, const analyzer::Analysis& all) {
    RIDGE_TRY_STATUS(writeOutput(run.folder + "/report.json", reports::renderJson(all), true));
    RIDGE_TRY_STATUS(writeOutput(run.folder + "/run.json", reports::renderJson(run.report), true));
    RIDGE_TRY_STATUS(writeOutput(run.folder + "/report.html", reports::renderHtml(all), true));
    return writeOutput(run.folder + "/report.md", reports::renderMarkdown(all), true);
}

int exitCodeOf(const Run& run) {
    if (interruptedBy()) return 128 + interruptedBy();
    bool ran = false;
    for (const Outcome& outcome : run.outcomes) {
        if (outcome.status() == "error") return 4;
        ran |= outcome.status() == "ok";
    }
    return ran ? 0 : 77;
}

int dryRun(const Run& run, const std::vector<Variant>& variants) {
    for (const Variant& v : variants)
        for (int repeat = 0; repeat < run.arguments.repeats * run.arguments.sessions; ++repeat) {
            std::string line;
            for (const std::string& argument : commandFor(v, run.workloads, "RESULT", "BENCHMARK", run.arguments.backend)) line += (line.empty() ? "" : " ") + argument;
            fmt::print("{}\n", line);
        }
    return 0;
}

// The gate: this run against stored ones. Its exit code goes before the run's own, unless something failed to run.
int judgeAgainst(Run& run, const std::vector<analyzer::StoredRun>& baseline, const statistics::Rules& rules) {
    const std::vector<analyzer::StoredRun> own = analyzer::sessionsWithin({run.report, run.folder + "/run.json"});
    analyzer::Verdicts v = analyzer::judgeStored(baseline, own, {rules, run.arguments.allowed});
    v.title = "run --baseline";
    v.labelA = run.arguments.baseline.front();
    v.labelB = run.folder;
    v.interrupted = interruptedBy() != 0;
    if (run.arguments.sessions > 1) v.notes.push_back(fmt::format("{} passes of one invocation count as sessions; sessions on different days share less, and tell more", run.arguments.sessions));
    for (const std::string& argument : run.globals->arguments) v.reproduce += (v.reproduce.empty() ? "" : " ") + argument;
    explain(v, baseline, own);
    VerdictOptions options = run.arguments.verdict;
    Globals globals = *run.globals;
    globals.force = true;
    globals.quiet = globals.quiet || globals.json;  // --json: the report is the one document
    const auto inFolder = [&](const char* name, const std::string& content) { return writeOutput(run.folder + name, content, true); };
    for (const Status& status : {inFolder("/verdicts.json", reports::renderJson(v)), inFolder("/verdicts.html", reports::renderHtml(v)), inFolder("/verdicts.md", reports::renderMarkdown(v)),
                                 inFolder("/verdicts.xml", reports::renderJunit(v, options.failOn == "inconclusive")), writeReports(options, v, globals)})
        if (!status.ok()) return fail(4, status.error().message);
    if (!v.comparable()) return fail(3, reports::verdicts::mismatchText(v));
    return exitCodeOf(v, options);
}

// Too few sessions for so many metrics: told before minutes are spent, not after.
void tellOfPower(const Run& run, const std::vector<Variant>& variants, const std::vector<analyzer::StoredRun>& baseline, const statistics::Rules& rules) {
    std::vector<std::string> names;
    for (const Variant& v : variants) names.push_back(v.name);
    const auto sessions = static_cast<std::size_t>(run.arguments.sessions);
    const std::string lacks = analyzer::whatCannotBeDecided(baseline.size(), sessions, analyzer::judgedMetrics(baseline, names), rules.alpha);
    if (!lacks.empty()) note(*run.globals, lacks + "; --sessions and --filter say how many");
}

int measureAndReport(Run& run, const std::vector<Variant>& variants) {
    std::vector<analyzer::StoredRun> baseline;
    statistics::Rules rules;
    if (!run.arguments.baseline.empty()) {  // before minutes of measuring
        auto stored = loadRuns(run.arguments.baseline);
        if (!stored.ok()) return fail(stored.error());
        baseline = analyzer::everySession(*stored);
        auto asked = rulesOf(run.arguments.verdict);
        if (!asked.ok()) return fail(asked.error());
        rules = *asked;
        if (const Status status = checkReports(run.arguments.verdict, run.arguments.baseline, run.globals->force); !status.ok()) return fail(status.error());
        tellOfPower(run, variants, baseline, rules);
    }
    if (const Status status = makeFolder(run); !status.ok()) return fail(status.error());
    run.started = utcNow();
    catchInterrupts();
    run.before = measure(run, "before");
    runAll(run, variants);
    noteTheUnbegun(run, variants.size());
    run.after = measure(run, "after");
    const analyzer::Analysis all = analyzeAll(run);
    fillRunReport(run, all);
    if (const Status status = writeAll(run, all); !status.ok()) return fail(4, status.error().message);
    if (run.globals->json)
        fmt::print("{}", reports::renderJson(all));
    else
        fmt::print("{}{}", reports::renderWorkloadTable(all, {wantsColour(*run.globals), terminalWidth(), 5}),
                   reports::renderPairTable(all, {wantsColour(*run.globals), terminalWidth(), 5}));
    note(*run.globals, fmt::format("reports and timelines are in {}", run.folder));
    const int code = exitCodeOf(run);
    if (baseline.empty() || interruptedBy() || code == 77) return code;
    const int verdict = judgeAgainst(run, baseline, rules);
    return verdict == 0 ? code : verdict;
}

int runCommand(const RunArguments& arguments, const Globals& globals) {
    Run run;
    run.arguments = arguments;
    if (run.arguments.sessions == 0) run.arguments.sessions = arguments.baseline.empty() ? 1 : static_cast<int>(statistics::kLeastSessions);
    run.globals = &globals;
    const auto program = findWorkloads();
    if (!program.ok()) return fail(program.error());
    run.workloads = *program;
    if (arguments.backend != "cpu") {
        const std::string reason = whyNoCuda(run.workloads);
        if (arguments.backend == "cuda" && !reason.empty()) return fail(77, fmt::format("--backend cuda: {}; --backend cpu runs everywhere", reason));
        run.arguments.backend = reason.empty() ? "cuda" : "cpu";
    }
    if (const auto rules = rulesOf(arguments.verdict); !rules.ok()) return fail(rules.error());  // with -n and without a baseline too
    const auto all = describeWorkloads(run.workloads, run.arguments.backend);
    if (!all.ok()) return fail(all.error());
    Selection& selection = run.arguments.selection;
    if (selection.preset.empty() && selection.names.empty() && !arguments.list) selection.preset = "standard";
    const auto variants = select(*all, selection);
    if (!variants.ok()) return fail(variants.error());
    if (arguments.list) return printList(*variants, globals);
    if (arguments.dryRun) return dryRun(run, *variants);
    for (const Variant& v : *variants)
        if (v.ranks > 1 && findInPath("mpirun").empty())
            return fail(77, fmt::format("{} needs {} ranks, and mpirun is not installed; install openmpi-bin or leave it out with --filter", v.name, v.ranks));
    const auto agent = findAgentDir();
    if (!agent.ok()) return fail(agent.error());
    run.agentDir = *agent;
    return measureAndReport(run, *variants);
}

}  // namespace

void addRun(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<RunArguments>();
    CLI::App* command = app.add_subcommand("run", "Run the reference workloads and say which wall each one hits");
    Selection& selection = arguments->selection;
    command->add_option("WORKLOAD", selection.names, "Names, families, or beginnings of names up to a dot or a slash");
    command->add_option("--preset", selection.preset, "How much: smoke, standard, full (standard when nothing is named)")->check(CLI::IsMember({"smoke", "standard", "full"}));
    command->add_option("--backend", arguments->backend, "auto (cuda where a GPU is), cpu, cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}))->default_str("auto");
    command->add_option("--ranks", selection.ranks, "Processes of the workloads that have several")->check(CLI::Range(2, 4096));
    command->add_option("--repeats", arguments->repeats, "Fresh processes per workload")->check(CLI::Range(1, 1000))->default_str("1");
    command->add_option("--sessions", arguments->sessions, "Passes over all workloads, each a session of its own (with --baseline: 5)")->check(CLI::Range(1, 1000))->default_str("1");
    command->add_option("--baseline", arguments->baseline, "Stored runs to be compared with: run.json, folders of ridge run, a folder of such folders")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->type_name("RUN");
    command->add_option("--allow-env-mismatch", arguments->allowed, "A field of the environment that may differ from the baseline's (*: any)")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->type_name("FIELD");
    addRuleOptions(*command, arguments->verdict);
    command->add_option("--junit", arguments->verdict.junit, "With --baseline: the verdicts as JUnit XML")->type_name("FILE");
    command->add_option("--markdown", arguments->verdict.markdown, "With --baseline: the verdicts as Markdown")->type_name("FILE");
    command->add_option("--openmetrics", arguments->verdict.openmetrics, "With --baseline: the verdicts as gauges for Prometheus")->type_name("FILE");
    command->add_option("-o,--output", arguments->output, "Folder for timelines and reports")->type_name("DIR")->default_str("runs/<UTC time>");
    command->add_option("--filter", selection.filter, "Only names in which this regular expression is found");
    command->add_option("--ceilings-budget", arguments->ceilingsBudget, "Seconds for measuring the roofs, each time")->check(finiteRange(0.5, 600.0));
    command->add_option("--timeout", arguments->timeout, "Seconds that one process may take; one that takes longer is ended and has failed")->check(finiteRange(1.0, 86400.0))->default_str("300");
    command->add_flag("--list", arguments->list, "Show what would be chosen, and stop");
    command->add_flag("-n,--dry-run", arguments->dryRun, "Print the command lines, and stop");
    addCommonOptions(*command, globals);
    command->footer("--baseline: the more metrics are judged together, the more sessions one takes to be accused. Against 5, a baseline of 5 can accuse the one metric of a\n"
                    "run, 10 one of 14, 14 one of 50, 19 one of 200 (of a standard run, some); it says beforehand where they are too few, and how many would do.\n"
                    "On a shared machine 20 against 5 find a change of 5 % of one metric in nine of ten cases.\n\n"
                    "Examples:\n  ridge run --preset smoke\n  ridge run train.single decode --repeats 5 -o runs/today\n  ridge run --list --filter '^comm'\n  ridge run --preset smoke --baseline baseline/ --junit verdicts.xml    (exit code 1: regressed)");
    command->callback([arguments, &globals] { globals.action = [arguments, &globals] { return runCommand(*arguments, globals); }; });
}

}  // namespace ridge::cli
