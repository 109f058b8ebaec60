// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/sampling.h"

#include "base/clock.h"
#include "workloads/ceilings/gap_watch.h"

#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstdlib>
#include <fcntl.h>
#include <sched.h>
#include <thread>
#include <unistd.h>

namespace ridge::workloads {

namespace {

// One sample as a thread saw it: where it ran, and how long it stood ready without running.
struct Sight {
    int cpu = 0;
    std::int64_t waitedNs = 0;
};

// Nanoseconds that this thread was ready while others had the CPU; 0 where the kernel does not say.
class ReadyTime {
public:
    ReadyTime() : m_file(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
    ~ReadyTime() {
        if (m_file >= 0) ::close(m_file);
    }
    ReadyTime(const ReadyTime&) = delete;
    ReadyTime& operator=(const ReadyTime&) = delete;

    [[nodiscard]] std::int64_t ns() const {
        char text[96];
        const ssize_t length = m_file < 0 ? -1 : ::pread(m_file, text, sizeof text - 1, 0);
        if (length <= 0) return 0;
        text[length] = '\0';
        char* second = nullptr;
        (void)std::strtoll(text, &second, 10);  // the first number: time on the CPU
        return std::strtoll(second, nullptr, 10);
    }

private:
    int m_file;
};

struct Span {
    std::int64_t startNs, endNs;
};

Samples judged(const std::vector<Span>& spans, const std::vector<std::vector<Sight>>& sights,
               const std::vector<Gap>& gaps) {
    Samples samples;
    for (std::size_t i = 0; i < spans.size(); ++i) {
        const auto& [start, end] = spans[i];
        const auto length = static_cast<double>(std::max<std::int64_t>(1, end - start));
        Sample sample{static_cast<double>(end - start) / 1e9, 0, 0};
        for (const std::vector<Sight>& thread : sights) {
            const auto gap = static_cast<double>(gapNs(gaps, thread[i].cpu, start, end));
            sample.gapShare = std::max(sample.gapShare, gap / length);
            sample.waitShare =
                std::max(sample.waitShare,
                         std::clamp(static_cast<double>(thread[i].waitedNs) / length, 0.0, 1.0));
        }
        samples.each.push_back(sample);
    }
    return samples;
}

}  // namespace

Samples Samples::ofSeconds(const std::vector<double>& seconds) {
    Samples samples;
    for (const double each : seconds) samples.each.push_back({each, 0, 0});
    return samples;
}

struct WatchedSamples::Watch {
    GapWatch gaps;
    ReadyTime ready;
    std::vector<Span> spans;
    std::vector<std::vector<Sight>> sights{1};
    std::int64_t startNs = 0, waitedNs = 0;
};

WatchedSamples::WatchedSamples() : m_watch(std::make_unique<Watch>()) { m_watch->gaps.start(); }
WatchedSamples::~WatchedSamples() = default;

void WatchedSamples::begin() {
    m_watch->waitedNs = m_watch->ready.ns();
    m_watch->startNs = monotonicNs();
}

void WatchedSamples::end() {
    m_watch->spans.push_back({m_watch->startNs, monotonicNs()});
    m_watch->sights.front().push_back({sched_getcpu(), m_watch->ready.ns() - m_watch->waitedNs});
}

Samples WatchedSamples::finish(std::size_t skipped) {
    m_watch->gaps.stop();
    Samples samples = judged(m_watch->spans, m_watch->sights, m_watch->gaps.gaps());
    samples.each.erase(samples.each.begin(), samples.each.begin() + static_cast<std::ptrdiff_t>(std::min(skipped, samples.each.size())));
    samples.realtimeGaps = m_watch->gaps.realtime();
    return samples;
}

Samples sampleSeconds(double budgetSeconds, const std::function<void()>& body) {
    return sampleSeconds(budgetSeconds, 1, [&body](int) { body(); });
}

Samples sampleSeconds(double budgetSeconds, int threads, const std::function<void(int)>& body) {
    std::vector<Span> spans;
    spans.reserve(kMaxSamples + 1);
    std::vector<std::vector<Sight>> sights(static_cast<std::size_t>(threads));
    for (auto& thread : sights) thread.reserve(kMaxSamples + 1);
    const ClockState before = readClock();
    GapWatch watch;
    watch.start();
    const std::int64_t deadline = monotonicNs() + static_cast<std::int64_t>(budgetSeconds * 1e9);
    bool more = true;
    std::int64_t start = 0;
    // Runs once per round, while all threads stand at the barrier.
    const auto turn = [&]() noexcept {
        const std::int64_t now = monotonicNs();
        if (start != 0) spans.push_back({start, now});
        const int count = static_cast<int>(spans.size());
        more = count < kMinSamples || (count < kMaxSamples && now < deadline);
        start = monotonicNs();
    };
    std::barrier gate(threads, turn);
    const auto loop = [&](int thread) {
        const ReadyTime ready;
        auto& seen = sights[static_cast<std::size_t>(thread)];
        body(thread);  // first touch, code pages, frequency
        std::int64_t waited = ready.ns();
        gate.arrive_and_wait();
        while (more) {
            body(thread);
            const std::int64_t now = ready.ns();
            seen.push_back({sched_getcpu(), now - waited});
            waited = now;
            gate.arrive_and_wait();
        }
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(loop, thread);
    loop(0);
    for (std::thread& other : others) other.join();
    watch.stop();
    Samples samples = judged(spans, sights, watch.gaps());
    samples.before = before;
    samples.after = readClock();
    samples.realtimeGaps = watch.realtime();
    return samples;
}

MedianInterval medianInterval(std::size_t count, double wanted) {
    if (count == 0) return {};
    const auto n = static_cast<double>(count);
    MedianInterval best{1, 0};
    double below = 0;  // P(Bin(n, 1/2) < rank)
    for (std::size_t rank = 1; 2 * rank <= count + 1; ++rank) {
        const auto k = static_cast<double>(rank - 1);
        below += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) -
                          n * std::log(2.0));
        const double coverage = 1 - 2 * below;
        if (rank > 1 && coverage < wanted) break;
        best = {rank, std::max(0.0, coverage)};
    }
    return best;
}

Roof roofOf(const char* kind, std::string name, const char* unit, std::string method) {
    Roof roof;
    roof.kind = kind;
    roof.name = std::move(name);
    roof.unit = unit;
    roof.method = std::move(method);
    return roof;
}

void fillRoof(Roof& roof, const Samples& samples, double amount) {
    if (samples.each.empty()) return;
    const bool isTime = roof.unit == "s";
    for (const Sample& sample : samples.each) {
        roof.sampleValues.push_back(isTime ? sample.seconds / amount
                                           : amount / std::max(sample.seconds, 1e-9));
        roof.gapShares.push_back(sample.gapShare);
        roof.waitShares.push_back(sample.waitShare);
        roof.flagged += sample.flagged() ? 1 : 0;
    }
    std::vector<double> values = roof.sampleValues;
    std::sort(values.begin(), values.end());
    roof.samples = static_cast<int>(values.size());
    roof.min = values.front();
    roof.max = values.back();
    roof.median = (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
    roof.value = isTime ? roof.min : roof.max;
    const MedianInterval interval = medianInterval(values.size());
    roof.intervalLow = values[interval.rank - 1];
    roof.intervalHigh = values[values.size() - interval.rank];
    roof.intervalCoverage = interval.coverage;
    roof.realtimeGaps = samples.realtimeGaps;
    roof.clockBefore = samples.before;
    roof.clockAfter = samples.after;
}

}  // namespace ridge::workloads
