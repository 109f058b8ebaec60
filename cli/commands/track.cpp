// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge track: a history of runs in SQLite, and what it says: suspects, changes of level, drift.
#include <cstdint>
#include <cstdlib>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <regex>

#include "analyzer/history/check.h"
#include "analyzer/history/history.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/app/app.h"
#include "cli/app/outputs.h"
#include "cli/commands/verdict_commands.h"
#include "cli/app/validators.h"
#include "cli/verdicts/stored.h"
#include "reports/history/history.h"
#include "reports/terminal/table.h"
#include "reports/verdicts/parts.h"

namespace ridge::cli {
namespace {

using analyzer::History;

struct TrackArguments {
    std::string db, tag, filter, html, junit, markdown, output, by, comment, run, at;
    std::vector<std::string> inputs, fresh;
    std::vector<std::int64_t> changes;
    double alpha = 0.01;
    bool acceptImprovements = false, dry = false, showRuns = false, showChanges = false, json = false;
    std::int64_t most = 200;
};

int print(const nlohmann::ordered_json& json) {
    fmt::print("{}\n", json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return 0;
}

std::string person(const TrackArguments& a) {
    if (!a.by.empty()) return a.by;
    for (const char* name : {"USER", "LOGNAME"})
        if (const char* value = std::getenv(name); value && *value) return value;
    return {};
}

Result<std::regex> filterOf(const std::string& text) {
    try {
        return std::regex(text);
    } catch (const std::regex_error& error) {
        return Error{ErrorCode::kBadInput, fmt::format("--filter {}: {}", text, error.what())};
    }
}

Result<std::vector<analyzer::Series>> chosen(History& history, const std::string& filter) {
    RIDGE_TRY(const std::regex pattern, filterOf(filter));
    RIDGE_TRY(const std::vector<analyzer::Series> all, history.series());
    std::vector<analyzer::Series> out;
    for (const auto& s : all)
        if (filter.empty() || std::regex_search(s.name(), pattern)) out.push_back(s);
    return out;
}

int add(const TrackArguments& a, const Globals& globals) {
    const auto runs = loadRuns(a.inputs);
    if (!runs.ok()) return fail(runs.error());
    auto history = History::openOrCreate(a.db);
    if (!history.ok()) return fail(history.error());
    const auto result = history->add(*runs, a.tag);
    if (!result.ok()) return fail(result.error());
    if (globals.json) return print({{"runs", result->runs}, {"points", result->points}, {"known", result->known}});
    if (!globals.quiet) fmt::print("{} runs with {} values added{}\n", result->runs, result->points, result->known ? fmt::format("; {} were there already", result->known) : "");
    return 0;
}

int importRows(const TrackArguments& a, const Globals& globals) {
    std::vector<History::Row> rows;
    for (const std::string& path : a.inputs) {
        const auto text = readFile(path);
        if (!text.ok()) return fail(text.error());
        auto own = reports::parseHistoryCsv(*text, path);
        if (!own.ok()) return fail(own.error());
        rows.insert(rows.end(), std::make_move_iterator(own->begin()), std::make_move_iterator(own->end()));
    }
    auto history = History::openOrCreate(a.db);
    if (!history.ok()) return fail(history.error());
    const auto result = history->addRows(rows);
    if (!result.ok()) return fail(result.error());
    if (globals.json) return print({{"runs", result->runs}, {"points", result->points}, {"known", result->known}});
    if (!globals.quiet) fmt::print("{} runs with {} values imported; {} were there already\n", result->runs, result->points, result->known);
    return 0;
}

int listRuns(History& history, const TrackArguments& a, const Globals& globals) {
    const auto runs = history.runs(a.most);
    if (!runs.ok()) return fail(runs.error());
    if (globals.json) {
        auto json = nlohmann::ordered_json::array();
        for (const auto& r : *runs) json.push_back({{"run_id", r.runId}, {"started_at", analyzer::timeText(r.at)}, {"environment_key", r.environmentKey}, {"git_sha", r.gitSha}, {"branch", r.branch}, {"tag", r.tag}, {"source", r.source}});
        return print(json);
    }
    reports::Table table({{"run", reports::Table::Align::kLeft, 20}, {"began"}, {"commit"}, {"tag"}, {"environment"}});
    for (const auto& r : *runs) table.add({r.runId, analyzer::timeText(r.at), r.gitSha.substr(0, 12), r.tag, r.environmentKey.substr(0, 12)});
    fmt::print("{}", table.render(terminalWidth(), wantsColour(globals)));
    return 0;
}

int listChanges(History& history, const Globals& globals) {
    const auto changes = history.changePoints();
    const auto series = history.series();
    if (!changes.ok()) return fail(changes.error());
    if (!series.ok()) return fail(series.error());
    const auto nameOf = [&](const analyzer::ChangePoint& c) {
        for (const auto& s : *series)
            if (s.id.environment == c.series.environment && s.id.metric == c.series.metric) return s.name();
        return std::string("?");
    };
    if (globals.json) {
        auto json = nlohmann::ordered_json::array();
        for (const auto& c : *changes)
            json.push_back({{"id", c.id}, {"series", nameOf(c)}, {"at", analyzer::timeText(c.at)}, {"worse", c.worse}, {"ratio", c.ratio ? nlohmann::ordered_json(*c.ratio) : nlohmann::ordered_json(nullptr)}, {"found_by", c.foundBy},
                            {"accepted_by", c.acceptedBy.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(c.acceptedBy)}, {"comment", c.comment}});
        return print(json);
    }
    reports::Table table({{"n", reports::Table::Align::kRight}, {"series", reports::Table::Align::kLeft, 20}, {"since"}, {"change", reports::Table::Align::kRight}, {"found by"}, {"accepted by"}, {"", reports::Table::Align::kLeft, 10, true}});
    for (const auto& c : *changes) table.add({std::to_string(c.id), nameOf(c), analyzer::timeText(c.at), reports::verdicts::changeText(c.ratio), c.foundBy, c.accepted() ? c.acceptedBy : "open", c.comment});
    fmt::print("{}", table.render(terminalWidth(), wantsColour(globals)));
    return 0;
}

int list(const TrackArguments& a, const Globals& globals) {
    auto history = History::open(a.db);
    if (!history.ok()) return fail(history.error());
    if (a.showRuns) return listRuns(*history, a, globals);
    if (a.showChanges) return listChanges(*history, globals);
    const auto series = chosen(*history, a.filter);
    if (!series.ok()) return fail(series.error());
    auto json = nlohmann::ordered_json::array();
    reports::Table table({{"benchmark", reports::Table::Align::kLeft, 16}, {"metric", reports::Table::Align::kLeft, 12}, {"points", reports::Table::Align::kRight}, {"newest", reports::Table::Align::kRight}, {"the last 40"}});
    constexpr std::int64_t kShown = 40;
    for (const auto& s : *series) {
        const auto points = history->points(s.id, INT64_MIN, kShown);
        if (!points.ok()) return fail(points.error());
        json.push_back({{"id", s.benchmark}, {"metric", s.metric}, {"unit", s.unit}, {"direction", s.direction}, {"environment_key", s.environmentKey}, {"points", s.points}, {"newest", points->empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(points->back().value)}});
        if (!points->empty()) table.add({s.benchmark, s.metric, std::to_string(s.points), reports::verdicts::valueText(points->back().value, s.unit), reports::sparkline(*points, kShown)});
    }
    if (globals.json) return print(json);
    fmt::print("{}", table.render(terminalWidth(), wantsColour(globals)));
    return 0;
}

int check(const TrackArguments& a, const Globals& globals) {
    for (const std::string* path : {&a.junit, &a.markdown})
        if (!path->empty()) {
            if (const Status status = isNoInput(*path, {a.db}); !status.ok()) return fail(status.error());
            if (const Status status = mayWrite(*path, globals.force); !status.ok()) return fail(status.error());
        }
    if (const auto pattern = filterOf(a.filter); !pattern.ok()) return fail(pattern.error());
    analyzer::CheckOptions options;
    options.filter = a.filter;
    options.alpha = a.alpha;
    options.acceptImprovements = a.acceptImprovements;
    options.store = !a.dry;
    if (!a.fresh.empty()) {
        auto fresh = loadRuns(a.fresh);
        if (!fresh.ok()) return fail(fresh.error());
        options.fresh = std::move(*fresh);
    }
    auto history = History::open(a.db);
    if (!history.ok()) return fail(history.error());
    const auto result = analyzer::checkHistory(*history, options);
    if (!result.ok()) return fail(result.error());
    if (!a.junit.empty())
        if (const Status status = writeOutput(a.junit, reports::renderJunit(*result), globals.force); !status.ok()) return fail(status.error());
    if (!a.markdown.empty())
        if (const Status status = writeOutput(a.markdown, reports::renderMarkdown(*result), globals.force); !status.ok()) return fail(status.error());
    if (globals.json) print(reports::toJson(*result));
    else if (!globals.quiet) fmt::print("{}", reports::renderTerminal(*result, {wantsColour(globals), terminalWidth(), 50}));
    return result->regressed() ? 1 : 0;
}

int pin(const TrackArguments& a, const Globals& globals) {
    auto history = History::open(a.db);
    if (!history.ok()) return fail(history.error());
    const auto run = a.run.empty() ? history->newestRun() : history->run(a.run);
    if (!run.ok()) return fail(run.error());
    const std::string by = person(a);
    if (by.empty()) return fail(2, "who pins it? give --by NAME");
    if (const Status status = history->pin(*run, by); !status.ok()) return fail(status.error());
    note(globals, fmt::format("drift is measured against the sessions up to {}", run->runId));
    return 0;
}

int accept(const TrackArguments& a, const Globals& globals) {
    const std::string by = person(a);
    if (by.empty()) return fail(2, "who accepts it? give --by NAME");
    if (a.changes.empty() == a.at.empty()) return fail(2, "name the change points by their numbers, or a run with --at");
    auto history = History::open(a.db);
    if (!history.ok()) return fail(history.error());
    for (const std::int64_t id : a.changes)
        if (const Status status = history->accept(id, by, a.comment); !status.ok()) return fail(status.error());
    if (!a.at.empty()) {  // a level that a person knows to have changed
        const auto run = history->run(a.at);
        if (!run.ok()) return fail(run.error());
        const auto series = chosen(*history, a.filter);
        if (!series.ok()) return fail(series.error());
        for (const auto& s : *series) {
            if (s.environmentKey != run->environmentKey) continue;
            analyzer::ChangePoint c;
            c.at = run->at;
            c.run = run->id;
            c.series = s.id;
            c.foundBy = "person";
            c.acceptedBy = by;
            c.comment = a.comment;
            if (const auto made = history->addChangePoint(c); !made.ok()) return fail(made.error());
        }
    }
    note(globals, fmt::format("accepted by {}; these series begin anew there", by));
    return 0;
}

int plot(const TrackArguments& a, const Globals& globals) {
    if (const Status status = isNoInput(a.html, {a.db}); !status.ok()) return fail(status.error());
    if (!a.html.empty() && a.html != "-")
        if (const Status status = mayWrite(a.html, globals.force); !status.ok()) return fail(status.error());
    auto history = History::open(a.db);
    if (!history.ok()) return fail(history.error());
    const auto series = chosen(*history, a.filter);
    const auto changes = history->changePoints();
    if (!series.ok()) return fail(series.error());
    if (!changes.ok()) return fail(changes.error());
    std::vector<reports::PlottedSeries> plots;
    for (const auto& s : *series) {
        const auto points = history->points(s.id, INT64_MIN, a.most);
        if (!points.ok()) return fail(points.error());
        reports::PlottedSeries one{s, *points, {}};
        for (const auto& c : *changes)
            if (c.series.environment == s.id.environment && c.series.metric == s.id.metric) one.changes.push_back(c);
        plots.push_back(std::move(one));
    }
    if (a.html.empty()) {
        const std::size_t width = terminalWidth();
        for (const auto& p : plots)
            fmt::print("{}\n  {}\n", p.series.name(), reports::sparkline(p.points, width > 4 ? width - 4 : 116));
        return 0;
    }
    const std::string page = reports::renderHtml(plots, "History of " + a.db);
    if (a.html == "-") {
        fmt::print("{}", page);
        return 0;
    }
    if (const Status status = writeOutput(a.html, page, globals.force); !status.ok()) return fail(status.error());
    return 0;
}

int exportRows(const TrackArguments& a, const Globals& globals) {
    if (const Status status = isNoInput(a.output, {a.db}); !status.ok()) return fail(status.error());
    auto history = History::open(a.db);
    if (!history.ok()) return fail(history.error());
    const auto rows = history->rows();
    if (!rows.ok()) return fail(rows.error());
    const std::string csv = reports::renderCsv(*rows);
    if (a.output.empty() || a.output == "-") {
        fmt::print("{}", csv);
        return 0;
    }
    if (const Status status = writeOutput(a.output, csv, globals.force); !status.ok()) return fail(status.error());
    return 0;
}

using Action = int (*)(const TrackArguments&, const Globals&);

CLI::App* sub(CLI::App& track, Globals& globals, const std::shared_ptr<TrackArguments>& a, const char* name, const char* what, Action action, const char* example) {
    CLI::App* command = track.add_subcommand(name, what);
    command->add_option("--db", a->db, "The history's file")->required()->type_name("FILE");
    addCommonOptions(*command, globals);
    command->footer(example);
    command->callback([a, action, &globals] { globals.action = [a, action, &globals] { return action(*a, globals); }; });
    return command;
}

}  // namespace

void addTrack(CLI::App& app, Globals& globals) {
    auto a = std::make_shared<TrackArguments>();
    CLI::App* track = app.add_subcommand("track", "A history of runs: did the level change, since when, who accepted it");
    track->require_subcommand(1);
    track->footer("Examples:\n  ridge track add --db history.sqlite runs/\n  ridge track check --db history.sqlite\n  ridge track accept 3 --db history.sqlite --by ada --comment 'fp32 on purpose'\n\n"
                  "Exit codes: 0 no change for the worse; 1 regressed or drifted; 2 usage; 3 an empty history.");
    CLI::App* c = sub(*track, globals, a, "add", "Add runs: one value per session, metric and environment", add, "Example:\n  ridge track add --db history.sqlite runs/2026-01-05T10-00-00Z --tag nightly");
    c->add_option("RUN", a->inputs, "run.json, folders of ridge run, folders of such folders, Google Benchmark's JSON")->required();
    c->add_option("--tag", a->tag, "A name for these runs");
    c = sub(*track, globals, a, "list", "The series, the runs or the change points", list, "Example:\n  ridge track list --db history.sqlite --changes");
    c->add_flag("--runs", a->showRuns, "The newest runs");
    c->add_flag("--changes", a->showChanges, "The change points, and who accepted them");
    c->add_option("--filter", a->filter, "Only series in which this regular expression is found")->type_name("REGEX");
    c->add_option("--most", a->most, "How many runs")->check(CLI::Range(1, 1000000))->default_str("200");
    c = sub(*track, globals, a, "check", "What the newest run shows: suspects, changes of level, drift", check,
            "A suspect is a warning. Five fresh sessions of the same build decide: ridge run ... (five times), then\n  ridge track check --db history.sqlite --fresh runs/a --fresh runs/b ...\nExit code 1: a level changed for the worse and nobody accepted it, or it drifted from the pinned reference.");
    c->add_option("--fresh", a->fresh, "Sessions measured to confirm the suspects")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->type_name("RUN");
    c->add_option("--filter", a->filter, "Only series in which this regular expression is found")->type_name("REGEX");
    c->add_option("--alpha", a->alpha, "Of confirming and of drift, shared by the series")->check(finiteRange(1e-6, 0.2))->default_str("0.01");
    c->add_flag("--accept-improvements", a->acceptImprovements, "Improvements found start a new level by themselves");
    c->add_flag("-n,--dry-run", a->dry, "Store no change point");
    c->add_option("--junit", a->junit, "As JUnit XML")->type_name("FILE");
    c->add_option("--markdown", a->markdown, "As Markdown")->type_name("FILE");
    c = sub(*track, globals, a, "accept", "Accept change points, or say where a level changed: the series begin anew there", accept, "Examples:\n  ridge track accept 3 4 --db history.sqlite --by ada\n  ridge track accept --at v2.1 --filter gemm --db history.sqlite --by ada --comment 'new driver'");
    c->add_option("N", a->changes, "Numbers of change points");
    c->add_option("--at", a->at, "A run (or tag) at which the level changed")->type_name("RUN");
    c->add_option("--filter", a->filter, "With --at: only series in which this regular expression is found")->type_name("REGEX");
    c->add_option("--by", a->by, "Who (default: the user's name)");
    c->add_option("--comment", a->comment, "Why");
    c = sub(*track, globals, a, "pin", "Make a run the reference for drift", pin, "Example:\n  ridge track pin v2.0 --db history.sqlite");
    c->add_option("RUN", a->run, "A run or tag (default: the newest run)");
    c->add_option("--by", a->by, "Who (default: the user's name)");
    c = sub(*track, globals, a, "plot", "The lines of the series, on the terminal or as a page", plot, "Example:\n  ridge track plot --db history.sqlite --filter gemm --html history.html");
    c->add_option("--filter", a->filter, "Only series in which this regular expression is found")->type_name("REGEX");
    c->add_option("--html", a->html, "As one HTML page with the change points (-: to stdout)")->type_name("FILE");
    c->add_option("--most", a->most, "Points of a line, the newest")->check(CLI::Range(2, 100000))->default_str("200");
    c = sub(*track, globals, a, "import", "Add what ridge track export wrote", importRows, "Example:\n  ridge track import --db history.sqlite old.csv");
    c->add_option("FILE", a->inputs, "CSV of ridge track export")->required();
    c = sub(*track, globals, a, "export", "Every value as CSV", exportRows, "Example:\n  ridge track export --db history.sqlite -o history.csv");
    c->add_option("-o,--output", a->output, "Where to (default: stdout)")->type_name("FILE");
}

}  // namespace ridge::cli
