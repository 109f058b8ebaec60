// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How globalTid and globalPid are packed: <hardware:8><VM:8><pid:24><tid:24>; a globalPid has tid 0
// (Nsight Systems, "Common SQLite Examples"). Any bits are taken: ids of a trace are not to be trusted.

#include <cstdint>

namespace ridge::timeline {

inline constexpr std::int64_t kIdMask = 0xFFFFFF;

constexpr std::int64_t tidOf(std::int64_t globalTid) { return globalTid & kIdMask; }
constexpr std::int64_t pidOf(std::int64_t global) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(global) >> 24) & kIdMask; }
constexpr std::int64_t globalPidOf(std::int64_t globalTid) { return globalTid & ~kIdMask; }

}  // namespace ridge::timeline
