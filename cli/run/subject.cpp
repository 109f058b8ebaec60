// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/run/subject.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/file.h"
#include "base/sha256.h"
#include "cli/run/checkout.h"

namespace ridge::cli {

std::string buildCommit() { return kCheckoutSha; }

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

// Empty: it cannot be read, or it is too late.
std::string hashOf(const std::string& path, const std::function<bool()>& late) {
    std::ifstream file(path, std::ios::binary);
    std::string piece(kPiece, '\0');
    Sha256 hash;
    while (file && !late()) {
        file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        hash.add(std::string_view(piece).substr(0, static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0))));
    }
    return file.eof() ? hash.hex() : std::string();
}

}  // namespace

bool describeSubject(const std::string& workloadsProgram, reports::RunReport& run, const std::function<bool()>& late) {
    namespace fs = std::filesystem;
    const std::string hash = hashOf(workloadsProgram, late);
    if (!hash.empty()) run.subject["binary_sha256"] = hash;
    run.toolGitSha = kCheckoutSha;
    std::error_code ec;
    const fs::path folder = fs::weakly_canonical(workloadsProgram, ec).parent_path();
    const fs::path own = fs::weakly_canonical(executableDir(), ec);
    const bool ours = folder == own || folder == (own / "../lib/ridge").lexically_normal();
    if (!ours) return !hash.empty();
    run.subject["compiler"] = RIDGE_COMPILER;
    run.subject["compiler_version"] = RIDGE_COMPILER_VERSION;
    run.subject["build_type"] = RIDGE_BUILD_TYPE;
    run.subject["flags"] = RIDGE_FLAGS;
    if (run.toolGitSha.empty()) return !hash.empty();
    run.subject["git_sha"] = kCheckoutSha;
    run.subject["branch"] = kCheckoutBranch;
    run.subject["commit_time"] = kCheckoutTime;
    run.gitDirty = kCheckoutDirty;
    return !hash.empty();
}

}  // namespace ridge::cli
