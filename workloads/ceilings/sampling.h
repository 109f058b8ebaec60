// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How a roof is sampled: a body that does a known amount is timed again and again until the time
// given to it is used up (at least kMinSamples, at most kMaxSamples samples).

#include "workloads/ceilings/ceilings.h"

#include <functional>
#include <vector>

namespace ridge::workloads {

class Operators;

inline constexpr int kMinSamples = 3;
inline constexpr int kMaxSamples = 200;

// Seconds of each call of body; one untimed call comes first.
std::vector<double> sampleSeconds(double budgetSeconds, const std::function<void()>& body);
// The same with body(thread) on `threads` threads at once; the time is that of the slowest.
std::vector<double> sampleSeconds(double budgetSeconds, int threads,
                                  const std::function<void(int)>& body);

Roof roofOf(const char* kind, std::string name, const char* unit, std::string method);
// Fills value (the best), samples, min, median, max: amount per second, or seconds per amount when
// `seconds` is set in the unit.
void fillRoof(Roof& roof, const std::vector<double>& seconds, double amount);

// One family each; every function adds its roofs and its notes.
void measureCompute(const CeilingsOptions& options, double budget, Ceilings& out);
void measureMemory(const CeilingsOptions& options, double budget, Ceilings& out);
void measureDispatch(const CeilingsOptions& options, double budget, Ceilings& out);
void measureNetwork(const CeilingsOptions& options, double budget, Ceilings& out);
void measureStorage(const CeilingsOptions& options, double budget, Ceilings& out);
// Of a device behind Operators; names begin with `prefix`.
void measureOperators(Operators& ops, const std::string& prefix, double budget, Ceilings& out);

}  // namespace ridge::workloads
