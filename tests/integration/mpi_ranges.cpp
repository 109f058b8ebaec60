// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A rank of an MPI program: COUNT ranges between barriers, then the ranks' numbers are added up and the
// first prints the sum. With DIE=r rank r kills itself before the last barrier. Usage: mpi_ranges COUNT [DIE]

#include <mpi.h>
#include <nvtx3/nvToolsExt.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    const int count = argc > 1 ? std::atoi(argv[1]) : 1000;
    const int dies = argc > 2 ? std::atoi(argv[2]) : -1;
    MPI_Init(&argc, &argv);
    int rank = 0, sum = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < count; ++i) {
        nvtxRangePushA("of a rank");
        nvtxRangePop();
    }
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == dies) std::raise(SIGKILL);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0) std::printf("sum %d\n", sum);
    MPI_Finalize();
    return 0;
}
