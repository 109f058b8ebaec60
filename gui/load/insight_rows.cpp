// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/insight_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.h"
#include "gui/model/colours.h"
#include "gui/model/lane_builder.h"

namespace ridge::gui {
namespace {

// Names that are only of these rows: a text may be there already with another colour.
class NewNames {
public:
    explicit NewNames(const Names& old) : m_names(std::make_shared<Names>(old)) {}
    std::uint32_t get(const std::string& text, ColourId colour) {
        const auto [it, isNew] = m_ids.try_emplace({text, colour}, static_cast<std::uint32_t>(m_names->texts.size()));
        if (isNew) {
            m_names->texts.push_back(toValidUtf8(text));
            m_names->colours.push_back(colour);
        }
        return it->second;
    }
    [[nodiscard]] std::shared_ptr<const Names> take() { return std::move(m_names); }

private:
    std::shared_ptr<Names> m_names;
    std::map<std::pair<std::string, ColourId>, std::uint32_t> m_ids;
};

using RowKey = std::tuple<std::string, std::int64_t, bool, std::int64_t>;  // communicator, rank, gpu, device

void addPart(LaneBuilder& lanes, NewNames& names, const analyzer::CollectivePart& part) {
    if (!part.latestStartNs) {
        lanes.add(part.startNs, part.endNs, names.get(part.name, colourOf(WallClass::kCommUnsplit)), 0);
        return;
    }
    const Ns split = std::clamp(*part.latestStartNs, part.startNs, part.endNs);
    if (split > part.startNs) lanes.add(part.startNs, split, names.get(part.name + ": waiting for peers", colourOf(WallClass::kCommWait)), 0);
    if (part.endNs > split) lanes.add(split, part.endNs, names.get(part.name + ": transfer", colourOf(WallClass::kCommTransfer)), 0);
}

std::string titleOf(const RowKey& key, bool severalDevices) {
    const auto& [communicator, rank, gpu, device] = key;
    std::string title = communicator.empty() ? "not named" : toValidUtf8(communicator);
    title += fmt::format(" · rank {}", rank);
    if (gpu && severalDevices) title += fmt::format(" · GPU {}", device);
    return title;
}

}  // namespace

SnapshotPtr withCollectives(const SnapshotPtr& snapshot, const std::vector<analyzer::CollectivePart>& parts) {
    if (parts.empty()) return snapshot;
    NewNames names(*snapshot->names);
    std::map<RowKey, LaneBuilder> rows;
    std::map<std::int64_t, std::set<std::int64_t>> devices;
    for (const analyzer::CollectivePart& part : parts) {
        const auto row = rows.try_emplace({part.communicator, part.rank, part.gpu, part.device}, Layout::kFirstFit).first;
        addPart(row->second, names, part);
        devices[part.rank].insert(part.device);
    }
    auto next = std::make_shared<Snapshot>(*snapshot);
    next->names = names.take();
    Track group;
    group.key = "comm";
    group.title = "communicators";
    group.kind = TrackKind::kCommunicators;
    const auto parent = static_cast<std::int32_t>(next->tracks.size());
    next->tracks.push_back(std::move(group));
    for (auto& [key, builder] : rows) {
        if (next->tracks.size() >= 2 * 4096) {
            next->warnings.push_back("there are more communicators than rows; the rest is not drawn");
            break;
        }
        const auto& [communicator, rank, gpu, device] = key;
        Track track;
        track.key = fmt::format("comm/{}/r{}/{}{}", toValidUtf8(communicator), rank, gpu ? "g" : "c", device);
        track.title = titleOf(key, devices[rank].size() > 1);
        track.kind = TrackKind::kCommunicator;
        track.parent = parent;
        track.level = 1;
        track.rank = rank;
        track.derived = true;
        const auto built = builder.build(next->names->colours, 0, true);
        track.lanes.assign(built.lanes.begin(), built.lanes.end());
        next->tracks.push_back(std::move(track));
    }
    next->numberLanes();
    return next;
}

Ns shiftOfRank(const analyzer::Analysis& analysis, std::int64_t rank) {
    for (const analyzer::ClockAlignment& clock : analysis.clocks)
        if (clock.rank == rank) return -clock.offsetNs;
    return 0;
}

SnapshotPtr onOneClock(const SnapshotPtr& snapshot, const analyzer::Analysis& analysis) {
    if (std::all_of(analysis.clocks.begin(), analysis.clocks.end(), [](const auto& c) { return c.offsetNs == 0; })) return snapshot;
    std::map<std::int64_t, std::int64_t> rankOfPid;  // for processes whose rank only the analysis knows
    for (const analyzer::Rank& rank : analysis.ranks)
        for (const std::int64_t pid : rank.pids) rankOfPid.try_emplace(pid, rank.rank);
    auto next = std::make_shared<Snapshot>(*snapshot);
    Ns first = INT64_MAX, last = INT64_MIN;
    std::vector<Ns> shifts(next->tracks.size(), 0);
    for (std::size_t i = 0; i < next->tracks.size(); ++i) {
        Track& track = next->tracks[i];
        if (track.parent != kNoTrack) {
            shifts[i] = shifts[static_cast<std::size_t>(track.parent)];
        } else if (track.kind == TrackKind::kProcess) {
            const auto known = rankOfPid.find(track.pid);
            const std::int64_t rank = track.rank >= 0 ? track.rank : known == rankOfPid.end() ? -1 : known->second;
            shifts[i] = shiftOfRank(analysis, rank);
        }
        if (track.kind == TrackKind::kCommunicator) shifts[i] = shiftOfRank(analysis, track.rank);
        if (shifts[i] != 0) {
            for (auto& lane : track.lanes) lane = lane->shifted(shifts[i]);
            if (track.counter) track.counter = track.counter->shifted(shifts[i]);
        }
        for (const auto& lane : track.lanes)
            if (!lane->empty()) {
                first = std::min(first, lane->start(0));
                last = std::max(last, lane->end(lane->size() - 1));
            }
        if (track.counter && track.counter->size() > 0) {
            first = std::min(first, track.counter->time(0));
            last = std::max(last, track.counter->time(track.counter->size() - 1));
        }
    }
    if (first <= last) {
        next->first = first;
        next->last = last;
    }
    return next;
}

bool shiftTimes(analyzer::Analysis& analysis) {
    if (std::all_of(analysis.clocks.begin(), analysis.clocks.end(), [](const auto& c) { return c.offsetNs == 0; })) return false;
    for (analyzer::Step& step : analysis.steps) {
        step.startNs += shiftOfRank(analysis, step.rank);
        step.endNs += shiftOfRank(analysis, step.rank);
    }
    for (analyzer::Finding& finding : analysis.findings)
        for (analyzer::TimeRange& range : finding.where) {
            range.startNs += shiftOfRank(analysis, range.rank);
            range.endNs += shiftOfRank(analysis, range.rank);
        }
    if (analysis.criticalPath)
        for (analyzer::PathSegment& segment : analysis.criticalPath->segments) {
            segment.startNs += shiftOfRank(analysis, analysis.criticalPath->rank);
            segment.endNs += shiftOfRank(analysis, analysis.criticalPath->rank);
        }
    return true;
}

}  // namespace ridge::gui
