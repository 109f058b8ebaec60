// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Who descends from whom, by /proc. A snapshot: processes may come and go while it is taken.

#include <cstdint>
#include <set>
#include <string>

namespace ridge::recorder {

// The process and its descendants, at most a few thousand; those that were adopted by init are not
// found.
std::set<std::int32_t> processTree(std::int32_t pid);
// A living process that has a file of this folder mapped; 0: none, or none that we may look into.
// Those that have this session in the environment they were started with, whether their agent has
// shown itself or not; ourselves excluded.
std::set<std::int32_t> processesOfSession(const std::string& session);
// Neither ended nor waiting to be reaped.
bool isRunning(std::int32_t pid);

std::int32_t processWithRings(const std::string& ringDir);
void addProcessTree(std::int32_t pid, std::set<std::int32_t>& out);

}  // namespace ridge::recorder
