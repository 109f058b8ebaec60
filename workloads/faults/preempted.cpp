// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// train.fault/preempted: host work whose CPU is taken away.
#include "workloads/faults/faults.h"
#include "workloads/faults/neighbour.h"

#include <fmt/format.h>

#include <ridge/work.h>
#include <sched.h>

namespace ridge::workloads {
namespace {

constexpr std::int64_t kBusyMs = 30, kIdleMs = 20;
constexpr std::uint64_t kRounds = 25'000'000;  // about 25 ms of a processor of its own

// What a host does between operators, as far as a profiler can tell: something, outside every range.
std::uint64_t hostWork(std::uint64_t seed) {
    std::uint64_t value = seed * 0x9E3779B97F4A7C15ULL + 1;
    for (std::uint64_t i = 0; i < kRounds; ++i) {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
    }
    return value;
}

class Preempted final : public Workload {
public:
    ~Preempted() override {
        if (m_pinned) ::sched_setaffinity(0, sizeof m_before, &m_before);
    }
    Status prepare() override {
        if (::sched_getaffinity(0, sizeof m_before, &m_before) != 0)
            return Error{ErrorCode::kUnsupported, "the CPUs of this process cannot be read"};
        // The last one: the first tends to be the one that serves interrupts.
        int cpu = -1;
        for (int i = 0; i < CPU_SETSIZE; ++i)
            if (CPU_ISSET(static_cast<unsigned>(i), &m_before)) cpu = i;
        RIDGE_TRY(m_neighbour,
                  BusyNeighbour::start(cpu, kBusyMs * 1'000'000, kIdleMs * 1'000'000));
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(cpu), &one);
        m_pinned = ::sched_setaffinity(0, sizeof one, &one) == 0;
        if (!m_pinned) return Error{ErrorCode::kUnsupported, "this thread cannot be bound to a CPU"};
        return {};
    }
    CheckResult check() override {
        m_expected = hostWork(1);
        return {hostWork(1) == m_expected && hostWork(2) != m_expected, "the host's work twice alike"};
    }
    void step(std::uint64_t) override {
        m_neighbour->go(true);
        m_wrong += hostWork(1) == m_expected ? 0 : 1;
    }
    CheckResult finish() override {
        m_neighbour->go(false);
        return {m_wrong == 0, "the host's work in every step"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        return {{"steps_per_s", 1 / timing.medianStepSeconds, "1/s", Metric::Direction::kHigher}};
    }

private:
    std::unique_ptr<BusyNeighbour> m_neighbour;
    cpu_set_t m_before{};
    bool m_pinned = false;
    std::uint64_t m_expected = 0;
    int m_wrong = 0;
};

}  // namespace

WorkloadSpec preemptedSpec() {
    WorkloadSpec spec;
    spec.name = "train.fault/preempted";
    spec.params = {{"fault", "host preemption"},
                   {"neighbour", fmt::format("SCHED_FIFO, {} ms busy, {} ms idle", kBusyMs, kIdleMs)}};
    spec.presets = {"standard", "full"};
    spec.expected = {"preempted", "host_preemption"};
    spec.warmupSteps = 2;
    spec.steps = 40;
    spec.create = [] { return std::make_unique<Preempted>(); };
    return spec;
}

}  // namespace ridge::workloads
