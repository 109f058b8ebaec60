// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Ends so many ranges a second for so many seconds, from two threads, and prints how many there were. Where the machine is
// too slow for that, there are fewer, and they are counted all the same. Ends sooner after MOST. Usage:
// steady_ranges RATE SECONDS [MOST]

#include <nvtx3/nvToolsExt.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t now() {
    timespec at{};
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * kSecond + at.tv_nsec;
}

std::uint64_t emit(double rate, double seconds, std::uint64_t most) {
    const std::int64_t begin = now(), end = begin + static_cast<std::int64_t>(seconds * 1e9);
    std::uint64_t made = 0;
    for (std::int64_t at = begin; at < end && made < most; at = now()) {
        const double due = rate * static_cast<double>(at - begin) * 1e-9;
        const std::uint64_t wanted = due < static_cast<double>(most) ? static_cast<std::uint64_t>(due) : most;
        for (; made < wanted; ++made) {
            nvtxRangePushA(made % 16 == 0 ? "rare" : "steady");
            nvtxRangePop();
        }
        const timespec pause{0, 1'000'000};
        nanosleep(&pause, nullptr);
    }
    return made;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    const double rate = std::atof(argv[1]) / 2, seconds = std::atof(argv[2]);
    const std::uint64_t most = argc > 3 ? std::strtoull(argv[3], nullptr, 10) / 2 : UINT64_MAX;
    std::uint64_t other = 0;
    std::thread thread([&] { other = emit(rate, seconds, most); });
    const std::uint64_t own = emit(rate, seconds, most);
    thread.join();
    std::printf("%llu\n", static_cast<unsigned long long>(own + other));
    return 0;
}
