// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/recording_place.h"

#include "base/file.h"
#include "collector/recorder/control.h"
#include "collector/recorder/output_name.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

namespace ridge::recorder {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kShmBytesWanted = std::uint64_t{64} << 20;

}  // namespace

std::string RecordingPlace::shownOutput() const {
    const auto name = expandOutput(m_options.output, getpid(), 1);
    return name.ok() ? *name : m_options.output;
}

Status RecordingPlace::choose() {
    RIDGE_TRY_STATUS(chooseNumber());
    std::error_code ec;
    if (fs::is_directory(m_output, ec))
        return Error{ErrorCode::kBadInput, fmt::format("{}: is a folder", shownOutput())};
    RIDGE_TRY_STATUS(refuseSpecialFile(m_output));
    if (fs::exists(m_output, ec) && !m_options.force)
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}: exists already; --force overwrites it", shownOutput())};
    return {};
}

// %n: the first number of which there is neither a file nor a recording.
Status RecordingPlace::chooseNumber() {
    constexpr std::uint32_t kMostNumbers = 100000;
    std::error_code ec;
    for (std::uint32_t number = 1;; ++number) {
        RIDGE_TRY(const std::string name, expandOutput(m_options.output, getpid(), number));
        m_output = absolutePath(name);
        if (!hasNumber(m_options.output) || number >= kMostNumbers) return {};
        if (fs::exists(m_output, ec)) continue;
        // Made at once: another rank looks for a number at this very moment.
        m_folderMade =
            m_options.spoolDir.empty() && mkdir((m_output + ".spool").c_str(), 0700) == 0;
        if (m_folderMade || errno != EEXIST) return {};
    }
}

void RecordingPlace::nameByProcess(pid_t program, const std::string& runId) {
    if (!hasProcess(m_options.output)) return;
    std::error_code ec;
    std::uint32_t number = 1;
    for (;; ++number) {
        const auto name = expandOutput(m_options.output, program, number);
        if (!name.ok()) return;
        m_output = absolutePath(*name);
        if (m_options.force || !fs::exists(m_output, ec)) break;
        if (!hasNumber(m_options.output)) {  // an older process had this number: keep its file
            m_output += "." + runId;
            break;
        }
    }
}

// The folder that nobody asked for is not named where it was to lie beside the output.
Error RecordingPlace::noFolder(int error, bool beside) const {
    const bool theirs = error == EACCES || error == EPERM || error == EROFS || error == ENOENT ||
                        error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP;
    return {theirs ? ErrorCode::kBadInput : ErrorCode::kIo,
            fmt::format("{}: nothing can be written {}: {}", beside ? m_options.output : m_session,
                        beside ? "there" : "into it", std::strerror(error))};
}

Status RecordingPlace::makeFolder() {
    const bool beside = m_options.spoolDir.empty();
    m_session = absolutePath(beside ? m_output + ".spool" : m_options.spoolDir);
    if (!m_folderMade && mkdir(m_session.c_str(), 0700) != 0) {
        if (errno != EEXIST) return noFolder(errno, beside);
        if (const std::int32_t pid = liveRecorder(m_session))
            return Error{ErrorCode::kBadInput,
                         fmt::format("{}: another recording writes to it now (process {}); name "
                                     "another output, or wait for its end",
                                     m_options.output, pid)};
        const bool free = removeUnbegun(m_session);
        if (!free && !m_options.force)
            return Error{ErrorCode::kBadInput,
                         fmt::format("{}: a recording that was not finished; recover it (ridge "
                                     "record --recover {} -o FILE) or remove it",
                                     m_session, shellQuoted(m_session))};
        if (!free) m_session += fmt::format(".{}", getpid());
        if (mkdir(m_session.c_str(), 0700) != 0) return noFolder(errno, beside);
    }
    if (m_claim.take(m_session) == FolderClaim::Taken::kByAnother)
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}: another recording begins to write to it now; name "
                                 "another output, or wait for its end",
                                 m_options.output)};
    return {};
}

Status RecordingPlace::makeRings(spool::ControlBlock& control, const std::string& runId) {
    struct statvfs space {};
    const bool shm = statvfs("/dev/shm", &space) == 0 &&
                     std::uint64_t{space.f_bavail} * space.f_frsize >= kShmBytesWanted;
    const std::string inShm = "/dev/shm/ridge-" + runId;
    const std::string inSession = m_session + "/rings";
    for (const std::string& place : {shm ? inShm : inSession, inSession}) {
        if (place.size() >= sizeof control.ringDir)
            return Error{ErrorCode::kBadInput, fmt::format("{}: the path is too long", place)};
        std::memcpy(control.ringDir, place.c_str(), place.size() + 1);
        m_ringDir = place;
        if (mkdir(place.c_str(), 0700) == 0) return {};
    }
    return Error{ErrorCode::kIo, fmt::format("{}: {}", m_ringDir, std::strerror(errno))};
}

}  // namespace ridge::recorder
