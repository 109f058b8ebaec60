// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Who descends from whom, by /proc. A snapshot: processes may come and go while it is taken.

#include <cstdint>
#include <set>

namespace ridge::recorder {

// The process and its descendants, at most a few thousand; those that were adopted by init are not
// found.
std::set<std::int32_t> processTree(std::int32_t pid);
void addProcessTree(std::int32_t pid, std::set<std::int32_t>& out);

}  // namespace ridge::recorder
