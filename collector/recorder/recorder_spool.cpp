// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/recorder_spool.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "base/clock.h"

namespace ridge::recorder {

using namespace spool;

namespace {

constexpr std::size_t kMostKeptBytes = 65536 / 2;  // less than what makes a flush

}  // namespace

std::uint64_t readTicks() {
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    std::uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return static_cast<std::uint64_t>(monotonicNs());
#endif
}

double measureNsPerTick() {
    const std::uint64_t ticks = readTicks();
    const std::int64_t ns = monotonicNs();
    usleep(10'000);
    const std::uint64_t moreTicks = readTicks();
    const std::int64_t moreNs = monotonicNs();
    return moreTicks > ticks
               ? static_cast<double>(moreNs - ns) / static_cast<double>(moreTicks - ticks)
               : 0;
}

ClockKind ticksKind() {
#if defined(__x86_64__)
    return ClockKind::kTsc;
#elif defined(__aarch64__)
    return ClockKind::kCntvct;
#else
    return ClockKind::kMonotonicNs;
#endif
}

RecorderSpool::~RecorderSpool() {
    if (m_fd < 0) return;
    flush();
    ::close(m_fd);
}

Status RecorderSpool::open(const std::string& path) {
    m_fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (m_fd < 0) return Error{ErrorCode::kIo, fmt::format("{}: {}", path, std::strerror(errno))};
    return {};
}

template <typename Record>
void RecorderSpool::appendLocked(const Record& record, std::string_view tail) {
    const std::size_t bytes = (sizeof record + tail.size() + 7) & ~std::size_t{7};
    const std::size_t at = m_buffer.size();
    m_buffer.resize(at + bytes);
    std::memcpy(m_buffer.data() + at, &record, sizeof record);
    if (!tail.empty()) std::memcpy(m_buffer.data() + at + sizeof record, tail.data(), tail.size());
    const auto units = static_cast<std::uint16_t>(bytes / 8);
    std::memcpy(m_buffer.data() + at + offsetof(RecordHeader, size), &units, sizeof units);
    ++m_pending;
    if (m_buffer.size() > 65536) flushLocked();
}

void RecorderSpool::flush() {
    const std::lock_guard lock(m_mutex);
    flushLocked();
}

// Whole or not at all: what does not fit the disk is taken back, so that the stream stays readable.
void RecorderSpool::flushLocked() {
    if (m_buffer.empty() || m_fd < 0) return;
    std::size_t done = 0;
    while (done < m_buffer.size()) {
        const ssize_t n = pwrite(m_fd, m_buffer.data() + done, m_buffer.size() - done,
                                 static_cast<off_t>(m_offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
    if (done == m_buffer.size()) {
        m_offset += done;
    } else {
        if (ftruncate(m_fd, static_cast<off_t>(m_offset)) != 0) m_offset += done & ~std::size_t{7};
        keepDefinitionsLocked();
        return;
    }
    m_buffer.clear();
    m_pending = 0;
}

// What was not written and others refer to stays for the next try; the rest is counted.
void RecorderSpool::keepDefinitionsLocked() {
    std::size_t kept = 0;
    std::uint64_t records = 0;
    for (std::size_t at = 0; at < m_buffer.size();) {
        RecordHeader header;
        std::memcpy(&header, m_buffer.data() + at, sizeof header);
        const std::size_t bytes = std::size_t{header.size} * 8;
        if (isDefinition(header.type) && kept + bytes <= kMostKeptBytes) {
            std::memmove(m_buffer.data() + kept, m_buffer.data() + at, bytes);
            kept += bytes;
            ++records;
        } else {
            ++m_lost;
        }
        at += bytes;
    }
    m_buffer.resize(kept);
    m_pending = records;
}

std::uint64_t RecorderSpool::lost() {
    const std::lock_guard lock(m_mutex);
    return m_lost;
}

std::uint64_t RecorderSpool::bytes() {
    const std::lock_guard lock(m_mutex);
    return m_offset;
}

std::uint32_t RecorderSpool::nameLocked(std::string_view text) {
    const auto [found, isNew] =
        m_names.try_emplace(std::string(text), static_cast<std::uint32_t>(m_names.size() + 1));
    if (isNew) {
        const std::string_view cut = text.substr(0, kMaxNameBytes);
        Name name{};
        name.header = {RecordType::kName, 0, 0, found->second};
        name.length = static_cast<std::uint32_t>(cut.size());
        appendLocked(name, cut);
    }
    return found->second;
}

void RecorderSpool::clockSample() {
    ClockSample best{};
    for (int attempt = 0; attempt < 5; ++attempt) {
        const std::uint64_t before = readTicks();
        const std::int64_t monotonic = monotonicNs();
        const std::uint64_t after = readTicks();
        const std::int64_t realtime = realtimeNs();
        if (attempt > 0 && after - before >= best.windowTicks) continue;
        best.ticks = before + (after - before) / 2;
        best.monotonicNs = monotonic;
        best.realtimeNs = realtime;
        best.windowTicks = after - before;
    }
    best.header = {RecordType::kClockSample, 0, 0,
                   static_cast<std::uint32_t>(ClockSampleKind::kTicks) |
                       static_cast<std::uint32_t>(ticksKind()) << 8};
    {
        const std::lock_guard lock(m_mutex);
        appendLocked(best);
    }
    flush();
}

std::uint32_t RecorderSpool::counter(std::string_view name, std::string_view unit, std::int32_t pid,
                                     std::int32_t device) {
    const std::lock_guard lock(m_mutex);
    Counter counter{};
    counter.nameId = nameLocked(name);
    counter.unitNameId = nameLocked(unit);
    counter.header = {RecordType::kCounter, 0, 0, ++m_counters};
    counter.pid = pid;
    counter.deviceId = device;
    appendLocked(counter);
    return m_counters;
}

void RecorderSpool::sample(std::uint32_t counterId, std::int64_t monotonicNs, double value) {
    const std::lock_guard lock(m_mutex);
    appendLocked(CounterSample{{RecordType::kCounterSample, 0, 0, counterId},
                               static_cast<std::uint64_t>(monotonicNs),
                               value});
}

void RecorderSpool::cpuSample(CpuSample sample, std::span<const std::uint64_t> addresses) {
    const std::lock_guard lock(m_mutex);
    sample.header.type = RecordType::kCpuSample;
    appendLocked(sample, {reinterpret_cast<const char*>(addresses.data()), addresses.size_bytes()});
}

void RecorderSpool::codeMap(CodeMap map, std::string_view path) {
    const std::lock_guard lock(m_mutex);
    map.header = {RecordType::kCodeMap, 0, 0, nameLocked(path)};
    appendLocked(map);
}

void RecorderSpool::schedSwitch(SchedSwitch event) {
    const std::lock_guard lock(m_mutex);
    event.header.type = RecordType::kSchedSwitch;
    appendLocked(event);
}

void RecorderSpool::gap(std::uint32_t cpu, std::int64_t startNs, std::int64_t endNs) {
    const std::lock_guard lock(m_mutex);
    appendLocked(PreemptionGap{{RecordType::kPreemptionGap, 0, 0, cpu},
                               static_cast<std::uint64_t>(startNs),
                               static_cast<std::uint64_t>(endNs)});
}

void RecorderSpool::processEnd(std::int32_t pid, std::int64_t monotonicNs) {
    const std::lock_guard lock(m_mutex);
    appendLocked(ProcessEnd{{RecordType::kProcessEnd, 0, 0, static_cast<std::uint32_t>(pid)},
                            static_cast<std::uint64_t>(monotonicNs)});
}

void RecorderSpool::threadNumber(std::int32_t pid, std::int32_t tid, std::int32_t innerTid) {
    const std::lock_guard lock(m_mutex);
    appendLocked(ThreadNumber{
        {RecordType::kThreadNumber, 0, 0, static_cast<std::uint32_t>(tid)}, pid, innerTid});
}

void RecorderSpool::diagnostic(std::uint32_t severity, std::string_view text) {
    const std::lock_guard lock(m_mutex);
    Diagnostic event{};
    event.header = {RecordType::kDiagnostic, 0, 0, nameLocked(text)};
    event.time = static_cast<std::uint64_t>(monotonicNs());
    event.severity = severity;
    appendLocked(event);
}

}  // namespace ridge::recorder
