// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/app/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace ridge::cli {

namespace fs = std::filesystem;

namespace {

// What a later command reads of a folder of runs.
bool isRead(const fs::path& file) { return file.filename() == "run.json" || file.extension() == ".sqlite"; }

bool liesWithin(const fs::path& file, const fs::path& folder) {
    std::error_code ec;
    const fs::path inner = fs::weakly_canonical(file, ec), outer = fs::weakly_canonical(folder, ec);
    return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

}  // namespace

Status isNoInput(const std::string& output, const std::vector<std::string>& inputs) {
    std::error_code ec;
    if (output.empty() || output == "-" || !fs::exists(output, ec)) return {};
    for (const std::string& input : inputs)
        if (fs::equivalent(output, input, ec) || (fs::is_directory(input, ec) && isRead(output) && liesWithin(output, input)))
            return Error{ErrorCode::kBadInput, fmt::format("{} is both input and output; name another output", output)};
    return {};
}

Status hasFolder(const std::string& output) {
    const fs::path folder = fs::path(output).parent_path();
    std::error_code ec;
    if (output.empty() || output == "-" || folder.empty() || fs::is_directory(folder, ec)) return {};
    return Error{ErrorCode::kBadInput, fmt::format("cannot create {}: {} is no folder", output, folder.string())};
}

}  // namespace ridge::cli
