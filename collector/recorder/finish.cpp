// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/finish.h"

#include "base/file.h"
#include "collector/recorder/control.h"
#include "collector/recorder/convert/convert.h"
#include "collector/recorder/convert/ring_file.h"
#include "collector/recorder/processes.h"
#include "collector/recorder/session.h"
#include "collector/recorder/session_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

namespace ridge::recorder {
namespace fs = std::filesystem;

namespace {

RecordOutcome outcomeOf(ConvertOutcome& converted, const std::string& output) {
    RecordOutcome outcome;
    outcome.events = converted.events;
    outcome.lost = converted.lost;
    outcome.processes = converted.processes;
    outcome.durationNs = converted.durationNs;
    outcome.output = output;
    outcome.notes = std::move(converted.damage);
    std::move(converted.notes.begin(), converted.notes.end(), std::back_inserter(outcome.notes));
    return outcome;
}

bool isFull(const std::string& folder) {
    std::error_code ec;
    const fs::space_info space = fs::space(folder, ec);
    return !ec && space.available < kReservedBytes / 4;
}

// A disk that does not answer has deleted nothing.
bool isGone(const std::string& session) {
    std::error_code ec;
    return !fs::exists(session + "/session.json", ec) && !ec;
}

// The session as a folder of its own beside the output, rings included: where its own disk takes no
// byte more, what still lies in the rings cannot be added to it. The session itself stays as it is.
Status copySession(const SessionInfo& info, const std::string& session, const std::string& copy) {
    std::error_code ec;
    if (!fs::create_directory(copy, ec))
        return Error{ErrorCode::kIo,
                     fmt::format("{}: {}", copy, ec ? ec.message() : "is there already")};
    for (const std::string& from : {session, info.ringDir}) {
        std::error_code none;
        if (from.empty() || !fs::is_directory(from, none)) continue;
        for (const auto& entry : fs::directory_iterator(from, ec)) {
            if (!entry.is_regular_file(none) || entry.path().filename() == "reserve") continue;
            fs::copy_file(entry.path(), fs::path(copy) / entry.path().filename(),
                          fs::copy_options::skip_existing, ec);
            if (ec) break;
        }
        if (ec) return Error{ErrorCode::kIo, fmt::format("{}: {}", copy, ec.message())};
    }
    SessionInfo copied = info;
    copied.ringDir.clear();
    return writeSession(copy, copied);
}

Result<RecordOutcome> finishFromCopy(const SessionInfo& info, const std::string& session,
                                     const std::string& target, const std::string& why) {
    const std::string copy = target + ".recovering";
    removeSession(copy, "");
    auto copied = copySession(info, session, copy);
    auto converted = copied.ok() ? convert(copy, target) : std::move(copied).takeError();
    removeSession(copy, "");
    if (!converted.ok())
        return Error{ErrorCode::kMeasurement,
                     fmt::format("{}, and there is no room for a copy of it ({}); the recording is "
                                 "kept: name an output on a disk with more room: ridge record "
                                 "--recover {} -o FILE",
                                 why, converted.error().message, shellQuoted(session))};
    removeSession(session, info.ringDir);
    return outcomeOf(*converted, target);
}

}  // namespace

std::string recoverCommand(const std::string& session, const std::string& output) {
    return fmt::format("ridge record --recover {} -o {}", shellQuoted(session), shellQuoted(output));
}

Result<RecordOutcome> finish(const std::string& session, const std::string& ringDir,
                             const std::string& output, const std::function<bool()>& isToStop) {
    auto converted = convert(session, output, isToStop);
    if (!converted.ok() && isGone(session))
        return Error{ErrorCode::kMeasurement,
                     fmt::format("{}; the recording is lost: somebody deleted what it was kept in, {}",
                                 converted.error().message, session)};
    if (!converted.ok())
        return Error{
            ErrorCode::kMeasurement,
            fmt::format(
                "{}; the recording is kept: {}{}", converted.error().message,
                recoverCommand(session, output),
                isFull(session) ? " (its disk is full: name an output on another one)" : "")};
    removeSession(session, ringDir);
    return outcomeOf(*converted, output);
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
    // Written before the program is started; the first of the files is recorder.spool.
    if (!fs::exists(session + "/session.json", ec) &&
        (fs::exists(session + "/recorder.spool", ec) || fs::exists(session + "/control", ec) ||
         (session.ends_with(".spool") && fs::is_empty(session, ec))))
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}: its recording was cut off before the program was started: "
                                 "nothing was recorded; remove {}",
                                 spoolDir, shellQuoted(session))};
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
    const auto drained = collectRings(session, info.ringDir);
    RIDGE_TRY(RecordOutcome outcome,
              drained.ok() ? finish(session, info.ringDir, target)
                           : finishFromCopy(info, session, target, drained.error().message));
    outcome.programStatus = info.exitStatus.value_or(0);
    outcome.notes.insert(outcome.notes.begin(), info.notes.begin(), info.notes.end());
    return outcome;
}

}  // namespace ridge::recorder
