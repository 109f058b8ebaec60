// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge view: becomes ridge-view, the viewer beside this program.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/app/app.h"
#include "cli/app/neighbours.h"

namespace ridge::cli {
namespace {

int viewCommand(const std::vector<std::string>& arguments) {
    const auto viewer = findViewer();
    if (!viewer.ok()) return fail(viewer.error());
    std::vector<std::string> words{*viewer};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> list;
    for (std::string& word : words) list.push_back(word.data());
    list.push_back(nullptr);
    execv(viewer->c_str(), list.data());
    return fail(77, fmt::format("{} cannot be started: {}", *viewer, std::strerror(errno)));
}

}  // namespace

void addView(CLI::App& app, Globals& globals) {
    CLI::App* command = app.add_subcommand("view", "Open a trace in the viewer: ridge view [TRACE [BASE]] [options of ridge-view]");
    // All of it is the viewer's: it knows its own options.
    command->allow_extras();
    command->footer("ridge-view --help lists the options of the viewer.\n"
                    "Examples:\n  ridge view trace.sqlite\n  ridge view new.sqlite old.sqlite    (side by side, and what differs)\n  ridge view trace.sqlite --screenshot picture.png --size 1920x1080");
    command->callback([&globals, command] {
        globals.action = [rest = command->remaining()] { return viewCommand(rest); };
    });
}

}  // namespace ridge::cli
