// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Opens the session before main() where the library is preloaded: a program may give up what it
// takes (its user, its root folder, its descriptors) before its first event, and has its events
// counted then.
#include "collector/agent/ring.h"

namespace ridge::agent {
namespace {

__attribute__((constructor)) void openSession() {
    sessionOpen();
}

}  // namespace
}  // namespace ridge::agent
