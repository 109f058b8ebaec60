// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/sources.h"

#include "base/clock.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace ridge::recorder {

void describeAgents(const RecordOptions& options, const Injection& injection, SessionInfo& info) {
    const auto source = [&](const char* name, bool wanted, bool there, const char* library) {
        const std::string reason =
            there ? "" : fmt::format("{} was not found beside this program", library);
        info.sources.push_back({name, wanted && there, wanted ? reason : "not asked for"});
        if (wanted && !there) info.notes.push_back(fmt::format("{} is off: {}", name, reason));
    };
    source("nvtx", options.traceNvtx, injection.agent, "libridge_agent.so");
    source("cuda", options.traceCuda, injection.agent, "libridge_agent.so");
    source("io", options.traceIo, injection.io, "libridge_io.so");
}

void describeSystem(const RecordOptions& options, const Sampler& sampler,
                    const PreemptionDetector& preemption, SessionInfo& info, RecorderSpool& spool) {
    info.sources.push_back({"system", options.sampleSystem && sampler.trouble().empty(),
                            options.sampleSystem ? sampler.trouble() : "not asked for"});
    if (!sampler.trouble().empty())
        info.notes.push_back("CPU, memory and power were not sampled: " + sampler.trouble());
    info.sources.push_back(
        {"nvml", sampler.nvmlOn(), options.sampleSystem ? sampler.nvmlReason() : "not asked for"});
    info.sources.push_back(
        {"rapl", sampler.raplOn(), options.sampleSystem ? sampler.raplReason() : "not asked for"});
    info.sources.push_back({"pressure", sampler.pressureOn(),
                            !options.sampleSystem ? "not asked for"
                            : sampler.pressureOn()
                                ? ""
                                : "/proc/pressure cannot be read; to enable: boot with psi=1"});
    if (const std::uint64_t untold = sampler.untoldThreads())
        info.losses.emplace_back("thread_samples", untold);
    info.sources.push_back({"preemption", options.detectPreemption,
                            options.detectPreemption ? preemption.quality() : "not asked for"});
    if (options.detectPreemption)
        spool.diagnostic(
            1, fmt::format("the preemption detector woke every {:.1f} ms and used {:.3f} ms of "
                           "CPU time in {:.3f} ms",
                           static_cast<double>(preemption.periodNs()) * 1e-6,
                           static_cast<double>(preemption.cpuNs()) * 1e-6,
                           static_cast<double>(monotonicNs() - info.startMonotonicNs) * 1e-6));
}

void describePerf(const RecordOptions& options, PerfEvents& perf, SessionInfo& info) {
    const auto source = [&](const char* name, bool wanted, bool on, const std::string& reason) {
        info.sources.push_back({name, wanted && on, wanted ? reason : "not asked for"});
        if (wanted && !on) info.notes.push_back(fmt::format("{} is off: {}", name, reason));
    };
    source("cpu_stacks", options.sampleStacks, perf.stacksOn(), perf.reason());
    source("cpu_switches", options.traceSwitches, perf.switchesOn(),
           perf.switchesOn() ? "" : perf.reason());
    source("cpu_counters", options.countHardware, perf.countersOn(), perf.counterReason());
    const auto loss = [&](const char* name, std::uint64_t count, const char* what) {
        if (count == 0) return;
        info.losses.emplace_back(name, count);
        info.notes.push_back(fmt::format("{} {}", count, what));
    };
    loss("perf_ring", perf.lost(),
         "records of perf events were dropped by the kernel: its ring was full");
    loss("perf_broken", perf.broken(), "records of perf events could not be read");
    if (perf.throttled() != 0)
        info.notes.push_back(fmt::format(
            "the kernel sampled less than asked for, {} times (kernel.perf_cpu_time_max_percent)",
            perf.throttled()));
}

}  // namespace ridge::recorder
