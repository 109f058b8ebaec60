// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/checkpoint.h"

#include "base/clock.h"
#include "base/file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
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
    for (const char* manifest :
         {"", "[]", "{}", "{\"bytes\":1}", "{\"bytes\":3146962,\"shards\":[]}",
          "{\"bytes\":3146962,\"shards\":[{}]}",
          "{\"bytes\":3146962,\"shards\":[{\"name\":\"../x\",\"bytes\":1,\"crc32c\":0}]}",
          "{\"bytes\":3146962,\"shards\":[{\"name\":\"ckpt-shard-0000.bin\",\"bytes\":"
          "18446744073709551615,\"crc32c\":0}]}"})
        EXPECT_FALSE(damage("manifest.json", manifest).ok()) << manifest;
    fs::remove(parent() / "ckpt-1" / "manifest.json");
    EXPECT_FALSE(restoreCheckpoint(parent() / "ckpt-1", m_copy.bytes()).ok());
}

TEST_F(CheckpointTest, ANumberIsSavedOnce) {
    save(1);
    EXPECT_FALSE(saveCheckpoint(parent(), 1, m_state.bytes(), 2).ok());
    EXPECT_TRUE(restoreCheckpoint(parent() / "ckpt-1", m_copy.bytes()).ok());
}

TEST_F(CheckpointTest, KilledInMidSaveLeavesTheOldOrTheNewNeverAMixture) {
    int oldLeft = 0, newLeft = 0;
    std::int64_t delayUs = 0;
    save(1);
    std::uint64_t number = 1;
    for (int round = 0; round < 40; ++round) {
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
        delayUs += 1500;

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
