// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/ranges/ranges.h"

#include "analyzer/intervals/intervals.h"
#include "analyzer/intervals/sort_by_time.h"

#include <algorithm>

namespace ridge::analyzer {
namespace {

// How much of [start, end) lies in a set of intervals, in logarithmic time; with no set: all of it.
class Cover {
public:
    explicit Cover(IntervalSet set) : m_set(std::move(set)), m_before(m_set.size() + 1) {
        for (std::size_t i = 0; i < m_set.size(); ++i) m_before[i + 1] = m_before[i] + m_set[i].end - m_set[i].start;
    }
    Cover() : m_all(true) {}

    [[nodiscard]] Ns of(Ns start, Ns end) const {
        if (start >= end) return 0;
        return m_all ? end - start : upTo(end) - upTo(start);
    }
    [[nodiscard]] bool holds(Ns instant) const { return m_all || contains(m_set, instant); }

private:
    [[nodiscard]] Ns upTo(Ns instant) const {
        const auto next = std::upper_bound(m_set.begin(), m_set.end(), instant, [](Ns t, const Interval& i) { return t < i.start; });
        const auto index = static_cast<std::size_t>(next - m_set.begin());
        if (index == 0) return 0;
        return m_before[index - 1] + std::min(instant, m_set[index - 1].end) - m_set[index - 1].start;
    }
    IntervalSet m_set;
    std::vector<Ns> m_before;
    bool m_all = false;
};

struct Launch {
    Ns at = 0, deviceNs = 0;
};

struct Tally {
    RangeSummary row;
    std::int32_t open = 0;  // instances on the stack: only the outermost counts towards the totals
};

class Tallies {
public:
    explicit Tallies(const Timeline& timeline)
        : m_timeline(timeline),
          m_index(timeline.ranges.empty() ? 0 : timeline.names.size() * kKinds, kNone) {}

    std::size_t of(const Range& range) {
        std::uint32_t& index =
            m_index[range.name.value * kKinds + static_cast<std::size_t>(range.kind)];
        if (index == kNone) {
            index = static_cast<std::uint32_t>(m_all.size());
            m_all.emplace_back();
            m_all.back().row.name = m_timeline.names.text(range.name);
            m_all.back().row.kind = range.kind == RangeKind::kOp ? "op" : range.kind == RangeKind::kFunction ? "function" : "annotation";
        }
        return index;
    }
    Tally& operator[](std::size_t i) { return m_all[i]; }

    void writeTo(Analysis& answer) {
        std::erase_if(m_all, [](const Tally& t) { return t.row.count == 0; });
        std::sort(m_all.begin(), m_all.end(), [](const Tally& a, const Tally& b) {
            const Ns left = std::max(a.row.totalNs, a.row.deviceNs), right = std::max(b.row.totalNs, b.row.deviceNs);
            return left != right ? left > right : std::pair(a.row.name, a.row.kind) < std::pair(b.row.name, b.row.kind);
        });
        const std::size_t kept = std::min(m_all.size(), kMostRangeNames);
        for (std::size_t i = 0; i < kept; ++i) answer.ranges.push_back(std::move(m_all[i].row));
        answer.rangesOmitted = static_cast<std::int64_t>(m_all.size() - kept);
    }

private:
    static constexpr std::size_t kKinds = 3;
    static constexpr std::uint32_t kNone = 0xFFFFFFFF;
    const Timeline& m_timeline;
    std::vector<std::uint32_t> m_index;  // per name and kind
    std::vector<Tally> m_all;
};

// Walks the ranges of one thread in the order of their starts, the longer one first, with the stack of those that are open.
class ThreadWalk {
public:
    ThreadWalk(const Timeline& timeline, const Cover& cover, Tallies& tallies) : m_timeline(timeline), m_cover(cover), m_tallies(tallies) {}

    void run(const std::vector<std::int32_t>& ranges, const std::vector<Launch>& launches) {
        std::size_t next = 0;
        const auto launchesBefore = [&](Ns limit) {
            for (; next < launches.size() && launches[next].at < limit; ++next) {
                popUntil(launches[next].at);
                take(launches[next]);
            }
        };
        for (const std::int32_t index : ranges) {
            const Range& range = m_timeline.ranges[static_cast<std::size_t>(index)];
            launchesBefore(range.start);
            popUntil(range.start);
            push(range);
        }
        launchesBefore(kMaxTime);
        popUntil(kMaxTime);
    }

private:
    struct Open {
        Ns end = 0;
        std::size_t tally = 0;
    };

