// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which of a host's devices a rank takes: those of one host take turns, by the launcher's number of
// the rank on its host. The operators and the NCCL transport ask here, so that they agree.

#include <cstdlib>
#include <initializer_list>

namespace ridge::workloads {

// `rank` where no launcher says: 0 of one process, which takes the first device. count > 0.
inline int localDevice(int count, int rank = 0) {
    for (const char* name :
         {"LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID", "MPI_LOCALRANKID"})
        if (const char* text = std::getenv(name)) return std::atoi(text) % count;
    return rank % count;
}

}  // namespace ridge::workloads
