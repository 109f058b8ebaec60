// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/data_folder.h"

#include <chrono>
#include <thread>

namespace ridge::workloads {

Result<std::filesystem::path> DataFolder::path() {
    const std::lock_guard lock(m_mutex);
    if (m_removed)
        return Error{ErrorCode::kIo, "the data folder was removed: the program is ending"};
    if (!m_folder) {
        RIDGE_TRY(m_folder, TempDir::create("ridge-workloads-", m_parent));
    }
    return m_folder->path();
}

void DataFolder::removeForGood() {
    const std::lock_guard lock(m_mutex);
    m_removed = true;
    if (!m_folder) return;
    const std::filesystem::path folder = m_folder->path();
    // The workload goes on making files in it while it is removed. Under another name it is out of
    // the workload's reach; what was being opened at that moment is taken at the next try.
    const std::filesystem::path doomed = folder.string() + ".removed";
    std::error_code ignored;
    std::filesystem::rename(folder, doomed, ignored);
    for (int i = 0; i < 100; ++i) {
        std::filesystem::remove_all(doomed, ignored);
        std::filesystem::remove_all(folder, ignored);
        if (!std::filesystem::exists(doomed, ignored) && !std::filesystem::exists(folder, ignored))
            break;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

}  // namespace ridge::workloads
