// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload families of parallel training beyond train.dp. Two ranks each, over an emulated
// link; a test drives the same trainers on two and four. Each strategy's header has its technique.
//
//   train.zero/0 .. 3          zero.h, collectives waited for where they stand: exposed
//   train.zero/1.prefetch ...  the same ahead of use: mostly hidden

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"

#include <vector>

namespace ridge::workloads {

[[nodiscard]] std::vector<WorkloadSpec> zeroSpecs(const Backend& backend = {});

}  // namespace ridge::workloads
