// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/commands/record_start.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "cli/app/neighbours.h"
#include "collector/recorder/in_place.h"
#include "collector/recorder/output_name.h"
#include "schemas/spool/start.h"

namespace ridge::cli {
namespace fs = std::filesystem;

int printStartVariables(const CLI::App& command, const std::string& output) {
    if (const Status status = recorder::checkOutputPattern(output); !status.ok()) return fail(status.error());
    const auto agent = findAgentDir();
    if (!agent.ok()) return fail(4, agent.error().message);
    std::map<std::string, std::string> settings;
    for (const CLI::Option* option : command.get_options())
        if (option->get_configurable() && !option->get_envname().empty() && option->count() > 0)
            settings[option->get_envname()] = fmt::format("{}", fmt::join(option->results(), "\n"));
    std::error_code ec;
    settings[spool::kOutputVariable] = fs::absolute(output, ec).string();
    const fs::path self = fs::read_symlink("/proc/self/exe", ec);
    const auto text = recorder::startVariables(*agent, self.string(), settings);
    if (!text.ok()) return fail(text.error());
    fmt::print("{}", *text);
    return 0;
}

bool isTakenOver(const std::vector<std::string>& arguments) {
    return arguments.size() > 5 && arguments[1] == "record" && arguments[2] == spool::kTakeOverOption && arguments[4] == "--";
}

int runUnrecorded(const std::vector<std::string>& arguments, const std::string& why) {
    recorder::RecordOptions options;
    options.executable = arguments[3];
    options.command.assign(arguments.begin() + 5, arguments.end());
    return fail(126, recorder::executeUnrecorded(options, why).message);
}

}  // namespace ridge::cli
