// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/formulas/link_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace ridge::workloads::formulas {

double studentQuantile975(std::uint64_t degreesOfFreedom) {
    constexpr std::array<double, 10> kFirst{12.706, 4.303, 3.182, 2.776, 2.571,
                                            2.447,  2.365, 2.306, 2.262, 2.228};
    if (degreesOfFreedom == 0) return std::numeric_limits<double>::infinity();
    if (degreesOfFreedom <= kFirst.size()) return kFirst[degreesOfFreedom - 1];
    // Cornish-Fisher about the normal quantile; from 10 on right to three places.
    constexpr double z = 1.959964;
    const auto v = static_cast<double>(degreesOfFreedom);
    return z + (z * z * z + z) / (4 * v) +
           (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * v * v) +
           (3 * std::pow(z, 7) + 19 * std::pow(z, 5) + 17 * z * z * z - 15 * z) / (384 * v * v * v);
}

std::optional<LinkFit> fitLink(std::span<const LinkSample> samples) {
    if (samples.size() < 3) return std::nullopt;
    double w = 0, ws = 0, wss = 0, wt = 0, wst = 0;
    for (const LinkSample& sample : samples) {
        if (!(sample.seconds > 0)) return std::nullopt;
        const double weight = 1 / (sample.seconds * sample.seconds);
        w += weight;
        ws += weight * sample.bytes;
        wss += weight * sample.bytes * sample.bytes;
        wt += weight * sample.seconds;
        wst += weight * sample.bytes * sample.seconds;
    }
    const double determinant = w * wss - ws * ws;
    if (!(determinant > 0)) return std::nullopt;
    const double slope = (w * wst - ws * wt) / determinant;
    const double alpha = (wss * wt - ws * wst) / determinant;
    if (!(slope > 0)) return std::nullopt;

    LinkFit fit;
    double scatter = 0;
    for (const LinkSample& sample : samples) {
        const double residual = (sample.seconds - alpha - slope * sample.bytes) / sample.seconds;
        scatter += residual * residual;
        fit.worstResidual = std::max(fit.worstResidual, std::abs(residual));
    }
    const auto freedom = samples.size() - 2;
    const double variance = scatter / static_cast<double>(freedom);
    const double t = studentQuantile975(freedom);
    const double varAlpha = variance * wss / determinant;
    const double varSlope = variance * w / determinant;
    const double covariance = -variance * ws / determinant;

    const double dAlpha = t * std::sqrt(varAlpha), dSlope = t * std::sqrt(varSlope);
    fit.alpha = {alpha, alpha - dAlpha, alpha + dAlpha};
    fit.beta = {1 / slope, 1 / (slope + dSlope),
                slope > dSlope ? 1 / (slope - dSlope) : std::numeric_limits<double>::infinity()};
    const double knee = alpha / slope;
    const double varKnee = varAlpha / (slope * slope) +
                           alpha * alpha * varSlope / std::pow(slope, 4) -
                           2 * alpha * covariance / std::pow(slope, 3);
    const double dKnee = t * std::sqrt(std::max(varKnee, 0.0));
    fit.kneeBytes = {knee, knee - dKnee, knee + dKnee};
    return fit;
}

}  // namespace ridge::workloads::formulas
