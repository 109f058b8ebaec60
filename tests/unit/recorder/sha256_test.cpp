// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/sha256.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

// FIPS 180-4 examples and the NIST vector of a million 'a'.
TEST(Sha256, MatchesThePublishedVectors) {
    EXPECT_EQ(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256Hex(std::string(1000000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesOfAnyLengthAddUp) {
    const std::string text(1000, 'x');
    for (const std::size_t piece : {1, 3, 55, 56, 63, 64, 65, 128, 999, 1000}) {
        Sha256 hash;
        for (std::size_t at = 0; at < text.size(); at += piece) hash.add(std::string_view(text).substr(at, piece));
        EXPECT_EQ(hash.hex(), sha256Hex(text)) << piece;
    }
}

}  // namespace
}  // namespace ridge
