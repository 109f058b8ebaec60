// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge pack, ridge unpack: a timeline as a small archive, and back to the row.
#include "collector/recorder/archive/pack.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>

#include "base/text.h"
#include "cli/app/process.h"
#include "cli/commands/archive.h"

namespace ridge::cli {
namespace {

struct PackArguments {
    std::string input, output;
    int level = 9;
};

double perEvent(const archive::PackOutcome& outcome) {
    return outcome.events == 0 ? 0 : static_cast<double>(outcome.archiveBytes) / static_cast<double>(outcome.events);
}

int command(const PackArguments& a, const Globals& globals, bool pack) {
    std::error_code ec;
    if (std::filesystem::equivalent(a.input, a.output, ec)) return fail(2, fmt::format("{} is the input and the output; name another output", a.output));
    if (const Status status = mayRead(a.input); !status.ok()) return fail(status.error());
    if (a.output == "-") return fail(2, "-o -: an archive or a timeline cannot go to stdout; name a file (./- if that is its name)");
    if (const Status status = mayWrite(a.output, globals.force); !status.ok()) return fail(status.error());
    const auto outcome = [&] {
        const ProgressLine progress(!globals.quiet, (pack ? "packing into " : "unpacking into ") + a.output);
        return pack ? archive::packTimeline(a.input, a.output, a.level) : archive::unpackTimeline(a.input, a.output);
    }();
    if (!outcome.ok()) return fail(outcome.error());
    for (const std::string& line : outcome->notes) note(globals, line);
    if (globals.json) {
        fmt::print("{}\n", nlohmann::ordered_json{{"output", a.output}, {"tables", outcome->tables}, {"rows", outcome->rows}, {"events", outcome->events},
                                                  {"timeline_bytes", outcome->fileBytes}, {"archive_bytes", outcome->archiveBytes},
                                                  {"archive_bytes_per_event", perEvent(*outcome)}, {"notes", outcome->notes}}
                               .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return 0;
    }
    fmt::print("{} rows of {} tables, {} of them events; timeline {}, archive {}: {:.2f} B per event\n", outcome->rows, outcome->tables, outcome->events,
               formatBytes(outcome->fileBytes), formatBytes(outcome->archiveBytes), perEvent(*outcome));
    return 0;
}

CLI::App* add(CLI::App& app, Globals& globals, const char* name, const char* help, bool pack) {
    auto arguments = std::make_shared<PackArguments>();
    CLI::App* made = app.add_subcommand(name, help);
    made->add_option(pack ? "TRACE" : "ARCHIVE", arguments->input, pack ? "A timeline, or another tool's SQLite export" : "What ridge pack made")->required();
    made->add_option("-o,--output", arguments->output, pack ? "The archive to write" : "The timeline to write")->required()->type_name("FILE");
    if (pack) made->add_option("--level", arguments->level, "How hard to pack: 1 (fast) to 19 (small)")->type_name("N")->default_str("9")->check(CLI::Range(1, 19));
    addCommonOptions(*made, globals);
    made->callback([arguments, &globals, pack] { globals.action = [arguments, &globals, pack] { return command(*arguments, globals, pack); }; });
    return made;
}

}  // namespace

void addPack(CLI::App& app, Globals& globals) {
    add(app, globals, "pack", "A timeline as a small archive, from which unpack makes it again to the row", true)
        ->footer("Examples:\n  ridge pack trace.sqlite -o trace.ridgepack\n  ridge pack nsys-export.sqlite -o export.ridgepack --level 19");
}

void addUnpack(CLI::App& app, Globals& globals) {
    add(app, globals, "unpack", "The timeline that ridge pack made small", false)->footer("Examples:\n  ridge unpack trace.ridgepack -o trace.sqlite");
}

}  // namespace ridge::cli
