// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One variant on its way through a process: created, prepared and checked once, warmed up once,
// then as many timed steps as are asked for, however often Google Benchmark calls. The same code
// runs on every rank; the ranks agree on each stage, so that none waits in a collective that
// another never reaches. Owns the frame ranges workload, warmup, step and the plain range check.

#include "workloads/harness/quantile.h"
#include "workloads/harness/workload.h"
#include "workloads/parallel/communicator.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ridge::workloads {

enum class Readiness { kReady, kSkipped, kFailed };

struct Run {
    std::vector<double> stepSeconds;
    std::vector<Metric> metrics;
    CheckResult finish;
};

class Variant {
public:
    // communicator is null in a single process.
    Variant(const WorkloadSpec& spec, Communicator* communicator);

    // Creates, prepares and checks at the first call. text() says why not, or what was checked.
    Readiness makeReady();
    [[nodiscard]] const std::string& text() const { return m_text; }

    // Warm-up (first call only) and the barrier before the timed steps.
    void warmUp();
    // One timed step with its frame range; returns its seconds.
    double timedStep();
    // finish() on all ranks, and report().
    Run conclude(std::vector<double> stepSeconds);

private:
    Readiness prepareAndCheck();
    Readiness agree(Readiness own);

    const WorkloadSpec& m_spec;
    Communicator* m_communicator;
    std::unique_ptr<Workload> m_workload;
    std::optional<Readiness> m_readiness;
    std::string m_text;
    bool m_warm = false;
    std::uint64_t m_index = 0;  // counts warm-up steps too
};

}  // namespace ridge::workloads
