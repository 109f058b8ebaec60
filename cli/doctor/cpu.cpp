// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "cli/doctor/probes.h"

namespace ridge::cli {
namespace {

// 0, or errno of opening the event on this process.
int tryEvent(std::uint32_t type, std::uint64_t config) {
    perf_event_attr attributes{};
    attributes.type = type;
    attributes.size = sizeof attributes;
    attributes.config = config;
    attributes.disabled = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    const long fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
    if (fd < 0) return errno;
    close(static_cast<int>(fd));
    return 0;
}

Probe perfEvents() {
    const std::string paranoid = readLineOr("/proc/sys/kernel/perf_event_paranoid", "not there");
    const int error = tryEvent(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK);
    if (error == 0) return {"perf_events", "on", fmt::format("call stacks and context switches: ridge record --trace cpu,sched (perf_event_paranoid {})", paranoid), ""};
    return {"perf_events", "off", fmt::format("perf_event_open: {} (perf_event_paranoid {})", std::strerror(error), paranoid),
            error == ENOSYS ? "the kernel or the sandbox has no perf events" : "sysctl kernel.perf_event_paranoid=1, and allow perf_event_open in the container"};
}

Probe pmu() {
    const int error = tryEvent(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
    if (error == 0) return {"cpu_counters", "on", "cycles and instructions can be counted", ""};
    const bool absent = error == ENOENT || error == ENODEV || error == EOPNOTSUPP;
    return {"cpu_counters", "off", fmt::format("cycles: {}", std::strerror(error)), absent ? "the machine (or its hypervisor) gives no PMU; bytes and FLOP come from models instead" : "see perf_events"};
}

Probe rapl() {
    std::error_code ec;
    const std::filesystem::path file = "/sys/class/powercap/intel-rapl:0/energy_uj";
    if (!std::filesystem::exists(file, ec)) return {"rapl", "off", "no /sys/class/powercap/intel-rapl:0: no CPU energy", "virtual machines seldom have it"};
    if (readLineOr(file).empty()) return {"rapl", "off", "energy_uj cannot be read", "chmod a+r " + file.string() + ", or run as root"};
    return {"rapl", "on", "CPU energy can be sampled", ""};
}

Probe realtime() {
    // In a child: nothing of this process changes.
    const pid_t child = fork();
    if (child == 0) {
        const sched_param parameters{1};
        _exit(sched_setscheduler(0, SCHED_FIFO, &parameters) == 0 ? 0 : errno);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0) return {"realtime_priority", "off", "cannot fork", ""};
    const int error = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
    if (error == 0) return {"realtime_priority", "on", "SCHED_FIFO is allowed: preemption by the host can be told from our own", ""};
    return {"realtime_priority", "limited", fmt::format("SCHED_FIFO: {}; gaps are measured at normal priority", std::strerror(error)), "give CAP_SYS_NICE, or raise ulimit -r"};
}

Probe clockSource() {
    const std::string source = readLineOr("/sys/devices/system/clocksource/clocksource0/current_clocksource", "unknown");
    constexpr int kReads = 20000;
    const std::int64_t start = monotonicNs();
    std::int64_t sink = 0;
    for (int i = 0; i < kReads; ++i) sink ^= monotonicNs();
    const double ns = static_cast<double>(monotonicNs() - start) / kReads + (sink == 42 ? 1e-9 : 0);
    const bool slow = ns > 150;
    return {"clock", slow ? "limited" : "on", fmt::format("{}, {:.0f} ns a reading", source, ns), slow ? "a clock source without vDSO makes tracing dear; tsc is best" : ""};
}

}  // namespace

std::vector<Probe> cpuProbes() { return {perfEvents(), pmu(), rapl(), realtime(), clockSource()}; }

}  // namespace ridge::cli
