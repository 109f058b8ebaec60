// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/formulas/efficiency.h"

#include <algorithm>
#include <cmath>

namespace ridge::workloads::formulas {

double ridgePoint(double peakFlops, double bandwidth) {
    return peakFlops / bandwidth;
}

double attainableFlops(double intensity, double peakFlops, double bandwidth) {
    return std::min(peakFlops, bandwidth * intensity);
}

double modelFlopsUtilisation(std::uint64_t modelFlops, double seconds, double peakFlops) {
    return static_cast<double>(modelFlops) / seconds / peakFlops;
}

double hardwareFlopsUtilisation(std::uint64_t executedFlops, double seconds, double peakFlops) {
    return static_cast<double>(executedFlops) / seconds / peakFlops;
}

double modelBandwidthUtilisation(std::uint64_t bytes, double secondsPerToken,
                                 double readBandwidth) {
    return static_cast<double>(bytes) / secondsPerToken / readBandwidth;
}

double pagedUtilisation(std::uint64_t liveTokens, std::uint64_t block) {
    if (liveTokens == 0) return 1.0;
    const std::uint64_t allocated = (liveTokens + block - 1) / block * block;
    return static_cast<double>(liveTokens) / static_cast<double>(allocated);
}

double cacheUtilisation(std::uint64_t liveTokens, std::uint64_t heldTokens) {
    if (heldTokens == 0) return 1.0;
    return static_cast<double>(liveTokens) / static_cast<double>(heldTokens);
}

double speculativeTokens(double acceptance, std::uint64_t drafted) {
    const auto terms = static_cast<double>(drafted + 1);
    if (acceptance >= 1.0) return terms;
    return (1.0 - std::pow(acceptance, terms)) / (1.0 - acceptance);
}

double speculativeSpeedup(double acceptance, std::uint64_t drafted, double draftCost) {
    return speculativeTokens(acceptance, drafted) /
           (1.0 + static_cast<double>(drafted) * draftCost);
}

bool launchBound(std::uint64_t kernels, double launchSeconds, double kernelSeconds) {
    return static_cast<double>(kernels) * launchSeconds > kernelSeconds;
}

double acceleratorUtilisation(double computeSeconds, double wallSeconds, double excludedSeconds) {
    return computeSeconds / (wallSeconds - excludedSeconds);
}

double loaderStall(double computeSeconds, double wallSeconds, double excludedSeconds) {
    return 1.0 - acceleratorUtilisation(computeSeconds, wallSeconds, excludedSeconds);
}

std::uint64_t prefetchDepth(double fetchSeconds, double computeSeconds, std::uint64_t workers) {
    return static_cast<std::uint64_t>(
        std::ceil(fetchSeconds / (computeSeconds * static_cast<double>(workers))));
}

double synchronousStall(double stageSeconds, double writeSeconds, double syncSeconds) {
    return stageSeconds + writeSeconds + syncSeconds;
}

double checkpointOverhead(double stallSeconds, double intervalSeconds) {
    return stallSeconds / intervalSeconds;
}

double asynchronousStall(double stageSeconds, double persistSeconds, double intervalSeconds) {
    return stageSeconds + std::max(0.0, persistSeconds - intervalSeconds);
}

double checkpointInterval(double costSeconds, double meanTimeBetweenFailures) {
    return std::sqrt(2.0 * costSeconds * meanTimeBetweenFailures);
}

}  // namespace ridge::workloads::formulas
