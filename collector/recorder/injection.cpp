// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/injection.h"

#include "base/file.h"
#include "schemas/spool/start.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <sys/utsname.h>
#include <unistd.h>

extern char** environ;

namespace ridge::recorder {

Injection injectionFor(const RecordOptions& options, const std::string& session) {
    Injection injection;
    injection.variables = options.extraEnvironment;
    injection.variables[spool::kSessionVariable] = session;
    utsname host{};
    if (uname(&host) == 0) injection.variables[spool::kSessionHostVariable] = host.nodename;
    const std::string dir = findAgentDir(options.agentLibDir);
    if (dir.empty()) return injection;
    const std::string agent = dir + "/libridge_agent.so";
    const std::string io = dir + "/libridge_io.so";
    injection.agent = true;
    injection.io = access(io.c_str(), R_OK) == 0;
    if (options.traceNvtx || options.traceCuda) injection.variables["NVTX_INJECTION64_PATH"] = agent;
    if (options.traceCuda) injection.variables["CUDA_INJECTION64_PATH"] = agent;
    // NCCL takes one profiler plugin: the program's own comes first.
    if (options.traceCuda && std::getenv("NCCL_PROFILER_PLUGIN") == nullptr)
        injection.variables["NCCL_PROFILER_PLUGIN"] = agent;
    if (options.traceIo && injection.io) {
        injection.preload = io;
        // There from the start, the agent counts what a program does that gives up the rights to load it.
        if (injection.variables.contains("NVTX_INJECTION64_PATH")) injection.preload += ":" + agent;
    }
    return injection;
}

std::vector<std::string> childEnvironment(const Injection& injection) {
    std::vector<std::string> result;
    std::string ownPreload;
    for (char** at = environ; at && *at; ++at) {
        const std::string_view pair = *at;
        const std::string name(pair.substr(0, pair.find('=')));
        if (name == "LD_PRELOAD" && !injection.preload.empty()) {
            ownPreload = pair.substr(std::min(pair.size(), name.size() + 1));
            continue;
        }
        if (!injection.variables.contains(name)) result.emplace_back(pair);
    }
    for (const auto& [name, value] : injection.variables) result.push_back(name + "=" + value);
    if (!injection.preload.empty())
        result.push_back("LD_PRELOAD=" + injection.preload +
                         (ownPreload.empty() ? "" : ":" + ownPreload));
    return result;
}

std::vector<char*> pointersTo(std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (std::string& text : strings) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

std::string findAgentDir(const std::string& given) {
    namespace fs = std::filesystem;
    const fs::path here = executableDir();
    std::vector<fs::path> places = {here / "../lib/ridge", here / "../lib", here,
                                    here / "../collector/agent"};
    if (!given.empty()) places = {fs::path(given)};
    std::error_code ec;
    for (const fs::path& place : places)
        if (fs::exists(place / "libridge_agent.so", ec))
            return fs::weakly_canonical(place, ec).string();
    return {};
}

}  // namespace ridge::recorder
