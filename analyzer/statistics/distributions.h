// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The two continuous distributions that the rules need, by their textbook formulas.

namespace ridge::statistics {

// P(Z >= z) of the normal distribution, by erfc.
double normalUpperTail(double z);
// z with P(Z <= z) = p, 0 < p < 1.
double normalQuantile(double p);
// t with P(T <= t) = p for Student's t with so many degrees of freedom (>= 1): the regularised incomplete beta
// function by its continued fraction (DLMF 8.17.22), inverted by bisection.
double studentQuantile(double p, double degrees);

}  // namespace ridge::statistics
