// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Programs into which no preloaded library comes: those without an interpreter, statically linked.
// Raw system calls only, so any thread, signal handlers and the children of vfork too.

namespace ridge::agent {

// Of a script, its interpreter is looked at. False: it is none, or it cannot be told.
bool isStaticProgram(const char* path);

}  // namespace ridge::agent
