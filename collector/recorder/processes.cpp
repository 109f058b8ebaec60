// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/processes.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace ridge::recorder {
namespace {

constexpr std::size_t kMostProcesses = 4096;

}  // namespace

void addProcessTree(std::int32_t pid, std::set<std::int32_t>& out) {
    if (out.size() >= kMostProcesses || !out.insert(pid).second) return;
    std::error_code ec;
    for (const auto& task :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), ec)) {
        std::ifstream children(task.path() / "children");
        std::int32_t child = 0;
        while (children >> child) addProcessTree(child, out);
    }
}

std::set<std::int32_t> processTree(std::int32_t pid) {
    std::set<std::int32_t> tree;
    addProcessTree(pid, tree);
    return tree;
}

}  // namespace ridge::recorder
