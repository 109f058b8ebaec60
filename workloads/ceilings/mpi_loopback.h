// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The network roof that the set's collectives stand under: two ranks of this machine over MPI, as
// the communicator starts it. The measuring process starts mpirun with two copies of its own
// program
// (--ceilings-loopback=SECONDS); rank 0 prints one line per quantity, "latency" or "bandwidth", the
// amount of each sample, whether only the host can have made gaps ("host" or "any"), and of each sample its seconds and
// what the rank that lost most of it lost: the share that the host had its CPU, the share that it stood ready
// (sampling.h), as SECONDS:GAP:WAIT. No mpirun, a program that does not answer within
// half a minute, or lines that are none: a note instead of a roof.

#include "base/result.h"
#include "workloads/ceilings/sampling.h"

#include <string>
#include <string_view>
#include <vector>

namespace ridge::workloads {

struct RankInfo;

// What each of the two ranks does. Errors: the ranks lost each other.
[[nodiscard]] Status runLoopbackRank(const RankInfo& rank, double seconds);

// Asks the launcher of the two ranks to end, should one be running: it takes its ranks along, and
// the memory that they share, which outlives whoever is killed. From any thread.
void endLoopback();

struct LoopbackLine {
    std::string what;
    double amount = 0;
    Samples samples;  // without clocks, which the ranks do not read
};
// The lines that can be read; anything else (a launcher's remarks) is passed over.
[[nodiscard]] std::vector<LoopbackLine> parseLoopback(std::string_view text);

}  // namespace ridge::workloads
