// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/disk_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace ridge::workloads {
namespace {

Error systemError(const char* what, const std::filesystem::path& path) {
    return {ErrorCode::kIo,
            fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno))};
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t bytes)
    : m_data(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{kDiskAlignment}))),
      m_size(bytes) {
    std::memset(m_data.get(), 0, bytes);
}

Result<DiskFile> DiskFile::openForColdReading(const std::filesystem::path& path) {
    const int direct = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (direct >= 0) return DiskFile(path, direct, true);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return systemError("open", path);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    return DiskFile(path, fd, false);
}

Result<DiskFile> DiskFile::create(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return systemError("create", path);
    return DiskFile(path, fd, false);
}

DiskFile::DiskFile(DiskFile&& other) noexcept
    : m_path(std::move(other.m_path)),
      m_fd(std::exchange(other.m_fd, -1)),
      m_direct(other.m_direct) {}

DiskFile& DiskFile::operator=(DiskFile&& other) noexcept {
    std::swap(m_path, other.m_path);
    std::swap(m_fd, other.m_fd);
    std::swap(m_direct, other.m_direct);
    return *this;
}

DiskFile::~DiskFile() {
    if (m_fd >= 0) ::close(m_fd);
}

Status DiskFile::read(std::span<std::byte> data, std::uint64_t offset) const {
    while (!data.empty()) {
        const ssize_t n = ::pread(m_fd, data.data(), std::min(data.size(), kDiskPiece),
                                  static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return systemError("read", m_path);
        if (n == 0)
            return Error{ErrorCode::kIo,
                         fmt::format("{} ends {} bytes early", m_path.string(), data.size())};
        data = data.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

Status DiskFile::readTail(std::span<std::byte> block, std::span<std::byte> data,
                          std::uint64_t offset) const {
    ssize_t n = 0;
    do n = ::pread(m_fd, block.data(), block.size(), static_cast<off_t>(offset));
    while (n < 0 && errno == EINTR);
    if (n < 0) return systemError("read", m_path);
    if (static_cast<std::size_t>(n) < data.size())
        return Error{ErrorCode::kIo, fmt::format("{} ends {} bytes early", m_path.string(),
                                                 data.size() - static_cast<std::size_t>(n))};
    std::copy_n(block.begin(), data.size(), data.begin());
    return {};
}

Status DiskFile::write(std::span<const std::byte> data, std::uint64_t offset) const {
    while (!data.empty()) {
        const ssize_t n = ::pwrite(m_fd, data.data(), std::min(data.size(), kDiskPiece),
                                   static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return systemError("write", m_path);
        data = data.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

Status DiskFile::sync() const {
    if (::fsync(m_fd) != 0) return systemError("fsync", m_path);
    return {};
}

Status DiskFile::close() {
    if (::close(std::exchange(m_fd, -1)) != 0) return systemError("close", m_path);
    return {};
}

Status syncFolder(const std::filesystem::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return systemError("open", folder);
    const bool done = ::fsync(fd) == 0;
    const Error error = systemError("fsync", folder);
    ::close(fd);
    if (!done) return error;
    return {};
}

Status requireDisk(const std::filesystem::path& folder) {
    struct statfs info {};
    if (::statfs(folder.c_str(), &info) != 0) return systemError("look at", folder);
    const auto type = static_cast<unsigned long>(info.f_type);
    if (type == TMPFS_MAGIC || type == RAMFS_MAGIC)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("{} lies in memory: give a folder on a disk with --data-dir",
                                 folder.string())};
    return {};
}

}  // namespace ridge::workloads
