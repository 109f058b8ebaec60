// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/file.h"

#include "base/no_room.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ridge {
namespace {

Error ioError(const char* what, const std::filesystem::path& path, int errorNumber) {
    // Without room on the disk nothing can be measured into a file; everything else is a place that was named wrongly.
    return {isNoRoom(errorNumber) ? ErrorCode::kMeasurement : ErrorCode::kIo, fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errorNumber))};
}

Status writeAll(int fd, std::string_view content, const std::filesystem::path& path) {
    while (!content.empty()) {
        const ssize_t n = ::write(fd, content.data(), content.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return ioError("write", path, errno);
        content.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

}  // namespace

Result<std::string> readFile(const std::filesystem::path& path, std::size_t maxBytes) {
    // A named pipe without a writer would hold us for ever; the shell's own, <(command), have one.
    struct stat found {};
    const bool shells = path.string().starts_with("/dev/fd/") || path.string().starts_with("/proc/");
    if (!shells && ::stat(path.c_str(), &found) == 0 && S_ISFIFO(found.st_mode))
        return Error{ErrorCode::kBadInput, fmt::format("{} is a pipe, not a file", path.string())};
    if (!shells && ::stat(path.c_str(), &found) == 0 && (S_ISCHR(found.st_mode) || S_ISBLK(found.st_mode)))  // some have no end
        return Error{ErrorCode::kBadInput, fmt::format("{} is a device, not a file", path.string())};
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ioError("open", path, errno);
    std::string content;
    char buffer[1 << 16];
    for (;;) {
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            const int reason = errno;
            ::close(fd);
            if (n < 0) return ioError("read", path, reason);
            return content;
        }
        if (content.size() + static_cast<std::size_t>(n) > maxBytes) {
            ::close(fd);
            return Error{ErrorCode::kBadInput,
                         fmt::format("{} is larger than {} bytes", path.string(), maxBytes)};
        }
        content.append(buffer, static_cast<std::size_t>(n));
    }
}

Status refuseSpecialFile(const std::filesystem::path& path) {
    std::error_code ec;
    const auto type = std::filesystem::symlink_status(path, ec).type();
    if (type == std::filesystem::file_type::not_found || type == std::filesystem::file_type::regular ||
        type == std::filesystem::file_type::none)
        return {};
    if (type == std::filesystem::file_type::symlink)
        return Error{ErrorCode::kBadInput,
                     fmt::format("{} is a symbolic link (to {}) and is not overwritten, with or without --force; name "
                                 "what it points to, or remove it",
                                 path.string(), std::filesystem::read_symlink(path, ec).string())};
    return Error{ErrorCode::kBadInput,
                 fmt::format("{} is no regular file and is not overwritten; name a new file", path.string())};
}

Status writeFileAtomically(const std::filesystem::path& path, std::string_view content) {
    RIDGE_TRY_STATUS(refuseSpecialFile(path));
    std::string temporary = path.string() + ".tmp-XXXXXX";
    const int fd = ::mkstemp(temporary.data());
    if (fd < 0) return ioError("create", path, errno);
    ::fchmod(fd, 0644);
    Status status = writeAll(fd, content, path);
    if (status.ok() && ::fsync(fd) != 0) status = ioError("fsync", path, errno);
    if (::close(fd) != 0 && status.ok()) status = ioError("close", path, errno);
    if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0)
        status = ioError("rename to", path, errno);
    if (!status.ok()) ::unlink(temporary.c_str());
    return status;
}

std::string readLineOr(const std::filesystem::path& path, std::string fallback) {
    auto content = readFile(path, 1 << 20);
    if (!content.ok()) return fallback;
    std::string line = content->substr(0, content->find('\n'));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t')) line.pop_back();
    return line;
}

Result<TempDir> TempDir::create(std::string_view prefix, std::filesystem::path parent) {
    std::error_code ec;
    if (parent.empty()) parent = std::filesystem::temp_directory_path(ec);
    std::string name = (parent / fmt::format("{}XXXXXX", prefix)).string();
    if (!::mkdtemp(name.data())) return ioError("create folder", name, errno);
    return TempDir(std::filesystem::path(name));
}

TempDir::TempDir(TempDir&& other) noexcept : m_path(std::move(other.m_path)) { other.m_path.clear(); }

TempDir& TempDir::operator=(TempDir&& other) noexcept {
    std::swap(m_path, other.m_path);
    return *this;
}

TempDir::~TempDir() {
    std::error_code ec;
    if (!m_path.empty()) std::filesystem::remove_all(m_path, ec);
}

std::filesystem::path TempDir::release() {
    std::filesystem::path path = std::move(m_path);
    m_path.clear();
    return path;
}

std::filesystem::path executableDir() {
    std::error_code ec;
    return std::filesystem::read_symlink("/proc/self/exe", ec).parent_path();
}

}  // namespace ridge
