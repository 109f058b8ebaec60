// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/intervals/paint.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "analyzer/intervals/sort_by_time.h"

namespace ridge::analyzer {
namespace {

void append(Segments& segments, Ns start, Ns end, std::uint8_t layer) {
    if (start >= end) return;
    if (!segments.empty() && segments.back().end == start && segments.back().layer == layer)
        segments.back().end = end;
    else
        segments.push_back({start, end, layer});
}

}  // namespace

Segments paint(std::span<const PaintRow> given, std::span<const WallClass> classOfLayer) {
    std::vector<PaintRow> sorted;
    std::span<const PaintRow> rows = given;
    const auto byStart = [](const PaintRow& a, const PaintRow& b) { return a.start < b.start; };
    if (!std::is_sorted(rows.begin(), rows.end(), byStart)) {
        sorted.assign(rows.begin(), rows.end());
        stableSortByTime(sorted, [](const PaintRow& row) { return row.start; });
        rows = sorted;
    }
    Segments segments;
    std::array<std::int64_t, kMaxLayers> open{};
    std::uint32_t active = 0;
    // The rows that run, the first to end on top: few at any time, however many there are.
    std::vector<std::pair<Ns, std::uint8_t>> running;
    const auto later = [](const auto& a, const auto& b) { return a.first > b.first; };
    Ns from = 0;
    for (std::size_t i = 0; i < rows.size() || !running.empty();) {
        if (i < rows.size() && (rows[i].end <= rows[i].start || rows[i].layer >= kMaxLayers)) {
            ++i;
            continue;
        }
        const bool begins = i < rows.size() && (running.empty() || rows[i].start <= running.front().first);
        const Ns now = begins ? rows[i].start : running.front().first;
        if (active != 0) {
            const auto top = static_cast<std::uint8_t>(std::countr_zero(active));
            append(segments, from, now,
                   classOfLayer.empty() ? top : static_cast<std::uint8_t>(classOfLayer[top]));
        }
        from = now;
        const std::uint8_t layer = begins ? rows[i].layer : running.front().second;
        open[layer] += begins ? 1 : -1;
        const std::uint32_t bit = std::uint32_t{1} << layer;
        active = open[layer] > 0 ? active | bit : active & ~bit;
        if (begins) {
            running.emplace_back(rows[i].end, layer);
            std::push_heap(running.begin(), running.end(), later);
            ++i;
        } else {
            std::pop_heap(running.begin(), running.end(), later);
            running.pop_back();
        }
    }
    return segments;
}

Segments toClasses(const Segments& segments, std::span<const WallClass> classOfLayer) {
    Segments result;
    result.reserve(segments.size());
    for (const Segment& s : segments)
        append(result, s.start, s.end, static_cast<std::uint8_t>(classOfLayer[s.layer]));
    return result;
}

ClassTimes classTimes(const Segments& segments, Interval window, WallClass rest) {
    ClassTimes times{};
    if (window.end <= window.start) return times;
    Ns covered = 0;
    auto it = std::upper_bound(segments.begin(), segments.end(), window.start,
                               [](Ns t, const Segment& s) { return t < s.end; });
    for (; it != segments.end() && it->start < window.end; ++it) {
        const Ns ns = std::min(it->end, window.end) - std::max(it->start, window.start);
        times[it->layer] += ns;
        covered += ns;
    }
    times[static_cast<std::size_t>(rest)] += window.end - window.start - covered;
    return times;
}

}  // namespace ridge::analyzer
