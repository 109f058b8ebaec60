// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/app/neighbours.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/file.h"
#include "base/text.h"

namespace ridge::cli {
namespace fs = std::filesystem;
namespace {

std::string fromEnvironment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

bool isProgram(const fs::path& path) {
    std::error_code ec;
    return fs::is_regular_file(path, ec) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<std::string> findWorkloads() {
    std::vector<std::string> places;
    if (const std::string given = fromEnvironment("RIDGE_WORKLOADS"); !given.empty()) places.push_back(given);
    const fs::path here = executableDir();
    places.push_back((here / "ridge-workloads").string());
    places.push_back((here / "../lib/ridge/ridge-workloads").lexically_normal().string());
    for (const std::string& place : places)
        if (isProgram(place)) return place;
    return Error{ErrorCode::kUnsupported, fmt::format("ridge-workloads was not found (looked at {}); install it or set RIDGE_WORKLOADS",
                                                      fmt::join(places, ", "))};
}

Result<std::string> findViewer() {
    std::vector<std::string> places;
    if (const std::string given = fromEnvironment("RIDGE_VIEW"); !given.empty()) places.push_back(given);
    places.push_back((fs::path(executableDir()) / "ridge-view").string());
    for (const std::string& place : places)
        if (isProgram(place)) return place;
    return Error{ErrorCode::kUnsupported, fmt::format("ridge-view was not found (looked at {}); it is built where Qt 6.4 is (scripts/setup), or set RIDGE_VIEW",
                                                      fmt::join(places, ", "))};
}

Result<std::string> findAgentDir() {
    std::vector<std::string> places;
    if (const std::string given = fromEnvironment("RIDGE_AGENT_DIR"); !given.empty()) places.push_back(given);
    const fs::path here = executableDir();
    for (const char* relative : {"../lib/ridge", "../lib", "."}) places.push_back((here / relative).lexically_normal().string());
    for (const std::string& place : places) {
        std::error_code ec;
        if (fs::exists(fs::path(place) / "libridge_agent.so", ec)) return place;
    }
    return Error{ErrorCode::kUnsupported, fmt::format("libridge_agent.so was not found (looked in {}); install it or set RIDGE_AGENT_DIR",
                                                      fmt::join(places, ", "))};
}

std::string findInPath(const std::string& program) {
    const std::string path = fromEnvironment("PATH");
    for (const std::string_view folder : split(path, ':')) {
        const fs::path candidate = fs::path(folder) / program;
        if (!folder.empty() && isProgram(candidate)) return candidate.string();
    }
    return {};
}

}  // namespace ridge::cli
