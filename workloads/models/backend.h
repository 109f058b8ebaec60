// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which backend a family of workloads runs on: its name for the params, how to make its operators,
// and whether it is of the size that calls for the larger set (a data-centre GPU: workloads.md's
// sizes for one H100; a processor: what a thread does in a fraction of a second).

#include "workloads/harness/context.h"
#include "workloads/ops/cpu/cpu_operators.h"
#include "workloads/ops/cuda/cuda_operators.h"

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
    bool accelerator = false;
};

[[nodiscard]] inline Backend cudaBackend() {
    return {"cuda", [] { return makeCudaOperators(); }, true};
}

}  // namespace ridge::workloads
