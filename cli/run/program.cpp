// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/run/program.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/app/process.h"

namespace ridge::cli {

std::string whyNoCuda(const std::string& program) {
    if (void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL); !driver)
        return "no NVIDIA driver here (libcuda.so.1 cannot be loaded)";
    constexpr double kLimit = 60;
    const auto result = runProcess({program, "--check-backend", "--backend=cuda"}, kLimit);
    if (!result.ok()) return result.error().message;
    if (result->status == 0) return {};
    const std::string said(trim(result->messages));
    return said.empty() ? fmt::format("{} --check-backend ended with exit code {}", program, result->status) : said;
}

Result<std::vector<Variant>> describeWorkloads(const std::string& program, const std::string& backend) {
    constexpr double kLimit = 30;
    RIDGE_TRY(const ProcessResult result, runProcess({program, "--describe", "--backend=" + backend}, kLimit));
    if (result.status != 0)
        return Error{ErrorCode::kMeasurement, fmt::format("{} --describe failed with exit code {}: {}", program, result.status, trim(result.messages))};
    return parseDescription(result.output);
}

}  // namespace ridge::cli
