// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Numbers as people read them. Never used where a machine reads (JSON and SQL carry plain integers).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ridge {

// 1234567 -> "1.235 ms"; picks ns, us, ms, s.
std::string formatDuration(std::int64_t ns);
// 1.5e12, "FLOP/s" -> "1.50 TFLOP/s" (decimal prefixes); NaN and infinity -> "-".
std::string formatRate(double value, std::string_view unit);
// 1610612736 -> "1.50 GiB" (binary prefixes).
std::string formatBytes(std::uint64_t bytes);
// 0.1234 -> "12.3 %"; NaN -> "-".
std::string formatShare(double share);

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);

// Replaces bytes that are no valid UTF-8 by U+FFFD, so that every writer downstream gets text.
std::string toValidUtf8(std::string_view bytes);

}  // namespace ridge
