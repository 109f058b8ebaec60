// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The answer: everything that the analyzer says about one trace (or the traces of one run). Every
// report is a rendering of this and of nothing else. Field names are those of
// schemas/json/report-1.json.
//
// Units: times are int64 nanoseconds since the start of the session, half-open [start, end); shares
// are fractions of 1; rates are per second; bytes are bytes. What could not be told is std::nullopt
// and renders as null, never as 0 or NaN.

#include "schemas/enums/enums.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ridge::analyzer {

using Ns = std::int64_t;

struct Source {
    std::string path;
    std::string kind;     // "ridge", "nsys", "kineto"
    std::string schema;   // version of the file's schema
    std::string product;  // who wrote it, with version
};

// A check of the capture (metrics.md 1.9). count is what was seen; 0 with kInfo: passed.
struct GateCheck {
    std::string check;
    Severity severity = Severity::kInfo;
    std::int64_t count = 0;
    std::string detail;
};

struct Rank {
    std::int64_t rank = 0;
    std::string host;
    std::vector<std::int64_t> pids;
};

// Unions over the whole trace of one device; overlap = comm and compute at once.
struct Device {
    std::int64_t id = 0;  // as the trace has it; 0 for the CPU of a rank
    std::int64_t rank = 0;
    std::string kind;  // "gpu", "cpu"
    std::string name;
    Ns spanNs = 0, busyNs = 0, idleNs = 0, computeNs = 0, commNs = 0, copyNs = 0, overlapNs = 0;
    Ns exposedCommNs = 0, exposedCopyNs = 0;
    std::int64_t kernels = 0, copies = 0, unlinked = 0;
};

// Nanoseconds per class; indexed by WallClass. Adds up to the window, exactly.
using ClassTimes = std::array<Ns, kWallClassCount>;

struct Step {
    std::string workload;  // full name of the workload, empty when the trace names none
    std::int64_t index = 0;
    std::int64_t rank = 0;
    std::int64_t device = 0;
    Ns startNs = 0, endNs = 0;
    ClassTimes classes{};
};

// A measured (or data-sheet, then method says so) roof.
struct Ceiling {
    std::string kind;  // "compute", "memory", "network", "storage", "dispatch", "link", "overhead"
    std::string name;
    std::string dtype;   // empty: none
    std::string level;   // "L1", "L2", "L3", "DRAM"; empty: none
    std::string access;  // "read", "copy", "triad"; empty: none
    std::optional<std::int64_t> capacityBytes;
    double value = 0;
    std::string unit;  // "FLOP/s", "B/s", "s"
    std::string method;
    std::optional<double> typical =
        {};  // median of the samples, where value is the best; same unit
};

// One op (all its instances in the steps of a workload) against the roofs.
struct RooflinePoint {
    std::string workload, op;
    std::string opKind, dtype;
    std::int64_t count = 0;
    Ns timeNs = 0;                     // summed duration of the instances
    double flops = 0, bytes = 0;       // summed
    std::optional<double> intensity;   // FLOP/B
    std::optional<double> achieved;    // FLOP/s; B/s where the op has no FLOP
    std::optional<double> attainment;  // T_roof / T; above 1.05: flagged unreliable
    std::string bound;    // "compute", "memory", "latency", "balanced", "unreliable", "unknown"
    std::string ceiling;  // name of the roof that binds
    std::string source;   // "measured", "model"
    std::string level = {};  // of measured bytes: "DRAM", "L2", "L1"; empty: of the model
    std::int64_t blocks = 0;  // measured kernels: thread blocks of the grid; 0: not known
};

// A workload's step against three walls at once; definitions: analyzer/roofline/ridgeline.h.
struct RidgelinePoint {
    std::string workload;
    double flops = 0, memoryBytes = 0, networkBytes = 0;  // of one rank's step
    std::optional<double> x, y;                           // memory / network byte, FLOP / memory byte
    std::string bound;                                    // "compute", "memory", "network"; empty: no roof
    Ns computeNs = 0, memoryNs = 0, networkNs = 0;        // at the roofs; 0: no traffic or no roof
    Ns stepNs = 0;
};

struct CommunicationOp {
    std::string name;
    std::string communicator;  // hexadecimal id or the name the trace has; empty: not known
    std::string workload;
    std::optional<std::int64_t>
        bytes;  // message or wire bytes as the trace has them; absent: not known
    std::int64_t count = 0;
    Ns busyNs = 0, overlapNs = 0;
    std::optional<Ns> waitNs, transferNs;  // need all ranks
    std::optional<double> algbw, busbw;    // B/s
};

struct Straggler {
    std::int64_t rank = 0;
    std::string workload, collective;
    Ns blameNs = 0;  // marginal delay it caused
    std::string excessClass;
};

// The clock of a rank against the lowest one, over the ends of their collectives.
struct ClockAlignment {
    std::int64_t rank = 0;
    Ns measuredNs = 0, offsetNs = 0, residualNs = 0;  // offset: what was taken off; 0 on one clock
    std::int64_t collectives = 0;
};

