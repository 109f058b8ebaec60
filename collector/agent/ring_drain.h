// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What ring.cpp and ring_drain.cpp share: where the session is, and who we are in it.

#include "collector/agent/ring.h"

namespace ridge::agent {

inline constexpr size_t kFolderBytes = 3072;
extern char g_folder[kFolderBytes] __attribute__((visibility("hidden")));
extern int g_pid __attribute__((visibility("hidden")));
// What this process holds a drain by (layout.h, invariant 5).
extern int g_drainId __attribute__((visibility("hidden")));
// Whether the recorder's process id meant a process here when this process began: if not, the
// recorder is outside of our pid namespace, or had died before.
extern bool g_recorderSeen __attribute__((visibility("hidden")));

// The session's folder is gone: recording is over, and nobody is left to say so in the block. The
// page changes at once for all threads.
void endSession();

}  // namespace ridge::agent
