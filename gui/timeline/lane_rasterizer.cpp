// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/timeline/lane_rasterizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ridge::gui {

QRgb mix(QRgb from, QRgb to, float share) {
    const int a = static_cast<int>(std::clamp(share, 0.0F, 1.0F) * 256 + 0.5F);  // lround is a call for each run
    const auto channel = [&](int f, int t) { return (f * a + t * (256 - a)) / 256; };
    return qRgb(channel(qRed(from), qRed(to)), channel(qGreen(from), qGreen(to)), channel(qBlue(from), qBlue(to)));
}

void LaneRasterizer::drawLane(QImage& image, int y, int height, std::span<const Run> runs, QRgb background,
                              const Lane& lane, const std::vector<bool>& matched) {
    const int width = image.width();
    m_line.assign(static_cast<std::size_t>(width), background);
    for (const Run& run : runs) {
        const float strength = run.kind == RunKind::kExact ? 1.0F : kFaintest + (1 - kFaintest) * run.busy;
        float dim = 1;
        if (!matched.empty()) {
            const std::uint32_t name = lane.name(run.slice);
            if (name >= matched.size() || !matched[name]) dim = 0.25F;
        }
        const QRgb colour = mix(m_theme.slice[run.colour], background, strength * dim);
        int x0 = std::clamp(static_cast<int>(run.x0), 0, width);
        int x1 = std::clamp(static_cast<int>(run.x1 + 0.5F), 0, width);
        if (x1 <= x0) x1 = std::min(width, x0 + 1);
        // Neighbours of one colour stay two slices.
        if (run.kind == RunKind::kExact && x1 - x0 > 3 && x1 < width) --x1;
        std::fill(m_line.begin() + x0, m_line.begin() + x1, colour);
    }
    for (int row = std::max(0, y); row < std::min(image.height(), y + height); ++row)
        std::memcpy(image.scanLine(row), m_line.data(), static_cast<std::size_t>(width) * sizeof(QRgb));
}

void LaneRasterizer::drawCounter(QImage& image, int y, int height, std::span<const CounterColumn> columns, float low,
                                 float high, QRgb background) {
    const QRgb line = m_theme.slice[kColourCounter], fill = mix(line, background, 0.28F);
    const float scale = high > low ? static_cast<float>(height - 1) / (high - low) : 0;
    const auto rowOf = [&](float value) {
        return y + height - 1 - std::clamp(static_cast<int>(std::lround((value - low) * scale)), 0, height - 1);
    };
    for (int row = std::max(0, y); row < std::min(image.height(), y + height); ++row) {
        auto* pixels = reinterpret_cast<QRgb*>(image.scanLine(row));
        std::fill(pixels, pixels + image.width(), background);
    }
    for (const CounterColumn& column : columns) {
        if (column.x < 0 || column.x >= image.width()) continue;
        const int top = rowOf(column.high), bottom = rowOf(column.low);
        for (int row = std::max(0, top); row < std::min(image.height(), y + height); ++row)
            reinterpret_cast<QRgb*>(image.scanLine(row))[column.x] = row <= bottom ? line : fill;
    }
}

}  // namespace ridge::gui
