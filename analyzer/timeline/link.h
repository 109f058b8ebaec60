// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The links between rows that no file spells out, made the same way for every kind of file: GPU row to
// launch call, wait to waiting call, GPU row to the framework's op, and the number of a collective in
// its group.

#include <cstddef>
#include <string_view>

#include "analyzer/timeline/timeline.h"

namespace ridge::analyzer {

// Calls that return only when the device has done something: synchronize calls, and copies that are not
// asynchronous.
bool isBlockingCall(std::string_view name);

// Where the rows of one file begin in the vectors of the timeline.
struct FirstRows {
    std::size_t gpu = 0, calls = 0, syncs = 0;
};

// Launch calls by (process, correlation): ids are unique inside one process only. Of several calls with
// one id (a runtime call and the driver call in it) the earliest is the launch. Rows that do not say
// their process get the only process that calls, if there is one; else the process in which most
// unambiguous ids of their device were found.
void linkLaunches(Timeline& timeline, const FirstRows& first);

// After sorting. GpuRow::op: the innermost range of a framework's op on the launching thread that holds
// the start of the launch. Works of collectives give their rows a Collective where the file gave none.
void linkOps(Timeline& timeline);

// After sorting: Collective::sequence where it is not known, by start, per (process, group).
void numberCollectives(Timeline& timeline);

}  // namespace ridge::analyzer
