// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How far the times of a base have to move so that a step of it begins when the trace's does.

#include <optional>

#include "analyzer/model/analysis.h"
#include "gui/model/lane.h"

namespace ridge::gui {

// Steps of the same workload, rank, device and index; index -1: the earliest of the trace that has a partner. Where
// the indices have nothing in common, the first step with the first. Nothing when a side has no steps, or the chosen
// index is not on both sides.
std::optional<Ns> shiftOf(const analyzer::Analysis& trace, const analyzer::Analysis& base, std::int64_t index);
// The step of the trace at (or nearest to) a moment: its index, for ViewState::alignStep.
std::optional<std::int64_t> stepIndexAt(const analyzer::Analysis& trace, Ns t);

}  // namespace ridge::gui
