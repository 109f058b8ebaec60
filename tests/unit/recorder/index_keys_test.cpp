// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/sqlite/index_keys.h"

#include "base/file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>
#include <random>
#include <sys/resource.h>
#include <vector>

namespace ridge::bulk {
namespace {

class IndexKeysTest : public testing::Test {
protected:
    // What comes back, against the same keys sorted by the standard library.
    void check(const std::vector<std::int64_t>& given, std::size_t keysInMemory) {
        SCOPED_TRACE(testing::Message()
                     << given.size() << " keys, " << keysInMemory << " in memory");
        IndexKeys keys(m_path, keysInMemory);
        std::vector<std::pair<std::int64_t, std::int64_t>> expected;
        for (std::size_t i = 0; i < given.size(); ++i) {
            const auto rowid = static_cast<std::int64_t>(3 * i + 1);
            keys.add(given[i], rowid);
            expected.emplace_back(given[i], rowid);
        }
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(keys.count(), given.size());
        keys.sort();
        IndexKey key{};
        for (const auto& [value, rowid] : expected) {
            ASSERT_TRUE(keys.next(key));
            ASSERT_EQ(key.key, value);
            ASSERT_EQ(key.rowid, rowid);
        }
        EXPECT_FALSE(keys.next(key));
        EXPECT_EQ(keys.error(), 0);
    }

    TempDir m_dir = std::move(TempDir::create("ridge-keys")).value();
    std::string m_path = (m_dir.path() / "keys").string();
};

TEST_F(IndexKeysTest, AnyOrderComesBackSorted) {
    std::mt19937_64 random(20261122);
    for (const std::size_t count : {0, 1, 2, 63, 64, 65, 1000, 20000}) {
        std::vector<std::int64_t> ascending, descending, wild, few, threads;
        for (std::size_t i = 0; i < count; ++i) {
            const auto n = static_cast<std::int64_t>(i);
            ascending.push_back(1000 * n + static_cast<std::int64_t>(random() % 3000));
            descending.push_back(-7 * n);
            wild.push_back(static_cast<std::int64_t>(random()));
            few.push_back(static_cast<std::int64_t>(random() % 3));
            threads.push_back(static_cast<std::int64_t>(i % (count / 4 + 1)) *
                              100);  // one after the other
        }
        for (const auto& keys : {ascending, descending, wild, few, threads})
            for (const std::size_t memory : {1, 2, 100, 5000, 100000})
                if (count / memory < 2000) check(keys, memory);
    }
}

TEST_F(IndexKeysTest, ExtremeKeysKeepTheirDifference) {
    constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min(),
                           kMost = std::numeric_limits<std::int64_t>::max();
    for (const std::size_t memory : {1, 2, 3})
        check({kMost, kLeast, 0, kMost, kLeast, -1, 1, kMost - 1, kLeast + 1}, memory);
}

// Each run gets a piece of the reading room that is shorter than the run.
TEST_F(IndexKeysTest, RunsAreReadPieceByPiece) {
    std::mt19937_64 random(7);
    std::vector<std::int64_t> keys(400000);
    for (auto& key : keys) key = static_cast<std::int64_t>(random());
    check(keys, 3000);
}

TEST_F(IndexKeysTest, AFileThatCannotBeMadeIsAnError) {
    IndexKeys keys("/proc/ridge-no-such/keys", 2);
    for (int i = 5; i > 0; --i) keys.add(i, 6 - i);
    keys.sort();
    IndexKey key{};
    EXPECT_FALSE(keys.next(key));
    EXPECT_EQ(keys.error(), ENOENT);
}

TEST_F(IndexKeysTest, AFileThatCannotGrowIsAnError) {
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    IndexKeys keys(m_path, 1000);
    for (int i = 0; i < 10000; ++i) keys.add(std::int64_t{7919} * (i % 100), i + 1);
    keys.sort();
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    IndexKey key{};
    EXPECT_FALSE(keys.next(key));
    EXPECT_EQ(keys.error(), EFBIG);
}

}  // namespace
}  // namespace ridge::bulk
