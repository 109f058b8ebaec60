// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/context.h"

#include <utility>

namespace ridge::workloads {
namespace {
RunContext& instance() {
    static RunContext context;
    return context;
}
}  // namespace

const RunContext& runContext() {
    return instance();
}
Result<std::filesystem::path> dataFolder() {
    return instance().data ? instance().data->path()
                           : Result<std::filesystem::path>(std::filesystem::path());
}
void setRunContext(RunContext context) {
    instance() = std::move(context);
}

}  // namespace ridge::workloads
