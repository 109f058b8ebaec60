// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Opens the session before main() where the library is preloaded: a program may give up what it
// takes (its user, its root folder, its descriptors) before its first event, and has its events
// counted then. Not where NVTX's header loads the library: until it has called us it waits for
// itself in a handler that emits an event, and the longer we take here the likelier that is.
#include "collector/agent/ring.h"

#include <stdlib.h>

namespace ridge::agent {
namespace {

__attribute__((constructor)) void openSession() {
    const char* preloaded = getenv("LD_PRELOAD");
    if (preloaded != nullptr && strstr(preloaded, "libridge_") != nullptr) sessionOpen();
}

}  // namespace
}  // namespace ridge::agent
