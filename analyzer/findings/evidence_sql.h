// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Pieces of queries that the files of findings/evidence share. Text of a trace reaches SQL through sqlText() only.

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "analyzer/findings/registry.h"

namespace ridge::analyzer {

// "('a', 'b')"; nothing where there is none, where it is too long or cannot be written.
std::optional<std::string> sqlList(const NamePool& pool, const std::set<std::uint32_t>& names);

// The rows of one GPU, as SELECTs of start and end under a condition.
std::string sqlRows(const RuleInput& input, std::size_t gpu, std::string_view condition);

// The name of a range n (its string s) as the timeline has it: of a framework's op without the numbers behind it.
inline constexpr std::string_view kRangeName =
    "CASE WHEN substr(n.text, instr(n.text, ', ')) GLOB ', op_id = *' OR substr(n.text, instr(n.text, ', ')) GLOB ', seq = *' OR "
    "substr(n.text, instr(n.text, ', ')) GLOB ', sizes = *' THEN substr(n.text, 1, instr(n.text, ', ') - 1) ELSE "
    "COALESCE(NULLIF(n.text, ''), s.value) END";

}  // namespace ridge::analyzer
