// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/summary/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace ridge::analyzer {
namespace {

Ns randomValue(std::mt19937_64& random) { return static_cast<Ns>(random() >> (1 + random() % 63)); }

TEST(Histogram, EveryValueLiesInItsBucketAndBucketsAreNarrow) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 200'000; ++i) {
        const Ns v = randomValue(random);
        const std::int32_t b = Histogram::bucketOf(v);
        ASSERT_GE(b, 0);
        ASSERT_LT(b, Histogram::kBuckets);
        ASSERT_LE(Histogram::lowestOf(b), v);
        if (b + 1 < 64 * 58) {
            ASSERT_GT(Histogram::lowestOf(b + 1), v);
        }
        ASSERT_LE(static_cast<double>(v - Histogram::lowestOf(b)), static_cast<double>(v) / 64 + 0.5);
    }
    EXPECT_LT(Histogram::bucketOf(std::numeric_limits<Ns>::max()), Histogram::kBuckets);
    EXPECT_EQ(Histogram::bucketOf(-5), 0);
}

TEST(Histogram, QuantilesAreThoseOfTheListToTheWidthOfABucket) {
    std::mt19937_64 random(2);
    for (int trial = 0; trial < 50; ++trial) {
        Histogram h;
        std::vector<Ns> all;
        for (int i = 0; i < 500; ++i) {
            all.push_back(static_cast<Ns>(random() % 10'000'000));
            h.add(all.back());
        }
        std::sort(all.begin(), all.end());
        for (const double q : {0.0, 0.25, 0.5, 0.9, 0.99, 1.0}) {
            const double want = static_cast<double>(all[static_cast<std::size_t>(q * 499)]);
            EXPECT_NEAR(static_cast<double>(h.quantile(q)), want, want / 64 + 1) << q;
        }
        EXPECT_EQ(h.quantile(0), all.front());
        EXPECT_EQ(h.most, all.back());
    }
    EXPECT_EQ(Histogram().quantile(0.5), 0);
}

TEST(Histogram, MergingIsAssociativeCommutativeAndTheSameAsAddingAll) {
    std::mt19937_64 random(3);
    for (int trial = 0; trial < 200; ++trial) {
        std::vector<Histogram> parts(3);
        Histogram all;
        for (int i = 0; i < 60; ++i) {
            const Ns v = randomValue(random);
            parts[random() % 3].add(v);
            all.add(v);
        }
        Histogram left = parts[0], right = parts[2];
        left.merge(parts[1]);
        left.merge(parts[2]);
        Histogram inner = parts[1];
        inner.merge(parts[0]);
        right.merge(inner);
        EXPECT_EQ(left, right);
        EXPECT_EQ(left, all);
    }
}

}  // namespace
}  // namespace ridge::analyzer
