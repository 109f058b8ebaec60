// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/perf/perf_events.h"

#include "base/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ridge::recorder {
namespace {

constexpr std::size_t kMostPages = 256, kFewestPages = 8;  // of a ring, a power of two

int perfEventOpen(perf_event_attr& attributes, std::int32_t pid, int cpu) {
    return static_cast<int>(syscall(SYS_perf_event_open, &attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC));
}

perf_event_attr eventOf(std::uint32_t type, std::uint64_t config) {
    perf_event_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = type;
    attributes.config = config;
    attributes.disabled = 1;
    attributes.exclude_hv = 1;
    return attributes;
}

std::string troubleOf(int error) {
    const std::string paranoid = readLineOr("/proc/sys/kernel/perf_event_paranoid", "not there");
    if (error == EACCES || error == EPERM)
        return fmt::format("perf_event_open: {} (kernel.perf_event_paranoid is {}); to enable: sysctl kernel.perf_event_paranoid=1, and in a container allow the call perf_event_open, or give CAP_PERFMON", std::strerror(error), paranoid);
    if (error == ENOSYS) return "this kernel or sandbox has no perf events";
    if (error == ENOENT || error == EOPNOTSUPP || error == ENODEV) return "the machine, or its hypervisor, gives no such counter";
    return fmt::format("perf_event_open: {}", std::strerror(error));
}

struct CounterEvent {
    const char* name;
    std::uint32_t type;
    std::uint64_t config;
};
// Of the program and all that it starts; each grows from 0.
constexpr std::array<CounterEvent, 8> kCounterEvents = {{{"program.cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
                                                         {"program.instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
                                                         {"program.llc.references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
                                                         {"program.llc.misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
                                                         {"program.branch.misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
                                                         {"program.migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
                                                         {"program.faults.major", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
                                                         {"program.faults.minor", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN}}};

}  // namespace

std::string hardwareTrouble(std::uint64_t event) {
    perf_event_attr attributes = eventOf(PERF_TYPE_HARDWARE, event);
    attributes.exclude_kernel = 1;
    const int fd = perfEventOpen(attributes, 0, -1);
    if (fd < 0) return troubleOf(errno);
    close(fd);
    return {};
}

std::string perfTrouble() {
    perf_event_attr attributes = eventOf(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK);
    attributes.exclude_kernel = 1;
    attributes.sample_type = perf::kSampleType;
    attributes.freq = 1;
    attributes.sample_freq = 100;
    const int fd = perfEventOpen(attributes, 0, -1);
    if (fd < 0) return troubleOf(errno);
    close(fd);
    return {};
}

PerfEvents::~PerfEvents() {
    for (const Ring& ring : m_rings) {
        munmap(ring.base, ring.bytes);
        close(ring.fd);
    }
    for (const CounterFd& counter : m_counters) close(counter.fd);
}

// hardware, kernel: what to try; lowered to what there is.
int PerfEvents::openOn(std::int32_t pid, int cpu, bool& hardware, bool& kernel, const PerfOptions& options) const {
    for (;;) {
        perf_event_attr attributes = hardware ? eventOf(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES) : eventOf(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK);
        if (!options.stacks) attributes = eventOf(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY);
        attributes.sample_type = perf::kSampleType;
        if (options.stacks) {
            attributes.freq = 1;
            attributes.sample_freq = options.samplesPerSecond;
        }
        attributes.exclude_kernel = kernel ? 0 : 1;
        attributes.exclude_callchain_kernel = 1;
        attributes.inherit = 1;
        attributes.enable_on_exec = 1;
        attributes.mmap = attributes.mmap2 = 1;
        attributes.comm = attributes.comm_exec = 1;
        attributes.task = 1;
        attributes.context_switch = options.switches ? 1 : 0;
        attributes.sample_id_all = 1;
        attributes.use_clockid = 1;
        attributes.clockid = CLOCK_MONOTONIC;
        const int fd = perfEventOpen(attributes, pid, cpu);
        if (fd >= 0) return fd;
        const int error = errno;
        if (hardware && options.stacks && (error == ENOENT || error == EOPNOTSUPP || error == ENODEV || error == EINVAL)) hardware = false;
        else if (kernel && (error == EACCES || error == EPERM)) kernel = false;
        else return -error;
    }
}

// As many pages as the limit on locked memory allows.
bool PerfEvents::map(int fd) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    for (std::size_t pages = kMostPages; pages >= kFewestPages; pages /= 2) {
        const std::size_t bytes = (pages + 1) * page;
        void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (base == MAP_FAILED) continue;
        m_rings.push_back({fd, base, bytes});
        return true;
    }
    return false;
}

void PerfEvents::open(std::int32_t pid, const PerfOptions& options) {
    if (options.counters) openCounters(pid);
    if (!options.stacks && !options.switches) return;
    bool hardware = true, kernel = true;
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);
    int error = 0;
    for (int cpu = 0; cpu < cpus; ++cpu) {
        const int fd = openOn(pid, cpu, hardware, kernel, options);
        if (fd < 0) {
            if (fd != -ENODEV) error = -fd;  // a CPU that is off
            continue;
        }
        if (!map(fd)) {
            error = errno;
            close(fd);
        }
    }
    if (m_rings.empty()) {
        m_reason = error == 0 ? "no CPU takes the event" : troubleOf(error);
        return;
    }
    m_stacks = options.stacks;
    m_switches = options.switches;
    if (error != 0) m_reason = fmt::format("not on every CPU: {}", std::strerror(error));
    if (m_stacks && !hardware) m_reason += fmt::format("{}sampled by the CPU clock: no cycle counter here", m_reason.empty() ? "" : "; ");
    if (!kernel) m_reason += fmt::format("{}the program's own code only (kernel.perf_event_paranoid is {})", m_reason.empty() ? "" : "; ", readLineOr("/proc/sys/kernel/perf_event_paranoid", "?"));
}

void PerfEvents::openCounters(std::int32_t pid) {
    std::string missing;
    for (const CounterEvent& event : kCounterEvents) {
        int fd = -1, error = 0;
        for (const bool kernel : {true, false}) {
            perf_event_attr attributes = eventOf(event.type, event.config);
            attributes.inherit = 1;
            attributes.enable_on_exec = 1;
            attributes.exclude_kernel = kernel ? 0 : 1;
            attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
            fd = perfEventOpen(attributes, pid, -1);
            error = errno;
            if (fd >= 0 || (error != EACCES && error != EPERM)) break;
        }
        if (fd >= 0) {
            m_counters.push_back({fd, m_spool.counter(event.name, "1", pid, -1)});
        } else {
            if (missing.empty()) m_counterReason = troubleOf(error);
            missing += fmt::format("{}{}", missing.empty() ? "" : ", ", event.name);
        }
    }
    if (!missing.empty()) m_counterReason = fmt::format("without {}: {}", missing, m_counterReason);
}

// An event that shared its hardware counter with others is scaled to the whole time, as perf stat does.
void PerfEvents::sampleCounters(std::int64_t monotonicNs) {
    for (const CounterFd& counter : m_counters) {
        struct {
            std::uint64_t value, enabled, running;
        } now{};
        if (read(counter.fd, &now, sizeof now) != static_cast<ssize_t>(sizeof now) || now.running == 0) continue;
        m_spool.sample(counter.id, monotonicNs, static_cast<double>(now.value) * (static_cast<double>(now.enabled) / static_cast<double>(now.running)));
    }
}

void PerfEvents::drain() {
    m_bytes.clear();
    m_waiting.clear();
    perf::Record record;
    for (const Ring& ring : m_rings) {
        auto* page = static_cast<perf_event_mmap_page*>(ring.base);
        const std::uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
        const std::uint64_t tail = page->data_tail;
        if (head == tail) continue;
        const std::size_t offset = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        const std::span<const std::uint8_t> data(static_cast<const std::uint8_t*>(ring.base) + offset, ring.bytes - offset);
        const std::uint64_t done = perf::readRing(data, head, tail, m_scratch, m_broken, [&](std::span<const std::uint8_t> bytes) {
            perf::decode(bytes, record);
            if (record.kind == perf::Kind::kOther) return;
            const std::size_t begin = m_bytes.size();
            m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
            m_waiting.push_back({record.time, begin, m_bytes.size()});
        });
        __atomic_store_n(&page->data_tail, done, __ATOMIC_RELEASE);
    }
    std::stable_sort(m_waiting.begin(), m_waiting.end(), [](const Waiting& a, const Waiting& b) { return a.time < b.time; });
    for (const Waiting& waiting : m_waiting) {
        perf::decode(std::span<const std::uint8_t>(m_bytes).subspan(waiting.begin, waiting.end - waiting.begin), record);
        take(record);
    }
}

void PerfEvents::take(const perf::Record& record) {
    switch (record.kind) {
        case perf::Kind::kSample: {
            spool::CpuSample sample{};
            sample.header.flags = static_cast<std::uint8_t>(record.inKernel ? spool::kInKernel : 0);
            sample.header.id = record.cpu;
            sample.time = record.time;
            sample.pid = record.pid;
            sample.tid = record.tid;
            sample.period = record.period;
            m_spool.cpuSample(sample, record.addresses);
            ++m_samples;
            break;
        }
        case perf::Kind::kMap:
        case perf::Kind::kExec:
        case perf::Kind::kFork: {
            if (record.kind == perf::Kind::kFork && record.pid == record.parentPid) break;  // a thread
            spool::CodeMap map{};
            map.time = record.time;
            map.pid = record.pid;
            map.start = record.kind == perf::Kind::kFork ? record.parentPid : record.start;
            map.length = record.length;
            map.fileOffset = record.fileOffset;
            map.inode = record.inode;
            if (record.kind == perf::Kind::kMap && record.length == 0) break;
            m_spool.codeMap(map, record.path);
            break;
        }
        case perf::Kind::kSwitch: {
            spool::SchedSwitch event{};
            event.header.flags = static_cast<std::uint8_t>((record.out ? spool::kSwitchOut : 0) | (record.preempted ? spool::kPreempted : 0));
            event.header.id = record.cpu;
            event.time = record.time;
            event.pid = record.pid;
            event.tid = record.tid;
            m_spool.schedSwitch(event);
            break;
        }
        case perf::Kind::kLost: m_lost += record.lost; break;
        case perf::Kind::kThrottle: ++m_throttled; break;
        case perf::Kind::kBroken: ++m_broken; break;
        case perf::Kind::kOther: break;
    }
}

}  // namespace ridge::recorder
