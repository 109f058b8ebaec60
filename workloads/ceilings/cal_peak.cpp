// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/cal_peak.h"

#include "workloads/ceilings/sampling.h"
#include "workloads/harness/context.h"
#include "workloads/ops/cuda/cuda_operators.h"
#include "workloads/ops/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

namespace ridge::workloads {

namespace {

std::string metricName(const Roof& roof) {
    return roof.dtype ? roof.name + "." + *roof.dtype : roof.name;
}

class CalPeak final : public Workload {
public:
    explicit CalPeak(PeakFamily family) : m_family(std::move(family)) {}

    Status prepare() override {
        m_machine = readMachine();
        m_options.threads = std::max(1, runContext().threads);
        m_options.dataDir = dataFolder;
        return take().ok() ? Status{} : m_status;
    }

    CheckResult check() override {
        std::string missing;
        for (const std::string& name : m_family.required)
            if (!m_best.contains(name)) missing += (missing.empty() ? "" : ", ") + name;
        for (const auto& [name, roof] : m_best)
            if (!std::isfinite(roof.value) || roof.value <= 0) missing += " " + name;
        std::string notes;
        for (const std::string& note : m_notes) notes += "; " + note;
        const std::size_t roofs = m_best.size();
        m_best.clear();  // the timed steps'
        if (!missing.empty()) return {false, "no roof " + missing + notes};
        return {true, fmt::format("{} roofs{}", roofs, notes)};
    }

    void step(std::uint64_t) override { (void)take(); }

    CheckResult finish() override {
        return {m_status.ok(), m_status.ok() ? "every roof was taken" : m_status.error().message};
    }

    std::vector<Metric> report(const Timing& /*timing*/) override {
        std::vector<Metric> metrics;
        for (const auto& [name, roof] : m_best)
            metrics.push_back({name, roof.value, roof.unit,
                               roof.unit == "s" ? Metric::Direction::kLower
                                                : Metric::Direction::kHigher});
        return metrics;
    }

private:
    Status take() {
        Ceilings out;
        out.machine = m_machine;
        out.threads = m_options.threads;
        const Status taken = m_family.measure(m_options, m_family.secondsPerStep, out);
        if (!taken.ok()) {
            if (m_status.ok()) m_status = taken;
            return taken;
        }
        m_notes = std::move(out.notes);
        for (Roof& roof : out.roofs) {
            const std::string name = metricName(roof);
            const auto [at, isNew] = m_best.try_emplace(name, roof);
            const bool better = roof.unit == "s" ? roof.value < at->second.value
                                                 : roof.value > at->second.value;
            if (!isNew && better) at->second = std::move(roof);
        }
        return {};
    }

    PeakFamily m_family;
    Machine m_machine;
    CeilingsOptions m_options;
    std::map<std::string, Roof> m_best;
    std::vector<std::string> m_notes;
    Status m_status;
};

using Measure = void (*)(const CeilingsOptions&, double, Ceilings&);

PeakFamily ofProcessor(Measure measure, std::vector<std::string> required, double seconds) {
    return {[measure](const CeilingsOptions& options, double budget, Ceilings& out) {
                measure(options, budget, out);
                return Status{};
            },
            std::move(required), seconds};
}

PeakFamily ofGpu() {
    return {[](const CeilingsOptions&, double budget, Ceilings& out) -> Status {
                // Its memory goes with the operators: the next step has all of it again.
                RIDGE_TRY(const auto device, makeCudaOperators());
                measureOperators(*device, "gpu.", budget, out);
                return device->status();
            },
            {"gpu.read", "gpu.copy", "gpu.triad", "gpu.gemm.f32", "gpu.host_to_device",
             "gpu.device_to_host", "gpu.launch"},
            2.0};
}

WorkloadSpec peakSpec(std::string name, const PeakFamily& family, const Expected& expected,
                      std::int64_t steps) {
    WorkloadSpec spec;
    spec.name = "cal.peak/" + std::move(name);
    spec.params = {{"seconds_per_step", fmt::format("{}", family.secondsPerStep)},
                   {"backend", "cpu"}};
    spec.presets = {"full"};
    spec.expected = expected;
    spec.warmupSteps = 0;
    spec.steps = steps;
    spec.create = [family] { return makeCalPeak(family); };
    return spec;
}

}  // namespace

std::unique_ptr<Workload> makeCalPeak(const PeakFamily& family) {
    return std::make_unique<CalPeak>(family);
}

std::vector<WorkloadSpec> calPeakSpecs(bool cuda) {
    const Expected unnamed{"idle", "host"};  // no operator and no call: nothing is told of the step
    std::vector<WorkloadSpec> specs;
    specs.push_back(peakSpec("compute", ofProcessor(measureCompute, {"fma.f32", "gemm.f32"}, 0.2),
                             unnamed, 5));
    specs.back().presets = {"standard", "full"};
    specs.push_back(peakSpec(
        "memory", ofProcessor(measureMemory, {"DRAM.read", "DRAM.copy", "DRAM.triad"}, 0.5), unnamed,
        3));
    specs.push_back(peakSpec("dispatch", ofProcessor(measureDispatch, {"operator"}, 0.1),
                             {"latency_bound", "launch"}, 10));
    if (cuda) {
        // Five of its roofs are copies that nothing hides; each has the same time.
        specs.push_back(peakSpec("gpu", ofGpu(), {"copy", "copy_link"}, 2));
        specs.back().params["backend"] = "cuda";
    }
    return specs;
}

}  // namespace ridge::workloads
