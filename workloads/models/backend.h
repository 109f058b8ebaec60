// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which backend a family of workloads runs on: its name for the params and how to make its
// operators.

#include "workloads/ops/cpu/cpu_operators.h"

#include <functional>
#include <memory>
#include <string>

namespace ridge::workloads {

struct Backend {
    std::string name = "cpu";
    std::function<Result<std::unique_ptr<Operators>>()> make = makeCpuOperators;
};

}  // namespace ridge::workloads
