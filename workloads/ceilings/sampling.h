// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How a roof is sampled: a body that does a known amount is timed again and again until the time
// given to it is used up (at least kMinSamples, at most kMaxSamples samples).
//
// Beside each sample stands what the machine took from it: the share of it that the host had the
// CPU (gap_watch.h), and the share that its threads stood ready while other threads of this machine
// ran (the scheduler's own count). A sample that lost more than kFlagShare is flagged, and kept:
// the value of a roof is the best sample, which such a one hardly is.

#include "workloads/ceilings/ceilings.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ridge::workloads {

class Operators;

inline constexpr int kMinSamples = 3;
inline constexpr int kMaxSamples = 200;
inline constexpr double kFlagShare = 0.02;

struct Sample {
    double seconds = 0;
    double gapShare = 0;   // of the thread that lost most
    double waitShare = 0;  // likewise

    [[nodiscard]] bool flagged() const { return gapShare + waitShare > kFlagShare; }
};

struct Samples {
    std::vector<Sample> each;
    ClockState before, after;
    bool realtimeGaps = true;  // false: gaps may also be this machine's own load

    // Nothing lost, clocks unknown: of times alone.
    [[nodiscard]] static Samples ofSeconds(const std::vector<double>& seconds);
};

// Samples of the calling thread that begin and end where it says: for a loop that sampleSeconds() cannot run, as that of
// ranks, which agree among themselves on how many. The clocks are not read.
class WatchedSamples {
public:
    WatchedSamples();
    ~WatchedSamples();
    WatchedSamples(const WatchedSamples&) = delete;
    WatchedSamples& operator=(const WatchedSamples&) = delete;
    void begin();
    void end();
    // Those after the first `skipped`; once.
    [[nodiscard]] Samples finish(std::size_t skipped = 0);

private:
    struct Watch;
    std::unique_ptr<Watch> m_watch;
};

// Times of each call of body; one untimed call comes first.
Samples sampleSeconds(double budgetSeconds, const std::function<void()>& body);
// The same with body(thread) on `threads` threads at once; the time is that of the slowest.
Samples sampleSeconds(double budgetSeconds, int threads, const std::function<void(int)>& body);

// The interval of the median by order statistics: of n sorted values those from the `rank`-th to
// the rank-th from the end cover it with probability `coverage` = 1 - 2 P(Bin(n, 1/2) < rank). The
// narrowest that covers at least `wanted`; with too few values (under six for 0.95) the whole
// range, and what that covers. Values that depend on each other cover less.
struct MedianInterval {
    std::size_t rank = 1;
    double coverage = 0;
};
[[nodiscard]] MedianInterval medianInterval(std::size_t count, double wanted = 0.95);

Roof roofOf(const char* kind, std::string name, const char* unit, std::string method);
// Fills value (the best), samples, min, median, max, the interval of the median, what the machine
// took and the clocks: amount per second, or seconds per amount when the unit is "s".
void fillRoof(Roof& roof, const Samples& samples, double amount);

// One family each; every function adds its roofs and its notes.
void measureCompute(const CeilingsOptions& options, double budget, Ceilings& out);
void measureMemory(const CeilingsOptions& options, double budget, Ceilings& out);
void measureDispatch(const CeilingsOptions& options, double budget, Ceilings& out);
void measureNetwork(const CeilingsOptions& options, double budget, Ceilings& out);
void measureStorage(const CeilingsOptions& options, double budget, Ceilings& out);
// Two ranks of this program under mpirun; see mpi_loopback.h.
void measureMpi(double budget, Ceilings& out);
// Of a device behind Operators; names begin with `prefix`.
void measureOperators(Operators& ops, const std::string& prefix, double budget, Ceilings& out);

}  // namespace ridge::workloads
