// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// CSV of RFC 4180: fields with a comma, quote or line break are quoted, quotes doubled. A field that a spreadsheet would take
// for a formula (=, +, -, @ before something that is no number) is quoted and led by an apostrophe.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ridge::reports {

std::string csvField(std::string_view text);
std::string csvLine(const std::vector<std::string>& fields);  // fields are raw
// Rows of fields. Errors: a quote that does not end, with its line.
Result<std::vector<std::vector<std::string>>> parseCsv(std::string_view text, const std::string& path);

}  // namespace ridge::reports
