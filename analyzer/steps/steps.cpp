// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/steps/steps.h"

#include "analyzer/steps/periodicity.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

namespace ridge::analyzer {
namespace {

constexpr std::string_view kProfilerStep = "ProfilerStep#";

// The number after the name; nothing when the text is not the name or the name and a number.
std::optional<std::uint64_t> stepNumber(std::string_view text, std::string_view name) {
    if (!text.starts_with(name)) return std::nullopt;
    text.remove_prefix(name.size());
    if (text.empty()) return 0;
    while (!text.empty() && std::string_view("#:_ -").find(text.front()) != std::string_view::npos) text.remove_prefix(1);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::int32_t processOf(const Timeline& timeline, const Range& range) {
    return timeline.threads[static_cast<std::size_t>(range.thread)].process;
}

class WorkloadNames {
public:
    explicit WorkloadNames(StepSet& set) : m_set(set) {}
    std::int32_t index(const std::string& name) {
        const auto [it, isNew] = m_index.try_emplace(name, static_cast<std::int32_t>(m_set.workloads.size()));
        if (isNew) m_set.workloads.push_back(name);
        return it->second;
    }

private:
    StepSet& m_set;
    std::map<std::string, std::int32_t> m_index;
};

// Ranges are sorted by start, so the last frame opened on a thread that still runs is the enclosing one.
void findOurs(const Timeline& timeline, StepSet& set) {
    WorkloadNames names(set);
    std::vector<const Range*> workload(timeline.threads.size(), nullptr), warmup(timeline.threads.size(), nullptr);
    std::vector<const Range*> ofProcess(timeline.processes.size(), nullptr);
    // Of ranges that start together the longer one is outside: frames first.
    std::vector<const Range*> frames;
    for (const Range& range : timeline.ranges)
        if (range.frame != Frame::kNone) frames.push_back(&range);
    std::stable_sort(frames.begin(), frames.end(), [](const Range* a, const Range* b) {
        return a->start != b->start ? a->start < b->start : a->frame < b->frame;
    });
    for (const Range* range : frames) {
        const auto thread = static_cast<std::size_t>(range->thread);
        const auto process = static_cast<std::size_t>(processOf(timeline, *range));
        if (range->frame == Frame::kWorkload) {
            workload[thread] = range;
            ofProcess[process] = range;
        } else if (range->frame == Frame::kWarmup) {
            warmup[thread] = range;
        } else {
            if (warmup[thread] && range->start < warmup[thread]->end) continue;
            const Range* frame = workload[thread];
            if (!frame || range->start >= frame->end) frame = ofProcess[process];
            if (frame && range->start >= frame->end) frame = nullptr;
            set.steps.push_back({range->start, range->end, range->index,
                                 names.index(frame ? timeline.names.text(frame->name) : std::string()), range->thread,
                                 static_cast<std::int32_t>(process), range->open});
        }
    }
}

void findNamed(const Timeline& timeline, std::string_view name, StepSet& set) {
    WorkloadNames names(set);
    std::vector<std::int8_t> known(timeline.names.size(), -1);  // per name: 1 is a step
    std::uint64_t running = 0;
    for (const Range& range : timeline.ranges) {
        std::int8_t& is = known[range.name.value];
        if (is < 0) is = stepNumber(timeline.names.text(range.name), name) ? 1 : 0;
        if (is == 0) continue;
        const auto number = stepNumber(timeline.names.text(range.name), name);
        const bool numbered = timeline.names.text(range.name).size() > name.size();
        set.steps.push_back({range.start, range.end, numbered ? number.value_or(0) : running, names.index(""),
                             range.thread, processOf(timeline, range), range.open});
        ++running;
    }
}

// The steps of one process, from the kernels of one of its devices: from launch to launch.
void addPeriods(const Timeline& timeline, const std::vector<std::int32_t>& rows, std::int32_t workload, StepSet& set) {
    const auto rowAt = [&](std::size_t i) -> const GpuRow& { return timeline.gpu[static_cast<std::size_t>(rows[i])]; };
    std::vector<std::uint32_t> names;
    std::vector<Ns> gaps;
    Ns end = rows.empty() ? 0 : rowAt(0).start;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        names.push_back(rowAt(i).name.value);
        gaps.push_back(std::max<Ns>(0, rowAt(i).start - end));
        end = std::max(end, rowAt(i).end);
    }
    const auto period = findPeriod(names, gaps);
    if (!period) return;
    const auto callAt = [&](std::size_t i) -> const Call* {
        const std::int32_t launch = rowAt(i).launch;
        return launch == kNoIndex ? nullptr : &timeline.calls[static_cast<std::size_t>(launch)];
    };
    for (std::size_t s = 0; s + 1 < period->starts.size(); ++s) {
        const Call* first = callAt(period->starts[s]);
        const bool atEnd = period->starts[s + 1] == rows.size();
        const Call* next = callAt(atEnd ? rows.size() - 1 : period->starts[s + 1]);
        if (!first || !next) continue;
        const Ns until = atEnd ? next->end : next->start;
        if (until > first->start)
            set.steps.push_back({first->start, until, s, workload, first->thread, rowAt(period->starts[s]).process, false});
    }
}

void findPeriodic(const Timeline& timeline, StepSet& set) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::vector<std::int32_t>> kernels;  // process, device
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i) {
        const GpuRow& row = timeline.gpu[i];
        if (row.kind == GpuKind::kKernel && row.process != kNoIndex)
            kernels[{row.process, row.device}].push_back(static_cast<std::int32_t>(i));
    }
    std::map<std::int32_t, const std::vector<std::int32_t>*> busiest;
    for (const auto& [owner, rows] : kernels) {
        const auto [it, isNew] = busiest.try_emplace(owner.first, &rows);
        if (!isNew && rows.size() > it->second->size()) it->second = &rows;
    }
    WorkloadNames names(set);
    for (const auto& [process, rows] : busiest) addPeriods(timeline, *rows, names.index(""), set);
    if (set.steps.empty()) set.workloads.clear();
}

}  // namespace

