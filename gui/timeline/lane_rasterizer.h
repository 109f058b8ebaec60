// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Runs -> one line of pixels -> copied over the height of the row. Knows no widget and draws no text, so
// its pictures are the same on every machine.
//
// The strength of a folded column is its true busy share, held above kFaintest so that a single tiny
// slice can still be seen.

#include <QImage>

#include <span>
#include <vector>

#include "gui/model/counter.h"
#include "gui/model/query.h"
#include "gui/theme/theme.h"

namespace ridge::gui {

inline constexpr float kFaintest = 0.18F;

class LaneRasterizer {
public:
    explicit LaneRasterizer(const Theme& theme) : m_theme(theme) {}
    // matched: slices of other names are dimmed; empty: none are. names: of the lane's slices.
    void drawLane(QImage& image, int y, int height, std::span<const Run> runs, QRgb background, const Lane& lane,
                  const std::vector<bool>& matched);
    void drawCounter(QImage& image, int y, int height, std::span<const CounterColumn> columns, float low, float high,
                     QRgb background);

private:
    const Theme& m_theme;
    std::vector<QRgb> m_line;
};

// from * share + to * (1 - share)
QRgb mix(QRgb from, QRgb to, float share);

}  // namespace ridge::gui
