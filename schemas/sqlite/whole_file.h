// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Is a database file as long as its own header says? SQLite itself reads a file whose last pages are missing until it
// needs one of them, and what lay in the missing part of a leaf reads as nothing: a copy that broke off would pass for
// a whole one. Source: "Database File Format", 1.3.7 In-header database size.

#include <string>

namespace ridge {

// In words, what is missing; empty: nothing, or the header does not tell (older than SQLite 3.7.0, or no such file).
std::string whatIsCutOff(const std::string& databasePath);

}  // namespace ridge
