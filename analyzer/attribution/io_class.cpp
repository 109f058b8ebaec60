// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/attribution/io_class.h"

#include <algorithm>
#include <cctype>

namespace ridge::analyzer {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string_view lastTwoParts(std::string_view path) {
    const std::size_t last = path.rfind('/');
    if (last == std::string_view::npos || last == 0) return path;
    const std::size_t before = path.rfind('/', last - 1);
    return before == std::string_view::npos ? path : path.substr(before + 1);
}

// One answer per distinct name.
class NameMatcher {
public:
    NameMatcher(const Timeline& timeline, const std::vector<std::string>& patterns, bool paths)
        : m_timeline(timeline), m_patterns(patterns), m_paths(paths), m_known(timeline.names.size(), -1) {}
    bool operator()(NameId id) {
        std::int8_t& known = m_known[id.value];
        if (known < 0) {
            const std::string_view text = m_timeline.names.text(id);
            known = matchesAny(m_paths ? lastTwoParts(text) : text, m_patterns) ? 1 : 0;
        }
        return known == 1;
    }

private:
    const Timeline& m_timeline;
    const std::vector<std::string>& m_patterns;
    bool m_paths;
    std::vector<std::int8_t> m_known;
};

}  // namespace

bool matchesAny(std::string_view text, const std::vector<std::string>& patterns) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        return !pattern.empty() && std::search(text.begin(), text.end(), pattern.begin(), pattern.end(),
                                               [](char a, char b) { return lower(a) == lower(b); }) != text.end();
    });
}

std::vector<IoInterval> findIo(const Timeline& timeline, const Ops& ops, const AnalyzeOptions& options, bool matchNames) {
    NameMatcher isCheckpoint(timeline, options.checkpointPatterns, false);
    NameMatcher isCheckpointPath(timeline, options.checkpointPatterns, true);
    NameMatcher isInput(timeline, options.inputPatterns, false);
    std::vector<std::vector<Interval>> saving(timeline.threads.size());
    std::vector<IoInterval> io;
    for (const Range& range : timeline.ranges) {
        if (range.frame != Frame::kNone) continue;
        const std::int32_t process = timeline.threads[static_cast<std::size_t>(range.thread)].process;
        const bool checkpoint = isCheckpoint(range.name);
        if (checkpoint) saving[static_cast<std::size_t>(range.thread)].push_back({range.start, range.end});
        if (matchNames && range.work == kNoIndex && (checkpoint || isInput(range.name)))
            io.push_back({range.start, range.end, range.thread, process, checkpoint, true, 0, range.name, {}, checkpoint});
    }
    std::vector<IntervalSet> saves;
    saves.reserve(saving.size());
    for (auto& intervals : saving) saves.push_back(normalize(std::move(intervals)));

    for (const OpRow& op : ops.rows) {
        if (op.family != OpFamily::kIo) continue;
        const Work& work = timeline.works[static_cast<std::size_t>(op.work)];
        const bool says = contains(saves[static_cast<std::size_t>(op.thread)], op.start);
        io.push_back({op.start, op.end, op.thread, op.process, says || (work.bytesWritten > 0 && work.bytesRead <= 0), false,
                      static_cast<std::int64_t>(std::min(work.bytesRead + work.bytesWritten, 9e18)),
                      timeline.ranges[static_cast<std::size_t>(op.range)].name, {}, says});
    }
    for (const IoRow& row : timeline.io) {
        const bool says = contains(saves[static_cast<std::size_t>(row.thread)], row.start) || isCheckpointPath(row.path);
        io.push_back({row.start, row.end, row.thread, timeline.threads[static_cast<std::size_t>(row.thread)].process,
                      says || row.writes, false, row.bytes, row.name, row.path, says});
    }
    return io;
}

}  // namespace ridge::analyzer
