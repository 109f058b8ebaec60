// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Tracks from an analyzer::Timeline: the way of formats that only the analyzer can read (Kineto).

#include <string>
#include <vector>

#include "analyzer/timeline/timeline.h"
#include "gui/model/snapshot.h"

namespace ridge::gui {

SnapshotPtr fromTimeline(const analyzer::Timeline& timeline, const std::vector<std::string>& paths);

}  // namespace ridge::gui
