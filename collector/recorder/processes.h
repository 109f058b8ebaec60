// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Who descends from whom, by /proc, and which process of ours is meant by a number in another pid
// namespace. A snapshot: processes may come and go while it is taken.

#include <cstdint>
#include <set>
#include <string>

namespace ridge::recorder {

// Those that have this session in the environment they were started with, whether their agent has
// shown itself or not; ourselves excluded. Whose parent ended while we looked is found, too.
std::set<std::int32_t> processesOfSession(const std::string& session);
// These, and of the others that still run, without the program itself.
std::set<std::int32_t> othersRunning(const std::string& session,
                                     const std::set<std::int32_t>& known, std::int32_t program);
// Neither ended nor waiting to be reaped.
bool isRunning(std::int32_t pid);
// Neither that nor stopped.
bool mayStartOthers(std::int32_t pid);

// A living process that has a file of this folder mapped; 0: none, or none that we may look into.
std::int32_t processWithRings(const std::string& ringDir);
// Inode of our own pid namespace; 0: not known.
std::uint32_t ownPidNamespace();
// The living process that has this number in that namespace, by the number it has in ours; 0: none,
// or none that we may look into.
std::int32_t processInNamespace(std::uint32_t pidNamespace, std::int32_t innerPid);
// The thread of a process that has this number in its own namespace, by its number in ours; 0:
// none.
std::int32_t threadOf(std::int32_t pid, std::int32_t innerTid);
std::int32_t parentOf(std::int32_t pid);  // 0: not known
// The process and its descendants, at most a few thousand; those that were adopted by init are not
// found, nor, while others come and go, all that are not stopped.
void addProcessTree(std::int32_t pid, std::set<std::int32_t>& out);

}  // namespace ridge::recorder
