// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The checks of metrics.md 1.9 that look at how the capture was taken: its schema, what the collector said of
// itself, its window, replays of graphs, whole steps. Private to analyzer/gate.

#include "analyzer/context.h"

namespace ridge::analyzer {

// Said where no verdict is possible; every finding is withheld then.
inline constexpr std::string_view kNoVerdictCheck = "no_verdict";
// Tables that are views.
inline constexpr std::string_view kViewCheck = "views_not_read";

void checkCapture(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
