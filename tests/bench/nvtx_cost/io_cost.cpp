// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What one call on a file costs the program: short reads from the page cache, where the call itself
// is cheapest and a hook shows most. Bare or under libridge_io.so, as the caller preloads it.
#include "tests/bench/nvtx_cost/rounds.h"

#include <cstdlib>

// io_cost ROUNDS FILE [RING_FOLDER]; FILE has a byte at least.
int main(int argc, char** argv) {
    using namespace ridge::bench;
    if (argc < 3) return 2;
    const int fd = open(argv[2], O_RDONLY);
    char bytes[4096];
    if (fd < 0 || pread(fd, bytes, 1, 0) != 1) return 1;
    RingHeader* ring = argc > 3 ? mapOwnRing(argv[3]) : nullptr;
    if (argc > 3 && ring == nullptr) return 1;
    Samples cases[] = {{"pread0", {}, {}}, {"pread1", {}, {}}, {"pread4096", {}, {}}};
    const size_t sizes[] = {0, 1, sizeof bytes};
    for (int round = 0; round < std::atoi(argv[1]); ++round)
        for (int i = 0; i < 3; ++i) {
            measure(cases[i], [&] {
                if (pread(fd, bytes, sizes[i], 0) < 0) std::abort();
            });
            empty(ring);
        }
    print(cases);
    return 0;
}
