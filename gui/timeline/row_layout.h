// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which rows the timeline shows and where: the tree of tracks, less what is hidden, filtered or below a
// collapsed group, pinned ones on top. Deep rows fold to their first lanes; sampled call stacks start so. Plain data from (snapshot, insight, state); no painting.

#include <string>
#include <vector>

#include "gui/model/snapshot.h"
#include "gui/model/view_state.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

enum class RowKind : std::uint8_t { kGroup, kLanes, kCounter, kStrip };

inline constexpr int kLaneHeight = 18;
inline constexpr int kGroupHeight = 22;
inline constexpr int kCounterHeight = 34;
inline constexpr int kStripHeight = 16;
inline constexpr int kRowGap = 3;
inline constexpr std::size_t kFoldedLanes = 3;  // of a collapsed row

struct Row {
    RowKind kind = RowKind::kLanes;
    std::uint32_t track = 0;      // of the snapshot; of a strip: the group it belongs to
    std::int32_t strip = -1;      // of the insight
    int y = 0, height = 0;        // from the first row (pinned: from the first pinned row)
    int indent = 0;
    int lanes = 0;                // that are shown: fewer than there are when a deep row is collapsed
    bool collapsible = false, collapsed = false, pinned = false;
    std::string title;
};

struct RowLayout {
    std::vector<Row> pinned, rows;
    int pinnedHeight = 0, height = 0;
    std::size_t hidden = 0;  // tracks that are hidden or filtered away
    // Row under y of the list, or nullptr.
    static const Row* rowAt(const std::vector<Row>& rows, int y);
};

RowLayout layoutRows(const ViewController& view);
// Keys of the tracks with the same parent, in the order shown.
std::vector<std::string> siblingsOf(const Snapshot& snapshot, const ViewState& state, std::uint32_t track);

}  // namespace ridge::gui
