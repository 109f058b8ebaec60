// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What is asked of ridge-workloads before anything is measured.

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/run/plan.h"

namespace ridge::cli {

// Why the CUDA backend cannot be used here; empty when it can. The workloads are asked, for only they know
// whether their libraries load; without a driver that is known at once.
std::string whyNoCuda(const std::string& program, double limitSeconds = 60);

// Its --describe. Errors: it failed, took too long, or printed something else.
Result<std::vector<Variant>> describeWorkloads(const std::string& program, const std::string& backend, double limitSeconds = 30);

}  // namespace ridge::cli
