// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One number for all of a session's files: what an agent of another version wrote is not read.

#include <stdint.h>

namespace ridge::spool {

inline constexpr uint32_t kLayoutVersion = 1;

}  // namespace ridge::spool
