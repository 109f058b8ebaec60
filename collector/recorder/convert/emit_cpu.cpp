// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What perf events saw of the CPUs: sampled call stacks and context switches.
#include "collector/recorder/convert/emitter.h"

#include <algorithm>
#include <cstring>

namespace ridge::recorder {

using namespace spool;

namespace {

// ENUM_SAMPLING_THREAD_STATE, ENUM_STACK_UNWIND_METHOD
constexpr std::int64_t kRunning = 1, kUnscheduled = 6, kWaiting = 7;
constexpr std::int64_t kInstructionPointer = 0, kFramePointer = 1;

}  // namespace

bool Emitter::outsideOfWindows(std::int64_t at) const {
    return !m_windows.empty() &&
           std::none_of(m_windows.begin(), m_windows.end(), [&](const TimeWindow& window) {
               return at >= window.start && at <= window.end;
           });
}

void Emitter::cpuSample(const RecordView& view) {
    const auto sample = view.as<CpuSample>();
    const std::int64_t start = time(sample.time);
    if (outsideOfWindows(start)) return;
    const std::int64_t id = ++m_samples;
    ++m_events;
    m_row.clear();
    m_row.null()
        .integer(start)
        .integer(sample.header.id)
        .integer(kRunning)
        .integer(globalTid(sample.pid, sample.tid))
        .integer(static_cast<std::int64_t>(sample.period));
    m_tables.composite().addAt(id, m_row);
    const std::string_view tail = view.tail(sizeof(CpuSample));
    const std::size_t depth = tail.size() / sizeof(std::uint64_t);
    for (std::size_t i = 0; i < depth; ++i) {
        std::uint64_t address = 0;
        std::memcpy(&address, tail.data() + i * sizeof address, sizeof address);
        const bool kernel = i == 0 && (sample.header.flags & kInKernel) != 0;
        const CodeName name =
            kernel ? m_code.kernel() : m_code.name(sample.pid, sample.time, address, i > 0);
        m_row.clear();
        m_row.integer(id)
            .integer(name.symbol)
            .integer(name.module)
            .integer(kernel ? 1 : 0)
            .integer(0)
            .integer(name.unresolved ? 1 : 0)
            .null()
            .integer(static_cast<std::int64_t>(address))
            .integer(i == 0 ? kInstructionPointer : kFramePointer)
            .integer(static_cast<std::int64_t>(i));
        m_tables.callchain().add(m_row, id);
        ++m_frames;
    }
}

void Emitter::schedSwitch(const SchedSwitch& event) {
    const std::int64_t at = time(event.time);
    if (outsideOfWindows(at)) return;
    const bool out = (event.header.flags & kSwitchOut) != 0;
    const bool preempted = (event.header.flags & kPreempted) != 0;
    m_row.clear();
    m_row.integer(at)
        .integer(event.header.id)
        .integer(out ? 0 : 1)
        .integer(globalTid(event.pid, event.tid))
        .integer(!out ? kRunning : preempted ? kUnscheduled : kWaiting)
        .null();
    m_tables.sched().add(m_row);
    ++m_events;
}

}  // namespace ridge::recorder
