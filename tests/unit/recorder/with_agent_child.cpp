// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A program that makes NVTX ranges and counts them in a file shared with the test, so that a kill at any
// moment leaves the true number behind. Usage: CHILD COUNTFILE RANGES(0: for ever) [FORKS]
#include <fcntl.h>
#include <nvtx3/nvToolsExt.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    const int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 4096) != 0) return 2;
    void* map = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return 2;
    auto* counts = static_cast<std::uint64_t*>(map);  // [0] pushed, [1] popped
    const std::uint64_t ranges = std::strtoull(argv[2], nullptr, 10);
    const int forks = argc > 3 ? std::atoi(argv[3]) : 0;
    for (int i = 0; i < forks; ++i) {
        if (fork() != 0) continue;
        for (std::uint64_t n = 0; n < ranges; ++n) {
            nvtxRangePushA("child");
            nvtxRangePop();
        }
        _exit(0);
    }
    for (std::uint64_t n = 0; ranges == 0 || n < ranges; ++n) {
        nvtxRangePushA("range");
        __atomic_store_n(&counts[0], n + 1, __ATOMIC_RELEASE);
        nvtxRangePop();
        __atomic_store_n(&counts[1], n + 1, __ATOMIC_RELEASE);
    }
    while (wait(nullptr) > 0) {
    }
    return 0;
}
