// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/timeline/row_layout.h"

#include <algorithm>
#include <unordered_map>

#include "gui/model/search.h"

namespace ridge::gui {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& entry) {
    return std::find(list.begin(), list.end(), entry) != list.end();
}

class Layouter {
public:
    explicit Layouter(const ViewController& view)
        : m_view(view), m_snapshot(*view.snapshot()), m_state(view.state()), m_children(m_snapshot.tracks.size() + 1) {
        for (std::uint32_t i = 0; i < m_snapshot.tracks.size(); ++i)
            m_children[static_cast<std::size_t>(m_snapshot.tracks[i].parent + 1)].push_back(i);
        for (auto& list : m_children) sortChildren(list);
        findStrips();
    }

    RowLayout run() {
        for (const std::string& key : m_state.pinned)
            if (const std::int32_t track = m_snapshot.findTrack(key); track != kNoTrack)
                addRow(static_cast<std::uint32_t>(track), true);
        for (const std::uint32_t child : m_children[0]) addTree(child, false);
        return std::move(m_layout);
    }

private:
    void sortChildren(std::vector<std::uint32_t>& list) const {
        const auto place = [&](std::uint32_t track) {
            return std::find(m_state.order.begin(), m_state.order.end(), m_snapshot.tracks[track].key) - m_state.order.begin();
        };
        std::stable_sort(list.begin(), list.end(), [&](std::uint32_t a, std::uint32_t b) { return place(a) < place(b); });
    }
    // A strip stands at the GPU it partitions, else at the process of its rank: that of a GPU without a row of its
    // own (there may be more than rows are drawn for) below its other rows, with its name.
    void findStrips() {
        m_stripsOf.assign(m_snapshot.tracks.size(), {});
        m_looseStripsOf.assign(m_snapshot.tracks.size(), {});
        if (!m_view.insight()) return;
        const auto& strips = m_view.insight()->strips;
        std::unordered_map<std::int64_t, std::uint32_t> gpus;  // tracks of the process looked at last, by device
        std::size_t gpusOf = m_snapshot.tracks.size();
        for (std::size_t s = 0; s < strips.size(); ++s) {
            const std::int32_t process = m_view.trackOfRank(strips[s].rank);
            if (process == kNoTrack) continue;
            const auto of = static_cast<std::size_t>(process);
            if (!strips[s].gpu) {
                m_stripsOf[of].push_back(static_cast<std::int32_t>(s));
                continue;
            }
            if (of != gpusOf) {
                gpus.clear();
                for (const std::uint32_t child : m_children[of + 1])
                    if (m_snapshot.tracks[child].kind == TrackKind::kGpu) gpus[m_snapshot.tracks[child].device] = child;
                gpusOf = of;
            }
            if (const auto gpu = gpus.find(strips[s].device); gpu != gpus.end()) m_stripsOf[gpu->second].push_back(static_cast<std::int32_t>(s));
            else m_looseStripsOf[of].push_back(static_cast<std::int32_t>(s));
        }
    }
    bool passes(std::uint32_t track) const {
        if (m_state.filter.empty()) return true;
        if (containsIgnoringCase(m_snapshot.tracks[track].title, m_state.filter)) return true;
        for (const std::uint32_t child : m_children[track + 1])
            if (passes(child)) return true;
        return false;
    }
    bool collapsed(const Track& track) const {
        if (contains(m_state.collapsed, track.key)) return true;
        if (contains(m_state.expanded, track.key) || !m_state.filter.empty()) return false;
        return track.kind == TrackKind::kMachine || (track.kind == TrackKind::kSamples && track.lanes.size() > kFoldedLanes);
    }
    void addTree(std::uint32_t track, bool parentPassed) {
        const Track& t = m_snapshot.tracks[track];
        const bool own = parentPassed || (!m_state.filter.empty() && containsIgnoringCase(t.title, m_state.filter));
        if (contains(m_state.hidden, t.key) || !(own || passes(track))) {
            ++m_layout.hidden;
            return;
        }
        addRow(track, false);
        if (isGroup(t.kind) && collapsed(t)) return;
        for (const std::uint32_t child : m_children[track + 1]) addTree(child, own);
        for (const std::int32_t of : m_looseStripsOf[track])
            addStrip(track, of, t.level, false, "GPU " + std::to_string(m_view.insight()->strips[static_cast<std::size_t>(of)].device) + " · ");
    }
    void addStrip(std::uint32_t track, std::int32_t of, int indent, bool pinned, const std::string& prefix) {
        Row strip;
        strip.pinned = pinned;
        strip.kind = RowKind::kStrip;
        strip.track = track;
        strip.strip = of;
        strip.height = kStripHeight + kRowGap;
        strip.indent = indent + 1;
        strip.title = prefix + "where the time went" + (m_view.insight()->strips[static_cast<std::size_t>(of)].base ? " · base" : "");
        push(std::move(strip));
    }
    void addRow(std::uint32_t track, bool pinned) {
        const Track& t = m_snapshot.tracks[track];
        Row row;
        row.track = track;
        row.indent = pinned ? 0 : t.level;
        row.pinned = pinned;
        row.title = t.title;
        if (pinned && t.parent != kNoTrack) row.title += " · " + m_snapshot.tracks[static_cast<std::size_t>(t.parent)].title;
        if (isGroup(t.kind)) {
            row.kind = RowKind::kGroup;
            row.height = kGroupHeight;
            row.collapsible = !pinned && !m_children[track + 1].empty();
            row.collapsed = row.collapsible && collapsed(t);
        } else if (t.counter) {
            row.kind = RowKind::kCounter;
            row.height = kCounterHeight + kRowGap;
        } else {
            row.collapsible = t.lanes.size() > kFoldedLanes;
            row.collapsed = row.collapsible && collapsed(t);
            row.lanes = static_cast<int>(row.collapsed ? kFoldedLanes : t.lanes.size());
            if (row.collapsed) row.title += " · " + std::to_string(t.lanes.size() - kFoldedLanes) + " deeper";
            row.height = std::max(1, row.lanes) * kLaneHeight + kRowGap;
        }
        push(row);
        for (const std::int32_t of : m_stripsOf[track]) addStrip(track, of, row.indent, pinned, {});
    }
    void push(Row row) {
        auto& list = row.pinned ? m_layout.pinned : m_layout.rows;
        int& height = row.pinned ? m_layout.pinnedHeight : m_layout.height;
        row.y = height;
        height += row.height;
        list.push_back(std::move(row));
    }

    const ViewController& m_view;
    const Snapshot& m_snapshot;
    const ViewState& m_state;
    std::vector<std::vector<std::uint32_t>> m_children;  // of track + 1
    std::vector<std::vector<std::int32_t>> m_stripsOf, m_looseStripsOf;  // of each track
    RowLayout m_layout;
};

}  // namespace

const Row* RowLayout::rowAt(const std::vector<Row>& rows, int y) {
    auto it = std::upper_bound(rows.begin(), rows.end(), y, [](int at, const Row& row) { return at < row.y; });
    if (it == rows.begin()) return nullptr;
    --it;
    return y < it->y + it->height ? &*it : nullptr;
}

RowLayout layoutRows(const ViewController& view) { return Layouter(view).run(); }

std::vector<std::string> siblingsOf(const Snapshot& snapshot, const ViewState& state, std::uint32_t track) {
    std::vector<std::string> keys;
    for (const Track& t : snapshot.tracks)
        if (t.parent == snapshot.tracks[track].parent) keys.push_back(t.key);
    std::stable_sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
        return std::find(state.order.begin(), state.order.end(), a) < std::find(state.order.begin(), state.order.end(), b);
    });
    return keys;
}

}  // namespace ridge::gui
