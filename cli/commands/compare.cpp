// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge compare: two runs in; which class, which op and why, out.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "analyzer/ceilings.h"
#include "analyzer/compare/comparison.h"
#include "cli/app/app.h"
#include "cli/app/process.h"
#include "cli/run/ceilings.h"
#include "reports/comparison/comparison.h"

namespace ridge::cli {
namespace {

namespace fs = std::filesystem;

struct CompareArguments {
    std::vector<std::string> a, b;
    std::vector<std::string> inputs, pairs;
    std::string ceilings, step, json, html, markdown, junit;
    bool jsonGiven = false, stepGiven = false;
    int warmup = -1;
    std::size_t rows = 10;
};

// A folder of ridge run: every workload's timelines (trace.sqlite, of repeats trace-2.sqlite, ...). Each is a run of its own.
Result<std::vector<std::string>> tracesIn(const std::string& folder) {
    std::vector<std::string> traces;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
        if (!entry.is_directory(ec)) continue;
        for (const auto& file : fs::directory_iterator(entry.path(), ec)) {
            const std::string name = file.path().filename().string();
            if (name.starts_with("trace") && name.ends_with(".sqlite") && file.is_regular_file(ec)) traces.push_back(file.path().string());
        }
    }
    if (traces.empty()) return Error{ErrorCode::kBadInput, fmt::format("{} holds no */trace.sqlite; name a folder of ridge run, or traces", folder)};
    std::sort(traces.begin(), traces.end());
    return traces;
}

// Roofs measured beside the runs, the better of all: one set for both sides, or an op would change its class because a
// roof was measured anew.
std::vector<analyzer::Ceiling> roofsBeside(const std::vector<std::string>& inputs) {
    std::vector<analyzer::Ceiling> best;
    std::error_code ec;
    for (const std::string& input : inputs)
        for (const char* name : {"ceilings-before.json", "ceilings-after.json"}) {
            const fs::path file = fs::path(input) / name;
            if (!fs::is_directory(input, ec) || !fs::is_regular_file(file, ec)) continue;
            if (auto roofs = analyzer::readCeilings(file.string()); roofs.ok()) best = best.empty() ? std::move(*roofs) : betterOf(best, *roofs);
        }
    return best;
}

// Of repeats of one workload the one whose median step is the median stays.
void keepMiddleRepeats(std::vector<analyzer::RunProfile>& runs) {
    std::map<std::string, std::vector<std::pair<analyzer::Ns, std::size_t>>> repeats;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i].lanes.empty()) continue;
        std::vector<analyzer::Ns> lengths;
        for (const auto& step : runs[i].lanes.front().steps) lengths.push_back(step.endNs - step.startNs);
        repeats[runs[i].lanes.front().workload].emplace_back(analyzer::spreadOf(std::move(lengths)).median, i);
    }
    std::vector<bool> keep(runs.size(), false);
    for (auto& [name, list] : repeats) {
        std::sort(list.begin(), list.end());
        keep[list[(list.size() - 1) / 2].second] = true;
    }
    std::vector<analyzer::RunProfile> kept;
    for (std::size_t i = 0; i < runs.size(); ++i)
        if (keep[i]) kept.push_back(std::move(runs[i]));
    runs = std::move(kept);
}

// What one side gives: a profile per workload for folders, else one.
Result<std::vector<analyzer::RunProfile>> profilesOf(const std::vector<std::string>& inputs, const analyzer::AnalyzeOptions& options) {
    std::vector<analyzer::RunProfile> runs;
    std::error_code ec;
    if (inputs.size() == 1 && fs::is_directory(inputs.front(), ec)) {
        RIDGE_TRY(const std::vector<std::string> traces, tracesIn(inputs.front()));
        for (const std::string& trace : traces) {
            RIDGE_TRY(analyzer::RunProfile run, analyzer::profileRun({trace}, options));
            runs.push_back(std::move(run));
        }
        keepMiddleRepeats(runs);
        return runs;
    }
    RIDGE_TRY(analyzer::RunProfile run, analyzer::profileRun(inputs, options));
    runs.push_back(std::move(run));
    return runs;
}

