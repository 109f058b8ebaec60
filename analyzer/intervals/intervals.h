// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Algebra of half-open intervals [start, end) of integer nanoseconds.
//
// An IntervalSet is sorted, disjoint, without empty or touching members: normalize() makes one, and the
// binary operations want and give such sets. Every operation is linear in its inputs; normalize() sorts.
// Invariant: |a| + |b| = |unite(a, b)| + |intersect(a, b)|, and |subtract(a, b)| = |a| - |intersect(a, b)|.

#include <vector>

#include "analyzer/model/analysis.h"

namespace ridge::analyzer {

struct Interval {
    Ns start = 0, end = 0;
    friend bool operator==(const Interval&, const Interval&) = default;
};
using IntervalSet = std::vector<Interval>;

// Drops empty and negative intervals, sorts, joins what overlaps or touches.
IntervalSet normalize(std::vector<Interval> intervals);
IntervalSet unite(const IntervalSet& a, const IntervalSet& b);
IntervalSet intersect(const IntervalSet& a, const IntervalSet& b);
IntervalSet subtract(const IntervalSet& a, const IntervalSet& b);
IntervalSet clip(const IntervalSet& set, Interval window);
Ns length(const IntervalSet& set);
// Is the instant inside the set? Logarithmic.
bool contains(const IntervalSet& set, Ns instant);

// a + b, held at the largest value instead of overflowing: sums over rows of a hostile trace.
Ns saturatingAdd(Ns a, Ns b);

}  // namespace ridge::analyzer
