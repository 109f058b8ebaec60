// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A sentence for the user in the recording (DIAGNOSTIC_EVENT). Any thread; not from within the
// recording of something else. Never printed.

#include <stdint.h>

namespace ridge::agent {

// severity: 1 info, 2 warning, 3 error. The two texts are joined and cut at 600 bytes.
void say(uint32_t severity, const char* text, const char* detail = "");

}  // namespace ridge::agent
