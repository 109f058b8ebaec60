// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What may be taken of this host's memory without others having to give theirs up.

#include <cstdint>

namespace ridge {

// The kernel's MemAvailable, in bytes; no file, no limit.
[[nodiscard]] std::uint64_t freeMemoryBytes();

}  // namespace ridge
