// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/run/program.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/app/process.h"

namespace ridge::cli {

std::string whyNoCuda(const std::string& program, double limitSeconds) {
    if (void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL); !driver)
        return "no NVIDIA driver here (libcuda.so.1 cannot be loaded)";
    const auto result = runProcess({program, "--check-backend", "--backend=cuda"}, limitSeconds);
    if (!result.ok()) return result.error().message;
    if (result->timedOut) return fmt::format("{} --check-backend did not end within {:.3g} s", program, limitSeconds);
    if (result->status == 0) return {};
    const std::string said(trim(result->messages));
    return said.empty() ? fmt::format("{} --check-backend ended with exit code {}", program, result->status) : said;
}

Result<std::vector<Variant>> describeWorkloads(const std::string& program, const std::string& backend, double limitSeconds) {
    RIDGE_TRY(const ProcessResult result, runProcess({program, "--describe", "--backend=" + backend}, limitSeconds));
    if (result.timedOut) return Error{ErrorCode::kMeasurement, fmt::format("{} --describe did not end within {:.3g} s", program, limitSeconds)};
    if (result.status != 0)
        return Error{ErrorCode::kMeasurement, fmt::format("{} --describe failed with exit code {}: {}", program, result.status, trim(result.messages))};
    return parseDescription(result.output);
}

}  // namespace ridge::cli
