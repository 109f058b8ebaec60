// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which NVTX events are wanted: domains that were asked for, and the range that a recording waits
// for (--capture-range). Only where one of the two is in use (g_watching); the fast paths of
// nvtx_fast.h are then not installed, so that every event comes by here. Any thread.
//
// 1. The range that begins a window is in it whole: it begins before its push is recorded, and ends
//    after its pop was.
// 2. The thread that began a window ends it, by the pop of the same depth in the same domain; a
// range
//    of nvtxRangeStart may be ended by any thread of the process.

#include <stdint.h>
#include <wchar.h>

namespace ridge::agent {

extern bool g_watching __attribute__((visibility("hidden")));
// Reads the session's control block; to be called when the functions are installed.
void startWatching();

// A domain's name decides, once, whether its events are recorded. Id 0 is "default".
void judgeDomain(uint32_t domainId, const char* name);
// kNoDomain: no, and counted.
bool wanted(uint32_t domainId);

void beforePush(uint32_t domainId, const char* text);
void beforePush(uint32_t domainId, const wchar_t* text);
void afterPop(uint32_t domainId);
// True: this range begins a window; afterStart() is to say its id.
bool beforeStart(uint32_t domainId, const char* text);
bool beforeStart(uint32_t domainId, const wchar_t* text);
void afterStart(uint64_t rangeId);
void afterEnd(uint64_t rangeId);

// cudaProfilerStart and cudaProfilerStop.
void profilerCalled(bool starts);

}  // namespace ridge::agent
