// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Numbers with the SQL that reproduces them: each function computes a value from the timeline in memory
// and writes the query that gives the same value on the file. SQL is left empty where the timeline comes
// from several files or a name cannot be written in SQL.

#include <string>
#include <string_view>

#include "analyzer/findings/registry.h"

namespace ridge::analyzer {

struct Proof {
    Evidence evidence;
    std::string sql;
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
// Summed duration of the step ranges inside the window.
Proof stepTime(const RuleInput& input);
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
// Summed gaps of a device of at least minimumNs, between its first and its last row.
Proof gapTime(const RuleInput& input, std::size_t gpu, Ns minimumNs);

// Summed duration of the communication kernels that start in the window; which they are SQL cannot tell.
double communicationKernelTime(const RuleInput& input);

// Puts the proof first.
void prove(Finding& finding, Proof proof);

// The groups of this workload in one class, largest time first.
std::vector<const OpGroup*> groupsOf(const RuleInput& input, WallClass wallClass);
// A finding about ops of one class: ops, attainment, time above the roof as saving.
std::optional<Finding> roofFinding(const RuleInput& input, WallClass wallClass);

}  // namespace ridge::analyzer