std::int32_t StepSet::at(std::int32_t process, std::int32_t thread, Ns instant) const {
    if (process < 0 || static_cast<std::size_t>(process) >= ofProcess.size()) return kNoIndex;
    const auto& list = ofProcess[static_cast<std::size_t>(process)];
    auto it = std::upper_bound(list.begin(), list.end(), instant, [&](Ns t, std::int32_t s) {
        return t < steps[static_cast<std::size_t>(s)].start;
    });
    std::int32_t found = kNoIndex;
    // Steps of several threads overlap; sixteen threads back is as far as a look is worth.
    for (int back = 0; it != list.begin() && back < 16; ++back) {
        --it;
        const HostStep& step = steps[static_cast<std::size_t>(*it)];
        if (instant >= step.end) continue;
        if (step.thread == thread) return *it;
        if (found == kNoIndex) found = *it;
    }
    return found;
}

std::int32_t StepCursor::at(std::int32_t process, std::int32_t thread, Ns instant) {
    if (thread < 0 || m_steps->whole()) return m_steps->at(process, thread, instant);
    if (m_last.size() <= static_cast<std::size_t>(thread))
        m_last.resize(static_cast<std::size_t>(thread) + 1);
    Last& last = m_last[static_cast<std::size_t>(thread)];
    if (last.process == process && instant >= last.from && instant < last.until) return last.step;
    const std::int32_t found = m_steps->at(process, thread, instant);
    // Only an answer of the thread itself, and until its process begins another step.
    last = {};
    if (found == kNoIndex || m_steps->steps[static_cast<std::size_t>(found)].thread != thread)
        return found;
    const auto& list = m_steps->ofProcess[static_cast<std::size_t>(process)];
    const auto next =
        std::upper_bound(list.begin(), list.end(), instant, [&](Ns t, std::int32_t s) {
            return t < m_steps->steps[static_cast<std::size_t>(s)].start;
        });
    if (next == list.begin() || *std::prev(next) != found) return found;
    last = {instant, m_steps->steps[static_cast<std::size_t>(found)].end, found, process};
    if (next != list.end())
        last.until = std::min(last.until, m_steps->steps[static_cast<std::size_t>(*next)].start);
    return found;
}

StepSet findSteps(const Timeline& timeline, const std::string& stepName) {
    StepSet set;
    if (!stepName.empty()) {
        findNamed(timeline, stepName, set);
        set.source = "--step " + stepName;
    }
    if (set.steps.empty()) {
        findOurs(timeline, set);
        set.source = "ridge";
    }
    if (set.steps.empty()) {
        findNamed(timeline, kProfilerStep, set);
        set.source = "ProfilerStep";
    }
    if (set.steps.empty()) {
        findPeriodic(timeline, set);
        set.source = "kernel periodicity";
    }
    std::erase_if(set.steps, [](const HostStep& s) { return s.end <= s.start; });
    std::stable_sort(set.steps.begin(), set.steps.end(),
                     [](const HostStep& a, const HostStep& b) { return a.start < b.start; });
    set.ofProcess.resize(timeline.processes.size());
    for (std::size_t i = 0; i < set.steps.size(); ++i)
        set.ofProcess[static_cast<std::size_t>(set.steps[i].process)].push_back(static_cast<std::int32_t>(i));
    if (set.steps.empty()) {
        set.source = "whole trace";
        set.workloads.assign(1, "");
    }
    return set;
}

}  // namespace ridge::analyzer
