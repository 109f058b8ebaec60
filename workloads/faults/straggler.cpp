// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// train.fault/straggler: data-parallel steps of which one rank's take longer.
#include "workloads/faults/faults.h"
#include "workloads/harness/busy_gemm.h"
#include "workloads/harness/context.h"
#include "workloads/parallel/exact.h"

#include <fmt/format.h>

#include <optional>

namespace ridge::workloads {
namespace {

constexpr std::size_t kBytes = std::size_t{1} << 20;
constexpr std::uint64_t kSeed = 7;
constexpr int kProducts = 10;
constexpr int kRanks = 2;

// Rank 1 of two.
constexpr int victimOf(int ranks) {
    return static_cast<int>(kSeed % static_cast<std::uint64_t>(ranks));
}

// What is done to the rank: so many products more, in one of so many steps.
struct Burden {
    int products = 20;
    std::uint64_t every = 1;
};

class Straggler final : public Workload {
public:
    explicit Straggler(Burden burden) : m_burden(burden) {}

    Status prepare() override {
        m_comm = runContext().communicator;
        if (!m_comm) return Error{ErrorCode::kUnsupported, "no communicator"};
        m_slow = m_comm->rank() == victimOf(m_comm->size());
        RIDGE_TRY(m_gemm, BusyGemm::create(512, kProducts));
        RIDGE_TRY(m_more, BusyGemm::create(512, m_burden.products));
        m_gradients.emplace(*m_comm, formulas::Collective::kAllReduce, kBytes, Place::kOut);
        m_gradients->fill(1);
        return {};
    }
    CheckResult check() override {
        const CheckResult product = m_gemm->check();
        const ExactOutcome sum =
            proveExact(*m_comm, formulas::Collective::kAllReduce, kBytes, Place::kOut);
        return {product.passed && sum.ok, product.detail + "; " + sum.text};
    }
    void step(std::uint64_t index) override {
        m_gemm->run();
        if (m_slow && index % m_burden.every == kSeed % m_burden.every) m_more->run();
        Status status = m_gradients->run();
        if (!status.ok() && m_status.ok()) m_status = std::move(status);
    }
    Status status() const override { return m_status; }
    CheckResult finish() override {
        return {m_gradients->wrongElements() == 0 && m_gradients->guardsIntact(),
                "values and guards after the timed steps"};
    }
    std::vector<Metric> report(const Timing& timing) override {
        return {{"steps_per_s", 1 / timing.medianStepSeconds, "1/s", Metric::Direction::kHigher}};
    }

private:
    Burden m_burden;
    bool m_slow = false;
    Communicator* m_comm = nullptr;
    std::optional<BusyGemm> m_gemm, m_more;
    std::optional<ExactCollective> m_gradients;
    Status m_status;
};

WorkloadSpec stragglerSpec(std::string name, Burden burden) {
    WorkloadSpec spec;
    spec.name = std::move(name);
    spec.params = {{"fault", "straggler"},
                   {"rank", std::to_string(victimOf(kRanks))},
                   {"seed", std::to_string(kSeed)},
                   {"gemm", fmt::format("{} of 512x512x512", kProducts)},
                   {"more_on_the_rank", fmt::format("{} of them, {}", burden.products,
                                                    burden.every == 1
                                                        ? "at every step"
                                                        : fmt::format("at one step of {}", burden.every))},
                   {"allreduce_bytes", std::to_string(kBytes)}};
    spec.presets = burden.every == 1 ? std::vector<std::string>{"standard", "full"}
                                     : std::vector<std::string>{"full"};
    spec.ranks = kRanks;
    spec.expected = {"comm_wait", "straggler"};
    spec.warmupSteps = 3;
    spec.steps = 40;
    spec.create = [burden] { return std::make_unique<Straggler>(burden); };
    return spec;
}

}  // namespace

std::vector<WorkloadSpec> stragglerSpecs() {
    return {stragglerSpec("train.fault/straggler", {}), stragglerSpec("train.fault/straggler.every2", {40, 2})};
}

}  // namespace ridge::workloads
