// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/intervals/paint.h"

#include <algorithm>
#include <array>
#include <bit>

namespace ridge::analyzer {
namespace {

struct Edge {
    Ns time;
    std::uint8_t layer;
    std::int8_t delta;
};

void append(Segments& segments, Ns start, Ns end, std::uint8_t layer) {
    if (start >= end) return;
    if (!segments.empty() && segments.back().end == start && segments.back().layer == layer)
        segments.back().end = end;
    else
        segments.push_back({start, end, layer});
}

}  // namespace

Segments paint(std::span<const PaintRow> rows) {
    std::vector<Edge> edges;
    edges.reserve(rows.size() * 2);
    for (const PaintRow& row : rows) {
        if (row.end <= row.start || row.layer >= kMaxLayers) continue;
        edges.push_back({row.start, row.layer, 1});
        edges.push_back({row.end, row.layer, -1});
    }
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.time < b.time; });
    Segments segments;
    std::array<std::int64_t, kMaxLayers> open{};
    std::uint32_t active = 0;
    Ns from = 0;
    for (std::size_t i = 0; i < edges.size();) {
        const Ns now = edges[i].time;
        if (active != 0) append(segments, from, now, static_cast<std::uint8_t>(std::countr_zero(active)));
        for (; i < edges.size() && edges[i].time == now; ++i) {
            const std::uint8_t layer = edges[i].layer;
            open[layer] += edges[i].delta;
            const std::uint32_t bit = std::uint32_t{1} << layer;
            active = open[layer] > 0 ? active | bit : active & ~bit;
        }
        from = now;
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
