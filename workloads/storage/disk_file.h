// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A file as the storage workloads use it: plain POSIX calls (so that a recorder sees what a
// stranger's program would show), whole transfers, errors that name the path. Reads bypass the page
// cache with O_DIRECT where the file system allows it; elsewhere the cached pages are dropped when
// the file is opened. Direct reads need buffers, offsets and lengths in multiples of
// kDiskAlignment.

#include "base/result.h"

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>

namespace ridge::workloads {

inline constexpr std::size_t kDiskAlignment = 4096;
inline constexpr std::size_t kDiskPiece = std::size_t{4} << 20;  // bytes per call

// Memory for direct transfers; first-touched. From half a MiB on it asks for huge pages: a device
// takes a request in a limited number of pieces of memory, and 1 MiB in pages of 4 KiB had to go in
// two (twice the time, measured).
class AlignedBuffer {
public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(std::size_t bytes);
    [[nodiscard]] std::span<std::byte> bytes() { return {m_data.get(), m_size}; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return {m_data.get(), m_size}; }

private:
    struct Free {
        void operator()(std::byte* data) const { std::free(data); }
    };
    std::unique_ptr<std::byte, Free> m_data;
    std::size_t m_size = 0;
};

enum class Caching { kBuffered, kDirect };

class DiskFile {
public:
    static Result<DiskFile> openForColdReading(const std::filesystem::path& path);
    // kDirect: kUnsupported where the file system has no O_DIRECT. kBuffered: the page cache is left
    // as it is (dropPages() empties it).
    static Result<DiskFile> openForReading(const std::filesystem::path& path, Caching caching);
    static Result<DiskFile> create(const std::filesystem::path& path,
                                   Caching caching = Caching::kBuffered);
    DiskFile(DiskFile&& other) noexcept;
    DiskFile& operator=(DiskFile&& other) noexcept;
    ~DiskFile();

    // Exactly data.size() bytes at offset; kIo when the file is shorter.
    Status read(std::span<std::byte> data, std::uint64_t offset) const;
    // The last, short block of a file: data.size() bytes at the aligned offset, by way of block.
    Status readTail(std::span<std::byte> block, std::span<std::byte> data,
                    std::uint64_t offset) const;
    Status write(std::span<const std::byte> data, std::uint64_t offset) const;
    Status sync() const;
    Status truncate(std::uint64_t bytes) const;
    // Reports what the last write-back left behind; the destructor only closes.
    Status close();
    // False when the page cache is only dropped at opening.
    [[nodiscard]] bool direct() const { return m_direct; }
    // For io_uring; stays ours.
    [[nodiscard]] int descriptor() const { return m_fd; }

private:
    DiskFile(std::filesystem::path path, int fd, bool direct)
        : m_path(std::move(path)), m_fd(fd), m_direct(direct) {}
    std::filesystem::path m_path;
    int m_fd = -1;
    bool m_direct = false;
};

Status syncFolder(const std::filesystem::path& folder);
// Everything that the folder's file system has not yet written.
Status syncFileSystem(const std::filesystem::path& folder);
// Takes the clean pages of a file out of the page cache.
Status dropPages(const std::filesystem::path& path);
// Share of the file's pages that are in the page cache; 0 for an empty file.
Result<double> cachedShare(const std::filesystem::path& path);
// kUnsupported when the folder lies in memory (tmpfs): nothing there is storage.
Status requireDisk(const std::filesystem::path& folder);

}  // namespace ridge::workloads
