// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Numbers of CUPTI (cupti_activity.h) -> numbers of the file's ENUM_ tables, where the two differ.

#include <cstdint>

namespace ridge::recorder {

// CUpti_ActivityMemoryKind: 0 unknown, 1 pageable, ... 7 managed static.
constexpr std::int64_t cudaMemoryKind(std::uint32_t cupti) {
    return cupti >= 1 && cupti <= 7 ? cupti - 1 : 7;
}
// CUpti_ActivityLaunchType: 0 regular, 1 cooperative, 2 cooperative on several devices.
constexpr std::int64_t cudaLaunchType(std::uint32_t cupti) {
    return cupti <= 2 ? cupti + 1 : 0;
}
// CUpti_ActivityOverheadKind: 0 unknown, 1 compiler, then n << 16.
constexpr std::int64_t cudaOverheadType(std::uint32_t cupti) {
    if (cupti <= 1) return std::int64_t{cupti} + 1;
    const std::uint32_t high = cupti >> 16;
    return (cupti & 0xffff) == 0 && high <= 6 ? high + 2 : 0;
}

}  // namespace ridge::recorder
