// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Is a node fit to compute? What it reached a moment ago against what nodes of its kind reach.
//
// References are runs of nodes whose key fields are those of the node. x = ln(cost), positive is worse, m = the references'
// median. Fewer than 5 references: slow if x - m > ln(1 + tolerance). From 5 on they are a fleet, which says itself how much
// its nodes differ: slow if (x - m) / (1.4826 MAD) > 5 and x - m > ln 1.03. A node that is faster is fit. One measurement
// accuses nobody: whoever measures takes what is slow a second time, and the better of the two is judged.

#include <optional>
#include <string>
#include <vector>

#include "analyzer/regression/judge.h"

namespace ridge::analyzer {

inline constexpr std::size_t kLeastFleet = 5;
inline constexpr double kFleetZ = 5, kFleetFloor = 0.03;

enum class Fitness : std::uint8_t { kFit, kSlow, kUnknown };
inline constexpr std::array<std::string_view, 3> kFitnessNames{"fit", "slow", "unknown"};
[[nodiscard]] constexpr std::string_view name(Fitness f) { return kFitnessNames[static_cast<std::size_t>(f)]; }

struct AcceptanceOptions {
    double tolerance = 0.10;
    std::vector<std::string> allowedMismatches;  // key fields that may differ ("*": all)
};

struct AcceptanceCheck {
    std::string benchmark, metric, unit, direction;
    std::optional<double> value, reference;  // in the unit
    std::optional<double> slower;            // 0.25: takes 25 % longer, or gives 1/1.25 of the rate; negative: faster
    std::optional<double> limit;             // of slower
    std::size_t references = 0;
    Fitness fitness = Fitness::kUnknown;
    std::string reason;                      // why not known, or that it was measured twice
    [[nodiscard]] std::string name() const { return benchmark + " " + metric; }
};

struct Acceptance {
    std::vector<AcceptanceCheck> checks;            // slow first, then not known, then fit
    std::vector<EnvironmentMismatch> mismatches;    // where no reference is of this kind: of the one with the fewest
    std::vector<std::string> failed;                // what ran and failed, with the reason
    std::vector<std::string> notes;
    std::size_t references = 0, otherKinds = 0;     // of this kind; put aside
    [[nodiscard]] std::size_t count(Fitness fitness) const;
    // Slow if anything is slow; else unknown if anything could not be judged; else fit. Nothing judged: unknown.
    [[nodiscard]] Fitness overall() const;
};

// Which of the references are of the node's kind; the rest only counts. node needs its environment only.
std::vector<StoredRun> referencesFor(const RunReport& node, const std::vector<StoredRun>& all, const AcceptanceOptions& options, Acceptance& result);

// Fills checks and failed from the node's metrics (direction none is left out) and from what only the references have.
void judgeNode(const RunReport& node, const std::vector<StoredRun>& references, const AcceptanceOptions& options, Acceptance& result);

}  // namespace ridge::analyzer
