// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The folder of a process' data, made when the first workload asks for it: most need none, run
// where nothing can be written, and leave nothing behind when they are killed.

#include "base/file.h"

#include <filesystem>
#include <mutex>
#include <optional>

namespace ridge::workloads {

class DataFolder {
public:
    // Below parent; the system's temporary folder where that is empty.
    explicit DataFolder(std::filesystem::path parent = {}) : m_parent(std::move(parent)) {}
    // From any thread. Errors: it cannot be made, or was removed.
    [[nodiscard]] Result<std::filesystem::path> path();
    // For the end by a signal, while workloads still write into it; none is made afterwards.
    void removeForGood();

private:
    std::filesystem::path m_parent;
    std::mutex m_mutex;
    std::optional<TempDir> m_folder;
    bool m_removed = false;
};

}  // namespace ridge::workloads
