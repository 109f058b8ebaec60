// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/intervals/intervals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <random>

#include "analyzer/intervals/paint.h"

namespace ridge::analyzer {
namespace {

constexpr unsigned kSeed = 20240607;
constexpr Ns kSpan = 60;

std::vector<Interval> randomIntervals(std::mt19937& random, int most) {
    std::vector<Interval> list(random() % static_cast<unsigned>(most + 1));
    for (Interval& i : list) {
        i.start = static_cast<Ns>(random() % kSpan);
        i.end = i.start + static_cast<Ns>(random() % 12) - 2;  // empty and negative ones too
    }
    return list;
}

bool covers(const std::vector<Interval>& list, Ns t) {
    return std::any_of(list.begin(), list.end(), [&](const Interval& i) { return i.start <= t && t < i.end; });
}

TEST(Intervals, AgreeWithInstantsOnRandomSets) {
    std::mt19937 random(kSeed);
    for (int round = 0; round < 2000; ++round) {
        const auto rawA = randomIntervals(random, 8), rawB = randomIntervals(random, 8);
        const IntervalSet a = normalize(rawA), b = normalize(rawB);
        const IntervalSet both = intersect(a, b), any = unite(a, b), left = subtract(a, b);
        Ns lengthA = 0;
        for (Ns t = -5; t < kSpan + 20; ++t) {
            const bool inA = covers(rawA, t), inB = covers(rawB, t);
            lengthA += inA ? 1 : 0;
            ASSERT_EQ(contains(a, t), inA) << "seed " << kSeed << " round " << round << " t " << t;
            ASSERT_EQ(contains(both, t), inA && inB);
            ASSERT_EQ(contains(any, t), inA || inB);
            ASSERT_EQ(contains(left, t), inA && !inB);
        }
        ASSERT_EQ(length(a), lengthA);
        ASSERT_EQ(length(a) + length(b), length(any) + length(both));
        for (const IntervalSet* set : {&a, &both, &any, &left})
            for (std::size_t i = 0; i < set->size(); ++i) {
                ASSERT_LT((*set)[i].start, (*set)[i].end);
                ASSERT_TRUE(i == 0 || (*set)[i - 1].end <= (*set)[i].start);
            }
    }
}

TEST(Intervals, TouchingOnesJoin) {
    EXPECT_EQ(normalize({{5, 7}, {0, 5}, {7, 7}, {9, 8}}), (IntervalSet{{0, 7}}));
}

TEST(Intervals, SumsHoldAtTheLargestValue) {
    const Ns most = std::numeric_limits<Ns>::max();
    EXPECT_EQ(saturatingAdd(most, 1), most);
    EXPECT_EQ(saturatingAdd(-most, -most), std::numeric_limits<Ns>::min());
}

ClassTimes timesOf(const std::vector<PaintRow>& rows, Interval window) {
    static const std::vector<WallClass> classes{WallClass::kComputeBound, WallClass::kCommTransfer, WallClass::kCopy,
                                                WallClass::kIoInput, WallClass::kHost};
    return classTimes(toClasses(paint(rows), classes), window);
}

TEST(Paint, PartitionPropertiesHoldOnRandomRows) {
    std::mt19937 random(kSeed);
    for (int round = 0; round < 1500; ++round) {
        std::vector<PaintRow> rows(random() % 25);
        for (PaintRow& r : rows) {
            r.start = static_cast<Ns>(random() % kSpan);
            r.end = r.start + static_cast<Ns>(random() % 15);
            r.layer = static_cast<std::uint8_t>(random() % 5);
        }
        const Interval window{static_cast<Ns>(random() % 20), static_cast<Ns>(20 + random() % 50)};
        const ClassTimes whole = timesOf(rows, window);
        ASSERT_EQ(std::accumulate(whole.begin(), whole.end(), Ns{0}), window.end - window.start);
        // Instant by instant: the lowest layer that is active.
        ClassTimes byInstant{};
        constexpr std::array<WallClass, 5> classes{WallClass::kComputeBound, WallClass::kCommTransfer, WallClass::kCopy,
                                                   WallClass::kIoInput, WallClass::kHost};
        for (Ns t = window.start; t < window.end; ++t) {
            std::uint8_t best = 5;
            for (const PaintRow& r : rows)
                if (r.start <= t && t < r.end) best = std::min(best, r.layer);
            byInstant[static_cast<std::size_t>(best == 5 ? WallClass::kIdle : classes[best])] += 1;
        }
        ASSERT_EQ(whole, byInstant) << "seed " << kSeed << " round " << round;

        std::vector<PaintRow> shuffled = rows;
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        ASSERT_EQ(timesOf(shuffled, window), whole);

        const Ns shift = static_cast<Ns>(random()) * 1000;
        for (PaintRow& r : shuffled) {
            r.start += shift;
            r.end += shift;
        }
        ASSERT_EQ(timesOf(shuffled, {window.start + shift, window.end + shift}), whole);

        const Ns cut = window.start + static_cast<Ns>(random() % static_cast<unsigned>(window.end - window.start));
        ClassTimes parts = timesOf(rows, {window.start, cut});
        const ClassTimes second = timesOf(rows, {cut, window.end});
        for (std::size_t c = 0; c < kWallClassCount; ++c) parts[c] += second[c];
        ASSERT_EQ(parts, whole);

        rows.push_back({static_cast<Ns>(random() % kSpan), kSpan, static_cast<std::uint8_t>(random() % 5)});
        const auto idle = static_cast<std::size_t>(WallClass::kIdle);
        ASSERT_LE(timesOf(rows, window)[idle], whole[idle]);
    }
}

}  // namespace
}  // namespace ridge::analyzer
