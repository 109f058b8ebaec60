// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Small file helpers with errors that name the path and the reason.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ridge {

// The whole file. Errors: not there, not readable, larger than maxBytes.
Result<std::string> readFile(const std::filesystem::path& path, std::size_t maxBytes = std::size_t{1} << 31);

// An output may be new or replace a regular file. Devices, pipes, sockets, folders and symbolic links are
// refused: replacing them by a file is never what was meant.
Status refuseSpecialFile(const std::filesystem::path& path);

// Writes to a temporary name in the same folder, fsyncs and renames, so that a reader never sees half.
Status writeFileAtomically(const std::filesystem::path& path, std::string_view content);

// First line of a file such as /sys/..., trimmed; empty when it cannot be read.
std::string readLineOr(const std::filesystem::path& path, std::string fallback = {});

// A folder of its own below parent (default: the system's temporary folder), removed with its content
// when the object goes.
class TempDir {
public:
    static Result<TempDir> create(std::string_view prefix, std::filesystem::path parent = {});
    ~TempDir();
    TempDir(TempDir&& other) noexcept;
    TempDir& operator=(TempDir&& other) noexcept;
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
    // Keeps the folder.
    std::filesystem::path release();

private:
    explicit TempDir(std::filesystem::path path) : m_path(std::move(path)) {}
    std::filesystem::path m_path;
};

// The folder that holds the running executable, for finding its neighbours (libraries, ridge-workloads).
std::filesystem::path executableDir();

}  // namespace ridge
