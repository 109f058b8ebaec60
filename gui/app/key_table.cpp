// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/app/key_table.h"

namespace ridge::gui {
namespace {

using C = Command;

constexpr CommandInfo kCommands[] = {
    {C::kOpen, "File", "Open trace…", "Ctrl+O"},
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
    {C::kPin, "Rows", "Pin or unpin row", "P"},
    {C::kHide, "Rows", "Hide row", "H"},
    {C::kShowHidden, "Rows", "Show hidden rows", "Shift+H"},
    {C::kCollapse, "Rows", "Collapse or expand group", "C"},
    {C::kRowUp, "Rows", "Move row up", "Ctrl+Up"},
    {C::kRowDown, "Rows", "Move row down", "Ctrl+Down"},
    {C::kNote, "Rows", "Note on the selection…", "M"},
    {C::kPanelDetails, "Panels", "Details", "Ctrl+1"},
    {C::kPanelStatistics, "Panels", "Statistics", "Ctrl+2"},
    {C::kPanelFindings, "Panels", "Findings", "Ctrl+3"},
    {C::kPanelAttribution, "Panels", "Attribution", "Ctrl+4"},
    {C::kPanelRoofline, "Panels", "Roofline", "Ctrl+5"},
    {C::kPanelMessages, "Panels", "Messages", "Ctrl+6"},
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
