// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One CUPTI activity record into one record of the spool. Reads only what the running CUPTI's
// version has; other kinds are counted (kLossCuptiUnknown). Times are CUPTI's own nanoseconds.

#include "collector/agent/cupti_guards.h"
#include "collector/agent/cupti_library.h"
#include "collector/agent/ring.h"

namespace ridge::agent {

void convertActivity(Ring* ring, const CuptiLibrary& cupti, uint32_t version,
                     const CUpti_Activity* activity);

}  // namespace ridge::agent
