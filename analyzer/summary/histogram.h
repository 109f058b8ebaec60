// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How durations are distributed, in a form that merges exactly: counts per bucket, and count, sum, least, most.
//
// Buckets: below 64 ns one per ns; above, 64 per power of two, so that a bucket is at most 1/64 of its values
// wide. Merging adds counts: associative and commutative to the last bit. At most 64 * 58 buckets, most are empty
// and take nothing. Negative values count as 0. Sums are held at the largest int64.

#include <cstdint>
#include <map>

#include "analyzer/model/analysis.h"

namespace ridge::analyzer {

class Histogram {
public:
    void add(Ns value);
    void merge(const Histogram& other);
    // The value below which a share q of the values lies, to the width of a bucket; 0 when empty.
    [[nodiscard]] Ns quantile(double q) const;

    std::int64_t count = 0;
    Ns sum = 0, least = 0, most = 0;  // least and most: 0 when empty
    std::map<std::int32_t, std::int64_t> buckets;

    static std::int32_t bucketOf(Ns value);
    static Ns lowestOf(std::int32_t bucket);  // the smallest value in it
    static constexpr std::int32_t kBuckets = 64 * 59;
    friend bool operator==(const Histogram&, const Histogram&) = default;
};

}  // namespace ridge::analyzer
