// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Energy, where power was sampled: joules of the session, of the steps, per step, per token and per class of
// time. Power between two samples is the line between them (trapezoids); outside of the samples nothing is
// known, and coverage says how much of the steps they cover.
//
// Invariants: the classes of a workload add up to its joules (to rounding); a finer cut of the steps changes
// nothing. Classes are those of the device whose power it is: with one series per GPU the n-th series is
// taken for the n-th device; else the sum of the series is given to no class.

#include "analyzer/context.h"

#include <utility>
#include <vector>

namespace ridge::analyzer {

// The integral of a power curve, W and ns in, J out.
class EnergyCurve {
public:
    explicit EnergyCurve(const std::vector<std::pair<Ns, double>>& watts);
    // Joules in [start, end), of the part that the samples cover; and how long that part is.
    [[nodiscard]] double joules(Interval window) const;
    // The same for windows that mostly rise; near: where the last one was found, 0 at first.
    [[nodiscard]] double joules(Interval window, std::size_t& near) const;
    [[nodiscard]] Ns covered(Interval window) const;
    [[nodiscard]] bool empty() const { return m_times.size() < 2; }

private:
    [[nodiscard]] double until(Ns time, std::size_t& near) const;
    std::vector<Ns> m_times;
    std::vector<double> m_watts, m_joules;
};

// Fills Analysis::energy.
void addEnergy(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
