// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// CUPTI's callbacks: nodes of graphs as they are made, CUPTI's own errors, the calls that begin and
// end a capture, and those before which what there is has to be handed over. They run inside of the
// program's CUDA calls, record one event at most, and call no CUDA.

#include "collector/agent/cupti_library.h"

namespace ridge::agent {

// flush: asks CUPTI for what it has; safe inside of a callback.
void subscribeCallbacks(const CuptiLibrary& cupti, void (*flush)());

}  // namespace ridge::agent
