// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Counters, device memory, sampled call stacks, hand-offs between threads, preemption.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "gui/load/memory_use.h"
#include "gui/load/sqlite_reader.h"
#include "gui/model/colours.h"
#include "schemas/timeline/ids.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {
namespace {

constexpr std::size_t kMostFrames = 512;      // of one stack
constexpr Ns kLongestSample = 100'000'000;    // a thread that was not sampled for that long did something else

struct Sample {
    std::int64_t thread;
    Ns time;
    std::int64_t id;
};

// What a sample stands for ends at the next one, or after twice the usual distance.
Ns usualDistance(const std::vector<Sample>& samples) {
    std::vector<Ns> distances;
    for (std::size_t i = 1; i < samples.size(); ++i)
        if (samples[i].thread == samples[i - 1].thread) distances.push_back(samples[i].time - samples[i - 1].time);
    if (distances.empty()) return 1'000'000;
    const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
    std::nth_element(distances.begin(), middle, distances.end());
    return std::clamp<Ns>(*middle, 1, kLongestSample / 2);
}

}  // namespace

// Neighbouring samples of a thread that share their outermost frames share the slices of these.
void SqliteReader::readSamples() {
    std::unordered_map<std::int64_t, std::vector<std::uint32_t>> stacks;  // id -> names, the innermost first
    RowScan frames(m_db, "SAMPLING_CALLCHAINS", {"id", "symbol", "stackDepth"}, m_stop);
    while (step(frames)) {
        const auto id = frames.integer(0), depth = frames.integer(2);
        if (!id || !depth || *depth < 0 || *depth >= static_cast<std::int64_t>(kMostFrames)) continue;
        auto& stack = stacks[*id];
        if (stack.size() <= static_cast<std::size_t>(*depth)) stack.resize(static_cast<std::size_t>(*depth) + 1, nameOf(std::nullopt));
        stack[static_cast<std::size_t>(*depth)] = nameOf(frames.integer(1));
    }
    finish(frames);
    std::vector<Sample> samples;
    RowScan events(m_db, "COMPOSITE_EVENTS", {"start", "globalTid", "id"}, m_stop);
    while (step(events)) {
        const auto time = takeTime(events, 0);
        const auto id = events.integer(2) ? events.integer(2) : events.rowid();
        if (time) samples.push_back({events.integerOr(1, 0), *time, *id});
        else ++m_outOfRange;
    }
    finish(events);
    std::stable_sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) { return std::tie(a.thread, a.time) < std::tie(b.thread, b.time); });
    const Ns usual = usualDistance(samples);
    struct Open {
        std::uint32_t name;
        Ns start;
        std::uint32_t row;
    };
    std::vector<Open> open;
    Ns until = 0;
    LaneBuilder* lanes = nullptr;
    const auto close = [&](std::size_t down) {
        for (; open.size() > down; open.pop_back())
            if (lanes) lanes->add(open.back().start, until, open.back().name, open.back().row);
    };
    const std::uint32_t unknown = m_assembly.intern("[no call stack]");
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const Sample& sample = samples[i];
        const bool sameThread = i > 0 && samples[i - 1].thread == sample.thread;
        if (!sameThread || until < sample.time) close(0);
        if (!sameThread) lanes = m_assembly.track({processOf(sample.thread), -1, sample.thread, TrackKind::kSamples}, "COMPOSITE_EVENTS");
        std::vector<std::uint32_t> stack{unknown};
        if (const auto it = stacks.find(sample.id); it != stacks.end() && !it->second.empty()) stack.assign(it->second.rbegin(), it->second.rend());
        std::size_t shared = 0;
        while (shared < open.size() && shared < stack.size() && open[shared].name == stack[shared]) ++shared;
        until = sample.time;
        close(shared);
        const std::uint32_t row = small(sample.id);
        for (std::size_t d = shared; d < stack.size(); ++d) open.push_back({stack[d], sample.time, row});
        const bool follows = i + 1 < samples.size() && samples[i + 1].thread == sample.thread;
        until = follows ? std::min(samples[i + 1].time, sample.time + 2 * usual) : sample.time + usual;
        m_assembly.seen(sample.time, sample.time);
    }
    close(0);
}

void SqliteReader::readHandOffs() {
    RowScan scan(m_db, "RIDGE_FLOW", {"fromTime", "toTime", "fromTid", "toTid"}, m_stop);
    while (step(scan)) {
        const auto from = takeTime(scan, 0), to = takeTime(scan, 1);
        if (!from || !to) {
            ++m_outOfRange;
            continue;
        }
        const std::int64_t a = scan.integerOr(2, 0), b = scan.integerOr(3, 0);
        m_assembly.addHandOff({processOf(a), a, *from}, {processOf(b), b, *to});
    }
    finish(scan);
}

