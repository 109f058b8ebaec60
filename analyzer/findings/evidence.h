// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Numbers with the SQL that reproduces them: each function computes a value from the timeline in memory
// and writes the query that gives the same value on the file. SQL is left empty, and the note says so in words,
// where the timeline comes from several files or the names cannot be written in SQL.

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "analyzer/findings/registry.h"

namespace ridge::analyzer {

struct Proof {
    Evidence evidence;
    std::string sql;
    std::string note;  // Finding::sqlNote
};

// 'it''s'; nothing for text with NUL bytes or bytes that are no UTF-8.
std::optional<std::string> sqlText(std::string_view text);

// A number and its SQL, which is left out where it would be for several files.
Proof makeProof(const RuleInput& input, std::string name, double value, std::string unit, std::string sql);
// Summed duration of the payload ranges of one name (of a kind) that start in the window.
Proof opTime(const RuleInput& input, NameId name, std::uint16_t opKind);
// Summed duration of all payload ranges of one kind that start in the window.
Proof kindTime(const RuleInput& input, std::uint16_t opKind);
// Summed duration of the calls on regular files that start in the window.
Proof fileCallTime(const RuleInput& input);
// Summed preemption gaps, cut at the window.
Proof preemptionTime(const RuleInput& input);
// Summed duration of the frame ranges "step" inside the window.
Proof stepTime(const RuleInput& input);
// The time that the workload's steps took, however they were found: frame ranges, ranges of the name that steps have,
// else from the first to the last row of the GPU.
Proof stepsProof(const RuleInput& input, std::int64_t rank, std::int64_t device);
// Summed duration of the ranges that only their name tells to be input (or a checkpoint) and that start in the window.
Proof namedIoTime(const RuleInput& input, bool checkpoint);
// I/O of a kind, by what the trace has: calls on files, ranges with a payload, ranges of a name.
Proof ioTime(const RuleInput& input, bool checkpoint);
// Kernels that start in the window.
Proof kernelCount(const RuleInput& input);
// Summed duration of the API calls that wait for the device and start in the window.
Proof blockingTime(const RuleInput& input);
// Summed duration of the synchronous copy (memset) calls that start in the window.
Proof syncCopyTime(const RuleInput& input);
Proof syncSetTime(const RuleInput& input);
// Summed duration of the kernels of fewer than `blocks` blocks that start in the window.
inline constexpr std::int32_t kSmallGrid = 40;
bool isSmallGrid(const GpuRow& row, std::int32_t blocks);
Proof smallGridTime(const RuleInput& input, std::int32_t blocks);
// Summed duration of the asynchronous copies from or to pageable memory that start in the window.
Proof pageableTime(const RuleInput& input);
// Summed duration of the copies that start in the window.
Proof copyTime(const RuleInput& input);
// The gaps of a device of at least minimumNs, between its first and its last row; and the part of them that lies in
// `inside` (disjoint, in time): the steps of the device, or some of their time.
IntervalSet gapsOf(const GpuPartition& gpu, Ns minimumNs);
Proof gapTimeIn(const RuleInput& input, std::size_t gpu, Ns minimumNs, const IntervalSet& inside);

// What the GPU of `worst` waits for its host inside its own steps: the classes are of launch, api, kernel gap and host, and
// the number is their sum, as splitGap() of attribution/gpu.cpp cuts every gap.
Proof waitTime(const RuleInput& input, const RuleInput::WorstGpu& worst, std::span<const WallClass> classes, std::string name);

// Summed duration of the communication in the window: ranges with a payload, else kernels (without a GPU: ranges) by their names.
Proof communicationTime(const RuleInput& input);
// The same of exchanges between neighbours, which name send or receive.
Proof exchangeTime(const RuleInput& input);
// The condition of a query on the names of kernels (of a join `k`), nothing where they cannot be listed.
std::optional<std::string> kernelNames(const RuleInput& input, const std::set<std::uint32_t>& names);

// The name of a class as it is read: "io input" of "io_input".
std::string words(std::string_view name);
// Said by every finding about one device.
inline constexpr const char* kOfOwnSteps = "cost and share are of the steps of this device: idle time inside them over their number; the saving is at most the time of the named class";
// " of rank 3", where there are several.
std::string ofRank(const RuleInput& input, std::int64_t rank);

// Puts the proof first.
void prove(Finding& finding, Proof proof);

// The groups of this workload in one class, largest time first.
std::vector<const OpGroup*> groupsOf(const RuleInput& input, WallClass wallClass);
// A finding about ops of one class: ops, attainment, time above the roof as saving.
std::optional<Finding> roofFinding(const RuleInput& input, WallClass wallClass);

}  // namespace ridge::analyzer
