// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/packed_sample.h"

#include "base/file.h"
#include "workloads/storage/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>

namespace ridge::workloads {
namespace {

constexpr std::size_t kUnpacked = 200'000, kSlot = 20 * 4096;

TEST(PackedSample, UnpacksToWhatWasPackedAndTakesLess) {
    std::vector<std::byte> slot(kSlot), other(kSlot);
    ASSERT_TRUE(packSample(slot, 3, kUnpacked).ok());
    EXPECT_TRUE(unpackSample(slot, 3, kUnpacked).ok());
    EXPECT_FALSE(unpackSample(slot, 4, kUnpacked).ok()) << "another index";
    EXPECT_FALSE(unpackSample(slot, 3, kUnpacked + 1).ok()) << "another size";
    ASSERT_TRUE(packSample(other, 3, kUnpacked).ok());
    EXPECT_EQ(slot, other) << "made by seed";
    ASSERT_TRUE(packSample(other, 4, kUnpacked).ok());
    EXPECT_NE(slot, other);
    EXPECT_FALSE(packSample(std::span(slot).first(4096), 3, kUnpacked).ok()) << "too small a slot";
}

TEST(PackedSample, EveryDamageIsFound) {
    std::vector<std::byte> slot(kSlot);
    ASSERT_TRUE(packSample(slot, 3, kUnpacked).ok());
    std::uint32_t packed = 0;
    std::memcpy(&packed, slot.data() + 16, sizeof packed);
    for (std::size_t at = 0; at < 24 + packed; at += at < 24 ? 1 : packed / 50) {
        std::vector<std::byte> damaged = slot;
        damaged[at] ^= std::byte{0x10};
        EXPECT_FALSE(unpackSample(damaged, 3, kUnpacked).ok()) << at;
    }
    for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{24}, std::size_t{4096}})
        EXPECT_FALSE(unpackSample(std::span(slot).first(size), 3, kUnpacked).ok()) << size;
}

TEST(PackedSample, ALoaderUnpacksEverySampleOncePerEpoch) {
    auto folder = TempDir::create("packed-");
    ASSERT_TRUE(folder.ok());
    const DatasetShape shape{kSlot, 5, 2};
    ASSERT_TRUE(writeDataset(folder->path(), shape, [](std::span<std::byte> slot, std::uint64_t index) {
                    return packSample(slot, index, kUnpacked);
                }).ok());
    const auto dataset = Dataset::open(folder->path(), shape);
    ASSERT_TRUE(dataset.ok());
    LoaderOptions options;
    options.batch = 5;
    options.depth = 2;
    options.workers = 2;
    std::atomic<int> unpacked{0};
    options.decode = [&](std::span<const std::byte> slot, std::uint64_t index) {
        ++unpacked;
        return unpackSample(slot, index, kUnpacked);
    };
    Loader loader(*dataset, options);
    for (int i = 0; i < 6; ++i) {
        const auto batch = loader.next();
        ASSERT_TRUE(batch.ok()) << batch.error().message;
    }
    EXPECT_EQ(loader.goodEpochs(), 3U);
    EXPECT_EQ(loader.badEpochs(), 0U);
    EXPECT_GE(unpacked, 30);
}

// A slow device makes each batch take that long; how much longer says nothing.
TEST(Loader, AnInjectedDelayIsWaitedFor) {
    auto folder = TempDir::create("slow-");
    ASSERT_TRUE(folder.ok());
    const DatasetShape shape{4096, 4, 1};
    ASSERT_TRUE(writeDataset(folder->path(), shape).ok());
    const auto dataset = Dataset::open(folder->path(), shape);
    ASSERT_TRUE(dataset.ok());
    LoaderOptions options;
    options.batch = 2;
    options.fetchDelayNs = 20'000'000;
    Loader loader(*dataset, options);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(loader.next().ok());
    EXPECT_GE(loader.waitedNs(), 3 * options.fetchDelayNs);
}

}  // namespace
}  // namespace ridge::workloads
