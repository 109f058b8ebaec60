// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Ends ranges for ever and keeps the number that ended in a shared file, so that whoever kills it knows
// exactly how many a recording must hold. With a gate it waits for that file before its last range, so that
// a recorder can be killed while its program surely runs. Usage: counting_ranges COUNTER_FILE [RANGES [GATE_FILE]]

#include <fcntl.h>
#include <nvtx3/nvToolsExt.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    const std::uint64_t limit = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : UINT64_MAX;
    const char* gate = argc > 3 ? argv[3] : nullptr;
    const int fd = open(argv[1], O_RDWR | O_CREAT, 0644);
    if (fd < 0 || ftruncate(fd, 4096) != 0) return 2;
    void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return 2;
    auto* ended = static_cast<std::atomic<std::uint64_t>*>(memory);
    nvtxRangePushA("never ends");
    for (std::uint64_t i = 0; i < limit; ++i) {
        while (gate != nullptr && i + 1 == limit && access(gate, F_OK) != 0) usleep(1000);
        nvtxRangePushA("counted");
        nvtxRangePop();
        ended->store(i + 1, std::memory_order_release);
        if (i % 1024 == 0) usleep(100);
    }
    nvtxRangePop();
    return 0;
}
