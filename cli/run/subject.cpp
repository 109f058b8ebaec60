// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/run/subject.h"

#include <filesystem>

#include "base/file.h"
#include "base/sha256.h"
#include "cli/run/checkout.h"

namespace ridge::cli {

std::string buildCommit() { return kCheckoutSha; }

void describeSubject(const std::string& workloadsProgram, reports::RunReport& run) {
    namespace fs = std::filesystem;
    if (const auto bytes = readFile(workloadsProgram); bytes.ok()) run.subject["binary_sha256"] = sha256Hex(*bytes);
    run.toolGitSha = kCheckoutSha;
    std::error_code ec;
    const fs::path folder = fs::weakly_canonical(workloadsProgram, ec).parent_path();
    const fs::path own = fs::weakly_canonical(executableDir(), ec);
    const bool ours = folder == own || folder == (own / "../lib/ridge").lexically_normal();
    if (!ours) return;
    run.subject["compiler"] = RIDGE_COMPILER;
    run.subject["compiler_version"] = RIDGE_COMPILER_VERSION;
    run.subject["build_type"] = RIDGE_BUILD_TYPE;
    run.subject["flags"] = RIDGE_FLAGS;
    if (run.toolGitSha.empty()) return;
    run.subject["git_sha"] = kCheckoutSha;
    run.subject["branch"] = kCheckoutBranch;
    run.subject["commit_time"] = kCheckoutTime;
    run.gitDirty = kCheckoutDirty;
}

}  // namespace ridge::cli
