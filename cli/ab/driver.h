// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Runs the two commands in randomised blocks: A A B B in an order drawn from the six arrangements, every slot a fresh
// process. Nothing is discarded by value. A slot is invalid only for a cause that is recorded with it (it failed, its output
// has no number, the CPU was throttled); its whole block is then measured again, three times at most. Gaps in which the
// machine did not get its CPUs are measured and recorded, and never a reason to throw a sample away.

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "analyzer/model/run.h"
#include "analyzer/regression/judge.h"
#include "base/result.h"
#include "cli/ab/metric.h"

namespace ridge::cli {

struct AbPlan {
    std::string a, b;  // for /bin/sh -c
    std::vector<MetricSpec> metrics;
    std::uint64_t seed = 0;
    double timeout = 600;  // seconds of one slot
    int retries = 3;       // of a block
};

struct Slot {
    bool ofB = false;
    std::int64_t block = 0, slot = 0, process = 0, startedUtcNs = 0, elapsedNs = 0, preemptedNs = 0;
    bool valid = true;
    std::string cause;
    std::vector<Reading> readings;
};

class AbDriver {
public:
    explicit AbDriver(AbPlan plan);
    // One process of each side whose numbers are not used: it warms caches, and says which metrics there are.
    Status warmUp();
    // So many valid blocks more. said(i) is called before block i of these. Errors: kMeasurement after the last retry;
    // what was measured stays.
    Status measure(std::size_t blocks, const std::function<void(std::size_t)>& said);
    // Metrics that both sides have, in the order of A's output; the blocks from first on.
    [[nodiscard]] std::vector<analyzer::BlockedMetric> metrics(std::size_t firstBlock) const;
    [[nodiscard]] std::size_t blocks() const { return m_blocks.size(); }
    [[nodiscard]] const std::vector<std::string>& onlyA() const { return m_onlyA; }
    [[nodiscard]] const std::vector<std::string>& onlyB() const { return m_onlyB; }
    // Every sample of a side, invalid ones with their cause.
    [[nodiscard]] std::vector<analyzer::RunBenchmark> samples(bool ofB) const;
    [[nodiscard]] std::size_t invalidSlots() const;
    [[nodiscard]] std::int64_t preemptedNs() const;
    [[nodiscard]] std::int64_t measuredNs() const;
    [[nodiscard]] const std::string& gapQuality() const { return m_gapQuality; }

private:
    Slot runSlot(bool ofB);
    Result<bool> tryBlock();

    AbPlan m_plan;
    std::mt19937_64 m_random;
    std::vector<Slot> m_slots;                  // all, in the order of time
    std::vector<std::vector<std::size_t>> m_blocks;  // valid blocks: the four slots, in the order of time
    std::vector<Reading> m_shared;              // one per metric, of A's warm-up
    std::vector<std::string> m_onlyA, m_onlyB;
    std::int64_t m_processes = 0;
    std::string m_gapQuality;
};

}  // namespace ridge::cli
