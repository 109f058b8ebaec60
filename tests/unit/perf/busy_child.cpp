// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Uses CPU time in two functions, three parts in one and one in the other, until it has used so many seconds of it; with a
// second argument in so many threads, each the same.
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

namespace {

volatile std::uint64_t g_sink;

double usedSeconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

#define WORK(rounds)                                                                    \
    std::uint64_t x = g_sink | 1;                                                       \
    for (std::uint64_t i = 0; i < (rounds); ++i) x = x * 6364136223846793005ULL + 1442695040888963407ULL; \
    g_sink = x

// Not to be merged, inlined or left by a jump: the test looks for their names.
extern "C" __attribute__((noinline, noclone)) void ridgeThreeQuarters() { WORK(300000); }
extern "C" __attribute__((noinline, noclone)) void ridgeOneQuarter() { WORK(100000); g_sink = x + 1; }
namespace busy {
__attribute__((noinline, noclone)) void caller(double seconds) {
    while (usedSeconds() < seconds) {
        ridgeThreeQuarters();
        ridgeOneQuarter();
    }
    g_sink = 0;
}
}  // namespace busy

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
    std::vector<std::thread> threads;
    for (int i = 1; argc > 2 && i < std::atoi(argv[2]); ++i) threads.emplace_back(busy::caller, seconds);
    busy::caller(seconds);
    for (std::thread& thread : threads) thread.join();
    return 0;
}
