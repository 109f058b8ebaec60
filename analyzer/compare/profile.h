// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a comparison needs of one run: per step the nanoseconds of every class, and who they belong to.
//
// A lane is one workload on one device (or CPU) of one rank. In a step every nanosecond of a class belongs
// to one entry {class, node}. A node is a leaf of the tree of range names: a kernel or copy under the ranges
// in which it was launched, an op with a work payload, a read, a call, or the host's own code in a range. At
// an instant at which several rows of the class run, the one that started first has it (of I/O: the innermost).
// Idle time before a kernel (launch, gap, dependency) belongs to that kernel; the host's to what the launching
// thread did.
//
// Invariants: 1. entries of a class add up to the step's time in that class, exactly. 2. the answer does not
// depend on the order of rows in the file. 3. node 0 is the root; a node's parent has a smaller number.
// Times are ns as in the Analysis. Cost: O(n log n) in rows; memory: the entries.

#include <functional>
#include <string>
#include <vector>

#include "analyzer/analyze.h"
#include "base/result.h"

namespace ridge::analyzer {

enum class NodeKind : std::uint8_t { kScope, kKernel, kCopy, kOp, kIo, kCall, kHost, kOther };
inline constexpr std::array<std::string_view, 8> kNodeKindNames{"range", "kernel", "copy", "op", "io", "call", "host", "other"};

struct ProfileNode {
    std::int32_t parent = -1;
    NodeKind kind = NodeKind::kScope;
    std::string name;   // normalised (names.h)
    std::string shape;  // of inputs or of the payload; empty: not known
};

struct ProfileEntry {
    WallClass wallClass = WallClass::kIdle;
    std::int32_t node = 0;
    Ns ns = 0;
};
// Instances of a node in a step, whether anything else hid them or not.
struct ProfileCount {
    std::int32_t node = 0;
    std::int64_t count = 0;
    Ns ownNs = 0;    // their durations inside the window, summed
    Ns firstNs = 0;  // when the first was seen, after the start of the window
};

struct ProfileStep {
    std::int64_t index = 0;
    Ns startNs = 0, endNs = 0;
    ClassTimes classes{};
    std::vector<ProfileEntry> entries;  // by (class, node)
    std::vector<ProfileCount> counts;   // by node; every node of the entries is here, and kernels, ops and I/O without time
};

struct ProfileLane {
    std::string workload;
    std::int64_t rank = 0, device = 0;
    bool gpu = false;
    std::string deviceName;
    std::vector<ProfileStep> steps;  // by start
};

// A counter that says in what state the machine was (clock, power, temperature, throttling).
struct ProfileCounter {
    std::string name, unit;
    std::int64_t device = -1;  // -1: none
    double median = 0;
    std::int64_t samples = 0;
};

struct RunProfile {
    std::vector<Source> sources;
    std::vector<GateCheck> gate;
    std::vector<EnvironmentField> environment;
    std::vector<Rank> ranks;
    std::vector<Device> devices;
    std::vector<Loss> losses;
    std::int64_t worldSize = 0;  // 0: no process says it
    std::string stepSource;
    std::vector<ProfileNode> nodes;
    std::vector<ProfileLane> lanes;
    std::vector<ProfileCounter> counters;
};

// Analyses the traces of one run (or a timeline in memory) and keeps its profile. analysis: the Analysis too,
// for those who show both; may be null. Errors: those of analyze().
Result<RunProfile> profileRun(const std::vector<std::string>& paths, const AnalyzeOptions& options, Analysis* analysis = nullptr);
Result<RunProfile> profileTimeline(const Timeline& timeline, const AnalyzeOptions& options, Analysis* analysis = nullptr);

// "conv2d / cudnn_convolution" of a node's ranges, outermost first, without the node itself.
std::string pathOf(const RunProfile& run, std::int32_t node);

}  // namespace ridge::analyzer
