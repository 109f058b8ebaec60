// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The two numbers of a link: t(S) = alpha + S / beta, fitted to times of several sizes.
//
// Weighted least squares with weights 1 / t^2, so that the relative error counts: sizes are spaced
// by factors, and without weights the largest would decide alone. Intervals are 95 %, Student's t
// with n - 2 degrees of freedom, from the scatter about the line (a link that is no line gets wide
// ones); the knee's by linear propagation. Units: bytes, s, B/s.

#include <cstdint>
#include <optional>
#include <span>

namespace ridge::workloads::formulas {

struct LinkSample {
    double bytes = 0;
    double seconds = 0;  // above 0
};

struct Estimate {
    double value = 0, low = 0, high = 0;
};

struct LinkFit {
    Estimate alpha;  // s, may come out below 0 where the link is no line
    Estimate beta;   // B/s; high is infinite where the slope may be 0
    Estimate
        kneeBytes;  // alpha * beta: below it a transfer is bound by latency, above by bandwidth
    double worstResidual = 0;  // largest |t - fit| / t
};

// Nothing for fewer than three sizes, for times that are not above 0, and where time does not grow
// with size.
[[nodiscard]] std::optional<LinkFit> fitLink(std::span<const LinkSample> samples);

// 97.5 % quantile of Student's t; degrees of freedom >= 1.
[[nodiscard]] double studentQuantile975(std::uint64_t degreesOfFreedom);

}  // namespace ridge::workloads::formulas