// The comparisons of the workloads of two folders as one.
analyzer::Comparison joined(const std::vector<analyzer::RunProfile>& a, const std::vector<analyzer::RunProfile>& b, const analyzer::CompareOptions& options) {
    if (a.size() == 1 && b.size() == 1) return compareProfiles(a.front(), b.front(), options);
    const auto nameOf = [](const analyzer::RunProfile& run) { return run.lanes.empty() ? std::string() : run.lanes.front().workload; };
    analyzer::Comparison all;
    std::vector<bool> usedB(b.size(), false);
    std::optional<analyzer::Refusal> refusal;
    const auto take = [&](analyzer::Comparison one) {
        for (auto [to, from] : {std::pair(&all.a, &one.a), std::pair(&all.b, &one.b)}) {
            to->sources.insert(to->sources.end(), from->sources.begin(), from->sources.end());
            to->gate.insert(to->gate.end(), from->gate.begin(), from->gate.end());
            if (to->stepSource.empty()) to->stepSource = from->stepSource;
        }
        for (auto& d : one.differences)
            if (std::none_of(all.differences.begin(), all.differences.end(), [&](const auto& x) { return x.what == d.what && x.a == d.a && x.b == d.b; })) all.differences.push_back(std::move(d));
        for (auto& lane : one.lanes) all.lanes.push_back(std::move(lane));
        for (auto& note : one.notes)
            if (std::find(all.notes.begin(), all.notes.end(), note) == all.notes.end()) all.notes.push_back(std::move(note));
        if (one.refusal) {
            all.notes.push_back("left out: " + one.refusal->reason);
            if (!refusal) refusal = one.refusal;
        }
    };
    for (const auto& run : a) {
        std::string wanted = nameOf(run);
        for (const auto& [left, right] : options.pairs)
            if (left == wanted) wanted = right;
        const auto other = std::find_if(b.begin(), b.end(), [&](const auto& x) { return nameOf(x) == wanted; });
        if (other == b.end()) {
            all.onlyA.push_back(nameOf(run));
            continue;
        }
        usedB[static_cast<std::size_t>(other - b.begin())] = true;
        take(compareProfiles(run, *other, options));
    }
    for (std::size_t i = 0; i < b.size(); ++i)
        if (!usedB[i]) all.onlyB.push_back(nameOf(b[i]));
    if (all.lanes.empty())
        all.refusal = refusal ? *refusal : analyzer::Refusal{analyzer::RefusalKind::kWorkload, "the two folders have no workload in common"};
    for (const auto& name : all.onlyA) all.notes.push_back("only A ran " + name);
    for (const auto& name : all.onlyB) all.notes.push_back("only B ran " + name);
    for (std::size_t i = 0; i < all.lanes.size(); ++i)
        if (std::abs(all.lanes[i].deltaNs) > std::abs(all.lanes[all.lead].deltaNs)) all.lead = i;
    return all;
}

Status checkOutputs(const CompareArguments& a, bool force) {
    std::error_code ec;
    const std::vector<std::string> outputs{a.json, a.html, a.markdown, a.junit};
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (outputs[i].empty()) continue;
        for (std::size_t j = 0; j < i; ++j)
            if (!outputs[j].empty() && (outputs[i] == outputs[j] || fs::weakly_canonical(outputs[i], ec) == fs::weakly_canonical(outputs[j], ec)))
                return Error{ErrorCode::kBadInput, fmt::format("{} is named for two outputs; give each its own", outputs[i])};
        if (outputs[i] == "-") continue;
        for (const auto* side : {&a.a, &a.b})
            for (const std::string& trace : *side)
                if (fs::equivalent(outputs[i], trace, ec)) return Error{ErrorCode::kBadInput, fmt::format("{} is both input and output; name another output", outputs[i])};
        RIDGE_TRY_STATUS(mayWrite(outputs[i], force));
    }
    return {};
}

