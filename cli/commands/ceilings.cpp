// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge ceilings: measures this machine's roofs.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "base/file.h"
#include "cli/app/app.h"
#include "cli/app/validators.h"
#include "cli/app/neighbours.h"
#include "cli/app/process.h"
#include "cli/run/ceilings.h"
#include "reports/common/summary.h"
#include "reports/terminal/table.h"

namespace ridge::cli {
namespace {

struct CeilingsArguments {
    std::string output;
    double budget = 8;
};

std::string table(const std::vector<analyzer::Ceiling>& ceilings, const Globals& globals) {
    using Align = reports::Table::Align;
    reports::Table out({{"kind"}, {"name", Align::kLeft, 16}, {"type"}, {"level"}, {"access"}, {"value", Align::kRight}, {"method", Align::kLeft, 12, true}});
    for (const auto& c : ceilings) out.add({c.kind, c.name, c.dtype, c.level, c.access, reports::formatValue(c.value, c.unit), c.method});
    return out.render(terminalWidth(), wantsColour(globals));
}

int ceilingsCommand(const CeilingsArguments& a, const Globals& globals) {
    if (!a.output.empty())
        if (const Status status = mayWrite(a.output, globals.force); !status.ok()) return fail(status.error());
    const auto program = findWorkloads();
    if (!program.ok()) return fail(program.error());
    auto folder = TempDir::create("ridge-ceilings-");
    if (!folder.ok()) return fail(folder.error());
    const std::string path = (folder->path() / "ceilings.json").string();
    catchInterrupts();
    const auto ceilings = [&] {
        const ProgressLine progress(!globals.quiet, "measuring the roofs");
        return measureCeilings(*program, path, a.budget);
    }();
    if (interruptedBy()) return 128 + interruptedBy();
    if (!ceilings.ok()) return fail(ceilings.error());
    const auto text = readFile(path);
    if (!text.ok()) return fail(text.error());
    if (!a.output.empty())
        if (const Status status = writeOutput(a.output, *text, globals.force); !status.ok()) return fail(status.error());
    if (globals.json)
        fmt::print("{}{}", *text, text->ends_with('\n') ? "" : "\n");
    else if (!globals.quiet)
        fmt::print("{}", table(*ceilings, globals));
    return 0;
}

}  // namespace

void addCeilings(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<CeilingsArguments>();
    CLI::App* command = app.add_subcommand("ceilings", "Measure this machine's roofs: arithmetic, memory levels, dispatch, storage");
    command->add_option("-o,--output", arguments->output, "Where the roofs go, for ridge analyze --ceilings")->type_name("FILE");
    command->add_option("--budget", arguments->budget, "About how many seconds it may take")->check(finiteRange(0.5, 600.0))->default_str("8");
    addCommonOptions(*command, globals);
    command->footer("Examples:\n  ridge ceilings\n  ridge ceilings -o ceilings.json --budget 20");
    command->callback([arguments, &globals] { globals.action = [arguments, &globals] { return ceilingsCommand(*arguments, globals); }; });
}

}  // namespace ridge::cli
