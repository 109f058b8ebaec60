// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/read_queue.h"

#include "base/file.h"
#include "workloads/storage/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>

namespace ridge::workloads {
namespace {

constexpr std::size_t kBlock = 4096, kBlocks = 300;

class ReadQueueTest : public testing::Test {
protected:
    void SetUp() override {
        auto folder = TempDir::create("read-queue-");
        ASSERT_TRUE(folder.ok());
        m_folder.emplace(std::move(*folder));
        m_path = m_folder->path() / "blocks";
        m_content = AlignedBuffer(kBlock * kBlocks);
        for (std::size_t i = 0; i < m_content.bytes().size(); ++i)
            m_content.bytes()[i] = static_cast<std::byte>(i / kBlock * 7 + i);
        auto file = DiskFile::create(m_path);
        ASSERT_TRUE(file.ok());
        ASSERT_TRUE(file->write(m_content.bytes(), 0).ok());
        ASSERT_TRUE(file->sync().ok());
    }
    // Where there is no O_DIRECT, through the page cache.
    [[nodiscard]] DiskFile open() const {
        auto direct = DiskFile::openForReading(m_path, Caching::kDirect);
        if (direct.ok()) return std::move(*direct);
        auto buffered = DiskFile::openForReading(m_path, Caching::kBuffered);
        return std::move(*buffered);
    }
    std::optional<TempDir> m_folder;
    std::filesystem::path m_path;
    AlignedBuffer m_content;
};

TEST_F(ReadQueueTest, EveryReadOnceWithItsOwnBytesAtAnyDepth) {
    const DiskFile file = open();
    for (const unsigned depth : {0U, 1U, 2U, 7U, 64U}) {
        auto queue = makeReadQueue(depth == 0 ? ReadEngine::kPsync : ReadEngine::kUring, kBlock, depth);
        if (!queue.ok() && queue.error().code == ErrorCode::kUnsupported)
            GTEST_SKIP() << queue.error().message;
        ASSERT_TRUE(queue.ok()) << queue.error().message;
        std::vector<std::uint64_t> offsets = shuffledOrder(kBlocks, depth);
        for (std::uint64_t& offset : offsets) offset *= kBlock;
        std::multiset<std::size_t> seen;
        std::vector<std::int64_t> latencies;
        const Status status = (*queue)->readAll(
            file, offsets, latencies,
            [&](std::uint64_t index, std::span<const std::byte> data) -> Status {
                seen.insert(index);
                EXPECT_TRUE(std::ranges::equal(data, m_content.bytes().subspan(offsets[index], kBlock)));
                return {};
            });
        ASSERT_TRUE(status.ok()) << status.error().message;
        EXPECT_EQ(latencies.size(), kBlocks);
        EXPECT_EQ(seen.size(), kBlocks);
        EXPECT_EQ(std::set<std::size_t>(seen.begin(), seen.end()).size(), kBlocks);
        EXPECT_TRUE(std::all_of(latencies.begin(), latencies.end(), [](std::int64_t ns) { return ns > 0; }));
    }
}

TEST_F(ReadQueueTest, AReadPastTheEndIsAnErrorAndTheQueueGoesOnWorking) {
    const DiskFile file = open();
    for (const ReadEngine engine : {ReadEngine::kPsync, ReadEngine::kUring}) {
        auto queue = makeReadQueue(engine, kBlock, 8);
        if (!queue.ok()) continue;
        const auto ignore = [](std::uint64_t, std::span<const std::byte>) { return Status{}; };
        std::vector<std::int64_t> latencies;
        std::vector<std::uint64_t> offsets(20, 0);
        offsets[5] = kBlock * kBlocks;
        EXPECT_FALSE((*queue)->readAll(file, offsets, latencies, ignore).ok());
        offsets[5] = kBlock;
        latencies.clear();
        EXPECT_TRUE((*queue)->readAll(file, offsets, latencies, ignore).ok());
        EXPECT_EQ(latencies.size(), offsets.size());
    }
}

TEST_F(ReadQueueTest, AConsumersErrorStopsIt) {
    const DiskFile file = open();
    for (const ReadEngine engine : {ReadEngine::kPsync, ReadEngine::kUring}) {
        auto queue = makeReadQueue(engine, kBlock, 8);
        if (!queue.ok()) continue;
        std::vector<std::int64_t> latencies;
        const std::vector<std::uint64_t> offsets(50, 0);
        int calls = 0;
        const Status status = (*queue)->readAll(
            file, offsets, latencies, [&](std::uint64_t, std::span<const std::byte>) -> Status {
                if (++calls < 3) return {};
                return Error{ErrorCode::kMeasurement, "not what was asked for"};
            });
        ASSERT_FALSE(status.ok());
        EXPECT_EQ(status.error().message, "not what was asked for");
        EXPECT_EQ(calls, 3);
    }
}

TEST_F(ReadQueueTest, ReadingOnNeitherLosesNorRepeatsARead) {
    const DiskFile file = open();
    for (const unsigned depth : {0U, 1U, 5U, 32U}) {
        auto queue = makeReadQueue(depth == 0 ? ReadEngine::kPsync : ReadEngine::kUring, kBlock, depth);
        if (!queue.ok()) continue;
        std::size_t asked = 0;
        std::multiset<std::uint64_t> seen;
        std::vector<std::int64_t> latencies;
        const auto read = [&](std::size_t count) {
            return (*queue)->readOn(
                file, [&] { return asked++ % kBlocks * kBlock; }, count, latencies,
                [&](std::uint64_t offset, std::span<const std::byte> data) -> Status {
                    seen.insert(offset);
                    EXPECT_TRUE(std::ranges::equal(data, m_content.bytes().subspan(offset, kBlock)));
                    return {};
                });
        };
        for (int i = 0; i < 4; ++i) {
            ASSERT_TRUE(read(50).ok());
            EXPECT_GE(seen.size(), 50U * static_cast<unsigned>(i + 1));
        }
        // What was asked for is there, or under way.
        EXPECT_EQ(latencies.size(), seen.size());
        EXPECT_LE(asked, seen.size() + depth);
        EXPECT_EQ(std::set<std::uint64_t>(seen.begin(), seen.end()).size(), seen.size());
        // All at once waits for those first.
        const std::vector<std::uint64_t> first(3, 0);
        int calls = 0;
        EXPECT_TRUE((*queue)->readAll(file, first, latencies, [&](std::uint64_t, std::span<const std::byte>) -> Status {
            ++calls;
            return {};
        }).ok());
        EXPECT_EQ(calls, 3);
    }
}

TEST_F(ReadQueueTest, DroppedPagesAreOutOfTheCacheAndReadOnesIn) {
    ASSERT_TRUE(syncFileSystem(m_folder->path()).ok());
    if (!requireDisk(m_folder->path()).ok()) GTEST_SKIP() << "a folder in memory";
    ASSERT_TRUE(dropPages(m_path).ok());
    auto share = cachedShare(m_path);
    ASSERT_TRUE(share.ok());
    EXPECT_EQ(*share, 0);
    auto file = DiskFile::openForReading(m_path, Caching::kBuffered);
    ASSERT_TRUE(file.ok());
    AlignedBuffer all(kBlock * kBlocks);
    ASSERT_TRUE(file->read(all.bytes(), 0).ok());
    share = cachedShare(m_path);
    ASSERT_TRUE(share.ok());
    EXPECT_EQ(*share, 1);
    EXPECT_FALSE(cachedShare(m_folder->path() / "nothing").ok());
}

}  // namespace
}  // namespace ridge::workloads
