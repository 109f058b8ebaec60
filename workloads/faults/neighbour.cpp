// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/faults/neighbour.h"

#include "base/clock.h"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace ridge::workloads {
namespace {

constexpr int kPriority = 50;

void sleepFor(std::int64_t ns) {
    const timespec length{ns / 1'000'000'000, ns % 1'000'000'000};
    ::nanosleep(&length, nullptr);
}

}  // namespace

void BusyNeighbour::run(Shared& shared, int cpu, std::int64_t busyNs, std::int64_t idleNs) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(cpu), &one);
    sched_param priority{};
    priority.sched_priority = kPriority;
    if (::sched_setaffinity(0, sizeof one, &one) != 0 ||
        ::sched_setscheduler(0, SCHED_FIFO, &priority) != 0) {
        shared.state = -errno;
        ::_exit(1);
    }
    shared.state = 1;
    for (;;) {
        if (!shared.busy) {
            sleepFor(1'000'000);
            continue;
        }
        const std::int64_t end = monotonicNs() + busyNs;
        while (monotonicNs() < end) {
        }
        sleepFor(idleNs);
    }
}

Result<std::unique_ptr<BusyNeighbour>> BusyNeighbour::start(int cpu, std::int64_t busyNs,
                                                            std::int64_t idleNs) {
    void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return Error{ErrorCode::kIo, fmt::format("cannot share memory: {}", std::strerror(errno))};
    std::unique_ptr<BusyNeighbour> self(new BusyNeighbour);
    self->m_shared = new (memory) Shared;
    self->m_child = ::fork();
    if (self->m_child == 0) run(*self->m_shared, cpu, busyNs, idleNs);
    if (self->m_child < 0)
        return Error{ErrorCode::kIo, fmt::format("cannot fork: {}", std::strerror(errno))};
    while (self->m_shared->state == 0) {
        if (::waitpid(self->m_child, nullptr, WNOHANG) == self->m_child) {
            self->m_child = -1;
            if (self->m_shared->state == 0)
                return Error{ErrorCode::kMeasurement, "the neighbour ended before it began"};
            break;
        }
        sleepFor(100'000);
    }
    if (const int state = self->m_shared->state; state < 0)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("no permission for a neighbour of real-time priority (SCHED_FIFO): {}",
                                 std::strerror(-state))};
    return self;
}

BusyNeighbour::~BusyNeighbour() {
    if (m_child > 0) {
        ::kill(m_child, SIGKILL);
        ::waitpid(m_child, nullptr, 0);
    }
    if (m_shared) ::munmap(m_shared, sizeof(Shared));
}

}  // namespace ridge::workloads
