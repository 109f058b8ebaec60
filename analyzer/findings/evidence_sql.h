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

// The rows of one GPU, as SELECTs of columns (start and end) under a condition.
std::string sqlRows(const RuleInput& input, std::size_t gpu, std::string_view condition, std::string_view columns = "start, end");

// "(1, 2), (3, 4)"; nothing where there is none, or too many to list.
std::optional<std::string> sqlPieces(const IntervalSet& pieces);

inline constexpr const char* kTooManyPieces = "no query: the steps lie in too many pieces to list them";

// The condition on a call's name (s.value) that says that it waits for the device: isBlockingCall().
inline constexpr std::string_view kBlockingName =
    "(instr(s.value, 'Synchronize') > 0 OR ((s.value GLOB 'cudaMemcpy*' OR s.value GLOB 'cuMemcpy*' OR s.value GLOB 'hipMemcpy*') AND "
    "instr(s.value, 'Async') = 0))";

// The name of a range n (its string s) as the timeline has it: of a framework's op without the numbers behind it.
inline constexpr std::string_view kRangeName =
    "CASE WHEN substr(n.text, instr(n.text, ', ')) GLOB ', op_id = *' OR substr(n.text, instr(n.text, ', ')) GLOB ', seq = *' OR "
    "substr(n.text, instr(n.text, ', ')) GLOB ', sizes = *' THEN substr(n.text, 1, instr(n.text, ', ') - 1) ELSE "
    "COALESCE(NULLIF(n.text, ''), s.value) END";

}  // namespace ridge::analyzer
