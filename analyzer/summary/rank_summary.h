// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What is kept of the ranks of a run so that thousands of them can be reduced where they lie: `ridge analyze
// --summary` writes one per file, `--merge` makes one of many (schemas/json/summary-1.json).
//
// Invariants: 1. A merge is the union of the ranks plus sums, so it is associative and commutative, and equal sets
// of ranks give equal bytes whatever the order or the tree of merges. 2. A rank is in it once: merging it again is an
// error. 3. Per rank the size is bounded (kMostStamps, kMostExposed); what is left out is counted, and left out by the
// number of the collective alone, so that all ranks leave out the same.
//
// Waiting and transfer need all ranks: so each rank keeps start and end of its collectives by communicator and number,
// and where in its steps communication was exposed; the report (toAnalysis()) aligns the clocks, splits, and blames.
// Times are ns on the clock of the rank's file, whose UTC anchor is kept beside them.

#include <map>
#include <string>
#include <vector>

#include "analyzer/analyze.h"
#include "analyzer/summary/histogram.h"
#include "base/result.h"

namespace ridge::analyzer {

inline constexpr int kSummarySchemaVersion = 1;
inline constexpr std::size_t kMostStamps = 4'096;    // collectives per rank and communicator
inline constexpr std::size_t kMostExposed = 16'384;  // exposed stretches per lane

struct CollectiveStamp {
    std::int64_t number = 0;  // of the communicator, or counted
    Ns start = 0, end = 0;
    std::int32_t name = 0;      // into RankSummary::names
    std::int32_t workload = 0;  // the same; -1: outside of the steps
    std::int64_t device = -1;   // of the kernel; -1: the CPU
    friend bool operator==(const CollectiveStamp&, const CollectiveStamp&) = default;
};

// The collectives of one communicator as one rank saw them.
struct RankCommunicator {
    std::string id;            // equal on all its ranks
    std::string label;         // as CommunicationOp::communicator has it
    bool counted = false;      // numbers are places in the order of the rank, not the trace's own
    std::int64_t size = 0;     // ranks of the communicator; 0: the world
    std::int64_t count = 0;    // all collectives, kept or not
    std::vector<CollectiveStamp> stamps;  // by number
    friend bool operator==(const RankCommunicator&, const RankCommunicator&) = default;
};

// One workload on one device (or CPU) of a rank.
struct RankLane {
    std::string workload;
    std::int64_t device = 0;
    bool gpu = false;
    std::int64_t steps = 0;
    Ns totalNs = 0, leastNs = 0, mostNs = 0;
    ClassTimes classes{};  // over all steps
    Step median;           // the step of median length
    // What the verdict needs: time above the roof, and latency_bound time that the dispatch limits.
    Ns computeAboveNs = 0, memoryAboveNs = 0, latencyAboveNs = 0, dispatchNs = 0;
    // Where communication was exposed inside the steps, and not split within the file; sorted, disjoint.
    std::vector<std::pair<Ns, Ns>> exposed;
    std::int64_t exposedLeftOut = 0;
};

struct RankOp {  // CommunicationOp without what only all ranks tell
    std::string name, communicator, workload;
    std::int64_t bytes = -1, count = 0;  // bytes -1: not known
    Ns busyNs = 0, overlapNs = 0;
};

struct RankSummary {
    std::int64_t rank = 0;
    bool rankKnown = false;
    std::string host;
    std::vector<std::int64_t> pids;
    std::int64_t clock = 0;      // lowest rank with the same clock
    std::int64_t utcOfZero = 0;  // of the file's t = 0; 0: not known
    std::vector<Device> devices;
    std::vector<std::string> names;
    std::vector<RankLane> lanes;
    std::vector<RankCommunicator> communicators;
    std::vector<RankOp> operations;
};

// Over all ranks, steps of one workload.
struct WorkloadDistribution {
    Histogram steps;
    std::array<Histogram, kWallClassCount> classes;  // exposed communication as a whole under comm_unsplit
};

struct GateSum {
    Severity severity = Severity::kInfo;
    std::int64_t count = 0, files = 0;  // files: in which it was seen
    std::string detail;                 // of the one that sorts first
};
struct EnvironmentSum {
    std::string fieldClass, least, most;  // equal: all have it so
    std::int64_t files = 0;
};

struct Summary {
    std::string kind;          // of the sources
    std::string product;       // of the source that sorts first
    std::string stepSource;    // the same
    std::int64_t worldSize = 0;  // 0: no rank says it
    std::int64_t files = 0;
    std::map<std::int64_t, RankSummary> ranks;
    std::map<std::string, WorkloadDistribution> workloads;
    std::map<std::string, GateSum> gate;
    std::map<std::string, EnvironmentSum> environment;
    std::map<std::string, std::int64_t> losses;
};

// The summary of traces, analysed together. Errors: those of analyze().
Result<Summary> summarize(const std::vector<std::string>& paths, const AnalyzeOptions& options, Analysis* analysis = nullptr);
Result<Summary> summarizeTimeline(const Timeline& timeline, const AnalyzeOptions& options, Analysis* analysis = nullptr);

// Adds the ranks of `part`. Errors (into stays as it is): a rank that is there already, another size of the world,
// another kind of trace.
Status mergeInto(Summary& into, Summary part);

// The report of the ranks that are there. Of every lane the median step stands in Analysis::steps; the class times
// and the distribution are over all steps.
Result<Analysis> toAnalysis(const Summary& summary);

// JSON, and back. Reading trusts nothing: anything that summaryToJson() would not write is one line and kBadInput.
std::string summaryToJson(const Summary& summary);
Result<Summary> summaryFromJson(std::string_view text);
Result<Summary> readSummary(const std::string& path);

}  // namespace ridge::analyzer
