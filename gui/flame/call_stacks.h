// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Sampled call stacks of a timeline file as a flame graph: SAMPLING_CALLCHAINS of the COMPOSITE_EVENTS in an
// interval and on some threads. total and self of a frame are samples, not nanoseconds.
//
// Reads SQL: for a worker only. A file without these tables (or one that is no SQLite file) gives a tree without
// frames. Errors: the file cannot be read.

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gui/flame/flame_tree.h"

namespace ridge::gui {

// threads: global thread ids; empty: all.
Result<FlameTree> stacksOf(const std::string& path, const std::vector<std::int64_t>& threads, Ns from, Ns to, const std::atomic<bool>& stop);

// The global thread id of a row: "p1/t2/ranges" -> 2.
std::optional<std::int64_t> threadOfKey(const std::string& key);

}  // namespace ridge::gui
