// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/app/app.h"

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "reports/common/escape.h"

#ifndef RIDGE_VERSION
#define RIDGE_VERSION "unknown"
#endif

namespace ridge::cli {
namespace {

volatile std::sig_atomic_t g_signal = 0;  // a handler can reach nothing but a global
void onSignal(int number) { g_signal = number; }

// One line that a person can read, though it quotes what somebody put into a file: its beginning says what, its end what to do.
std::string line(const std::string& message) {
    constexpr std::size_t kHead = 1500, kTail = 300;
    std::string text = reports::printable(message);
    if (text.size() <= kHead + kTail) return text;
    return toValidUtf8(fmt::format("{} ... ({} bytes more) ... {}", text.substr(0, kHead), text.size() - kHead - kTail, text.substr(text.size() - kTail)));
}

}  // namespace

std::string version() { return RIDGE_VERSION; }

void addCommonOptions(CLI::App& command, Globals& globals, bool withJson) {
    if (withJson) command.add_flag("--json", globals.json, "One JSON document on stdout");
    command.add_flag("--force", globals.force, "Overwrite outputs that exist");
    command.add_flag("-q,--quiet", globals.quiet, "No messages besides errors");
    command.add_option("--color", globals.colour, "When to use colour")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->default_str("auto");
}

int fail(int exitCode, const std::string& message) {
    std::fprintf(stderr, "ridge: %s\n", line(message).c_str());
    return exitCode;
}

int fail(const Error& error) { return fail(exitCodeFor(error.code), error.message); }

void note(const Globals& globals, const std::string& message) {
    if (!globals.quiet) std::fprintf(stderr, "ridge: %s\n", line(message).c_str());
}

bool wantsColour(const Globals& globals) {
    if (globals.colour != "auto") return globals.colour == "always";
    const char* noColour = std::getenv("NO_COLOR");
    if (noColour && *noColour) return false;
    const char* term = std::getenv("TERM");
    return isatty(STDOUT_FILENO) && term && std::string_view(term) != "dumb";
}

std::size_t terminalWidth() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) return size.ws_col;
    const char* columns = std::getenv("COLUMNS");
    const int fromEnvironment = columns ? std::atoi(columns) : 0;
    if (fromEnvironment >= 40) return static_cast<std::size_t>(fromEnvironment);
    return isatty(STDOUT_FILENO) ? 120 : 0;
}

Status mayWrite(const std::string& path, bool force) {
    std::error_code ec;
    const auto state = std::filesystem::status(path, ec);
    if (std::filesystem::is_directory(state))
        return Error{ErrorCode::kBadInput, fmt::format("{} is a directory; name a file", path)};
    RIDGE_TRY_STATUS(refuseSpecialFile(path));
    if (std::filesystem::exists(state) && !force)
        return Error{ErrorCode::kBadInput, fmt::format("{} exists; --force overwrites it", path)};
    return {};
}

Status mayRead(const std::string& path) {
    std::error_code ec;
    const auto state = std::filesystem::status(path, ec);
    const std::string spool = path + ".spool";
    if (!std::filesystem::exists(state) && std::filesystem::exists(spool + "/session.json", ec))
        return Error{ErrorCode::kBadInput, fmt::format("{} is not there: its recording has not ended, or was cut off; then ridge record --recover {} -o {} makes the file", path, spool, path)};
    if (!std::filesystem::exists(state) || std::filesystem::is_regular_file(state)) return {};
    return Error{ErrorCode::kBadInput, fmt::format("{} is {}; a trace is a file", path, std::filesystem::is_directory(state) ? "a directory" : "no regular file")};
}

Status writeOutput(const std::string& path, const std::string& content, bool force) {
    RIDGE_TRY_STATUS(mayWrite(path, force));
    return writeFileAtomically(path, content);
}

void catchInterrupts() {
    struct sigaction action {};
    action.sa_handler = onSignal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

int interruptedBy() { return g_signal; }
void setInterrupted(int signal) { g_signal = signal; }

std::string utcNow() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }
std::string utcNowForPath() { return fmt::format("{:%Y-%m-%dT%H-%M-%SZ}", fmt::gmtime(std::time(nullptr))); }

}  // namespace ridge::cli
