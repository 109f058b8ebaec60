// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A session that a fake producer filled, converted, and its file asked by SQL.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/file.h"
#include "collector/recorder/convert/convert.h"
#include "tests/unit/recorder/fake_producer.h"
#include "tests/unit/recorder/rows_of.h"

namespace ridge::recorder::test {

class ConvertTest : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directory(m_session);
        std::filesystem::create_directory(m_rings);
        ASSERT_TRUE(writeSession(m_session, fakeSession(m_rings)).ok());
    }
    ConvertOutcome convertNow() {
        auto outcome = convert(m_session, m_output);
        EXPECT_TRUE(outcome.ok()) << (outcome.ok() ? "" : outcome.error().message);
        auto db = Database::openForReading(m_output);
        EXPECT_TRUE(db.ok());
        m_db = std::make_unique<Database>(std::move(*db));
        EXPECT_EQ(sql("PRAGMA integrity_check"), "ok");
        return outcome.ok() ? *outcome : ConvertOutcome{};
    }
    std::string sql(const std::string& query, int columns = 1) { return rowsOf(*m_db, query, columns); }
    TempDir m_dir = std::move(TempDir::create("ridge-convert")).value();
    std::string m_session = (m_dir.path() / "s").string();
    std::string m_rings = (m_dir.path() / "rings").string();
    std::string m_output = (m_dir.path() / "t.sqlite").string();
    std::unique_ptr<Database> m_db;
};

}  // namespace ridge::recorder::test
