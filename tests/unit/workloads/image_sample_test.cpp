// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/image_sample.h"

#include <gtest/gtest.h>

#include <numeric>

namespace ridge::workloads {
namespace {

TEST(ResizeTaps, AreTheTriangleByHand) {
    // 4 to 2: centres at 1 and 3, reach 2. Of the first: pixel centres 0.5, 1.5, 2.5 at distances
    // 0.5, 0.5, 1.5: 0.75, 0.75, 0.25 of 1.75 are 3/7, 3/7, 1/7 of 4096: 1755, 1755, 585, and the
    // one that is lost by rounding down goes to the first of the largest.
    const auto taps = resizeTaps(4, 2);
    ASSERT_EQ(taps.size(), 2U);
    EXPECT_EQ(taps[0].first, 0);
    EXPECT_EQ(taps[0].weights, (std::vector<std::uint32_t>{1756, 1755, 585}));
    EXPECT_EQ(taps[1].first, 1);
    EXPECT_EQ(taps[1].weights, (std::vector<std::uint32_t>{585, 1756, 1755}));
}

TEST(ResizeTaps, AddUpToOneAndStayInside) {
    for (const auto& [source, destination] :
         {std::pair{512, 224}, {7, 3}, {1, 1}, {5, 5}, {3, 1}, {2, 5}}) {
        const auto all = resizeTaps(source, destination);
        ASSERT_EQ(all.size(), static_cast<std::size_t>(destination));
        for (const ResizeTaps& taps : all) {
            EXPECT_EQ(std::accumulate(taps.weights.begin(), taps.weights.end(), 0U), 4096U);
            EXPECT_GE(taps.first, 0);
            EXPECT_LE(taps.first + static_cast<std::int32_t>(taps.weights.size()), source);
        }
    }
}

TEST(ResizeImage, KeepsAConstantAndAveragesByHand) {
    const std::vector<std::uint8_t> grey(16 * 3, 137);
    std::vector<std::uint8_t> out(4 * 3);
    resizeImage(grey, 4, out, 2);
    EXPECT_EQ(out, std::vector<std::uint8_t>(4 * 3, 137));
    // Columns 0, 100, 200, 255 in every row of the first channel: (1755 * 100 + 585 * 200) / 4096 =
    // 71.4 and (585 * 100 + 1756 * 200 + 1755 * 255) / 4096 = 209.3; white of the second.
    std::vector<std::uint8_t> columns;
    for (int y = 0; y < 4; ++y)
        for (const int value : {0, 100, 200, 255})
            columns.insert(columns.end(), {static_cast<std::uint8_t>(value), 255, 0});
    resizeImage(columns, 4, out, 2);
    EXPECT_EQ(out, (std::vector<std::uint8_t>{71, 255, 0, 209, 255, 0, 71, 255, 0, 209, 255, 0}));
}

class ImageSample : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(makeImageSample(m_slot, 3).ok()); }
    std::vector<std::byte> m_slot = std::vector<std::byte>(kImageBytes + 4096);
};

TEST_F(ImageSample, IsMadeBySeedAndProvenByAnotherArrangementOfItsSums) {
    EXPECT_TRUE(resizeImageSample(m_slot, 3).ok());
    EXPECT_FALSE(resizeImageSample(m_slot, 4).ok()) << "another index";
    std::vector<std::byte> other(m_slot.size());
    ASSERT_TRUE(makeImageSample(other, 3).ok());
    EXPECT_EQ(m_slot, other);
    ASSERT_TRUE(makeImageSample(other, 4).ok());
    EXPECT_NE(m_slot, other);
    EXPECT_FALSE(makeImageSample(std::span(other).first(kImageBytes), 4).ok()) << "no header's room";
}

// Every pixel has a part in the smaller image; half of what a byte can be is seen in it.
TEST_F(ImageSample, DamageIsFound) {
    for (std::size_t i = 0; i < 24; ++i) {
        std::vector<std::byte> damaged = m_slot;
        damaged[i] ^= std::byte{0x10};
        EXPECT_FALSE(resizeImageSample(damaged, 3).ok()) << i;
    }
    for (std::size_t i = 0; i < 40; ++i) {
        std::vector<std::byte> damaged = m_slot;
        const std::size_t pixel = 24 + i * (kImageBytes / 40);
        damaged[pixel] ^= std::byte{0x80};
        EXPECT_FALSE(resizeImageSample(damaged, 3).ok()) << pixel;
    }
    for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{24}, kImageBytes})
        EXPECT_FALSE(resizeImageSample(std::span(m_slot).first(size), 3).ok()) << size;
}

}  // namespace
}  // namespace ridge::workloads
