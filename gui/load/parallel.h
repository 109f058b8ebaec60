// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Independent jobs on a few threads: the caller is one of them and waits for all. Jobs must not throw.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace ridge::gui {

inline std::size_t usefulThreads() { return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 8); }

// Calls job(i) for every i below count, each once, in no order.
template <typename Job>
void parallelFor(std::size_t count, const Job& job) {
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < count; i = next++) job(i);
    };
    std::vector<std::thread> threads;
    for (std::size_t t = 1; t < std::min(usefulThreads(), count); ++t) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
}

}  // namespace ridge::gui
