// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/app/key_table.h"

namespace ridge::gui {
namespace {

using C = Command;

constexpr CommandInfo kCommands[] = {
    {C::kOpen, "File", "Open trace…", "Ctrl+O"},
    {C::kCompare, "File", "Compare with…", "Ctrl+Shift+O"},
    {C::kReload, "File", "Reload", "F5"},
    {C::kScreenshot, "File", "Save picture…", "Ctrl+Shift+S"},
    {C::kReport, "File", "Save report (HTML)…", "Ctrl+Shift+R"},
    {C::kCopyLink, "File", "Copy link to this view", "Ctrl+L"},
    {C::kQuit, "File", "Quit", "Ctrl+Q"},
    {C::kUndo, "Edit", "Undo view", "Backspace Ctrl+Z"},
    {C::kRedo, "Edit", "Redo view", "Shift+Backspace Ctrl+Shift+Z"},
    {C::kSearch, "Edit", "Search slices", "/ Ctrl+F"},
    {C::kNextMatch, "Edit", "Next match", "N F3"},
    {C::kPreviousMatch, "Edit", "Previous match", "Shift+N Shift+F3"},
    {C::kFilter, "Edit", "Filter rows", "Ctrl+P"},
    {C::kClear, "Edit", "Clear selection", "Esc"},
    {C::kZoomIn, "View", "Zoom in", "W +"},
    {C::kZoomOut, "View", "Zoom out", "S -"},
    {C::kPanLeft, "View", "Pan left", "A Left"},
    {C::kPanRight, "View", "Pan right", "D Right"},
    {C::kPanLeftFast, "View", "Pan left fast", "Shift+A"},
    {C::kPanRightFast, "View", "Pan right fast", "Shift+D"},
    {C::kFit, "View", "Fit selection (again: tight)", "F"},
    {C::kShowAll, "View", "Whole trace", "0"},
    {C::kScrollUp, "View", "Scroll up", "PgUp"},
    {C::kScrollDown, "View", "Scroll down", "PgDown"},
    {C::kPreviousSlice, "Go", "Previous slice of the row", ","},
    {C::kNextSlice, "Go", "Next slice of the row", "."},
    {C::kParentSlice, "Go", "Slice around it", "Up"},
    {C::kChildSlice, "Go", "Slice inside it", "Down"},
    {C::kFlowBack, "Go", "Back along the arrow", "["},
    {C::kFlowForward, "Go", "Forward along the arrow", "]"},
    {C::kPathBack, "Go", "Back along the critical path", "Ctrl+["},
    {C::kPathForward, "Go", "Forward along the critical path", "Ctrl+]"},
    {C::kPin, "Rows", "Pin or unpin row", "P"},
    {C::kHide, "Rows", "Hide row", "H"},
    {C::kShowHidden, "Rows", "Show hidden rows", "Shift+H"},
    {C::kCollapse, "Rows", "Collapse or expand group", "C"},
    {C::kRowUp, "Rows", "Move row up", "Ctrl+Up"},
    {C::kRowDown, "Rows", "Move row down", "Ctrl+Down"},
    {C::kNote, "Rows", "Note on the selection…", "M"},
    {C::kBookmark, "Rows", "Bookmark the place in view", "B"},
    {C::kNextNote, "Go", "Next note or bookmark", "Ctrl+."},
    {C::kPreviousNote, "Go", "Previous note or bookmark", "Ctrl+,"},
    {C::kPanelDetails, "Panels", "Details", "Ctrl+1"},
    {C::kPanelStatistics, "Panels", "Statistics", "Ctrl+2"},
    {C::kPanelFindings, "Panels", "Findings", "Ctrl+3"},
    {C::kPanelAttribution, "Panels", "Attribution", "Ctrl+4"},
    {C::kPanelRoofline, "Panels", "Roofline", "Ctrl+5"},
    {C::kPanelMessages, "Panels", "Messages", "Ctrl+6"},
    {C::kPanelNotes, "Panels", "Notes and bookmarks", "Ctrl+0"},
    {C::kPanelFlame, "Panels", "Flame graph", "Ctrl+7"},
    {C::kPanelAnalysis, "Panels", "Analysis", "Ctrl+8"},
    {C::kPanelOverview, "Panels", "Analysis: overview", "Alt+1"},
    {C::kPanelSteps, "Panels", "Analysis: steps", "Alt+2"},
    {C::kPanelPath, "Panels", "Analysis: critical path", "Alt+3"},
    {C::kPanelWhatIf, "Panels", "Analysis: what if", "Alt+4"},
    {C::kPanelAllFindings, "Panels", "Analysis: all findings", ""},
    {C::kPanelRanges, "Panels", "Analysis: time by range", "Alt+5"},
    {C::kPanelOps, "Panels", "Analysis: ops and roofs", "Alt+6"},
    {C::kPanelCommunication, "Panels", "Analysis: communication", "Alt+7"},
    {C::kPanelMemory, "Panels", "Analysis: memory", "Alt+8"},
    {C::kPanelEnergy, "Panels", "Analysis: energy", "Alt+9"},
    {C::kPanelCompare, "Panels", "Analysis: comparison", "Ctrl+9"},
    {C::kPanelDevices, "Panels", "Analysis: devices", ""},
    {C::kPanelQuality, "Panels", "Analysis: data quality", "Alt+0"},
    {C::kAlignStep, "View", "Compare: align at the step in view", "Ctrl+G"},
    {C::kAlignFirst, "View", "Compare: align at the first step", "Ctrl+Shift+G"},
    {C::kWalls, "View", "Roofline: ops or three walls", "Ctrl+R"},
    {C::kFlameEnergy, "View", "Flame graph: time or energy", "Ctrl+E"},
    {C::kTheme, "View", "Light or dark theme", "Ctrl+T"},
    {C::kPalette, "Help", "Command palette…", "Ctrl+K"},
    {C::kHelp, "Help", "Keys and mouse", "? F1"},
};

constexpr MouseHabit kHabits[] = {
    {"Wheel", "scroll the rows"},
    {"Ctrl + wheel", "zoom at the cursor"},
    {"Shift + wheel", "pan"},
    {"Click", "select a slice"},
    {"Double click", "select and fit"},
    {"Drag", "measure a range and add it up (from the ruler: all rows)"},
    {"Middle drag, Alt + drag", "zoom to the range"},
    {"Shift + drag", "pan"},
    {"Click on a group", "collapse or expand it"},
    {"Right click", "pin, hide, move, note"},
    {"Flame graph", "click: find these slices; double click: zoom into the frame; click above: zoom out"},
    {"Roofline", "drag: zoom to a rectangle; double click: all"},
};

}  // namespace

std::span<const CommandInfo> commands() { return kCommands; }

const CommandInfo& infoOf(Command command) {
    for (const CommandInfo& info : kCommands)
        if (info.command == command) return info;
    return kCommands[0];
}

std::span<const MouseHabit> mouseHabits() { return kHabits; }

}  // namespace ridge::gui
