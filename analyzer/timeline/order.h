// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The order of rows in a timeline, and several timelines in one. Rows that others point at take the
// pointers with them. Nothing is done where the order is right already.
//
// Every order is total and of what the rows say: after sortNames(), sortOwners() and sortAll() two timelines of the same
// rows are equal but for their row ids, in whatever order the files had them. Everything after that is a function of it.

#include <cstdint>
#include <vector>

#include "analyzer/timeline/timeline.h"

namespace ridge::analyzer {

// Calls by start, the longer one first; GPU rows and waits keep their launch.
void sortCalls(Timeline& timeline);
// Ranges by start, the longer one first; GPU rows keep their op. Returns old index -> new index, empty when nothing moved.
std::vector<std::int32_t> sortRanges(Timeline& timeline);
// All other rows by (start, end), samples of counters by time.
void sortRows(Timeline& timeline);
// All of these, on several threads.
void sortAll(Timeline& timeline);
// Devices by (file, machine, id), processes by (file, globalPid), threads by globalTid: the same whatever
// the order in which a file named them.
void sortOwners(Timeline& timeline);

// Names by their text: comparing two ids compares their texts. Makes all ids of names that were handed out before void.
void sortNames(Timeline& timeline);

// Adds part, whose times are moved by shift, behind what is there. Sorted rows are not sorted afterwards.
void append(Timeline& into, Timeline&& part, Ns shift);

}  // namespace ridge::analyzer
