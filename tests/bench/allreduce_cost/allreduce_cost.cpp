// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What the communicator adds to MPI_Allreduce: the bare call, ours from the calling thread, and ours
// by way of the communication thread, in turns, in one pair of processes. Prints JSON on rank 0.
//   mpirun -n 2 allreduce_cost [rounds]
#include "base/clock.h"
#include "workloads/harness/quantile.h"
#include "workloads/parallel/communicator.h"

#include <mpi.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace {

namespace rw = ridge::workloads;

constexpr std::array<const char*, 3> kWays{"bare", "caller", "thread"};

// The median of the calls: one that met a rank without a CPU says nothing about either way.
double secondsPerCall(int calls, const std::function<bool()>& call, bool& good) {
    std::vector<double> seconds;
    for (int i = 0; i < calls; ++i) {
        const std::int64_t start = ridge::monotonicNs();
        good = call() && good;
        seconds.push_back(static_cast<double>(ridge::monotonicNs() - start) / 1e9);
    }
    return rw::quantile(std::move(seconds), 0.5);
}

nlohmann::ordered_json measure(rw::Communicator& comm, std::size_t bytes, int rounds, bool& good) {
    std::vector<float> data(bytes / sizeof(float), 0.0F);
    const int calls = static_cast<int>(std::clamp<std::size_t>((std::size_t{16} << 20) / bytes, 3, 200));
    const std::array<std::function<bool()>, 3> ways{
        [&] {
            return MPI_Allreduce(MPI_IN_PLACE, data.data(), static_cast<int>(data.size()), MPI_FLOAT,
                                 MPI_SUM, MPI_COMM_WORLD) == MPI_SUCCESS;
        },
        [&] { return comm.allReduceSum(data).ok(); },
        [&] { return comm.allReduceSumAsync(data).ok() && comm.wait().ok(); }};
    std::array<std::vector<double>, 3> seconds;
    std::array<std::vector<double>, 3> ratios;
    for (int round = -1; round < rounds; ++round) {
        std::array<double, 3> sum{};
        // There and back, so that a drift within the round meets all alike.
        for (const int way : {0, 1, 2, 2, 1, 0}) {
            good = comm.barrier().ok() && good;
            sum[static_cast<std::size_t>(way)] +=
                secondsPerCall(calls, ways[static_cast<std::size_t>(way)], good) / 2;
        }
        if (round < 0) continue;  // warm-up
        for (std::size_t way = 0; way < 3; ++way) {
            seconds[way].push_back(sum[way]);
            ratios[way].push_back(sum[way] / sum[0]);
        }
    }
    nlohmann::ordered_json row{{"bytes", bytes}, {"calls", calls}, {"rounds", rounds}};
    for (std::size_t way = 0; way < 3; ++way) {
        row[kWays[way]] = rw::quantile(seconds[way], 0.5);
        row[std::string(kWays[way]) + "_ratio"] = rw::quantile(ratios[way], 0.5);
        row[std::string(kWays[way]) + "_ratio_p25"] = rw::quantile(ratios[way], 0.25);
        row[std::string(kWays[way]) + "_ratio_p75"] = rw::quantile(ratios[way], 0.75);
    }
    return row;
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 20;
    const auto rank = rw::rankFromEnvironment();
    if (!rank.ok() || rank->size < 2) {
        std::fputs("start with mpirun -n 2 allreduce_cost\n", stderr);
        return 77;
    }
    auto comm = rw::startMpi(*rank);
    if (!comm.ok()) {
        std::fprintf(stderr, "%s\n", comm.error().message.c_str());
        return 77;
    }
    bool good = true;
    auto rows = nlohmann::ordered_json::array();
    for (const std::size_t kib : {4, 64, 1024, 16384})
        rows.push_back(measure(**comm, kib * 1024, rounds, good));
    if (rank->rank == 0)
        std::puts(nlohmann::ordered_json{{"ranks", rank->size}, {"sizes", rows}}.dump(1).c_str());
    return good ? 0 : 4;
}