// What computing beside communication costs; definitions: analyzer/communication/contention.h.
struct ContendedKernel {
    std::string name;
    std::int64_t alone = 0, overlapped = 0;
    Ns medianAloneNs = 0, medianOverlappedNs = 0, costNs = 0;
};
struct Contention {
    std::int64_t rank = 0, device = 0;
    Ns overlapNs = 0, costNs = 0, costLowNs = 0, costHighNs = 0, netHiddenNs = 0;
    std::vector<ContendedKernel> kernels;  // the largest cost first
};

struct PathSegment {
    Ns startNs = 0, endNs = 0;
    std::string kind, name;
};
struct PathShare {
    std::string kind, name;  // name empty: all of the kind
    Ns ns = 0;
    std::int64_t count = 0;  // segments
};
// Rows of one name that are on no path, and how much later they could end without any step ending later.
struct PathSlack {
    std::string kind, name;
    std::int64_t count = 0;
    Ns busyNs = 0, leastSlackNs = 0, medianSlackNs = 0;
};
struct PathLane {
    std::int64_t rank = 0, device = 0;
    std::string workload;
    std::int64_t steps = 0;
    Ns totalNs = 0;  // of the windows; byKind adds up to it
    std::vector<PathShare> byKind;
};
// The covering critical path (metrics.md 1.5). segments is the path of one step, the median one of the first
// lane; the tables are over all steps of all lanes that the path was computed for.
struct CriticalPath {
    std::vector<PathSegment> segments;  // side by side from the start to the end of the step's window
    Ns totalNs = 0;                     // of the segments: the step's window, exactly
    std::string workload;
    std::int64_t rank = 0, device = 0, stepIndex = 0;
    std::int64_t steps = 0, stepsLeftOut = 0;  // left out: beyond the size of the graph
    Ns coveredNs = 0;                          // of all windows; byKind adds up to it
    std::vector<PathShare> byKind, byName;     // the largest first
    std::int64_t namesOmitted = 0;
    // A second chain that is nearly as long: "host" beside a path on the device, "device" beside one on
    // the host. Fixing the path alone then gains at most windows - secondNs. Empty: none within 5 %.
    std::string second;
    Ns secondNs = 0;
    std::vector<PathSlack> slack;  // the largest first
    std::int64_t slackOmitted = 0;  // names beyond those
    std::vector<PathLane> lanes;
};

struct WhatIf {
    std::string workload, change;
    Ns stepNsLow = 0, stepNsHigh = 0;  // predicted median step
    std::optional<Ns> measuredNs;      // of the variant that has the change
    Ns stepNs = 0;                     // the median step as it is
    Ns replayNs = 0, boundNs = 0;      // replay; closed form. Either may be the shorter: stepNsLow and stepNsHigh are the two in order
    std::string comparedWith;          // the workload that has the change, where measured
    std::optional<double> error;       // (replayNs - measuredNs) / measuredNs
};

struct TimeRange {
    std::int64_t rank = 0, device = 0;
    Ns startNs = 0, endNs = 0;
};

struct Evidence {
    std::string name;
    double value = 0;
    std::string unit;
};

struct Finding {
    std::string id, rule, workload;
    WallClass wallClass = WallClass::kIdle;
    Cause cause = Cause::kNone;
    std::string title;  // the claim in one sentence
    std::vector<TimeRange> where;
    std::vector<std::string> ops;
    Ns costNs = 0;     // per median step
    double share = 0;  // of the step
    Ns savingLowNs = 0, savingHighNs = 0;
    std::vector<Evidence> evidence;
    std::string sql;  // reproduces the first evidence number on the trace; empty: sqlNote says why there is none
    std::string sqlNote;  // why there is no query, or on which file it runs; empty: on the trace as it is
    Confidence confidence = Confidence::kLow;
    std::vector<std::string> assumptions;
    std::string tryThis, verify;
};

struct Verdict {
    WallClass wallClass = WallClass::kIdle;
    Cause cause = Cause::kNone;
};

struct WorkloadMetric {
    std::string name;
    std::optional<double> value;
    std::string unit;
    std::string direction;  // "lower", "higher", "none"
};

struct WorkloadSummary {
    std::string name;
    std::map<std::string, std::string> params;
    std::vector<WorkloadMetric> metrics;
    std::string check;  // "passed", "failed", "" = the trace does not say
    std::string checkDetail;
    Verdict verdict;
    double verdictShare = 0;  // share of the step that the verdict's class costs
    Ns medianStepNs = 0;
    std::optional<double> roofShare;  // time-weighted attainment of its compute ops
    std::optional<Verdict> expected;  // joined only after the verdict was reached
    std::vector<Ns> samples;          // step times
    ClassTimes classes{};             // over all its steps
    std::int64_t steps = 0;
};

