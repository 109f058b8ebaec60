// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a reference workload is to the harness: something that prepares, checks its own numbers, and
// then takes steps. The harness owns the rest (Google Benchmark, warm-up, the NVTX frame ranges
// workload/warmup/step, the barrier between ranks, the samples), so that a workload file holds
// nothing but the work.
//
// Life of a variant, all on one thread: create() -> prepare() -> check() -> step() x warm-up ->
// step() x timed -> status() -> finish() -> report(). A variant whose check fails reports an error, never a
// time. A workload marks its operators with ridge::WorkRange (schemas/include/ridge/work.h) and its
// non-operator phases with ridge::WorkRange(name) without work; it never includes anything of the
// collector or the analyzer.

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ridge::workloads {

// One number that a workload reports of itself. Units are those of schemas (s, ns, B, B/s, FLOP/s,
// 1, ...).
struct Metric {
    std::string name;  // the field's word: "tokens_per_s", "mfu", "mbu", "ttft", "tpot", "busbw"
    double value = 0;
    std::string unit;
    enum class Direction { kLower, kHigher, kNone } direction = Direction::kNone;
};

struct CheckResult {
    bool passed = false;
    std::string detail;  // what was compared with what, and the worst error
};

// Timed facts that the harness hands to report().
struct Timing {
    std::int64_t steps = 0;
    double medianStepSeconds = 0;
    double meanStepSeconds = 0;
};

class Workload {
public:
    virtual ~Workload() = default;
    // Allocates, first-touches, creates primitives. Not timed. ErrorCode::kUnsupported = skipped
    // here.
    virtual Status prepare() = 0;
    // Proves the numerics (workloads.md section 6) before anything is timed.
    virtual CheckResult check() = 0;
    // One timed iteration; index counts warm-up steps too.
    virtual void step(std::uint64_t index) = 0;
    // The first failed call of what the steps use (operators, ranks). Asked after the timed steps, before finish(): a
    // library that refuses a call takes no time for it, and such a time is none.
    [[nodiscard]] virtual Status status() const { return {}; }
    // The workload's own metrics, from its counts and the harness's timing.
    virtual std::vector<Metric> report(const Timing& timing) = 0;
    // Says after the timed steps whether what they did was right (every sample seen once, guard
    // bytes untouched, the same values as before). A failure voids the time. Not timed; called before
    // report(), after each repetition, and leaves the workload able to take further steps.
    virtual CheckResult finish() { return {true, {}}; }
};

// What the variant is built to hit: one class and one cause of schemas/enums.
struct Expected {
    std::string wallClass;  // e.g. "compute_bound"
    std::string cause;      // e.g. "compute"
};

// One variant of the reference set.
struct WorkloadSpec {
    std::string name;                           // "train.single/fp32", the benchmark's full name
    std::map<std::string, std::string> params;  // as printed in reports
    std::vector<std::string> presets;           // of smoke, standard, full
    int ranks = 1;                              // processes that mpirun starts
    bool anyRanks = false;                      // with ranks > 1: any number above 1 will do
    Expected expected;
    // The variant that differs from this one by one change, and the change as the analyzer's
    // what-if calls it: its prediction from this one is held against that one's measured step.
    std::string fasterVariant, change;
    std::int64_t warmupSteps = 2;
    std::int64_t steps = 0;  // fixed number of timed steps; 0 = Google Benchmark decides
    std::function<std::unique_ptr<Workload>()> create;
};

enum class BackendKind { kCpu, kCuda };

// Every variant of a backend's set, in the order of the tables. Each family contributes through one
// function declared in its own header; registry.cpp lists them. Names are those of the table on
// both. kCuda: families that a GPU runs have its sizes and its types, and the rest is as on the CPU
// (params["backend"] says which).
const std::vector<WorkloadSpec>& allWorkloads(BackendKind backend = BackendKind::kCpu);

}  // namespace ridge::workloads
