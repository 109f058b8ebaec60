// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The same ranges as zones of Tracy's client: a name known at compile time, and one copied at run time; medians in
// ns per zone as JSON. Compiled by nvtx_cost.py together with Tracy's own sources. A server has to be connected, or
// the client keeps all events; its thread sends them on between rounds.
#include "tests/bench/nvtx_cost/rounds.h"

#include <cstdlib>
#include <cstring>
#include <tracy/Tracy.hpp>
#include <unistd.h>

int main(int argc, char** argv) {
    using namespace ridge::bench;
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
    for (int waited = 0; !TracyIsConnected; ++waited) {
        if (waited == 10000) return 1;
        usleep(1000);
    }
    const char* volatile text = "matmul_12345";
    Samples cases[] = {{"zone", {}, {}}, {"copied", {}, {}}};
    for (int round = 0; round < rounds; ++round) {
        measure(cases[0], [] { ZoneScopedN("matmul_12345"); });
        usleep(3000);
        measure(cases[1], [&] { ZoneTransientN(zone, text, true); });
        usleep(3000);
    }
    print(cases);
    std::fflush(stdout);
    _exit(0);  // an orderly end waits for questions that nobody asks
}
