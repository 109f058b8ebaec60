// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The oracle of expert parallel training: the GPT with mixture-of-experts layers in double
// precision and plain loops, on the whole batch. It shares the layout with the trainer, nothing
// else. The batch is in `groups` equal parts (the trainer's ranks), each with its own room per
// expert.

#include "workloads/parallel/strategies/checks.h"
#include "workloads/parallel/strategies/expert_layout.h"

namespace ridge::workloads {

[[nodiscard]] Oracle expertOracle(const ExpertOptions& options, std::int64_t groups);

}  // namespace ridge::workloads
