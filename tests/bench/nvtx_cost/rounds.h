// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What both cost programs share: rounds of one case, wall and thread CPU time in ns per repetition,
// and the ring of this process, emptied between rounds, as a recorder on another core would.
#include "schemas/spool/ring_header.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace ridge::bench {

using namespace ridge::spool;

constexpr int kRanges = 6000;  // one round; its records fit a 1 MiB ring with a work payload

inline uint64_t clockNs(clockid_t id) {
    timespec t;
    clock_gettime(id, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000000 + static_cast<uint64_t>(t.tv_nsec);
}

struct Samples {
    std::string name;
    std::vector<double> wall, cpu;
};

template <class Body>
inline void measure(Samples& samples, Body&& body) {
    const uint64_t cpu = clockNs(CLOCK_THREAD_CPUTIME_ID);
    const uint64_t wall = clockNs(CLOCK_MONOTONIC);
    for (int i = 0; i < kRanges; ++i) body();
    const uint64_t wallEnd = clockNs(CLOCK_MONOTONIC);
    const uint64_t cpuEnd = clockNs(CLOCK_THREAD_CPUTIME_ID);
    samples.wall.push_back(double(wallEnd - wall) / kRanges);
    samples.cpu.push_back(double(cpuEnd - cpu) / kRanges);
}

inline double median(std::vector<double> values) {
    std::nth_element(values.begin(),
                     values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

inline RingHeader* mapOwnRing(const char* folder) {
    const std::string prefix = std::to_string(getpid()) + "-";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().filename().string().rfind(prefix, 0) != 0 ||
            entry.path().extension() != ".ring")
            continue;
        const int fd = open(entry.path().c_str(), O_RDWR);
        void* at = mmap(nullptr, kHeaderBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        return at != MAP_FAILED ? static_cast<RingHeader*>(at) : nullptr;
    }
    return nullptr;
}

inline void empty(RingHeader* ring) {
    if (ring != nullptr)
        __atomic_store_n(&ring->tail, __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE),
                         __ATOMIC_RELEASE);
}

template <class Cases>
void print(const Cases& cases) {
    const char* separator = "{";
    for (const Samples& samples : cases) {
        std::printf("%s\"%s\": {\"wall_ns\": %.3f, \"cpu_ns\": %.3f}", separator,
                    samples.name.c_str(), median(samples.wall), median(samples.cpu));
        separator = ", ";
    }
    std::printf("}\n");
}

}  // namespace ridge::bench
