// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Every command of the viewer, once: its id, words, keys and menu. The menus, the help page, the command
// palette and the test that no key is bound twice are made from this table.

#include <array>
#include <span>

namespace ridge::gui {

enum class Command {
    kOpen, kCompare, kReload, kScreenshot, kReport, kCopyLink, kQuit,
    kUndo, kRedo, kSearch, kNextMatch, kPreviousMatch, kFilter, kClear,
    kZoomIn, kZoomOut, kPanLeft, kPanRight, kPanLeftFast, kPanRightFast, kFit, kShowAll, kScrollUp, kScrollDown,
    kPreviousSlice, kNextSlice, kParentSlice, kChildSlice, kFlowBack, kFlowForward,
    kPin, kHide, kShowHidden, kCollapse, kRowUp, kRowDown, kNote, kBookmark, kNextNote, kPreviousNote,
    kPanelDetails, kPanelStatistics, kPanelFindings, kPanelAttribution, kPanelRoofline, kPanelMessages,
    kPanelNotes, kPanelFlame, kPanelAnalysis, kPanelOverview, kPanelSteps, kPanelPath, kPanelWhatIf, kPanelAllFindings, kPanelRanges, kPanelOps,
    kPanelCommunication, kPanelMemory, kPanelEnergy, kPanelDevices, kPanelQuality, kPathBack, kPathForward, kWalls, kFlameEnergy, kPanelCompare, kAlignStep, kAlignFirst,
    kTheme, kPalette, kHelp,
};

struct CommandInfo {
    Command command;
    const char* menu;      // "File", "Edit", "View", "Go", "Rows", "Panels", "Help"
    const char* text;      // of the menu
    const char* keys;      // QKeySequence::PortableText, several with a blank between; may be empty
};

std::span<const CommandInfo> commands();
const CommandInfo& infoOf(Command command);

// What the mouse does, for the help page.
struct MouseHabit {
    const char* gesture;
    const char* effect;
};
std::span<const MouseHabit> mouseHabits();

}  // namespace ridge::gui