void SqliteReader::readMemoryEvents() {
    MemoryUse use;
    RowScan scan(m_db, "CUDA_GPU_MEMORY_USAGE_EVENTS", {"start", "globalPid", "deviceId", "address", "bytes", "memKind", "memoryOperationType"}, m_stop);
    while (step(scan)) {
        const auto time = takeTime(scan, 0), bytes = scan.integer(4), operation = scan.integer(6);
        if (!time || !bytes || *bytes < 0 || *bytes > (std::int64_t{1} << 50) || !operation || (*operation != 0 && *operation != 1)) {
            ++m_outOfRange;
            continue;
        }
        const std::int64_t kind = scan.integerOr(5, 7);
        use.add(processOf(scan.integerOr(1, 0)), std::clamp<std::int64_t>(scan.integerOr(2, 0), 0, 1 << 20),
                kind >= 0 && kind < 8 ? static_cast<int>(kind) : 7, *time, scan.integerOr(3, 0), *bytes, *operation == 1);
        m_assembly.seen(*time, *time);
    }
    finish(scan);
    use.finish(m_assembly);
}

void SqliteReader::readCounters() {
    struct Series {
        std::int64_t process, device;
        std::string name, unit;
        Counter* counter = nullptr;
    };
    std::unordered_map<std::int64_t, Series> series;
    timeline::TableScan names(m_db, "RIDGE_COUNTER", {"id", "name", "unit", "globalPid", "deviceId"});
    while (names.next())
        if (const auto id = names.integer(0)) {
            Series s{names.integerOr(3, 0), names.integerOr(4, -1), toValidUtf8(names.text(1)), toValidUtf8(names.text(2)), nullptr};
            s.process = names.integer(3) ? processOf(s.process) : machine();
            if (s.process != machine()) s.device = -1;
            if (s.device >= 0) s.name += fmt::format(" {}", s.device);
            series[*id] = std::move(s);
        }
    std::int64_t strange = 0;
    RowScan samples(m_db, "RIDGE_COUNTER_SAMPLE", {"counterId", "time", {"value", RowScan::Kind::kReal}}, m_stop);
    while (step(samples)) {
        const auto it = series.find(samples.integerOr(0, -1));
        const auto time = takeTime(samples, 1);
        const auto value = samples.real(2);
        if (it == series.end() || !time || !value || !std::isfinite(*value)) {
            ++strange;
            continue;
        }
        Series& s = it->second;
        if (!s.counter) s.counter = m_assembly.counter(s.process, s.device, s.name, s.unit, it->first);
        s.counter->append(*time, static_cast<float>(*value));
        m_assembly.seen(*time, *time);
    }
    finish(samples);
    m_assembly.warn("samples of counters are left out: no such counter, or no number", strange);
}

void SqliteReader::readGpuMetrics() {
    struct Metric {
        std::string name;
        Counter* counter = nullptr;
    };
    std::unordered_map<std::int64_t, Metric> metrics;  // typeId * 2^12 + metricId
    timeline::TableScan info(m_db, "TARGET_INFO_GPU_METRICS", {"typeId", "metricId", "metricName"});
    const auto keyOf = [](std::int64_t type, std::int64_t metric) {
        return static_cast<std::int64_t>((static_cast<std::uint64_t>(type) << 12) ^ static_cast<std::uint64_t>(metric));
    };
    while (info.next()) metrics[keyOf(info.integerOr(0, 0), info.integerOr(1, 0))].name = toValidUtf8(info.text(2));
    RowScan scan(m_db, "GPU_METRICS", {"timestamp", "typeId", "metricId", {"value", RowScan::Kind::kReal}}, m_stop);
    while (step(scan)) {
        const auto time = takeTime(scan, 0);
        const auto value = scan.real(3);
        const std::int64_t type = scan.integerOr(1, 0), key = keyOf(type, scan.integerOr(2, 0));
        const auto metric = metrics.find(key);
        if (!time || !value || metric == metrics.end()) {
            ++m_outOfRange;
            continue;
        }
        Counter*& counter = metric->second.counter;
        if (!counter) counter = m_assembly.counter(machine(), type & 0xFF, fmt::format("GPU {} {}", type & 0xFF, metric->second.name), "", key);
        counter->append(*time, static_cast<float>(*value));
        m_assembly.seen(*time, *time);
    }
    finish(scan);
}

void SqliteReader::readPreemptions() {
    RowScan scan(m_db, "RIDGE_PREEMPTION", {"start", "end", "cpu"}, m_stop);
    const std::uint32_t name = m_assembly.intern("preempted");
    m_assembly.colour(name, colourOf(WallClass::kPreempted));
    while (step(scan))
        if (const auto times = takeTimes(scan, false))
            if (auto* lanes = m_assembly.track({machine(), -1, scan.integerOr(2, 0), TrackKind::kPreemption}, "RIDGE_PREEMPTION"))
                lanes->add(times->start, times->end, name, small(scan.rowid()));
    finish(scan);
}

}  // namespace ridge::gui
