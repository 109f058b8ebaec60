// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a history says after its newest run: suspects of the gate, changes of level that the rank scan found, confirmed
// suspects, and drift against the pinned reference. The rules are those of statistics/change_points.h; a series begins anew
// after its last accepted change point.

#include <optional>
#include <string>
#include <vector>

#include "analyzer/history/history.h"
#include "analyzer/statistics/change_points.h"

namespace ridge::analyzer {

struct CheckOptions {
    std::string filter;                     // regular expression on "benchmark metric"; empty: all
    std::vector<StoredRun> fresh;           // sessions that were measured to confirm the suspects
    double alpha = 0.01;
    bool acceptImprovements = false;        // as "automatic"
    bool store = true;                      // write new change points into the history
};

struct SeriesFinding {
    enum class Kind { kSuspect, kRegressed, kImproved, kDrift };
    Kind kind = Kind::kSuspect;
    Series series;
    std::optional<double> ratio;    // in the metric's own sense
    std::optional<double> p;
    std::int64_t changePoint = 0;   // its number; 0: none
    std::string since;              // run_id of the first run on the new level; of drift, the reference
    std::string text;               // a sentence
};

struct HistoryCheck {
    std::string newestRun, at;
    std::size_t series = 0, judged = 0, shortSeries = 0, notInNewest = 0;
    std::vector<SeriesFinding> findings;  // regressions first
    [[nodiscard]] bool regressed() const;
};

Result<HistoryCheck> checkHistory(History& history, const CheckOptions& options);

}  // namespace ridge::analyzer
