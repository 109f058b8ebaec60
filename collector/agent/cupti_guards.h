// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What is known to be wrong with versions of CUPTI (its release notes and field reports), what we
// do about it, and what the user is told. Versions are CUPTI's API versions: 18 is CUDA 12.0, 28
// is 12.9, 130001 is 13.0 Update 1.

#include <stdint.h>

namespace ridge::agent {

inline constexpr uint32_t kOldestCupti = 18;      // CUDA 12.0: from here on structures only grow
inline constexpr uint32_t kHeaderCupti = 130000;  // what only the 13.0 structures have

struct CuptiGuard {
    uint32_t first, last;  // both included
    const char* text;      // for the user; nullptr: only worked around
};

inline constexpr CuptiGuard kCuptiGuards[] = {
    {130000, 130000,
     "CUPTI of CUDA 13.0 leaves out cudaDeviceSynchronize from its synchronizations: update to "
     "13.0 Update 1"},
    {130000, 130100,
     "CUPTI before CUDA 13.1 Update 1 may give graph launches wrong correlation ids after a first "
     "session in the process"},
    {130200, 130200,
     "CUPTI of CUDA 13.2 makes repeated API calls slower than they are: update to 13.3"},
    {130401, 130401,
     "CUPTI of CUDA 13.4 Update 1 uses more and more processor time in long recordings"},
    {18, 23,
     "CUPTI before CUDA 12.6 may crash when the program ends with live CUDA graphs if it is torn "
     "down; it is left in place"},
};

// A refused buffer request crashed CUPTI before CUDA 12.9.
inline bool mayRefuseBuffers(uint32_t version) {
    return version >= 28;
}
// A registered timestamp callback gave zero kernel times from 12.6 Update 2 to 13.0.
inline bool mayRegisterTimestamps(uint32_t version) {
    return version >= 130100;
}

template <class Tell>
void forEachGuard(uint32_t version, Tell tell) {
    for (const CuptiGuard& guard : kCuptiGuards)
        if (version >= guard.first && version <= guard.last && guard.text != nullptr)
            tell(guard.text);
}

}  // namespace ridge::agent
