// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A second file beside a database, read-only: what a copy is made from.

#include <string>
#include <string_view>

#include "schemas/sqlite/database.h"

namespace ridge {

// As `schema`.x, until DETACH. The file stays as it is, and so does its folder: no journal is played back, no -shm made.
Status attachForReading(Database& db, const std::string& path, std::string_view schema);

}  // namespace ridge
