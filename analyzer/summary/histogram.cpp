// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/summary/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "analyzer/intervals/intervals.h"

namespace ridge::analyzer {
namespace {

constexpr int kBits = 6;  // 64 buckets per power of two
constexpr std::int32_t kPerOctave = 1 << kBits;

}  // namespace

std::int32_t Histogram::bucketOf(Ns value) {
    if (value < kPerOctave) return static_cast<std::int32_t>(std::max<Ns>(0, value));
    const int octave = 63 - std::countl_zero(static_cast<std::uint64_t>(value)) - kBits;  // 0 for 64..127
    return static_cast<std::int32_t>((octave + 1) * kPerOctave + ((value >> octave) & (kPerOctave - 1)));
}

Ns Histogram::lowestOf(std::int32_t bucket) {
    if (bucket < kPerOctave) return bucket;
    const int octave = bucket / kPerOctave - 1;
    return (Ns{kPerOctave} + bucket % kPerOctave) << octave;
}

void Histogram::add(Ns value) {
    value = std::max<Ns>(0, value);
    least = count == 0 ? value : std::min(least, value);
    most = std::max(most, value);
    sum = saturatingAdd(sum, value);
    ++count;
    ++buckets[bucketOf(value)];
}

void Histogram::merge(const Histogram& other) {
    if (other.count == 0) return;
    least = count == 0 ? other.least : std::min(least, other.least);
    most = std::max(most, other.most);
    sum = saturatingAdd(sum, other.sum);
    count = saturatingAdd(count, other.count);
    for (const auto& [bucket, n] : other.buckets) buckets[bucket] = saturatingAdd(buckets[bucket], n);
}

Ns Histogram::quantile(double q) const {
    if (count == 0) return 0;
    const auto rank = static_cast<std::int64_t>(std::floor(std::clamp(q, 0.0, 1.0) * static_cast<double>(count - 1)));
    std::int64_t seen = 0;
    for (const auto& [bucket, n] : buckets) {
        seen = saturatingAdd(seen, n);
        if (seen > rank) return std::clamp(lowestOf(bucket), least, most);
    }
    return most;
}

}  // namespace ridge::analyzer