Status writeReports(const CompareArguments& a, const analyzer::Comparison& c, bool force) {
    if (!a.json.empty() && a.json != "-") RIDGE_TRY_STATUS(writeOutput(a.json, reports::renderJson(c), force));
    if (!a.html.empty() && a.html != "-") RIDGE_TRY_STATUS(writeOutput(a.html, reports::renderHtml(c), force));
    if (!a.markdown.empty() && a.markdown != "-") RIDGE_TRY_STATUS(writeOutput(a.markdown, reports::renderMarkdown(c), force));
    if (!a.junit.empty() && a.junit != "-") RIDGE_TRY_STATUS(writeOutput(a.junit, reports::renderJunit(c), force));
    return {};
}

// "base=new"; the names may hold '=' themselves: every place to cut is tried by whoever matches.
Result<std::pair<std::string, std::string>> pairOf(const std::string& text) {
    const std::size_t at = text.find("=>");
    if (at != std::string::npos) return std::pair(text.substr(0, at), text.substr(at + 2));
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size() || text.find('=', equals + 1) != std::string::npos)
        return Error{ErrorCode::kBadInput, fmt::format("--pair {}: give NAME_IN_A=>NAME_IN_B", text)};
    return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

// Two inputs: A and B. More: --a and --b say which traces are which side.
Status sides(CompareArguments& a) {
    if (!a.inputs.empty() && (!a.a.empty() || !a.b.empty())) return Error{ErrorCode::kBadInput, "name the two runs, or use --a and --b; not both"};
    if (a.inputs.size() == 2) {
        a.a = {a.inputs[0]};
        a.b = {a.inputs[1]};
    }
    if (a.a.empty() || a.b.empty()) return Error{ErrorCode::kBadInput, "two runs are compared: ridge compare A B, or --a TRACE... --b TRACE... for runs of several traces"};
    std::error_code ec;
    for (const auto* side : {&a.a, &a.b})
        for (const std::string& trace : *side)
            if (!(side->size() == 1 && fs::is_directory(trace, ec))) RIDGE_TRY_STATUS(mayRead(trace));
    return {};
}

int compareCommand(CompareArguments a, const Globals& globals) {
    // Which of the two runs "--json RUN" has taken for its file cannot be told.
    if (a.jsonGiven && a.inputs.size() == 1 && a.a.empty() && !a.json.empty())
        return fail(2, fmt::format("--json took {} for its file; put --json last, or give it a file of its own", a.json));
    if (a.jsonGiven && a.json.empty()) a.json = "-";
    if (const Status status = sides(a); !status.ok()) return fail(status.error());
    if (const Status status = checkOutputs(a, globals.force); !status.ok()) return fail(status.error());
    if (a.stepGiven && a.step.empty()) return fail(2, "--step names the range that is one step; its name is empty");
    analyzer::CompareOptions options;
    options.analyze.stepName = a.step;
    options.warmup = a.warmup;
    for (const std::string& text : a.pairs) {
        auto pair = pairOf(text);
        if (!pair.ok()) return fail(pair.error());
        options.pairs.push_back(std::move(*pair));
    }
    if (!a.ceilings.empty()) {
        auto ceilings = analyzer::readCeilings(a.ceilings);
        if (!ceilings.ok()) return fail(ceilings.error());
        options.analyze.ceilings = std::move(*ceilings);
        if (options.analyze.ceilings.empty()) note(globals, fmt::format("{} lists no roof: nothing is held against it", a.ceilings));
    } else {
        options.analyze.ceilings = roofsBeside({a.a.front(), a.b.front()});
    }
    const ProgressLine progress(!globals.quiet, "comparing " + a.a.front() + " and " + a.b.front());
    const auto left = profilesOf(a.a, options.analyze);
    if (!left.ok()) return fail(left.error());
    const auto right = profilesOf(a.b, options.analyze);
    if (!right.ok()) return fail(right.error());
    if (!options.pairs.empty() && left->size() == 1 && right->size() == 1)
        note(globals, "--pair tells which workloads of two folders belong together; each side is one run here, so it says nothing");
    if (a.warmup > 0)
        for (const auto* side : {&*left, &*right})
            for (const analyzer::RunProfile& run : *side)
                if (std::all_of(run.lanes.begin(), run.lanes.end(), [&](const auto& lane) { return lane.steps.size() <= static_cast<std::size_t>(a.warmup); }))
                    note(globals, fmt::format("--warmup {}: {} has no more steps than that; not all of them can be left out", a.warmup,
                                              side == &*left ? "A" : "B"));
    const analyzer::Comparison comparison = joined(*left, *right, options);
    if (const Status status = writeReports(a, comparison, globals.force); !status.ok()) return fail(status.error());
    if (a.json == "-") fmt::print("{}", reports::renderJson(comparison));
    else if (a.html == "-") fmt::print("{}", reports::renderHtml(comparison));
    else if (a.markdown == "-") fmt::print("{}", reports::renderMarkdown(comparison));
    else if (a.junit == "-") fmt::print("{}", reports::renderJunit(comparison));
    else if (!globals.quiet && !comparison.refusal) fmt::print("{}", reports::renderTerminal(comparison, {wantsColour(globals), terminalWidth(), a.rows}));
    if (comparison.refusal) return fail(3, comparison.refusal->reason);
    return 0;
}

}  // namespace

