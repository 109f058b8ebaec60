// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// This machine's measured roofs: what the analyzer holds every operator against. Several short
// samples per roof; the value is the best (a roof is a limit), and min, median with its interval
// and max are kept because the machine drifts: the same binary was seen a factor of two apart
// within minutes, so ceilings are measured beside each run and never carried over. So are the
// clock, and what the host and other load took of each sample. JSON by
// schemas/json/ceilings-1.json. Units: FLOP/s, B/s, s.
//
// A roof that cannot be measured here (no bf16 product, no direct reads) is left out, with a note
// that says why. Measures with `threads` threads, each with arrays of its own, first touched by it.

#include "base/result.h"
#include "workloads/ceilings/clock_state.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ridge::workloads {

struct Roof {
    std::string kind;  // compute, memory, network, storage, dispatch, link, overhead
    std::string name;
    std::optional<std::string> dtype;
    std::optional<std::string> level;  // L1, L2, L3, DRAM
    std::optional<std::uint64_t> capacityBytes;
    std::optional<std::string> access;  // read, copy, triad, write
    double value = 0;
    std::string unit;
    int samples = 0;
    double min = 0;
    double median = 0;
    double max = 0;
    // Of the median, by order statistics (sampling.h); coverage says with what probability.
    double intervalLow = 0;
    double intervalHigh = 0;
    double intervalCoverage = 0;
    // Each sample in the order taken, with what the host and other load took from it.
    std::vector<double> sampleValues, gapShares, waitShares;
    int flagged = 0;  // samples that lost more than 2 %
    bool realtimeGaps = true;
    ClockState clockBefore, clockAfter;
    std::string method;
};

struct Machine {
    std::string cpuModel;
    int cores = 0;               // online
    std::vector<int> affinity;   // CPUs that this process may use
    std::uint64_t l1dBytes = 0;  // per core; 0 = unknown
    std::uint64_t l2Bytes = 0;
    std::uint64_t l3Bytes = 0;  // as the system says, which may be the whole host's
};

struct Ceilings {
    std::string measuredAt;  // RFC 3339, UTC
    Machine machine;
    int threads = 1;
    std::vector<Roof> roofs;
    std::vector<std::string> notes;
};

struct CeilingsOptions {
    double budgetSeconds = 8;
    int threads = 1;
    // A folder for the storage roofs; asked for when their turn comes.
    std::function<Result<std::filesystem::path>()> dataDir = {};
    bool cuda = false;  // the first GPU's roofs too; their names begin with "gpu."
};

Ceilings measureCeilings(const CeilingsOptions& options);
std::string toJson(const Ceilings& ceilings);

Machine readMachine();

}  // namespace ridge::workloads
