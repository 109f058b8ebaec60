// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/ab/driver.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <mutex>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/app/app.h"
#include "cli/app/process.h"
#include "collector/recorder/sample/preemption.h"

namespace ridge::cli {
namespace {

// Gaps of all CPUs since it was made, added up.
class GapCounter {
public:
    GapCounter() : m_detector([this](std::uint32_t, std::int64_t start, std::int64_t end) { add(start, end); }) { m_detector.start(); }
    // In [start, end). The detectors wake at most some ms after the end of a gap, and go with the counter.
    std::int64_t stop(std::int64_t start, std::int64_t end) {
        m_detector.stop();
        std::int64_t sum = 0;
        for (const auto& [from, to] : m_gaps) sum += std::max<std::int64_t>(0, std::min(to, end) - std::max(from, start));
        return sum;
    }
    [[nodiscard]] std::string quality() const { return m_detector.quality(); }

private:
    void add(std::int64_t start, std::int64_t end) {
        const std::lock_guard lock(m_mutex);
        m_gaps.emplace_back(start, end);
    }
    std::mutex m_mutex;
    std::vector<std::pair<std::int64_t, std::int64_t>> m_gaps;
    recorder::PreemptionDetector m_detector;
};

// How often the CPUs were throttled by heat so far; 0 where the machine does not say.
std::int64_t throttleEvents() {
    std::int64_t sum = 0;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/devices/system/cpu", ec)) {
        const std::string text = readLineOr(entry.path() / "thermal_throttle/core_throttle_count");
        if (!text.empty()) sum += std::atoll(text.c_str());
    }
    return sum;
}

std::string lastLine(const std::string& text) {
    const std::string_view all = trim(text);
    const std::size_t at = all.rfind('\n');
    return std::string(at == std::string_view::npos ? all : all.substr(at + 1)).substr(0, 200);
}

std::string causeOf(const ProcessResult& result, double timeout) {
    if (result.timedOut) return fmt::format("it took longer than {} s (--timeout)", timeout);
    const std::string said = lastLine(result.messages);
    if (result.status > 128) return fmt::format("ended by signal {}{}{}", result.status - 128, said.empty() ? "" : ": ", said);
    return fmt::format("exit code {}{}{}", result.status, said.empty() ? "" : ": ", said);
}

std::string readable(const Reading& r) { return r.benchmark + " " + r.metric; }

}  // namespace

AbDriver::AbDriver(AbPlan plan) : m_plan(std::move(plan)), m_random(m_plan.seed) {}

Slot AbDriver::runSlot(bool ofB) {
    Slot slot;
    slot.ofB = ofB;
    slot.process = m_processes++;
    slot.startedUtcNs = realtimeNs();
    const std::int64_t throttledBefore = throttleEvents();
    GapCounter gaps;
    const std::int64_t start = monotonicNs();
    const auto result = runProcess({"/bin/sh", "-c", ofB ? m_plan.b : m_plan.a}, m_plan.timeout);
    const std::int64_t end = monotonicNs();
    slot.elapsedNs = end - start;
    slot.preemptedNs = gaps.stop(start, end);
    m_gapQuality = gaps.quality();
    if (!result.ok()) {
        slot.cause = result.error().message;
    } else if (interruptedBy()) {
        slot.cause = "interrupted";
    } else if (result->timedOut || result->status != 0) {
        slot.cause = causeOf(*result, m_plan.timeout);
    } else {
        for (const MetricSpec& spec : m_plan.metrics) {
            auto readings = readingsOf(spec, slot.elapsedNs, result->output, result->messages);
            if (!readings.ok()) {
                slot.cause = readings.error().message;
                break;
            }
            slot.readings.insert(slot.readings.end(), readings->begin(), readings->end());
        }
        if (slot.cause.empty() && throttleEvents() > throttledBefore) slot.cause = "the CPU was throttled by heat";
    }
    slot.valid = slot.cause.empty();
    return slot;
}

Status AbDriver::warmUp() {
    std::vector<Reading> sides[2];
    for (const bool ofB : {false, true}) {
        const Slot slot = runSlot(ofB);
        if (interruptedBy()) return {};
        if (slot.readings.empty() || (!slot.valid && slot.cause != "the CPU was throttled by heat"))
            return Error{ErrorCode::kMeasurement, fmt::format("--{} \"{}\": {}", ofB ? "b" : "a", ofB ? m_plan.b : m_plan.a, slot.cause)};
        sides[ofB] = slot.readings;
    }
    const auto has = [](const std::vector<Reading>& list, const Reading& r) { return std::any_of(list.begin(), list.end(), [&](const Reading& x) { return x.key() == r.key(); }); };
    for (const Reading& r : sides[0]) {
        if (!has(sides[1], r)) m_onlyA.push_back(readable(r));
        else if (!has(m_shared, r)) m_shared.push_back(r);
    }
    for (const Reading& r : sides[1])
        if (!has(sides[0], r)) m_onlyB.push_back(readable(r));
    if (m_shared.empty()) return Error{ErrorCode::kMeasurement, "the two commands have no metric in common"};
    return {};
}

