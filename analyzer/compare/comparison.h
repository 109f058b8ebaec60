// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The answer to "what is different in B": one run against another (metrics.md 1.7). Reports and the viewer
// render this and nothing else.
//
// It explains a difference. Whether there is one is decided by repeated runs; the spread of the steps is shown so
// that a reader sees how far one step is from the next.
//
// Which step. Warm-up is left out, steps are matched by index, and of the matched steps of each side the median one
// (the lower of two; of equally long ones the earliest) stands for the side. So every number here is of two real
// steps, stepA and stepB, and is exact in integer nanoseconds:
//   1. deltaNs = (stepB.end - stepB.start) - (stepA.end - stepA.start)   2. the classes' deltas add up to it
//   3. the rows of a class add up to the class's delta   4. slower + oftener + both = delta, in every row
//   5. compare(A, A) is 0 everywhere; compare(B, A) has the negative of every delta of 2 and 3 and the same pairs.
// Row: n instances of t ns in the class, d = t / n:
//   slower  = n_A (d_B - d_A), rounded to the nearest ns (half away from 0)
//   oftener = (n_B - n_A) d_A, rounded in the same way
//   both    = delta - slower - oftener, so it carries what rounding left over (below 1 ns)
// Added rows (n_A = 0) and removed ones (n_B = 0) are "oftener" as a whole. t is the exclusive time of 1.2: an
// instance that something hides has none. ownNs is the instances' duration, hidden or not: where t grew and ownNs did
// not, the row is less hidden than before.

#include <optional>
#include <string>
#include <vector>

#include "analyzer/compare/align.h"
#include "analyzer/compare/profile.h"

namespace ridge::analyzer {

// Lengths of the matched steps, or times in a class or row over them. Every one is a value that occurred: of n sorted
// values from 0, q1 is number (n-1)/4, the median (n-1)/2, and q3 lies as far from the end as q1 from the start.
struct Spread {
    std::int64_t steps = 0;
    Ns least = 0, q1 = 0, median = 0, q3 = 0, most = 0;
    [[nodiscard]] Ns iqr() const { return q3 - q1; }
};

struct ComparedStep {
    std::int64_t index = 0;
    Ns startNs = 0, endNs = 0;
    [[nodiscard]] Ns lengthNs() const { return endNs - startNs; }
};

struct ClassDelta {
    WallClass wallClass = WallClass::kIdle;
    Ns aNs = 0, bNs = 0, deltaNs = 0;
    Spread a, b;
};

struct RowSide {
    std::string path, name, shape;  // of the ranges around it, outermost first, " / " between; empty: outside of all
    std::int64_t count = 0;
    Ns ns = 0, ownNs = 0;
    Spread spread;  // of ns over the matched steps
};

struct ComparisonRow {
    WallClass wallClass = WallClass::kIdle;
    NodeKind kind = NodeKind::kOther;
    NodeMatch match = NodeMatch::kSame;
    RowSide a, b;  // of an added row a is empty, of a removed one b
    Ns deltaNs = 0, slowerNs = 0, oftenerNs = 0, bothNs = 0;
    bool withinSpread = false;  // |delta| is at most half the sum of the two interquartile ranges
    std::string change;         // in words: "slower", "less hidden", "more often", "added", "faster, renamed", ...
    [[nodiscard]] const RowSide& shown() const { return match == NodeMatch::kAdded ? b : a; }
};

struct LaneComparison {
    std::string workloadA, workloadB;  // equal unless paired by hand
    std::int64_t rank = 0, device = 0;
    bool gpu = false;
    std::string deviceName;
    Spread a, b;  // of the matched steps
    std::int64_t warmupA = 0, warmupB = 0, unmatchedA = 0, unmatchedB = 0;  // steps left out
    bool matchedByPlace = false;  // the indices have too little in common: first with first, ...
    ComparedStep stepA, stepB;
    Ns deltaNs = 0;
    std::vector<ClassDelta> classes;  // those with time on a side; the largest |delta| first
    std::vector<ComparisonRow> rows;  // of all classes; the largest |delta| first; rows without time are left out
};

// Something that was recorded and is not equal; to be read before a kernel is blamed.
struct Difference {
    std::string what;       // "gpu.driver"
    std::string a, b;       // empty: not recorded
    std::string group;      // "clock", "power", "temperature", "throttle", "driver", "library", "machine", "environment", "capture"
    bool counts = true;     // false: differs from run to run by itself (load, boot id)
};

enum class RefusalKind : std::uint8_t { kNothing, kCapture, kMachine, kWorkload, kWorld };
inline constexpr std::array<std::string_view, 5> kRefusalNames{"nothing_to_compare", "cannot_tell", "different_machines", "different_workloads",
                                                               "different_worlds"};
struct Refusal {
    RefusalKind kind = RefusalKind::kNothing;
    std::string reason;  // one line
};

struct ComparisonSide {
    std::vector<Source> sources;
    std::string stepSource;
    std::vector<GateCheck> gate;  // warnings and errors
};

struct Comparison {
    ComparisonSide a, b;
    std::optional<Refusal> refusal;  // then there are no lanes
    std::vector<Difference> differences;
    std::vector<LaneComparison> lanes;   // by workload, rank, device
    std::size_t lead = 0;                // the lane with the largest |delta|
    std::vector<std::string> onlyA, onlyB;  // workloads that the other side does not have
    std::vector<std::string> notes;         // what a reader has to know, one line each
};

struct CompareOptions {
    AnalyzeOptions analyze;
    int warmup = -1;  // steps left out at the start of each lane; -1: none where the trace marks its warm-up, else 1 (of 3 or more)
    std::vector<std::pair<std::string, std::string>> pairs;  // workloads to be compared though their names differ
};

// What is different in B. Never fails: what cannot be compared is a refusal.
Comparison compareProfiles(const RunProfile& a, const RunProfile& b, const CompareOptions& options = {});
// The same from timelines in memory, and from files (each side: the traces of one run). Errors: those of analyze().
Result<Comparison> compareTimelines(const Timeline& a, const Timeline& b, const CompareOptions& options = {});
Result<Comparison> compareFiles(const std::vector<std::string>& a, const std::vector<std::string>& b, const CompareOptions& options = {});
// From two answers alone, without their traces: steps and classes as above, and one row per class.
Comparison compareAnalyses(const Analysis& a, const Analysis& b, const CompareOptions& options = {});

// Used by compareProfiles(); each alone so that it can be tested.
std::optional<Refusal> whyNotComparable(const RunProfile& a, const RunProfile& b);
std::vector<Difference> differencesOf(const RunProfile& a, const RunProfile& b);
Spread spreadOf(std::vector<Ns> values);
// Fills delta, slower, oftener, both from the counts and times of the sides.
void splitDelta(ComparisonRow& row);
// elsewhereA, elsewhereB: on that side the same op has time in another class of computing.
std::string changeOf(const ComparisonRow& row, bool elsewhereA = false, bool elsewhereB = false);

}  // namespace ridge::analyzer
