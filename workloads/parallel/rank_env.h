// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which rank this process is, from the variables that launchers set: torchrun (RANK, WORLD_SIZE),
// Open MPI (OMPI_COMM_WORLD_RANK/SIZE), PMIx (PMIX_RANK with OMPI or SLURM sizes), PMI
// (PMI_RANK/SIZE), Slurm (SLURM_PROCID/STEP_NUM_TASKS). A rank without a size, or numbers that
// cannot be, are errors: guessing would hang the others in the first collective.

#include "base/result.h"

#include <functional>
#include <optional>
#include <string>

namespace ridge::workloads {

struct RankInfo {
    int rank = 0;
    int size = 1;
    std::string source =
        "none";  // which variables said so: "none", "torchrun", "openmpi", "pmix", "pmi", "slurm"
};

using EnvironmentLookup = std::function<std::optional<std::string>(const char*)>;

Result<RankInfo> rankFromEnvironment(const EnvironmentLookup& lookup);
// The same from this process's environment.
Result<RankInfo> rankFromEnvironment();

// How many of `size` ranks share this host, as the launcher says; all of them where it does not, or
// says what cannot be.
int ranksOnThisHost(const EnvironmentLookup& lookup, int size);
int ranksOnThisHost(int size);

}  // namespace ridge::workloads
