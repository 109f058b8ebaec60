// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What an export of Nsight Systems should have, and this file has not: version, string table, columns.
// Readers take what is there; these lines say why the rest is not, for the gate.

#include <string>
#include <string_view>
#include <vector>

#include "schemas/sqlite/database.h"

namespace ridge::analyzer {

// schema: EXPORT_SCHEMA_VERSION as the file has it, empty: it says none. One line per lack.
std::vector<std::string> findMissing(Database& db, std::string_view schema);

}  // namespace ridge::analyzer
