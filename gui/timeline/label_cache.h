// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The names on slices. A name is shaped once, as far as it was ever needed; a label is then the glyphs that
// fit the slice now, and an ellipsis. (To elide and shape for every width that a zoom makes would cost more
// than all else in a frame.) Names that need several fonts or run from right to left are laid out by Qt, for
// a few widths an octave; so is everything on devices that take text and no glyphs (SVG).

#include <QFont>
#include <QRawFont>
#include <QStaticText>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

class QPainter;

namespace ridge::gui {

class LabelCache {
public:
    // A new font or other names: nothing of the old ones is kept.
    void begin(const QFont& font, const void* names);
    // With the painter's pen; (x, y) is the upper left corner.
    void draw(QPainter& painter, int x, int y, int width, std::uint32_t name, const std::string& text);
    [[nodiscard]] std::size_t shapings() const { return m_shapings; }
    [[nodiscard]] std::size_t laidOut() const { return m_laidOut.size(); }  // labels that go the slow way

private:
    struct Label {
        std::vector<std::uint32_t> glyphs;
        std::vector<float> left;  // of each glyph
        float width = 0, baseline = 0;
        int characters = 0;  // that were shaped
        bool whole = false;  // all there are
        bool plain = true;   // one run of the font, from left to right
    };
    void shape(Label& label, const std::string& text, int width);
    void drawLaidOut(QPainter& painter, int x, int y, int width, std::uint32_t name, const std::string& text);

    QFont m_font;
    QRawFont m_raw;
    const void* m_names = nullptr;
    std::uint32_t m_ellipsis = 0;
    float m_ellipsisWidth = 0;
    std::unordered_map<std::uint32_t, Label> m_labels;
    std::unordered_map<std::uint64_t, QStaticText> m_laidOut;  // by name and width
    std::size_t m_glyphs = 0, m_shapings = 0;
    std::vector<quint32> m_glyphsNow;
    std::vector<QPointF> m_placesNow;
};

}  // namespace ridge::gui
