// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/processes.h"

#include "schemas/spool/control_block.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace ridge::recorder {
namespace {

constexpr std::size_t kMostProcesses = 4096;
// Lists of processes that are read for one answer. A process that was started after a list was
// read, by one that had ended before its turn came, is in neither: so until a list shows nobody
// new.
constexpr int kMostLooks = 20;
constexpr int kLooksAtUnread = 5;
constexpr unsigned kUnreadPauseUs = 1000;

// The inode in "pid:[4026531836]".
std::uint32_t pidNamespaceOf(const std::string& process) {
    std::error_code ec;
    const std::string text =
        std::filesystem::read_symlink("/proc/" + process + "/ns/pid", ec).string();
    const std::size_t at = text.find('[');
    return ec || at == std::string::npos
               ? 0
               : static_cast<std::uint32_t>(std::strtoul(text.c_str() + at + 1, nullptr, 10));
}

// The last number of a line of a status file of /proc; 0: not there.
std::int32_t lastNumber(const std::filesystem::path& path, std::string_view field) {
    std::ifstream status(path);
    for (std::string line; std::getline(status, line);) {
        if (!line.starts_with(field)) continue;
        const std::size_t at = line.find_last_of(" \t");
        return at == std::string::npos ? 0 : std::atoi(line.c_str() + at + 1);
    }
    return 0;
}

enum class Environment { kHasIt, kHasItNot, kBeingMade };

// In the midst of an exec a process has a program and no environment yet; few have none for long.
Environment lookForVariable(const std::filesystem::path& process, const std::string& wanted) {
    std::ifstream environment(process / "environ", std::ios::binary);
    bool any = false;
    for (std::string variable; std::getline(environment, variable, '\0'); any = true)
        if (variable == wanted) return Environment::kHasIt;
    std::error_code ec;
    const bool empty = !any && environment.is_open() &&
                       !std::filesystem::read_symlink(process / "exe", ec).empty() && !ec;
    return empty ? Environment::kBeingMade : Environment::kHasItNot;
}

// The letter that /proc has for it; X, ended, also where there is none.
char stateOf(std::int32_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string text;
    if (pid <= 0 || !std::getline(file, text)) return 'X';
    const std::size_t end = text.rfind(')');  // the name before it may hold anything
    return end != std::string::npos && end + 2 < text.size() ? text[end + 2] : 'X';
}

// As the process itself knows it.
std::int32_t innerPid(std::int32_t pid) {
    return lastNumber(fmt::format("/proc/{}/status", pid), "NSpid:");
}

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

std::set<std::int32_t> processesOfSession(const std::string& session) {
    const std::string wanted = fmt::format("{}={}", spool::kSessionVariable, session);
    std::set<std::int32_t> found;
    std::set<std::int32_t> seen;
    for (int look = 0; look < kMostLooks; ++look) {
        bool anyNew = false;
        bool anyUnread = false;
        std::error_code ec;
        for (const auto& entry : std::filesystem::directory_iterator("/proc", ec)) {
            const int pid = std::atoi(entry.path().filename().c_str());
            if (pid <= 0 || pid == getpid() || seen.contains(pid)) continue;
            const Environment environment = lookForVariable(entry.path(), wanted);
            if (environment == Environment::kBeingMade) {
                anyUnread = true;
                continue;
            }
            seen.insert(pid);
            anyNew = true;
            if (environment == Environment::kHasIt && isRunning(pid)) found.insert(pid);
        }
        if (!anyNew && (!anyUnread || look >= kLooksAtUnread)) break;
        if (anyUnread) usleep(kUnreadPauseUs);
    }
    return found;
}

std::set<std::int32_t> othersRunning(const std::string& session,
                                     const std::set<std::int32_t>& known, std::int32_t program) {
    std::set<std::int32_t> running = processesOfSession(session);
    for (const std::int32_t pid : known)
        if (isRunning(pid)) running.insert(pid);
    running.erase(program);
    return running;
}

bool isRunning(std::int32_t pid) {
    const char state = stateOf(pid);
    return state != 'Z' && state != 'X';
}

bool mayStartOthers(std::int32_t pid) {
    const char state = stateOf(pid);
    return state != 'Z' && state != 'X' && state != 'T' && state != 't';
}

std::int32_t processWithRings(const std::string& ringDir) {
    std::set<std::int32_t> owners;  // ring files are named <pid>-...
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(ringDir, ec)) {
        const int pid = std::atoi(entry.path().filename().c_str());
        if (entry.path().extension() == ".ring" && pid > 0) owners.insert(pid);
    }
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ec)) {
        const int pid = std::atoi(entry.path().filename().c_str());
        if (pid <= 0 || !(owners.contains(pid) || owners.contains(innerPid(pid)))) continue;
        std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
        for (std::string line; std::getline(maps, line);)
            if (line.find(ringDir + "/") != std::string::npos) return pid;
    }
    return 0;
}

std::uint32_t ownPidNamespace() {
    return pidNamespaceOf("self");
}

std::int32_t processInNamespace(std::uint32_t pidNamespace, std::int32_t inner) {
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ec)) {
        const std::string name = entry.path().filename().string();
        const int pid = std::atoi(name.c_str());
        if (pid > 0 && pidNamespaceOf(name) == pidNamespace && innerPid(pid) == inner) return pid;
    }
    return 0;
}

std::int32_t threadOf(std::int32_t pid, std::int32_t innerTid) {
    std::error_code ec;
    for (const auto& task :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), ec))
        if (lastNumber(task.path() / "status", "NSpid:") == innerTid)
            return std::atoi(task.path().filename().c_str());
    return 0;
}

std::int32_t parentOf(std::int32_t pid) {
    return lastNumber(fmt::format("/proc/{}/status", pid), "PPid:");
}

}  // namespace ridge::recorder
