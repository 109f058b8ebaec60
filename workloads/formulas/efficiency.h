// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Ratios of what was reached to what a machine can do, and the small laws of serving and I/O.
//
// Units: FLOP/s, B/s, s, shares of 1. A ratio is not clipped: above 1 it says that a ceiling or a
// count is wrong. MBU divides by a read-only bandwidth: decode only reads, and triad flatters it.

#include <cstdint>

namespace ridge::workloads::formulas {

// F / W, FLOP per byte: below it memory limits.
[[nodiscard]] double ridgePoint(double peakFlops, double bandwidth);
// min(F, W * intensity).
[[nodiscard]] double attainableFlops(double intensity, double peakFlops, double bandwidth);

// Model FLOP utilisation: FLOP that the model needs; hardware: those executed, recomputation
// included.
[[nodiscard]] double modelFlopsUtilisation(std::uint64_t modelFlops, double seconds,
                                           double peakFlops);
[[nodiscard]] double hardwareFlopsUtilisation(std::uint64_t executedFlops, double seconds,
                                              double peakFlops);
// (weights + KV) / TPOT / read bandwidth.
[[nodiscard]] double modelBandwidthUtilisation(std::uint64_t bytes, double secondsPerToken,
                                               double readBandwidth);

// Live tokens / allocated tokens with blocks of `block`; a sequence wastes at most block - 1.
[[nodiscard]] double pagedUtilisation(std::uint64_t liveTokens, std::uint64_t block);
// Live tokens / tokens that memory is held for; 1 when none is held.
[[nodiscard]] double cacheUtilisation(std::uint64_t liveTokens, std::uint64_t heldTokens);
// Expected tokens per verification: (1 - a^(g+1)) / (1 - a); g + 1 at a = 1.
[[nodiscard]] double speculativeTokens(double acceptance, std::uint64_t drafted);
// That / (1 + g c), c = cost of a draft step over a target step.
[[nodiscard]] double speculativeSpeedup(double acceptance, std::uint64_t drafted, double draftCost);

// Time between requests is bound by launches when launching takes longer than running.
[[nodiscard]] bool launchBound(std::uint64_t kernels, double launchSeconds, double kernelSeconds);

// Accelerator utilisation: compute / (wall - excluded).
[[nodiscard]] double acceleratorUtilisation(double computeSeconds, double wallSeconds,
                                            double excludedSeconds);
// 1 - AU: the share of the time in which the accelerator waited.
[[nodiscard]] double loaderStall(double computeSeconds, double wallSeconds, double excludedSeconds);
// ceil(t_fetch / (t_compute * workers)).
[[nodiscard]] std::uint64_t prefetchDepth(double fetchSeconds, double computeSeconds,
                                          std::uint64_t workers);
// stage + write + fsync: what a synchronous checkpoint costs the step.
[[nodiscard]] double synchronousStall(double stageSeconds, double writeSeconds, double syncSeconds);
// stall / interval: the share of the time that checkpoints cost.
[[nodiscard]] double checkpointOverhead(double stallSeconds, double intervalSeconds);
// stage + max(0, persist - interval): what an asynchronous checkpoint still costs the step.
[[nodiscard]] double asynchronousStall(double stageSeconds, double persistSeconds,
                                       double intervalSeconds);
// Young's interval sqrt(2 C MTBF).
[[nodiscard]] double checkpointInterval(double costSeconds, double meanTimeBetweenFailures);

}  // namespace ridge::workloads::formulas
