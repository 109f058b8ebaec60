// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Ranks and medians of samples, and what the tests of this folder share.
//
// Everything here works on x = ln(time), so that a shift is a ratio: exp(0.0488) = 1.05. Of metrics where more is better
// x = -ln(value); a positive shift is then always "worse". Values are finite: whoever calls has put NaN, infinity and
// what is not positive aside, with the reason. Nothing here allocates globally or reads a clock; all is deterministic.

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace ridge::statistics {

// Twice the midranks, in the order of the values: whole numbers also where values are equal. Their sum is N (N + 1).
std::vector<std::int64_t> doubledMidranks(std::span<const double> values);
[[nodiscard]] bool hasTies(std::span<const double> values);

// The mean of the two middle ones where the count is even. Empty: 0.
double median(std::vector<double> values);
// Median of |x - median|, without a factor.
double medianAbsoluteDeviation(const std::vector<double>& values);

// An interval in ln; unbounded sides are infinite, and one that was not computed says nothing.
struct Interval {
    double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
    [[nodiscard]] bool bounded() const;
    [[nodiscard]] bool inside(double lower, double upper) const { return low > lower && high < upper; }
};

}  // namespace ridge::statistics
