// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge doctor: what can be recorded here, what cannot, why, and how to enable it.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/app/app.h"
#include "cli/doctor/probes.h"
#include "reports/common/escape.h"
#include "reports/terminal/table.h"

namespace ridge::cli {
namespace {

using reports::Paint;

int doctorCommand(const Globals& globals) {
    const std::vector<Probe> probes = runProbes();
    if (globals.json) {
        nlohmann::ordered_json json{{"schema_version", 1}, {"probes", nlohmann::ordered_json::array()}};
        for (const Probe& p : probes)
            json["probes"].push_back({{"name", p.name}, {"state", p.state}, {"detail", toValidUtf8(p.detail)}, {"cure", p.cure.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(toValidUtf8(p.cure))}});
        fmt::print("{}\n", json.dump(1));
        return 0;
    }
    const bool colour = wantsColour(globals);
    const std::size_t width = terminalWidth();
    for (const Probe& p : probes) {
        const Paint paint = p.state == "on" ? Paint::kGood : p.state == "limited" ? Paint::kWarn : Paint::kDim;
        fmt::print("{}  {:<18} {}\n", reports::painted(fmt::format("{:<7}", p.state), paint, colour), p.name, reports::printable(p.detail));
        if (p.state != "on" && !p.cure.empty()) fmt::print("{}", reports::wrapped("to enable: " + reports::printable(p.cure), width, 28));
    }
    return 0;
}

}  // namespace

void addDoctor(CLI::App& app, Globals& globals) {
    CLI::App* command = app.add_subcommand("doctor", "What can be recorded here, what cannot, why, and how to enable it");
    addCommonOptions(*command, globals);
    command->footer("Examples:\n  ridge doctor\n  ridge doctor --json");
    command->callback([&globals] { globals.action = [&globals] { return doctorCommand(globals); }; });
}

}  // namespace ridge::cli