// False: a slot was not valid.
Result<bool> AbDriver::tryBlock() {
    std::array<bool, 4> order{false, false, true, true};
    std::shuffle(order.begin(), order.end(), m_random);
    std::vector<std::size_t> slots;
    const auto number = static_cast<std::int64_t>(m_blocks.size());
    bool valid = true;
    for (std::size_t i = 0; i < order.size() && valid; ++i) {
        if (interruptedBy()) return false;
        Slot slot = runSlot(order[i]);
        slot.block = number;
        slot.slot = static_cast<std::int64_t>(i);
        for (const Reading& r : m_shared)
            if (slot.valid && std::none_of(slot.readings.begin(), slot.readings.end(), [&](const Reading& x) { return x.key() == r.key(); })) {
                slot.valid = false;
                slot.cause = fmt::format("its output has no {}", readable(r));
            }
        valid = slot.valid;
        slots.push_back(m_slots.size());
        m_slots.push_back(std::move(slot));
    }
    if (!valid) {
        for (const std::size_t i : slots)
            if (m_slots[i].valid) {
                m_slots[i].valid = false;
                m_slots[i].cause = "another slot of its block was not valid";
            }
        return false;
    }
    m_blocks.push_back(std::move(slots));
    return true;
}

Status AbDriver::measure(std::size_t blocks, const std::function<void(std::size_t)>& said) {
    for (std::size_t i = 0; i < blocks; ++i) {
        said(i);
        bool done = false;
        for (int attempt = 0; attempt <= m_plan.retries && !done; ++attempt) {
            RIDGE_TRY(done, tryBlock());
            if (interruptedBy()) return {};
        }
        if (done) continue;
        // The one that failed is the last that was run.
        const Slot& last = m_slots.back();
        return Error{ErrorCode::kMeasurement,
                     fmt::format("--{} \"{}\" failed in block {} and in {} repetitions of it: {}", last.ofB ? "b" : "a", last.ofB ? m_plan.b : m_plan.a, m_blocks.size() + 1, m_plan.retries, last.cause)};
    }
    return {};
}

std::vector<analyzer::BlockedMetric> AbDriver::metrics(std::size_t firstBlock) const {
    std::vector<analyzer::BlockedMetric> out;
    for (const Reading& r : m_shared) {
        analyzer::BlockedMetric metric{r.benchmark, r.metric, r.unit, r.direction, {}};
        for (std::size_t i = firstBlock; i < m_blocks.size(); ++i) {
            analyzer::BlockedMetric::Values values;
            std::size_t a = 0, b = 0;
            for (const std::size_t slot : m_blocks[i])
                for (const Reading& x : m_slots[slot].readings)
                    if (x.key() == r.key()) {
                        (m_slots[slot].ofB ? values.b[b++] : values.a[a++]) = x.value;
                        break;
                    }
            metric.blocks.push_back(values);
        }
        out.push_back(std::move(metric));
    }
    return out;
}

std::vector<analyzer::RunBenchmark> AbDriver::samples(bool ofB) const {
    std::vector<analyzer::RunBenchmark> out;
    for (const Reading& r : m_shared) {
        auto at = std::find_if(out.begin(), out.end(), [&](const analyzer::RunBenchmark& b) { return b.id == r.benchmark; });
        if (at == out.end()) at = out.insert(out.end(), {r.benchmark, "ab", r.benchmark, {}, "ok", "", {}});
        analyzer::RunMetric metric{r.metric, r.unit, r.direction, r.metric == "cpu_time" ? "cpu" : "wall", {}};
        for (const Slot& s : m_slots) {
            if (s.ofB != ofB) continue;
            analyzer::RunSample sample;
            for (const Reading& x : s.readings)
                if (x.key() == r.key()) {
                    sample.value = x.value;
                    sample.iterations = x.iterations;
                    break;
                }
            sample.process = s.process;
            sample.block = s.block;
            sample.slot = s.slot;
            sample.tNs = s.startedUtcNs;
            sample.valid = s.valid;
            sample.cause = s.cause;
            sample.preemptedNs = s.preemptedNs;
            metric.samples.push_back(std::move(sample));
        }
        at->metrics.push_back(std::move(metric));
    }
    return out;
}

std::size_t AbDriver::invalidSlots() const {
    return static_cast<std::size_t>(std::count_if(m_slots.begin(), m_slots.end(), [](const Slot& s) { return !s.valid; }));
}

std::int64_t AbDriver::preemptedNs() const {
    std::int64_t sum = 0;
    for (const Slot& s : m_slots) sum += s.preemptedNs;
    return sum;
}

std::int64_t AbDriver::measuredNs() const {
    std::int64_t sum = 0;
    for (const Slot& s : m_slots) sum += s.elapsedNs;
    return sum;
}

}  // namespace ridge::cli
