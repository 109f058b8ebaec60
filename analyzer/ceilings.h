// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Reads a file of measured roofs (schemas/json/ceilings-1.json): {"roofs": [{kind, name, dtype, level,
// capacity_bytes, access, value, unit, method, ...}]}. Roofs of a trace (RIDGE_CEILING) come with the
// trace. Entries without a kind or a positive finite value are refused, unknown fields ignored.

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/model/analysis.h"
#include "base/result.h"

namespace ridge::analyzer {

Result<std::vector<Ceiling>> readCeilings(const std::string& path);
Result<std::vector<Ceiling>> parseCeilings(std::string_view json);

}  // namespace ridge::analyzer
