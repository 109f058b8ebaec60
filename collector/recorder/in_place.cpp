// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/in_place.h"

#include "base/clock.h"
#include "collector/recorder/control.h"
#include "collector/recorder/injection.h"
#include "collector/recorder/launch.h"
#include "collector/recorder/output_name.h"
#include "collector/recorder/processes.h"
#include "collector/recorder/session_folder.h"
#include "schemas/spool/start.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace ridge::recorder {
namespace fs = std::filesystem;
namespace {

constexpr const char* kJoined = ".joined";
constexpr std::int64_t kReadyNs = 10'000'000'000;  // between a session's folder and its first heartbeat

std::string joinedFile(const std::string& session) {
    return fmt::format("{}/{}{}", session, getpid(), kJoined);
}

// Returns only where that fails.
Error execute(const RecordOptions& options, const Injection& injection) {
    std::vector<std::string> arguments = options.command;
    std::vector<std::string> environment = childEnvironment(injection);
    giveFileSizeSignalBack();
    execve(options.executable.c_str(), pointersTo(arguments).data(), pointersTo(environment).data());
    return {ErrorCode::kUnsupported,
            fmt::format("{}: cannot be executed: {}", options.executable, std::strerror(errno))};
}

// The session that another process of this host begins or runs with our output; empty: none does.
std::string sessionToJoin(const RecordOptions& options) {
    const auto output = expandOutput(options.output, getpid(), 1);
    if (!output.ok() || hasNumber(options.output) || hasProcess(options.output)) return {};
    const std::string session = absolutePath(*output + ".spool");
    const std::int64_t until = monotonicNs() + kReadyNs;
    std::error_code ec;
    while (fs::is_directory(session, ec) && monotonicNs() < until) {
        Control control;
        if (!control.map(session + "/control", false).ok()) {
            usleep(2000);  // being made
            continue;
        }
        const spool::ControlBlock& block = *control.block();
        if (__atomic_load_n(&block.magic, __ATOMIC_ACQUIRE) != spool::kControlMagic) {
            usleep(2000);
            continue;
        }
        const bool over = __atomic_load_n(&block.stopped, __ATOMIC_ACQUIRE) == spool::kOver;
        return liveRecorder(session) != 0 && !over ? session : std::string();
    }
    return {};
}

// Returns only where it cannot join any more; the program is still to be run then.
void join(const RecordOptions& options, const std::string& session) {
    const int fd = open(joinedFile(session).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return;
    close(fd);
    Control control;
    const bool over = !control.map(session + "/control", false).ok() ||
                      __atomic_load_n(&control.block()->stopped, __ATOMIC_ACQUIRE) == spool::kOver;
    if (!over) static_cast<void>(execute(options, injectionFor(options, session)));
    unlink(joinedFile(session).c_str());
}

}  // namespace

Error executeUnrecorded(const RecordOptions& options, const std::string& why) {
    std::fprintf(stderr, "ridge: not recorded: %s\n", why.c_str());
    std::fflush(nullptr);
    Injection none;
    none.variables[spool::kStartVariable] = spool::kStartOff;
    return execute(options, none);
}

Result<RecordOutcome> recordInPlace(RecordOptions options) {
    options.takenOver = true;
    auto outcome = record(options);
    // What is wrong after the program has run is of the measurement; before, it has not run yet.
    if (outcome.ok() || outcome.error().code == ErrorCode::kMeasurement) return outcome;
    if (const std::string session = sessionToJoin(options); !session.empty()) join(options, session);
    return executeUnrecorded(options, outcome.error().message);
}

Result<std::string> startVariables(const std::string& agentLibDir, const std::string& ridge,
                                   const std::map<std::string, std::string>& settings) {
    const std::string library = findAgentDir(agentLibDir) + "/" + spool::kStartLibrary;
    if (access(library.c_str(), R_OK) != 0)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("{} was not found beside this program", spool::kStartLibrary)};
    std::string text;
    for (const auto& [name, value] : settings)
        text += fmt::format("export {}={}\n", name, shellQuoted(value));
    text += fmt::format("export {}={}\n", spool::kStartVariable, shellQuoted(ridge));
    text += fmt::format("export LD_PRELOAD={}${{LD_PRELOAD:+:$LD_PRELOAD}}\n", shellQuoted(library));
    return text;
}

std::set<std::int32_t> joinedAndRunning(const std::string& session) {
    std::set<std::int32_t> running;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(session, ec)) {
        const int pid = std::atoi(entry.path().filename().c_str());
        if (entry.path().extension() == kJoined && isRunning(pid)) running.insert(pid);
    }
    return running;
}

}  // namespace ridge::recorder
