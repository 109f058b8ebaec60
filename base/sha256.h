// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// SHA-256 (FIPS 180-4), for fingerprints of short texts. Not tuned for speed.

#include <string>
#include <string_view>

namespace ridge {

// 64 lower-case hexadecimal digits.
std::string sha256Hex(std::string_view bytes);

}  // namespace ridge
