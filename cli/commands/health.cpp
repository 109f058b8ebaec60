// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge health: is this node fit to compute? Roofs and three short workloads against nodes of its kind, in less than a minute.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "analyzer/regression/acceptance.h"
#include "base/file.h"
#include "cli/app/neighbours.h"
#include "cli/app/outputs.h"
#include "cli/app/process.h"
#include "cli/app/validators.h"
#include "cli/commands/verdict_commands.h"
#include "cli/health/budget.h"
#include "cli/health/measure.h"
#include "cli/run/program.h"
#include "cli/run/subject.h"
#include "cli/verdicts/options.h"
#include "cli/verdicts/stored.h"
#include "collector/recorder/environment.h"
#include "reports/health/health.h"
#include "reports/json/run_json.h"

namespace ridge::cli {
namespace {

constexpr int kNagiosCritical = 2, kNagiosUnknown = 3;

struct HealthArguments {
    std::vector<std::string> references, allowed;
    std::string output, backend = "auto", tolerance = "10%";
    double budget = 50;
    bool nagios = false;
};

struct Health {
    explicit Health(const HealthArguments& given, const Globals& all) : arguments(given), globals(&all), budget(given.budget) {}
    HealthArguments arguments;
    const Globals* globals = nullptr;
    Budget budget;
    std::string program;
    std::vector<analyzer::StoredRun> references;  // of this node's kind
    analyzer::AcceptanceOptions options;
    analyzer::RunReport node;
    reports::HealthReport report;
};

// A monitor reads one line of stdout, whatever happened, and must not take our trouble for the node's.
int give(const HealthArguments& a, const Error& error) {
    if (!a.nagios) return fail(error);
    fmt::print("{}", reports::nagiosUnknown(error.message));
    return kNagiosUnknown;
}

int exitCodeOf(const Health& h) {
    const std::string_view verdict = reports::verdictOf(h.report);
    if (interruptedBy()) return h.arguments.nagios ? kNagiosUnknown : 128 + interruptedBy();
    if (h.arguments.nagios) return verdict == "fit" ? 0 : verdict == "unknown" ? kNagiosUnknown : kNagiosCritical;
    if (verdict == "slow") return 1;
    if (verdict == "failed") return 4;
    if (verdict == "fit") return 0;
    return h.arguments.references.empty() && !h.arguments.output.empty() ? 0 : 3;  // to measure was all that was asked
}

Error budgetWasOver(double seconds, const std::string& doing) { return {ErrorCode::kNoVerdict, fmt::format("the {:.3g} s of --budget were over while {}", seconds, doing)}; }

// All that can go wrong before a minute is spent.
Status prepare(Health& h, Watchdog& watchdog) {
    const HealthArguments& a = h.arguments;
    watchdog.doing("looking at this node's environment");
    RIDGE_TRY_STATUS(isNoInput(a.output, a.references));
    RIDGE_TRY_STATUS(hasFolder(a.output));
    if (!a.output.empty()) RIDGE_TRY_STATUS(mayWrite(a.output, h.globals->force));
    RIDGE_TRY(h.options.tolerance, parseShare(a.tolerance, "--tolerance"));
    h.options.allowedMismatches = a.allowed;
    for (const auto& entry : recorder::readEnvironment()) {
        auto& group = entry.category == "key" ? h.node.keyFields : entry.category == "volatile" ? h.node.volatileFields : h.node.recorded;
        if (entry.name != "environment.key") group.emplace(entry.name, entry.value);
    }
    if (!a.references.empty()) {
        watchdog.doing("reading the references");
        RIDGE_TRY(const std::vector<analyzer::StoredRun> all, loadRuns(a.references));
        h.references = analyzer::referencesFor(h.node, all, h.options, h.report.acceptance);
    }
    RIDGE_TRY(h.program, findWorkloads());
    return {};
}

Result<std::vector<Variant>> chosen(Health& h, Watchdog& watchdog) {
    std::string& backend = h.arguments.backend;
    if (backend != "cpu") {
        watchdog.doing("looking for a GPU");
        const std::string reason = whyNoCuda(h.program, std::max(h.budget.remaining(), 0.0));
        if (backend == "cuda" && !reason.empty()) return Error{ErrorCode::kUnsupported, fmt::format("--backend cuda: {}; --backend cpu runs everywhere", reason)};
        backend = reason.empty() ? "cuda" : "cpu";
    }
    watchdog.doing("asking the workloads what they have");
    const auto described = describeWorkloads(h.program, backend, std::max(h.budget.remaining(), 0.0));
    if (!described.ok() && h.budget.remaining() <= 0) return budgetWasOver(h.budget.seconds(), described.error().message);
    RIDGE_TRY(const std::vector<Variant> all, described);
    std::vector<Variant> variants;
    for (const std::string_view wanted : backend == "cuda" ? kHealthWorkloadsCuda : kHealthWorkloadsCpu) {
        const auto at = std::find_if(all.begin(), all.end(), [&](const Variant& v) { return v.name == wanted; });
        if (at == all.end()) h.report.acceptance.notes.push_back(fmt::format("{} does not have {}", h.program, wanted));
        else variants.push_back(*at);
    }
    return variants;
}

void judge(Health& h, HealthMeasurement& measurement) {
    const auto again = [&] {
        analyzer::Acceptance once;
        h.node.benchmarks = measurement.benchmarks();
        analyzer::judgeNode(h.node, h.references, h.options, once);
        return once;
    };
    const analyzer::Acceptance first = again();
    std::vector<std::string> slow;
    for (const auto& check : first.checks)
        if (check.fitness == analyzer::Fitness::kSlow) slow.push_back(check.benchmark);
    const std::vector<std::string> once = slow.empty() ? slow : measurement.measureAgain(slow);
    analyzer::Acceptance last = again();
    for (auto& check : last.checks) {
        const bool suspected = std::find(slow.begin(), slow.end(), check.benchmark) != slow.end();
        if (suspected && std::find(once.begin(), once.end(), check.benchmark) != once.end() && check.fitness == analyzer::Fitness::kSlow) {
            check.fitness = analyzer::Fitness::kUnknown;
            check.reason = "slow once, and --budget left no time to measure it again";
        } else if (suspected) {
            check.reason = check.fitness == analyzer::Fitness::kSlow ? "slow twice" : "slow once, and not when it was measured again";
        }
    }
    h.report.acceptance.checks = std::move(last.checks);
    h.report.acceptance.failed = std::move(last.failed);
}

void describe(Health& h, const std::string& started) {
    analyzer::RunReport& r = h.node;
    r.startedAt = started;
    r.endedAt = utcNow();
    r.toolVersion = version();
    r.argv = h.globals->arguments;
    constexpr double kToWrite = 0.3;  // seconds
    // Reads the whole program: only for the run file, and as far as there is time.
    if (!h.arguments.output.empty() && !describeSubject(h.program, r, [&] { return h.budget.untilEnd() < kToWrite; }))
        r.warnings.push_back({"program_not_hashed", fmt::format("{} was not read to its end within --budget: its hash is not known", h.program), ""});
    const auto host = r.recorded.find("host.name");
    h.report.host = host == r.recorded.end() ? "" : host->second;
    r.id = r.sessionId = fmt::format("health-{}-{}", h.report.host, started);
    h.report.startedAt = started;
    h.report.endedAt = r.endedAt;
    h.report.toolVersion = r.toolVersion;
    h.report.environmentKey = analyzer::environmentKey(r.keyFields);
    h.report.budget = h.arguments.budget;
    h.report.references = h.arguments.references;
}

// What the budget did not reach, with the reason: a run without it would be a hollow reference to others.
std::vector<std::string> notMeasured(const analyzer::RunReport& node) {
    std::vector<std::string> missing;
    for (const analyzer::RunBenchmark& b : node.benchmarks)
        if (b.status == "skipped") missing.push_back(fmt::format("{} ({})", b.name, b.reason));
    return missing;
}

int print(const Health& h) {
    if (h.arguments.nagios) fmt::print("{}", reports::renderNagios(h.report));
    else if (h.globals->json) fmt::print("{}", reports::renderJson(h.report));
    else if (!h.globals->quiet) fmt::print("{}", reports::renderTerminal(h.report, {wantsColour(*h.globals), terminalWidth(), 0}));
    return exitCodeOf(h);
}

// All but what is printed. Returns an exit code of its own where exitCodeOf() does not say it.
Result<std::optional<int>> measureAndJudge(Health& h, Watchdog& watchdog) {
    const HealthArguments& a = h.arguments;
    const std::string started = utcNow();
    RIDGE_TRY_STATUS(prepare(h, watchdog));
    if (!a.references.empty() && h.references.empty()) {  // of another kind: no need to measure
        describe(h, started);
        h.report.seconds = h.budget.elapsed();
        return std::optional<int>{};
    }
    RIDGE_TRY(const TempDir folder, TempDir::create("ridge-health-"));
    watchdog.removeAtEnd(folder.path());
    RIDGE_TRY(const std::vector<Variant> variants, chosen(h, watchdog));
    catchInterrupts();
    watchdog.doing("measuring");
    HealthMeasurement measurement(h.program, h.arguments.backend, variants, h.budget, folder.path().string());
    {
        const ProgressLine progress(!h.globals->quiet, "measuring this node");
        measurement.measureAll();
        judge(h, measurement);
    }
    watchdog.doing("describing what was measured");
    describe(h, started);
    const std::vector<std::string> missing = notMeasured(h.node);
    for (const std::string& what : missing) h.report.acceptance.notes.push_back(fmt::format("{} was not measured{}", what, a.output.empty() ? "" : fmt::format(": {} was not written", a.output)));
    std::optional<int> code;
    if (!missing.empty() && a.references.empty()) {
        if (!interruptedBy() || a.nagios) code = kNagiosUnknown;
    } else if (!a.output.empty() && !interruptedBy() && missing.empty()) {
        watchdog.doing("writing the run");
        RIDGE_TRY_STATUS(writeOutput(a.output, reports::renderJson(h.node), h.globals->force));
    }
    h.report.seconds = h.budget.elapsed();
    return code;
}

int healthCommand(const HealthArguments& arguments, const Globals& globals) {
    Health h(arguments, globals);
    const auto outcome = [&] {
        // Whatever it hangs in, the word is said in time.
        Watchdog watchdog(h.budget, [&](const std::string& doing) {
            const int code = give(arguments, budgetWasOver(arguments.budget, doing));
            std::fflush(stdout);
            return code;
        });
        return measureAndJudge(h, watchdog);
    }();
    if (!outcome.ok()) return give(arguments, outcome.error());
    const int code = print(h);
    return outcome->value_or(code);
}

}  // namespace

void addHealth(CLI::App& app, Globals& globals) {
    auto a = std::make_shared<HealthArguments>();
    CLI::App* command = app.add_subcommand("health", "Is this node fit to compute? Roofs and three short workloads against nodes of its kind");
    command->add_option("--reference", a->references, "What nodes of this kind reach: files that -o wrote, or folders of them; five or more are a fleet, whose own spread is the limit")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->type_name("FILE");
    command->add_option("--tolerance", a->tolerance, "How much slower than fewer than five references is fit, as 10% or 0.1")->default_str("10%");
    command->add_option("--allow-env-mismatch", a->allowed, "A field of the environment that may differ from the reference's (*: any)")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->type_name("FIELD");
    command->add_option("--budget", a->budget, "Seconds that it may take, all in all")->check(finiteRange(5.0, 3600.0))->default_str("50");
    command->add_option("--backend", a->backend, "auto (cuda where a GPU is), cpu, cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}))->default_str("auto");
    command->add_option("-o,--output", a->output, "What was measured, as a run: a reference for others, and for ridge track and export")->type_name("FILE");
    command->add_flag("--nagios", a->nagios, "One line with performance data, and a monitor's exit codes: 0 OK, 2 CRITICAL, 3 UNKNOWN");
    addCommonOptions(*command, globals);
    command->footer("What is slow is measured a second time before it is said.\n"
                    "Exit codes: 0 fit (or measured, with -o and no reference); 1 slow; 2 usage or an unreadable reference; 3 cannot be told: no reference of this kind, or not measured\n"
                    "in the budget; 4 a workload failed; 77 this machine cannot do it.\n\n"
                    "Examples:\n  ridge health -o reference.json    (on a good node)\n  ridge health --reference reference.json\n  ridge health --reference fleet/ --nagios --budget 50");
    command->callback([a, &globals] { globals.action = [a, &globals] { return healthCommand(*a, globals); }; });
}

}  // namespace ridge::cli
