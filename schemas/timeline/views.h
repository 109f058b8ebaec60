// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// schemas/views.sql: the views for people, made in a file once its tables are there.

#include "base/result.h"
#include "schemas/sqlite/database.h"

namespace ridge::timeline {

// Makes every view whose tables are in the file and that is not there yet.
Status createViews(Database& db);

}  // namespace ridge::timeline