// Time by range name over the steps; definitions: analyzer/ranges/ranges.h.
struct RangeSummary {
    std::string name;
    std::string kind;  // "annotation", "op", "function"
    std::int64_t count = 0;
    Ns totalNs = 0, selfNs = 0;
    Ns deviceNs = 0, deviceSelfNs = 0;  // of the GPU work that was launched in it
};

struct MemoryCurve {
    std::string name;  // the counter
    std::int64_t rank = 0, peakBytes = 0, lastBytes = 0;
    Ns peakTimeNs = 0;
    std::vector<std::pair<Ns, double>> samples;  // thinned for drawing
};

// What memory bandwidth costs a step, and what moving fewer bytes would gain; per step.
struct BandwidthWall {
    std::string workload;
    Ns timeNs = 0, aboveRoofNs = 0;  // of the ops at the bandwidth roof; of that, what the roof does not explain
    double bytes = 0;
    Ns halfTypeSavesNs = 0;           // half the bytes, at the bandwidth of now
    std::optional<Ns> fusionSavesNs;  // elementwise runs as one op
};

// Who held how much of a device's memory; definitions: analyzer/memory/allocations.h.
struct MemoryOwner {
    std::string name, kind;  // name of the allocations, kind of memory ("device", "managed", ...)
    std::int64_t atPeakBytes = 0, peakBytes = 0, allocations = 0;  // at the peak of the device; its own peak
    std::optional<Ns> offloadNs;    // atPeakBytes once to the host and back over the measured link
    std::optional<Ns> recomputeNs;  // of activations: the forward pass once more
};
struct DeviceFootprint {
    std::int64_t rank = 0, device = 0, peakBytes = 0, lastBytes = 0, allocations = 0, releases = 0;
    std::int64_t unmatchedReleases = 0;  // of memory that was allocated before the recording
    Ns peakTimeNs = 0;
    std::optional<double> linkBandwidth;             // B/s; slower of host to device and back
    std::vector<std::pair<Ns, double>> samples;      // thinned for drawing
    std::vector<MemoryOwner> owners;                 // the largest at the peak first
};
struct CacheOccupancy {
    std::string name, unit;  // of the counter
    std::int64_t rank = 0;
    double peak = 0, mean = 0;  // mean over time
};

struct MemorySummary {
    std::optional<std::int64_t> peakRssBytes;
    std::optional<std::int64_t> deviceBytesPeak;
    std::vector<std::pair<Ns, double>> rss;  // thinned for drawing
    std::vector<MemoryCurve> curves;         // whatever says how much memory is held
    std::optional<double> fragmentation;     // 1 - allocated / reserved at the peak of the reserved
    std::optional<std::int64_t> reservedUnusedBytes;
    std::vector<BandwidthWall> bandwidth;
    std::vector<DeviceFootprint> devices;
    std::vector<CacheOccupancy> kvCache;
};

struct WorkloadEnergy {
    std::string workload;
    double joules = 0, joulesPerStep = 0, coverage = 0;  // coverage: of the steps, by power samples
    std::int64_t steps = 0;
    std::optional<double> joulesPerToken;
    bool classesKnown = false;
    std::array<double, kWallClassCount> classes{};  // joules
};
struct EnergySummary {
    std::optional<double> joules, joulesPerStep;
    std::string source;  // "nvml", "rapl"; empty: not sampled
    std::vector<WorkloadEnergy> workloads;
};

struct Loss {
    std::string source;
    std::int64_t count = 0;  // records, or bytes of a spool where nobody knows how many records they held
    [[nodiscard]] bool inBytes() const { return source.ends_with("_bytes"); }
};

struct EnvironmentField {
    std::string name, fieldClass, value;
};

struct Analysis {
    std::vector<Source> sources;
    std::vector<GateCheck> gate;
    std::vector<EnvironmentField> environment;
    std::vector<Rank> ranks;
    std::vector<Device> devices;
    std::string stepSource;  // "ridge", "ProfilerStep", "--step NAME", "whole trace", "none"
    std::vector<Step> steps;
    ClassTimes attribution{};  // over all steps
    std::vector<Ceiling> ceilings;
    std::vector<RooflinePoint> roofline;
    std::vector<RidgelinePoint> ridgeline;
    std::vector<CommunicationOp> communication;
    std::vector<Straggler> stragglers;
    std::vector<ClockAlignment> clocks;
    Ns unclaimedSkewNs = 0;  // delays below three residuals of the clocks, of which nobody is blamed
    std::vector<Contention> contention;
    std::optional<CriticalPath> criticalPath;
    std::vector<WhatIf> whatIf;
    std::vector<Finding> findings;
    std::int64_t findingsBelowFloor = 0;  // cost less than half a percent of their step: not shown
    std::vector<WorkloadSummary> workloads;
    std::vector<RangeSummary> ranges;  // the largest first, at most kMostRangeNames
    std::int64_t rangesOmitted = 0;    // names beyond these
    MemorySummary memory;
    EnergySummary energy;
    std::vector<Loss> losses;
};

}  // namespace ridge::analyzer
