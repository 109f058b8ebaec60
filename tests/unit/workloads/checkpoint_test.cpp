// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/checkpoint.h"

#include "base/clock.h"
#include "base/file.h"
#include "range_capture.h"
#include "workloads/storage/async_checkpoint.h"
#include "workloads/storage/ckpt_state.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ridge::workloads {
namespace {

namespace fs = std::filesystem;

// Not a multiple of the block size, so that the last shard has a tail.
constexpr std::size_t kBytes = (std::size_t{3} << 20) + 1234;

void fillWith(AlignedBuffer& buffer, std::uint8_t seed) {
    for (std::size_t i = 0; i < buffer.bytes().size(); ++i)
        buffer.bytes()[i] = static_cast<std::byte>(i * 31 + seed + i / 4096);
}

bool sameBytes(const AlignedBuffer& a, const AlignedBuffer& b) {
    return std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

class CheckpointTest : public testing::Test {
protected:
    void SetUp() override {
        auto folder = TempDir::create("ckpt-test-");
        ASSERT_TRUE(folder.ok());
        m_folder.emplace(std::move(*folder));
        fillWith(m_state, 1);
    }
    [[nodiscard]] const fs::path& parent() const { return m_folder->path(); }
    void save(std::uint64_t number, int shards = 4) {
        const auto times = saveCheckpoint(parent(), number, m_state.bytes(), shards);
        ASSERT_TRUE(times.ok()) << times.error().message;
    }

    std::optional<TempDir> m_folder;
    AlignedBuffer m_state{kBytes};
    AlignedBuffer m_copy{kBytes};
};

TEST_F(CheckpointTest, RestoresByteForByteForAnyNumberOfShards) {
    std::uint64_t number = 0;
    for (const int shards : {1, 2, 4, 7}) {
        fillWith(m_state, static_cast<std::uint8_t>(shards));
        save(++number, shards);
        const auto newest = newestCheckpoint(parent());
        ASSERT_TRUE(newest);
        EXPECT_EQ(newest->filename(), "ckpt-" + std::to_string(number));
        const Status restored = restoreCheckpoint(*newest, m_copy.bytes());
        ASSERT_TRUE(restored.ok()) << restored.error().message;
        EXPECT_TRUE(sameBytes(m_state, m_copy));
    }
}

TEST_F(CheckpointTest, FindsOneFlippedBitAnywhere) {
    for (const double place : {0.0, 0.5, 0.999999}) {
        for (const char* shard : {"ckpt-shard-0000.bin", "ckpt-shard-0003.bin"}) {
            fs::remove_all(parent() / "ckpt-1");
            save(1);
            const auto path = parent() / "ckpt-1" / shard;
            std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
            const auto at =
                static_cast<std::streamoff>(static_cast<double>(fs::file_size(path)) * place);
            file.seekg(at);
            const auto value = static_cast<char>(file.get() ^ 0x10);
            file.seekp(at);
            file.put(value);
            file.close();
            const Status restored = restoreCheckpoint(parent() / "ckpt-1", m_copy.bytes());
            ASSERT_FALSE(restored.ok()) << shard << " at " << place;
            EXPECT_NE(restored.error().message.find(shard), std::string::npos)
                << restored.error().message;
        }
    }
}

TEST_F(CheckpointTest, DamageIsAnErrorAndNeverACrash) {
    const auto damage = [&](const char* file, const std::string& content) {
        fs::remove_all(parent() / "ckpt-1");
        save(1);
        std::ofstream(parent() / "ckpt-1" / file, std::ios::binary | std::ios::trunc) << content;
        return restoreCheckpoint(parent() / "ckpt-1", m_copy.bytes());
    };
    EXPECT_FALSE(damage("ckpt-shard-0002.bin", "short").ok());
    fs::remove_all(parent() / "ckpt-1");
    save(1);
    std::ifstream good(parent() / "ckpt-1" / "manifest.json");
    const std::string text((std::istreambuf_iterator<char>(good)), {});
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string changed = text;
        const auto at = changed.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return changed.replace(at, from.size(), to);
    };
    const std::string bytes = std::to_string(kBytes);
    for (const std::string& manifest :
         {std::string(), std::string("[]"), std::string("{}"), text.substr(0, text.size() / 2),
          with("ridge-checkpoint-2", "ridge-checkpoint-3"), with("\"bytes\": " + bytes, "\"bytes\": 1"),
          with("\"bytes\": " + bytes, "\"bytes\": 18446744073709551615"),
          with("\"bytes\": " + bytes, "\"bytes\": -1"), with("ckpt-shard-0000.bin", "../x"),
          with("ckpt-shard-0000.bin", ""), with("ckpt-shard-0001.bin", "ckpt-shard-0009.bin"),
          with("\"offset\": 0", "\"offset\": 4096"), with("\"chunk_bytes\": 4194304", "\"chunk_bytes\": 0"),
          with("\"crc32c\": [", "\"crc32c\": [1,2,"), with("\"crc32c\": [", "\"crc32c\": [\"a\","),
          with("\"shards\"", "\"others\"")})
        EXPECT_FALSE(damage("manifest.json", manifest).ok()) << manifest;
    fs::remove(parent() / "ckpt-1" / "manifest.json");
    EXPECT_FALSE(restoreCheckpoint(parent() / "ckpt-1", m_copy.bytes()).ok());
}

TEST_F(CheckpointTest, ANumberIsSavedOnce) {
    save(1);
    EXPECT_FALSE(saveCheckpoint(parent(), 1, m_state.bytes(), 2).ok());
    EXPECT_TRUE(restoreCheckpoint(parent() / "ckpt-1", m_copy.bytes()).ok());
}

TEST_F(CheckpointTest, EveryWayOfSavingRestoresTheSame) {
    std::uint64_t number = 0;
    for (const Caching caching : {Caching::kBuffered, Caching::kDirect})
        for (const bool durable : {true, false})
            for (const bool checksum : {true, false}) {
                SaveOptions options;
                options.shards = 3;
                options.caching = caching;
                options.durable = durable;
                options.checksum = checksum;
                fillWith(m_state, static_cast<std::uint8_t>(++number));
                const auto times = saveCheckpoint(parent(), number, m_state.bytes(), options);
                if (!times.ok() && times.error().code == ErrorCode::kUnsupported) continue;
                ASSERT_TRUE(times.ok()) << times.error().message;
                EXPECT_EQ(times->checksumNs > 0, checksum);
                const Status restored = restoreCheckpoint(*newestCheckpoint(parent()), m_copy.bytes());
                ASSERT_TRUE(restored.ok()) << restored.error().message;
                EXPECT_TRUE(sameBytes(m_state, m_copy));
            }
}

TEST_F(CheckpointTest, AnyPartIsRestoredFromAnyNumberOfShards) {
    // Large enough for shards of several checksummed pieces.
    constexpr std::size_t kLarge = 5 * kDiskPiece + 777;
    AlignedBuffer state(kLarge), part(kLarge);
    fillWith(state, 9);
    std::uint64_t number = 0, random = 1;
    for (const int shards : {1, 2, 3, 8}) {
        ASSERT_TRUE(saveCheckpoint(parent(), ++number, state.bytes(), shards).ok());
        const auto folder = *newestCheckpoint(parent());
        for (int i = 0; i < 25; ++i) {
            random = random * 6364136223846793005ULL + 1442695040888963407ULL;
            const std::size_t offset = i == 0 ? kLarge : (random >> 20) % kLarge;
            const std::size_t length = i == 0 ? 0 : (random >> 40) % (kLarge - offset) + 1;
            const auto target = part.bytes().subspan(i % 3, std::min(length, kLarge - 3));
            const Status status = restorePart(folder, offset, target);
            ASSERT_TRUE(status.ok()) << status.error().message;
            EXPECT_EQ(std::memcmp(target.data(), state.bytes().data() + offset, target.size()), 0)
                << shards << " shards, " << length << " from " << offset;
        }
        EXPECT_FALSE(restorePart(folder, kLarge, part.bytes().first(1)).ok());
        EXPECT_FALSE(restorePart(folder, ~std::uint64_t{0}, part.bytes().first(2)).ok());
    }
}

TEST_F(CheckpointTest, ADamagedPieceIsFoundByThePartThatNeedsItAndByNoOther) {
    constexpr std::size_t kLarge = 3 * kDiskPiece;
    AlignedBuffer state(kLarge), part(kDiskPiece);
    fillWith(state, 9);
    ASSERT_TRUE(saveCheckpoint(parent(), 1, state.bytes(), 1).ok());
    {
        std::fstream file(parent() / "ckpt-1" / "ckpt-shard-0000.bin", std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(kDiskPiece + 5));
        file.put('\x7f');
        file.put('\x7f');
    }
    EXPECT_TRUE(restorePart(parent() / "ckpt-1", 0, part.bytes()).ok());
    EXPECT_FALSE(restorePart(parent() / "ckpt-1", kDiskPiece + 100'000, part.bytes().first(10)).ok());
    EXPECT_TRUE(restorePart(parent() / "ckpt-1", 2 * kDiskPiece, part.bytes()).ok());
}

TEST_F(CheckpointTest, InTheBackgroundItSavesWhatTheStateWasWhenAsked) {
    AsyncCheckpointer saver(parent(), kBytes, {});
    for (std::uint64_t number = 1; number <= 4; ++number) {
        fillWith(m_state, static_cast<std::uint8_t>(number));
        const auto stall = saver.save(number, m_state.bytes());
        ASSERT_TRUE(stall.ok()) << stall.error().message;
        EXPECT_EQ(stall->persistNs > 0, number > 1);
        fillWith(m_state, 77);  // the step goes on at once
    }
    ASSERT_TRUE(saver.wait().ok());
    EXPECT_EQ(newestCheckpoint(parent())->filename(), "ckpt-4");
    ASSERT_TRUE(restoreCheckpoint(*newestCheckpoint(parent()), m_copy.bytes()).ok());
    fillWith(m_state, 4);
    EXPECT_TRUE(sameBytes(m_state, m_copy));
}

TEST_F(CheckpointTest, ASaveInTheBackgroundWaitsForTheOneBefore) {
    SaveOptions slow;
    slow.shards = 1;
    slow.onWritten = [](std::size_t, std::size_t) { ::usleep(100'000); };
    AsyncCheckpointer saver(parent(), kBytes, slow);
    const auto first = saver.save(1, m_state.bytes());
    ASSERT_TRUE(first.ok());
    const auto second = saver.save(2, m_state.bytes());
    ASSERT_TRUE(second.ok());
    // The first holds its one piece back for 100 ms; some of it was over when the second came.
    EXPECT_GT(second->waitedNs, first->waitedNs);
    EXPECT_GE(second->persistNs, 100'000'000);
    ASSERT_TRUE(saver.wait().ok());
}

TEST_F(CheckpointTest, AnErrorOfTheBackgroundComesOutOnce) {
    AsyncCheckpointer saver(parent(), kBytes, {});
    ASSERT_TRUE(saver.save(1, m_state.bytes()).ok());
    ASSERT_TRUE(saver.wait().ok());
    ASSERT_TRUE(saver.save(1, m_state.bytes()).ok());  // there is one of that number already
    const Status status = saver.wait();
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("exists already"), std::string::npos);
    EXPECT_TRUE(saver.wait().ok());
    EXPECT_FALSE(saver.save(2, m_state.bytes().first(100)).ok()) << "another size";
}

TEST_F(CheckpointTest, KilledBetweenAnyTwoPiecesTheLastCompleteOneLoads) {
    constexpr std::size_t kLarge = 3 * kDiskPiece;
    AlignedBuffer state(kLarge), copy(kLarge);
    fillWith(state, 5);
    SaveOptions options;
    options.shards = 2;
    ASSERT_TRUE(saveCheckpoint(parent(), 1, state.bytes(), options).ok());
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        const Status status = proveCrash(parent(), 1, state, copy, options, seed);
        EXPECT_TRUE(status.ok()) << status.error().message;
        EXPECT_TRUE(fs::exists(parent() / "ckpt-2.partial")) << "killed before it wrote anything";
    }
    EXPECT_TRUE(proveRoundTrip(m_folder->path() / "other", state, copy, options).ok());
}

TEST_F(CheckpointTest, PayloadsSumUpToTheBytesOfTheState) {
    test::startCapture();
    save(1, 4);
    const auto saved = test::stopCapture();
    test::startCapture();
    ASSERT_TRUE(restoreCheckpoint(parent() / "ckpt-1", m_copy.bytes()).ok());
    const auto restored = test::stopCapture();
    std::uint64_t written = 0, read = 0;
    for (const auto& range : saved) written += range.hasWork ? range.work.bytes_written : 0;
    for (const auto& range : restored) read += range.hasWork ? range.work.bytes_read : 0;
    EXPECT_EQ(written, kBytes + fs::file_size(parent() / "ckpt-1" / "manifest.json"));
    EXPECT_EQ(read, kBytes);
}

TEST_F(CheckpointTest, KilledInMidSaveLeavesTheOldOrTheNewNeverAMixture) {
    int oldLeft = 0, newLeft = 0;
    std::int64_t delayUs = 0;
    save(1);
    std::uint64_t number = 1;
    // On a busy machine a save may take longer than the walk: then it goes on in larger steps.
    for (int round = 0; round < 40 || (newLeft == 0 && round < 55); ++round) {
        const std::uint64_t before = number;
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            AlignedBuffer next(kBytes);
            fillWith(next, static_cast<std::uint8_t>(before + 1));
            const bool saved = saveCheckpoint(parent(), before + 1, next.bytes(), 4).ok();
            ::_exit(saved ? 0 : 1);
        }
        // Walks through the whole save, from before its first file to after its end.
        ::usleep(static_cast<useconds_t>(delayUs));
        ::kill(child, SIGKILL);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);
        delayUs = round < 40 ? delayUs + 1500 : delayUs * 2;

        const auto newest = newestCheckpoint(parent());
        ASSERT_TRUE(newest) << "no checkpoint at all, round " << round;
        const Status restored = restoreCheckpoint(*newest, m_copy.bytes());
        ASSERT_TRUE(restored.ok()) << restored.error().message;
        const bool isNew = newest->filename() == "ckpt-" + std::to_string(before + 1);
        fillWith(m_state, static_cast<std::uint8_t>(isNew ? before + 1 : before));
        ASSERT_TRUE(sameBytes(m_state, m_copy)) << "round " << round;
        ++(isNew ? newLeft : oldLeft);
        if (isNew) ++number;
    }
    // The walk must have met both ends, or it has shown nothing.
    EXPECT_GT(oldLeft, 0);
    EXPECT_GT(newLeft, 0);
}

}  // namespace
}  // namespace ridge::workloads
