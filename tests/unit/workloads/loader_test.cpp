// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/loader.h"

#include "base/file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

namespace ridge::workloads {
namespace {

constexpr DatasetShape kShape{8192, 5, 3};  // 15 samples

class LoaderTest : public testing::Test {
protected:
    void SetUp() override {
        auto folder = TempDir::create("loader-test-");
        ASSERT_TRUE(folder.ok());
        m_folder.emplace(std::move(*folder));
        const Status written = writeDataset(m_folder->path(), kShape);
        ASSERT_TRUE(written.ok()) << written.error().message;
        auto dataset = Dataset::open(m_folder->path(), kShape);
        ASSERT_TRUE(dataset.ok());
        m_dataset.emplace(std::move(*dataset));
    }
    std::optional<TempDir> m_folder;
    std::optional<Dataset> m_dataset;
};

std::vector<std::uint64_t> take(Loader& loader, int batches) {
    std::vector<std::uint64_t> indices;
    for (int i = 0; i < batches; ++i) {
        const auto batch = loader.next();
        EXPECT_TRUE(batch.ok());
        if (batch.ok()) indices.insert(indices.end(), batch->begin(), batch->end());
    }
    return indices;
}

TEST_F(LoaderTest, EverySampleOncePerEpochForAnyDepthAndBatch) {
    for (const int depth : {0, 1, 4}) {
        for (const std::size_t batch :
             {std::size_t{1}, std::size_t{4}, std::size_t{15}, std::size_t{20}}) {
            Loader loader(*m_dataset, {batch, depth, 3, 7});
            // 60 samples: four whole epochs, with batches that run across their ends.
            const auto indices = take(loader, static_cast<int>(60 / batch));
            std::map<std::uint64_t, int> counts;
            for (const std::uint64_t index : indices) ++counts[index];
            EXPECT_EQ(counts.size(), 15U);
            for (const auto& [index, count] : counts) EXPECT_EQ(count, 4) << index;
            EXPECT_EQ(loader.goodEpochs(), 4U);
            EXPECT_EQ(loader.badEpochs(), 0U);
        }
    }
}

TEST_F(LoaderTest, TheOrderDependsOnTheSeedAloneAndNotOnTheDepth) {
    Loader inlineLoader(*m_dataset, {4, 0, 1, 7});
    Loader ahead(*m_dataset, {4, 4, 3, 7});
    Loader other(*m_dataset, {4, 0, 1, 8});
    const auto order = take(inlineLoader, 30);
    EXPECT_EQ(order, take(ahead, 30));
    EXPECT_NE(order, take(other, 30));
}

TEST_F(LoaderTest, ADamagedSampleIsReportedAndNotDelivered) {
    {
        std::fstream file(m_folder->path() / "train-data-00001.bin",
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(8192 * 2 + 4000);
        file.put('\x55');
        file.put('\x66');
    }
    auto dataset = Dataset::open(m_folder->path(), kShape);
    ASSERT_TRUE(dataset.ok());
    for (const int depth : {0, 2}) {
        Loader loader(*dataset, {5, depth, 2, 7});
        std::string message;
        for (int i = 0; i < 3; ++i)
            if (const auto batch = loader.next(); !batch.ok()) message = batch.error().message;
        EXPECT_EQ(message, "sample 7 does not match its checksum");
    }
}

TEST_F(LoaderTest, AMissingShardIsAnErrorThatNamesIt) {
    std::filesystem::remove(m_folder->path() / "train-data-00002.bin");
    const auto dataset = Dataset::open(m_folder->path(), kShape);
    ASSERT_FALSE(dataset.ok());
    EXPECT_NE(dataset.error().message.find("train-data-00002.bin"), std::string::npos);
}

TEST_F(LoaderTest, LeavingInMidEpochWithBatchesAheadDoesNotHang) {
    for (int i = 0; i < 20; ++i) {
        Loader loader(*m_dataset, {4, 4, 3, 7});
        if (i % 2 == 0) take(loader, 1);
    }
}

}  // namespace
}  // namespace ridge::workloads
