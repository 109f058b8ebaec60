// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/named_session.h"

#include "base/clock.h"
#include "collector/recorder/control.h"
#include "schemas/spool/window.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace ridge::recorder {
namespace fs = std::filesystem;
namespace {

Error bad(const std::string& text) {
    return {ErrorCode::kBadInput, text};
}

// A folder of ours alone: what another user put there is not to be followed.
Result<std::string> linkFor(const std::string& name) {
    if (name.empty() || name.size() > 100 || name.front() == '.' ||
        name.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
            std::string::npos)
        return bad(fmt::format(
            "\"{}\" is no name of a session; letters, digits, _ . and - make one", name));
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    const std::string folder = runtime != nullptr && *runtime == '/'
                                   ? fmt::format("{}/ridge", runtime)
                                   : fmt::format("/tmp/ridge-{}", getuid());
    struct stat info {};
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return bad(fmt::format("{}: {}", folder, std::strerror(errno)));
    if (lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != getuid())
        return bad(fmt::format("{}: is not a folder of this user's", folder));
    return folder + "/" + name;
}

}  // namespace

NamedSession::~NamedSession() {
    if (!m_link.empty()) unlink(m_link.c_str());
}

Status NamedSession::take(const std::string& name, const std::string& sessionFolder) {
    RIDGE_TRY(const std::string link, linkFor(name));
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (symlink(sessionFolder.c_str(), link.c_str()) == 0) {
            m_link = link;
            return {};
        }
        if (errno != EEXIST) return bad(fmt::format("{}: {}", link, std::strerror(errno)));
        if (const std::int32_t pid = liveRecorder(link))
            return bad(fmt::format("a session named {} runs already (process {})", name, pid));
        unlink(link.c_str());  // left by one that was killed
    }
    return bad(fmt::format("{}: another recording takes this name now", link));
}

Status commandSession(const std::string& name, SessionCommand command) {
    RIDGE_TRY(const std::string link, linkFor(name));
    Control control;
    if (liveRecorder(link) == 0 || !control.map(link + "/control", false).ok())
        return bad(
            fmt::format("there is no session named {} that runs; ridge record --session {} "
                        "-- PROGRAM begins one",
                        name, name));
    const auto now = static_cast<std::uint64_t>(monotonicNs());
    const bool starts = command == SessionCommand::kStart;
    if (starts ? spool::beginWindow(*control.block(), now)
               : spool::endWindow(*control.block(), now, false))
        return {};
    if (starts && control.block()->windowsLeft == 0)
        return bad(fmt::format("session {} has recorded all that it was to record", name));
    return bad(fmt::format("session {} is {} already", name, starts ? "recording" : "stopped"));
}

}  // namespace ridge::recorder
