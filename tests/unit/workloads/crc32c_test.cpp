// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/crc32c.h"

#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <vector>

namespace ridge::workloads {
namespace {

std::span<const std::byte> bytesOf(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// RFC 3720, B.4.
TEST(Crc32c, MatchesThePublishedVectors) {
    std::array<std::byte, 32> block{};
    EXPECT_EQ(crc32c(block), 0x8A9136AAU);
    block.fill(std::byte{0xFF});
    EXPECT_EQ(crc32c(block), 0x62A8AB43U);
    for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::byte>(i);
    EXPECT_EQ(crc32c(block), 0x46DD794EU);
    EXPECT_EQ(crc32c(bytesOf("123456789")), 0xE3069283U);
    EXPECT_EQ(crc32c({}), 0U);
}

TEST(Crc32c, InstructionTableAndPiecesAgreeForEveryLengthAndCut) {
    std::vector<std::byte> data(300);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 37 + i / 7);
    for (std::size_t length = 0; length <= data.size(); ++length) {
        const auto part = std::span<const std::byte>(data).first(length);
        ASSERT_EQ(crc32c(part), crc32cByTable(part)) << length;
        const std::size_t cut = length * 2 / 5;
        ASSERT_EQ(crc32c(part.subspan(cut), crc32c(part.first(cut))), crc32c(part)) << length;
    }
}

}  // namespace
}  // namespace ridge::workloads
