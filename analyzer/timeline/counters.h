// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What counters say of stretches of time.

#include "analyzer/intervals/intervals.h"
#include "analyzer/timeline/timeline.h"

#include <optional>

namespace ridge::analyzer {

// Integral of a rate (per ns) over the windows: a sample stands for the time since the one before.
double integrate(const CounterSeries& series, const IntervalSet& windows);

// CPUs that a process used on average in the part of the windows that its process.cpu covers; nothing: no
// such counter, or too few samples.
std::optional<double> cpusUsed(const Timeline& timeline, std::int32_t process, const IntervalSet& windows);

// CPUs that the recorded program could use: the affinity mask (cpu.usable), and what a quota of the control
// group leaves of it (cpu.quota: "150000 100000" is one and a half). Nothing: the trace does not say.
std::optional<double> usableCpus(const Timeline& timeline);

inline constexpr std::size_t kFewCounterSamples = 5;

}  // namespace ridge::analyzer
