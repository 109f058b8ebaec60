// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/finish.h"

#include "base/file.h"
#include "collector/recorder/control.h"
#include "collector/recorder/convert/convert.h"
#include "collector/recorder/processes.h"
#include "collector/recorder/session.h"
#include "collector/recorder/session_folder.h"

#include <fmt/format.h>

#include <filesystem>

namespace ridge::recorder {
namespace fs = std::filesystem;

Result<RecordOutcome> finish(const std::string& session, const std::string& ringDir,
                             const std::string& output, const std::function<bool()>& isToStop) {
    auto converted = convert(session, output, isToStop);
    if (!converted.ok())
        return Error{
            ErrorCode::kMeasurement,
            fmt::format("{}; the recording is kept: ridge record --recover {} -o {}",
                        converted.error().message, shellQuoted(session), shellQuoted(output))};
    removeSession(session, ringDir);
    RecordOutcome outcome;
    outcome.events = converted->events;
    outcome.lost = converted->lost;
    outcome.processes = converted->processes;
    outcome.durationNs = converted->durationNs;
    outcome.output = output;
    outcome.notes = std::move(converted->damage);
    return outcome;
}

Result<RecordOutcome> recover(const std::string& spoolDir, const std::string& output, bool force) {
    if (spoolDir.empty())
        return Error{ErrorCode::kBadInput,
                     "no folder was named; give the one that the recording left, FILE.spool"};
    std::error_code ec;
    const std::string session = absolutePath(spoolDir);
    if (!fs::is_directory(session, ec))
        return Error{
            ErrorCode::kBadInput,
            fmt::format("{}: is no folder; give the one that the recording left, FILE.spool",
                        spoolDir)};
    if (!fs::exists(session + "/session.json", ec))
        return Error{
            ErrorCode::kBadInput,
            fmt::format("{}: there is no recording in this folder (it has no session.json)",
                        spoolDir)};
    RIDGE_TRY(const SessionInfo info, readSession(session));
    const std::string target = absolutePath(output.empty() ? info.output : output);
    RIDGE_TRY_STATUS(refuseSpecialFile(target));
    if (fs::exists(target, ec) && !force)
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}: exists already; --force overwrites it", target)};
    if (const std::int32_t pid = liveRecorder(session))
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}: process {} is still recording it", session, pid)};
    Control control;
    if (control.map(session + "/control", false).ok()) {
        spool::ControlBlock& block = *control.block();
        // A program that outlived its recorder goes on into its rings: what it has yet to do would
        // be lost.
        if (const int writer = processWithRings(info.ringDir); writer > 0)
            return Error{
                ErrorCode::kBadInput,
                fmt::format(
                    "{}: process {} is still running and recording into it; recover it when that "
                    "has ended",
                    session, writer)};
        if (!control.lock())
            return Error{ErrorCode::kBadInput,
                         fmt::format("{}: another process makes its file now", session)};
        __atomic_store_n(&block.stopped, 1U, __ATOMIC_RELEASE);
    }
    RIDGE_TRY(RecordOutcome outcome, finish(session, info.ringDir, target));
    outcome.programStatus = info.exitStatus.value_or(0);
    outcome.notes.insert(outcome.notes.begin(), info.notes.begin(), info.notes.end());
    return outcome;
}

}  // namespace ridge::recorder
