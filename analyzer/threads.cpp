// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <vector>

namespace ridge::analyzer {

std::size_t threadCount() {
    constexpr long kMost = 256;
    if (const char* wanted = std::getenv("RIDGE_THREADS")) {
        const long count = std::strtol(wanted, nullptr, 10);
        if (count > 0) return static_cast<std::size_t>(std::min(count, kMost));
    }
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return static_cast<std::size_t>(std::clamp<long>(CPU_COUNT(&set), 1, kMost));
}

void parallelFor(std::size_t n, const std::function<void(std::size_t)>& work) {
    std::atomic<std::size_t> next{0};
    const auto run = [&] {
        for (std::size_t i = next++; i < n; i = next++) work(i);
    };
    std::vector<std::future<void>> others;
    try {
        for (std::size_t t = 1; t < std::min(n, threadCount()); ++t) others.push_back(std::async(std::launch::async, run));
    } catch (const std::system_error&) {
        // Fewer threads do the same work.
    }
    run();
    for (std::future<void>& other : others) other.get();
}

}  // namespace ridge::analyzer
