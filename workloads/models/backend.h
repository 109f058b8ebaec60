// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which backend a family of workloads runs on: its name for the params and how to make its
// operators.

#include "workloads/harness/context.h"
#include "workloads/ops/cpu/cpu_operators.h"

#include <functional>
#include <memory>
#include <string>

namespace ridge::workloads {

struct Backend {
    std::string name = "cpu";
    std::function<Result<std::unique_ptr<Operators>>()> make = [] {
        const int threads = runContext().threads;  // the harness' --threads; 1 when not given
        return makeCpuOperators(threads > 1 ? threads : 0);
    };
};

}  // namespace ridge::workloads
