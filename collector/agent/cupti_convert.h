// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One CUPTI activity record into one record of the spool. Reads only what the running CUPTI's
// version has; other kinds are counted (kLossCuptiUnknown). Times are CUPTI's own nanoseconds.

#include "collector/agent/cupti_library.h"
#include "collector/agent/ring.h"

namespace ridge::agent {

inline constexpr uint32_t kOldestCupti = 18;      // CUDA 12.0: from here on structures only grow
inline constexpr uint32_t kHeaderCupti = 130000;  // what only the 13.0 structures have

void convertActivity(Ring* ring, const CuptiLibrary& cupti, uint32_t version,
                     const CUpti_Activity* activity);

}  // namespace ridge::agent
