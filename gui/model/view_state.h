// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the viewer shows, as one plain struct: undo and redo are a stack of it, a deep link is it as text,
// tests assert on it. Tracks are named by their stable keys, slices by (track, depth, start), so a state
// fits any load of the same file.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gui/model/lane.h"

namespace ridge::gui {

struct SliceKey {
    std::string track;
    std::uint32_t depth = 0;
    Ns start = 0;
    friend bool operator==(const SliceKey&, const SliceKey&) = default;
};

struct Note {
    Ns start = 0, end = 0;  // equal: a moment
    std::string text;
    friend bool operator==(const Note&, const Note&) = default;
};

struct ViewState {
    Ns start = 0, end = 0;  // visible range; equal: the whole trace
    int scroll = 0;         // px from the first row
    std::optional<SliceKey> slice;
    Ns rangeStart = 0, rangeEnd = 0;       // selected range; equal: none
    std::vector<std::string> rangeTracks;  // rows of the selected range; empty: all
    std::vector<std::string> pinned;       // in order, shown on top
    std::vector<std::string> order;        // tracks moved before their siblings, in order
    std::vector<std::string> hidden, collapsed, expanded;  // expanded: against the default
    std::string filter;                    // rows whose title (or a parent's) contains it
    std::string search;
    std::string finding;                   // id of the finding that is lit up
    std::string panel;                     // the panel in front, or the section of the analysis
    std::vector<std::string> flamePath;    // names down to the frame that is zoomed into
    std::string flameSource;               // "host", "device", "stacks"; empty: what is selected decides
    bool flameEnergy = false;              // widths by energy
    std::array<double, 4> roofZoom{};      // x0, x1, y0, y1 in log10; equal x: everything
    bool roofWalls = false;                // the three walls instead of the ops
    std::int64_t alignStep = -1;           // compared traces: the step whose starts are one moment; -1: the first
    std::vector<Note> notes;
    friend bool operator==(const ViewState&, const ViewState&) = default;
};

// URL-safe text without padding. Errors: kBadInput, for what no token of ours is.
std::string toToken(const ViewState& state);
Result<ViewState> fromToken(const std::string& token);

// Undo and redo. Steps of one gesture (a scroll of the wheel, a held key) share a tag and are one entry.
class History {
public:
    explicit History(ViewState first = {}) : m_states{std::move(first)} {}
    [[nodiscard]] const ViewState& now() const { return m_states[m_at]; }
    // tag 0: always an entry of its own.
    void push(ViewState state, std::uint64_t tag = 0);
    bool undo();
    bool redo();
    [[nodiscard]] bool canUndo() const { return m_at > 0; }
    [[nodiscard]] bool canRedo() const { return m_at + 1 < m_states.size(); }
    void reset(ViewState state);

private:
    static constexpr std::size_t kMost = 500;
    std::vector<ViewState> m_states;
    std::size_t m_at = 0;
    std::uint64_t m_tag = 0;
};

}  // namespace ridge::gui
