// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/variant.h"

#include "base/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ridge/work.h>

namespace ridge::workloads {

Variant::Variant(const WorkloadSpec& spec, Communicator* communicator)
    : m_spec(spec), m_communicator(communicator) {}

Readiness Variant::agree(Readiness own) {
    if (!m_communicator) return own;
    const auto nobodyFailed = m_communicator->allAgree(own != Readiness::kFailed);
    const auto nobodySkipped = m_communicator->allAgree(own != Readiness::kSkipped);
    if (!nobodyFailed.ok() || !nobodySkipped.ok()) {
        m_text = "the ranks lost each other";
        return Readiness::kFailed;
    }
    if (own != Readiness::kReady) return own;
    if (!*nobodyFailed) m_text = "another rank failed";
    if (!*nobodyFailed) return Readiness::kFailed;
    if (!*nobodySkipped) m_text = "another rank cannot run it";
    return *nobodySkipped ? own : Readiness::kSkipped;
}

Readiness Variant::prepareAndCheck() {
    const int size = m_communicator ? m_communicator->size() : 1;
    const bool enough = m_spec.anyRanks && m_spec.ranks > 1 ? size > 1 : size == m_spec.ranks;
    if (!enough) {
        m_text = m_spec.ranks > 1
                     ? fmt::format("needs {0} ranks: start with mpirun -n {0}", m_spec.ranks)
                     : fmt::format("runs in one process: start without a launcher ({} ranks here)",
                                   size);
        return Readiness::kSkipped;  // the same on every rank: nothing to agree on
    }
    m_workload = m_spec.create();
    Readiness state = Readiness::kReady;
    if (const Status prepared = m_workload->prepare(); !prepared.ok()) {
        m_text = prepared.error().message;
        state = prepared.error().code == ErrorCode::kUnsupported ? Readiness::kSkipped
                                                                 : Readiness::kFailed;
    }
    state = agree(state);
    if (state != Readiness::kReady) return state;
    CheckResult check;
    {
        const WorkRange range("check");
        check = m_workload->check();
    }
    m_text = (check.passed ? "check passed: " : "check failed: ") + check.detail;
    return agree(check.passed ? Readiness::kReady : Readiness::kFailed);
}

Readiness Variant::makeReady() {
    if (!m_readiness) {
        m_readiness = prepareAndCheck();
        if (*m_readiness != Readiness::kReady) m_workload.reset();
    }
    return *m_readiness;
}

void Variant::warmUp() {
    if (!m_warm && m_spec.warmupSteps > 0) {
        const FrameRange frame("warmup", RIDGE_CATEGORY_WARMUP);
        for (std::int64_t i = 0; i < m_spec.warmupSteps; ++i) m_workload->step(m_index++);
    }
    m_warm = true;
    if (m_communicator)
        if (const Status status = m_communicator->barrier(); !status.ok())
            throw std::runtime_error(status.error().message);
}

double Variant::timedStep() {
    const std::int64_t start = monotonicNs();
    {
        const FrameRange frame("step", RIDGE_CATEGORY_STEP, m_index);
        m_workload->step(m_index++);
    }
    return static_cast<double>(monotonicNs() - start) / 1e9;
}

Run Variant::conclude(std::vector<double> stepSeconds) {
    Run run;
    const auto agreed = [&](CheckResult own) {
        const Readiness all = agree(own.passed ? Readiness::kReady : Readiness::kFailed);
        return own.passed && all != Readiness::kReady ? CheckResult{false, "another rank failed"} : own;
    };
    const Status status = m_workload->status();
    run.finish = agreed({status.ok(), status.ok() ? std::string() : status.error().message});
    // On all ranks or on none: what finish() compares between them would wait for those that failed.
    if (run.finish.passed) run.finish = agreed(m_workload->finish());
    if (run.finish.passed && !stepSeconds.empty()) {
        Timing timing;
        timing.steps = static_cast<std::int64_t>(stepSeconds.size());
        timing.medianStepSeconds = quantile(stepSeconds, 0.5);
        timing.meanStepSeconds = std::accumulate(stepSeconds.begin(), stepSeconds.end(), 0.0) /
                                 static_cast<double>(stepSeconds.size());
        run.metrics = m_workload->report(timing);
    }
    run.stepSeconds = std::move(stepSeconds);
    return run;
}

}  // namespace ridge::workloads