void addCompare(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<CompareArguments>();
    CLI::App* command = app.add_subcommand("compare", "What is different in B: which class, which op, slower or more often; adds up exactly");
    command->add_option("RUN", arguments->inputs, "A and B: traces of any kind that analyze reads, or two folders of ridge run")->expected(0, 2)->type_name("A B");
    command->add_option("--a", arguments->a, "The traces of A, where it has several (one per rank)")->type_name("TRACE...");
    command->add_option("--b", arguments->b, "The traces of B")->type_name("TRACE...");
    command->add_option("--pair", arguments->pairs, "Compare workload NAME of A with another of B (NAME=>NAME)")->type_name("A=>B");
    CLI::Option* step = command->add_option("--step", arguments->step, "Name of the range that is one step, for traces without step ranges");
    command->add_option("--warmup", arguments->warmup, "Steps left out at the start (default: none where the trace marks its warm-up, else 1)")->check(CLI::Range(0, 1000000));
    command->add_option("--ceilings", arguments->ceilings, "Measured roofs, from ridge ceilings (default: those in the folders of ridge run)");
    command->add_option("--rows", arguments->rows, "How many ops to print")->check(CLI::Range(0, 100000))->default_str("10");
    CLI::Option* json = command->add_option("--json", arguments->json, "The comparison as JSON, to FILE or to stdout")->expected(0, 1)->type_name("[FILE]");
    command->add_option("--html", arguments->html, "The comparison as one HTML file (-: to stdout)")->type_name("FILE");
    command->add_option("--markdown", arguments->markdown, "The comparison as Markdown (-: to stdout)")->type_name("FILE");
    command->add_option("--junit", arguments->junit, "The comparison as JUnit XML; nothing in it fails, what cannot be compared is skipped (-: to stdout)")->type_name("FILE");
    addCommonOptions(*command, globals, false);
    command->footer("It explains a difference; whether there is one is decided by repeated runs.\n"
                    "Exit codes: 0 compared; 2 unreadable input; 3 not comparable, with the reason.\n\n"
                    "Examples:\n  ridge compare before.sqlite after.sqlite\n  ridge compare monday.pt.trace.json.gz today.pt.trace.json.gz --html diff.html\n"
                    "  ridge compare runs/monday runs/today --json\n  ridge compare --a base/rank*.json.gz --b new/rank*.json.gz --rows 30");
    command->callback([arguments, json, step, &globals] {
        arguments->jsonGiven = json->count() > 0;
        arguments->stepGiven = step->count() > 0;
        globals.action = [arguments, &globals] { return compareCommand(*arguments, globals); };
    });
}

}  // namespace ridge::cli