    void push(const Range& range) {
        const Ns end = m_stack.empty() ? range.end : std::min(range.end, m_stack.back().end);
        const Ns inside = m_cover.of(range.start, end);
        const std::size_t tally = m_tallies.of(range);
        Tally& mine = m_tallies[tally];
        if (inside > 0 || m_cover.holds(range.start)) ++mine.row.count;
        if (mine.open++ == 0) mine.row.totalNs = saturatingAdd(mine.row.totalNs, inside);
        mine.row.selfNs = saturatingAdd(mine.row.selfNs, inside);
        if (!m_stack.empty()) m_tallies[m_stack.back().tally].row.selfNs -= inside;
        m_stack.push_back({end, tally});
    }

    void popUntil(Ns instant) {
        while (!m_stack.empty() && m_stack.back().end <= instant) {
            --m_tallies[m_stack.back().tally].open;
            m_stack.pop_back();
        }
    }

    void take(const Launch& launch) {
        if (m_stack.empty() || !m_cover.holds(launch.at)) return;
        RangeSummary& innermost = m_tallies[m_stack.back().tally].row;
        innermost.deviceSelfNs = saturatingAdd(innermost.deviceSelfNs, launch.deviceNs);
        m_seen.clear();
        for (const Open& open : m_stack) {
            if (std::find(m_seen.begin(), m_seen.end(), open.tally) != m_seen.end()) continue;
            m_seen.push_back(open.tally);
            RangeSummary& row = m_tallies[open.tally].row;
            row.deviceNs = saturatingAdd(row.deviceNs, launch.deviceNs);
        }
    }

    const Timeline& m_timeline;
    const Cover& m_cover;
    Tallies& m_tallies;
    std::vector<Open> m_stack;
    std::vector<std::size_t> m_seen;
};

std::vector<Cover> coversOf(const Timeline& timeline, const StepSet& steps) {
    std::vector<Cover> covers(timeline.processes.size());
    if (steps.whole()) return covers;
    for (std::size_t p = 0; p < covers.size(); ++p) {
        IntervalSet set;
        for (const std::int32_t s : steps.ofProcess[p]) {
            const HostStep& step = steps.steps[static_cast<std::size_t>(s)];
            set.push_back({step.start, step.end});
        }
        covers[p] = Cover(normalize(std::move(set)));
    }
    return covers;
}

std::vector<std::vector<Launch>> launchesOf(const Timeline& timeline) {
    std::vector<std::vector<Launch>> launches(timeline.threads.size());
    for (const GpuRow& row : timeline.gpu) {
        if (row.launch == kNoIndex) continue;
        const Call& call = timeline.calls[static_cast<std::size_t>(row.launch)];
        if (call.thread != kNoIndex) launches[static_cast<std::size_t>(call.thread)].push_back({call.start, row.end - row.start});
    }
    for (auto& list : launches)
        stableSortByTime(list, [](const Launch& launch) { return launch.at; });
    return launches;
}

}  // namespace

void addRanges(const Timeline& timeline, const StepSet& steps, Analysis& answer) {
    Tallies tallies(timeline);
    std::vector<std::vector<std::int32_t>> nested(timeline.threads.size());
    const std::vector<Cover> covers = coversOf(timeline, steps);
    const auto coverOf = [&](std::size_t thread) -> const Cover& { return covers[static_cast<std::size_t>(timeline.threads[thread].process)]; };
    for (std::size_t i = 0; i < timeline.ranges.size(); ++i) {
        const Range& range = timeline.ranges[i];
        if (range.thread == kNoIndex || range.frame != Frame::kNone) continue;
        const auto thread = static_cast<std::size_t>(range.thread);
        if (range.nests) {
            nested[thread].push_back(static_cast<std::int32_t>(i));
            continue;
        }
        const Ns inside = coverOf(thread).of(range.start, range.end);
        if (inside == 0 && !coverOf(thread).holds(range.start)) continue;
        RangeSummary& row = tallies[tallies.of(range)].row;
        ++row.count;
        row.totalNs = saturatingAdd(row.totalNs, inside);
        row.selfNs = saturatingAdd(row.selfNs, inside);
    }
    const std::vector<std::vector<Launch>> launches = launchesOf(timeline);
    for (std::size_t t = 0; t < nested.size(); ++t) ThreadWalk(timeline, coverOf(t), tallies).run(nested[t], launches[t]);
    tallies.writeTo(answer);
}

}  // namespace ridge::analyzer
