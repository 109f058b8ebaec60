// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/timeline/lane_rasterizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ridge::gui {

namespace {

// Two channels in one product each: of 255 * 256 none reaches into the next.
inline QRgb blend(QRgb from, QRgb to, float share) {
    const auto a = static_cast<std::uint32_t>(std::clamp(share, 0.0F, 1.0F) * 256 + 0.5F), b = 256 - a;
    constexpr std::uint32_t kRedBlue = 0xFF00FF, kGreen = 0xFF00;
    const std::uint32_t redBlue = (((from & kRedBlue) * a + (to & kRedBlue) * b) >> 8) & kRedBlue;
    const std::uint32_t green = (((from & kGreen) * a + (to & kGreen) * b) >> 8) & kGreen;
    return 0xFF000000U | redBlue | green;
}

}  // namespace

QRgb mix(QRgb from, QRgb to, float share) { return blend(from, to, share); }

void LaneRasterizer::drawLane(QImage& image, int y, int height, std::span<const Run> runs, QRgb background,
                              const Lane& lane, const std::vector<bool>& matched) {
    const int width = image.width();
    m_line.assign(static_cast<std::size_t>(width), background);
    QRgb* line = m_line.data();
    for (const Run& run : runs) {
        float strength = run.kind == RunKind::kExact ? 1.0F : kFaintest + (1 - kFaintest) * run.busy;
        if (!matched.empty()) {
            const std::uint32_t name = lane.name(run.slice);
            if (name >= matched.size() || !matched[name]) strength *= 0.25F;
        }
        const QRgb colour = blend(m_theme.slice[run.colour], background, strength);
        const int x0 = std::clamp(static_cast<int>(run.x0), 0, width);
        int x1 = std::clamp(static_cast<int>(run.x1 + 0.5F), 0, width);
        if (x1 <= x0 + 1) {  // most are one pixel wide
            if (x0 < width) line[x0] = colour;
            continue;
        }
        // Neighbours of one colour stay two slices.
        if (run.kind == RunKind::kExact && x1 - x0 > 3 && x1 < width) --x1;
        std::fill(line + x0, line + x1, colour);
    }
    for (int row = std::max(0, y); row < std::min(image.height(), y + height); ++row)
        std::memcpy(image.scanLine(row), line, static_cast<std::size_t>(width) * sizeof(QRgb));
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
