// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/disk_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/magic.h>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <vector>

namespace ridge::workloads {
namespace {

Error systemError(const char* what, const std::filesystem::path& path) {
    return {ErrorCode::kIo,
            fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno))};
}

Error noDirect(const std::filesystem::path& path) {
    return {ErrorCode::kUnsupported,
            fmt::format("the file system of {} has no direct transfers (O_DIRECT)", path.string())};
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t bytes) : m_size(bytes) {
    constexpr std::size_t kHugePage = std::size_t{2} << 20;
    const bool large = bytes >= kHugePage / 4;
    const std::size_t alignment = large ? kHugePage : kDiskAlignment;
    const std::size_t whole =
        std::max((bytes + alignment - 1) / alignment, std::size_t{1}) * alignment;
    m_data.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, whole)));
    if (!m_data) throw std::bad_alloc();
    if (large) ::madvise(m_data.get(), whole, MADV_HUGEPAGE);  // a wish: no error when refused
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

Result<DiskFile> DiskFile::openForReading(const std::filesystem::path& path, Caching caching) {
    const bool direct = caching == Caching::kDirect;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0));
    if (fd < 0 && direct && errno == EINVAL) return noDirect(path);
    if (fd < 0) return systemError("open", path);
    return DiskFile(path, fd, direct);
}

Result<DiskFile> DiskFile::create(const std::filesystem::path& path, Caching caching) {
    const bool direct = caching == Caching::kDirect;
    const int fd = ::open(path.c_str(),
                          O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (direct ? O_DIRECT : 0), 0644);
    if (fd < 0 && direct && errno == EINVAL) return noDirect(path);
    if (fd < 0) return systemError("create", path);
    return DiskFile(path, fd, direct);
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

Status DiskFile::truncate(std::uint64_t bytes) const {
    if (::ftruncate(m_fd, static_cast<off_t>(bytes)) != 0) return systemError("truncate", m_path);
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

Status syncFileSystem(const std::filesystem::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return systemError("open", folder);
    const bool done = ::syncfs(fd) == 0;
    const Error error = systemError("sync", folder);
    ::close(fd);
    if (!done) return error;
    return {};
}

Status dropPages(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return systemError("open", path);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
    return {};
}

Result<double> cachedShare(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return systemError("open", path);
    struct stat info {};
    const bool known = ::fstat(fd, &info) == 0;
    const auto bytes = static_cast<std::size_t>(info.st_size);
    void* map = known && bytes > 0 ? ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    const Error error = systemError("map", path);
    ::close(fd);
    if (known && bytes == 0) return 0.0;
    if (map == MAP_FAILED) return error;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> resident((bytes + page - 1) / page);
    const bool answered = ::mincore(map, bytes, resident.data()) == 0;
    const Error refused = systemError("ask for the pages of", path);
    ::munmap(map, bytes);
    if (!answered) return refused;
    const auto in = std::count_if(resident.begin(), resident.end(),
                                  [](unsigned char entry) { return (entry & 1U) != 0; });
    return static_cast<double>(in) / static_cast<double>(resident.size());
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
