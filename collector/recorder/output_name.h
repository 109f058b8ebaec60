// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Names of outputs with something to fill in: %q{NAME} an environment variable, %h the host, %p the
// program's process, %n the first number that is free, %% a percent sign.

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace ridge::recorder {

bool hasNumber(std::string_view pattern);   // %n
bool hasProcess(std::string_view pattern);  // %p
// Errors: an unknown sequence. Variables need not be set.
Status checkOutputPattern(std::string_view pattern);
// Errors: an unknown sequence, a variable that is not set or holds a slash.
Result<std::string> expandOutput(std::string_view pattern, std::int32_t pid, std::uint32_t number);

}  // namespace ridge::recorder
