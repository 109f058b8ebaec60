// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Communication kernels of several ranks as collectives (metrics.md 1.4).
//
// Kernels are one collective when the trace gives them one group and one sequence number. Where it gives
// none: the n-th kernel of one name (in one group) of every rank, if all ranks have as many of them.
//
// Clocks: offset of a rank = median over its collectives of (its end - the end on the lowest rank of the
// collective); then moved by as little as is needed for no rank to end before the last one has begun.
// Offsets are applied only between clocks: files, and machines within a file (an import of several ranks' traces has one per trace). residual = upper quartile over the
// collectives of what is left between the ends (on one clock that is no error of it, and not used). A rank that is last by less than 3 residuals is not said
// to be last. A group of kernels of which one ended before another began (by more than 3 residuals and
// 10 us) was no collective and is left unsplit.

#include "analyzer/communication/collectives.h"

#include <utility>
#include <vector>

namespace ridge::analyzer {

inline constexpr Ns kNoCollectiveNs = 10'000;

struct GpuMember {
    std::int64_t rank = 0;
    std::pair<std::int32_t, std::int64_t> clock{};  // file, machine
    std::int32_t row = kNoIndex;
    Ns start = 0, end = 0;
};

// Offsets of the ranks to the lowest one. groups: the members of each collective.
std::vector<ClockOffset> alignClocks(const std::vector<std::vector<GpuMember>>& groups);

// Fills the GPU part of the collectives.
void matchGpuCollectives(const Timeline& timeline, const std::vector<bool>& communicationRows, Collectives& result);

}  // namespace ridge::analyzer
