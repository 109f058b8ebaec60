// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/session_folder.h"

#include "base/clock.h"
#include "collector/recorder/control.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

namespace ridge::recorder {
namespace fs = std::filesystem;

FolderClaim::Taken FolderClaim::take(const std::string& folder) {
    release();
    m_fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat held {};
    struct stat there {};
    if (m_fd < 0 || fstat(m_fd, &held) != 0) return Taken::kByAnother;  // removed it
    if (flock(m_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? Taken::kByAnother : Taken::kNoLocksHere;
    const bool same = stat(folder.c_str(), &there) == 0 && there.st_ino == held.st_ino &&
                      there.st_dev == held.st_dev;
    return same ? Taken::kYes : Taken::kByAnother;
}

void FolderClaim::release() {
    if (m_fd >= 0) close(m_fd);
    m_fd = -1;
}

std::string absolutePath(const std::string& path) {
    std::error_code ec;
    return fs::absolute(path, ec).lexically_normal().string();
}

std::string makeRunId() {
    std::uint64_t random = 0;
    if (const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC); fd >= 0) {
        if (read(fd, &random, sizeof random) != static_cast<ssize_t>(sizeof random)) random = 0;
        close(fd);
    }
    return fmt::format("{:x}-{:x}-{:08x}", realtimeNs() / 1'000'000'000, getpid(),
                       random & 0xffffffff);
}

std::string shellQuoted(const std::string& text) {
    if (text.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+:,=@") ==
            std::string::npos &&
        !text.empty())
        return text;
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

namespace {

void removeOwnFiles(const fs::path& folder) {
    std::error_code ec;
    std::vector<fs::path> own;
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
        const std::string extension = entry.path().extension().string();
        const std::string name = entry.path().filename().string();
        const bool ours = extension == ".spool" || extension == ".head" || extension == ".ring" ||
                          extension == ".names" || extension == ".joined" || name == "reserve" || name == "control" ||
                          name.starts_with("session.json");
        if (ours && !entry.is_directory(ec)) own.push_back(entry.path());
    }
    for (const fs::path& path : own) fs::remove(path, ec);
    fs::remove(folder, ec);
}

// What prepares a recording, and no more: recorder.spool comes first.
bool holdsOnlyABeginning(const fs::path& folder) {
    std::error_code ec;
    bool any = false;
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
        const std::string name = entry.path().filename().string();
        const bool known = name == "recorder.spool" || name == "control" ||
                           name.starts_with("session.json.") ||
                           (name == "rings" && fs::is_empty(entry.path(), ec));
        if (!known) return false;
        any = true;
    }
    return !ec && (!any || fs::exists(folder / "recorder.spool", ec));
}

}  // namespace

void removeSession(const std::string& session, const std::string& ringDir) {
    const fs::path rings = ringDir;
    if (rings == fs::path(session) / "rings" ||
        (rings.parent_path() == "/dev/shm" && rings.filename().string().starts_with("ridge-")))
        removeOwnFiles(rings);
    removeOwnFiles(session);
}

bool removeUnbegun(const std::string& session) {
    std::error_code ec;
    FolderClaim claim;
    if (fs::exists(session + "/session.json", ec) ||
        claim.take(session) != FolderClaim::Taken::kYes ||
        !holdsOnlyABeginning(session))
        return false;
    std::string rings = session + "/rings";
    Control control;
    if (control.map(session + "/control", false).ok()) {
        const char* const known = control.block()->ringDir;
        const std::string named(known, strnlen(known, sizeof control.block()->ringDir));
        if (!named.empty()) rings = named;
    }
    removeSession(session, rings);
    return !fs::exists(session, ec);
}

void reserveRoom(const std::string& session) {
    const std::string path = session + "/reserve";
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return;
    struct statvfs space {};
    const bool plenty = fstatvfs(fd, &space) == 0 &&
                        std::uint64_t{space.f_bavail} * space.f_frsize >= 16 * kReservedBytes;
    const bool there = plenty && posix_fallocate(fd, 0, static_cast<off_t>(kReservedBytes)) == 0;
    close(fd);
    if (!there) unlink(path.c_str());
}

void giveRoomBack(const std::string& session) {
    unlink((session + "/reserve").c_str());
}

}  // namespace ridge::recorder
