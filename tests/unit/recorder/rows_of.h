// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// An SQL question to a file that was made, its answer as one text.

#include <gtest/gtest.h>

#include <string>

#include "schemas/sqlite/database.h"

namespace ridge::recorder::test {

// Rows joined by '|' and ';', "-" for NULL. Fails the test where the query is none.
inline std::string rowsOf(Database& db, const std::string& query, int columns = 1) {
    auto statement = db.prepare(query);
    EXPECT_TRUE(statement.ok()) << (statement.ok() ? "" : statement.error().message);
    if (!statement.ok()) return "?";
    std::string all;
    for (;;) {
        auto row = statement->step();
        if (!row.ok() || !*row) return all;
        if (!all.empty()) all += ";";
        for (int i = 0; i < columns; ++i)
            all += (i ? "|" : "") + (statement->isNull(i) ? std::string("-") : std::string(statement->text(i)));
    }
}

}  // namespace ridge::recorder::test
