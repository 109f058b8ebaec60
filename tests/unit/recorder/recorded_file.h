// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A small program recorded with the agent, and its file asked by SQL.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "collector/recorder/record.h"
#include "schemas/sqlite/database.h"
#include "tests/unit/recorder/rows_of.h"

namespace ridge::recorder::test {

class RecordedFile {
public:
    // Fails the test where the program does not end with 0.
    RecordedFile(const std::vector<std::string>& command, bool cuda, bool io = false) {
        RecordOptions o;
        o.command = command;
        o.output = (m_dir.path() / "t.sqlite").string();
        o.traceCuda = cuda;
        o.traceIo = io;
        o.sampleSystem = false;
        o.detectPreemption = false;
        o.agentLibDir = RIDGE_TEST_AGENT_DIR;
        const auto outcome = record(o);
        EXPECT_TRUE(outcome.ok()) << (outcome.ok() ? "" : outcome.error().message);
        if (!outcome.ok()) return;
        EXPECT_EQ(outcome->programStatus, 0);
        m_events = outcome->events;
        auto db = Database::openForReading(o.output);
        EXPECT_TRUE(db.ok());
        if (db.ok()) m_db = std::make_unique<Database>(std::move(*db));
    }
    // Rows joined by '|' and ';', "-" for NULL.
    std::string sql(const std::string& query, int columns = 1) const {
        if (!m_db) return "no file";
        return rowsOf(*m_db, query, columns);
    }

    // As the user is told.
    [[nodiscard]] std::uint64_t events() const { return m_events; }

private:
    std::uint64_t m_events = 0;
    TempDir m_dir = std::move(TempDir::create("ridge-recorded")).value();
    std::unique_ptr<Database> m_db;
};

}  // namespace ridge::recorder::test
