// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Two traces as one: the rows of a base beside the rows of the trace that they correspond to, the base moved in time.
//
// Processes correspond by rank, else by title; everything below them by kind, title and the thread or GPU it belongs to,
// then by the same without numbers (process and thread ids differ from run to run), in order. Corresponding groups
// become one, rows stand in pairs, the trace's first. What has no partner stands alone after its neighbours. Names are merged, so
// that a search finds both; flows stay within their trace.
//
// Keys of base rows begin with "base:", their titles end with " · base". Cost: one copy of the base's lanes; the
// trace's are shared. Runs on a worker.

#include <atomic>
#include <span>

#include "gui/model/snapshot.h"

namespace ridge::gui {

// shift: added to every time of the base. nullptr: stopped.
SnapshotPtr interleave(const Snapshot& trace, const Snapshot& base, Ns shift, const std::atomic<bool>& stop);

// A lane with every time moved and every name renumbered.
std::shared_ptr<const Lane> movedLane(const Lane& lane, Ns shift, const std::vector<std::uint32_t>& newName, std::span<const ColourId> colours);

}  // namespace ridge::gui
