// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ridge {
namespace {

TEST(Text, DurationsPickTheirUnit) {
    EXPECT_EQ(formatDuration(0), "0 ns");
    EXPECT_EQ(formatDuration(999), "999 ns");
    EXPECT_EQ(formatDuration(1500), "1.5 us");
    EXPECT_EQ(formatDuration(1'234'567), "1.235 ms");
    EXPECT_EQ(formatDuration(999'940), "999.9 us");
    EXPECT_EQ(formatDuration(999'956), "1 ms");
    EXPECT_EQ(formatDuration(999'960'000), "1 s");
    EXPECT_EQ(formatDuration(-2'000'000'000), "-2 s");
    EXPECT_EQ(formatDuration(9'998'000'000'000), "9998 s");
    EXPECT_EQ(formatDuration(3'600'000'000'000'000), "1000 h");
    EXPECT_EQ(formatDuration(36'000'000'000'000), "10 h");
    EXPECT_EQ(formatDuration(36'000'000'000'000'000), "417 d");
    EXPECT_EQ(formatDuration(INT64_MAX), "106752 d");
}

TEST(Text, RatesAndBytesPickTheirPrefix) {
    EXPECT_EQ(formatRate(1.5e12, "FLOP/s"), "1.5 TFLOP/s");
    EXPECT_EQ(formatRate(12, "B/s"), "12 B/s");
    EXPECT_EQ(formatRate(1.49e9, "1/s"), "1.49 G/s");
    EXPECT_EQ(formatRate(12, "1/s"), "12 /s");
    EXPECT_EQ(formatRate(std::nan(""), "B/s"), "-");
    EXPECT_EQ(formatBytes(1536), "1.5 KiB");
    EXPECT_EQ(formatBytes(17), "17 B");
    EXPECT_EQ(formatShare(0.1234), "12.3 %");
    EXPECT_EQ(formatShare(std::numeric_limits<double>::infinity()), "-");
}

TEST(Text, ThreeDigitsAreNeverAnExponent) {
    EXPECT_EQ(formatRate(999.7, "B/s"), "1 kB/s");
    EXPECT_EQ(formatRate(999'600, "B/s"), "1 MB/s");
    EXPECT_EQ(formatRate(-22'431, "B/s"), "-22.4 kB/s");
    EXPECT_EQ(formatBytes(1023), "1023 B");
    EXPECT_EQ(formatBytes(1023 * 1024), "1023 KiB");
}

TEST(Text, SplitKeepsEmptyPartsAndTrimTakesSpace) {
    EXPECT_EQ(split("a,,b", ',').size(), 3u);
    EXPECT_EQ(split("", ',').size(), 1u);
    EXPECT_EQ(trim("  x y\t\n"), "x y");
    EXPECT_EQ(trim(" \n"), "");
}

TEST(Text, BytesThatAreNoUtf8AreReplacedAndTheRestIsKept) {
    EXPECT_EQ(toValidUtf8("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
    EXPECT_EQ(toValidUtf8("a\xFF" "b"), "a\xEF\xBF\xBD" "b");
    EXPECT_EQ(toValidUtf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");       // overlong
    EXPECT_EQ(toValidUtf8("\xED\xA0\x80").find('\xED'), std::string::npos);  // surrogate
    EXPECT_EQ(toValidUtf8("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
    EXPECT_EQ(toValidUtf8("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");       // cut off
}

}  // namespace
}  // namespace ridge
