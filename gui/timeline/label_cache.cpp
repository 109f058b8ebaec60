// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/timeline/label_cache.h"

#include <QFontMetrics>
#include <QGlyphRun>
#include <QPaintEngine>
#include <QPainter>
#include <QTextLayout>

#include <algorithm>

namespace ridge::gui {
namespace {

constexpr int kMostCharacters = 300, kFirstCharacters = 32, kNarrowest = 3;  // px of a character
constexpr std::size_t kMostGlyphs = 2'000'000, kMostLaidOut = 40'000;
constexpr char16_t kEllipsis = 0x2026;

// One line of it, without an end.
QTextLine layOut(QTextLayout& layout) {
    layout.beginLayout();
    QTextLine line = layout.createLine();
    if (line.isValid()) line.setLineWidth(1e6);
    layout.endLayout();
    return line;
}

QString shown(const std::string& text) { return QString::fromStdString(text).left(kMostCharacters).simplified(); }

}  // namespace

void LabelCache::begin(const QFont& font, const void* names) {
    if (names == m_names && font == m_font && m_raw.isValid()) return;
    m_labels.clear();
    m_laidOut.clear();
    m_glyphs = 0;
    m_names = names;
    m_font = font;
    // The font that Qt lays Latin words out in, asked in the way in which labels are.
    QTextLayout sample(QStringLiteral("x") + QChar(kEllipsis), font);
    const QTextLine line = layOut(sample);
    const QList<QGlyphRun> runs = sample.glyphRuns();
    const bool one = runs.size() == 1 && runs.first().glyphIndexes().size() == 2;
    m_raw = runs.isEmpty() ? QRawFont::fromFont(font) : runs.first().rawFont();
    m_ellipsis = one ? runs.first().glyphIndexes().last() : 0;
    m_ellipsisWidth = one ? static_cast<float>(line.naturalTextWidth() - runs.first().positions().last().x()) : 0;
}

// As many characters as may be seen in this width; far more are not looked at.
void LabelCache::shape(Label& label, const std::string& text, int width) {
    const QString full = shown(text);
    int wanted = kFirstCharacters;
    while (wanted < width / kNarrowest) wanted *= 3;
    wanted = std::min(wanted, static_cast<int>(full.size()));
    if (wanted < full.size() && full[wanted - 1].isHighSurrogate()) ++wanted;
    ++m_shapings;
    QTextLayout layout(full.left(wanted), m_font);
    const QTextLine line = layOut(layout);
    m_glyphs -= label.glyphs.size();
    label = {};
    label.characters = wanted;
    label.whole = wanted >= full.size();
    label.width = line.isValid() ? static_cast<float>(line.naturalTextWidth()) : 0;
    const QList<QGlyphRun> runs = layout.glyphRuns();
    if (runs.isEmpty()) return;
    const QList<QPointF> places = runs.first().positions();
    label.plain = runs.size() == 1 && m_ellipsis != 0 && runs.first().rawFont() == m_raw && !runs.first().isRightToLeft() && !places.isEmpty();
    if (!label.plain) return;
    const QList<quint32> glyphs = runs.first().glyphIndexes();
    label.glyphs.assign(glyphs.begin(), glyphs.end());
    label.baseline = static_cast<float>(places.first().y());
    for (const QPointF& place : places) label.left.push_back(static_cast<float>(place.x()));
    label.plain = std::is_sorted(label.left.begin(), label.left.end());
    m_glyphs += label.glyphs.size();
}

void LabelCache::draw(QPainter& painter, int x, int y, int width, std::uint32_t name, const std::string& text) {
    if (painter.paintEngine()->type() == QPaintEngine::SVG) {
        const QFontMetrics metrics(painter.font());
        painter.drawText(x, y + metrics.ascent(), metrics.elidedText(shown(text), Qt::ElideRight, width));
        return;
    }
    if (m_glyphs > kMostGlyphs) {
        m_labels.clear();
        m_glyphs = 0;
    }
    Label& label = m_labels[name];
    if (label.characters == 0 || (!label.whole && label.plain && label.characters < width / kNarrowest)) shape(label, text, width);
    if (!label.plain) return drawLaidOut(painter, x, y, width, name, text);
    const auto room = static_cast<float>(width);
    std::size_t count = label.glyphs.size();
    const bool cut = !label.whole || label.width > room;
    if (cut) {
        // What ends where the ellipsis begins: a glyph ends where the next one begins.
        const auto next = std::upper_bound(label.left.begin(), label.left.end(), room - m_ellipsisWidth);
        count = next == label.left.begin() ? 0 : static_cast<std::size_t>(next - label.left.begin()) - 1;
    }
    m_glyphsNow.assign(label.glyphs.begin(), label.glyphs.begin() + static_cast<std::ptrdiff_t>(count));
    m_placesNow.clear();
    for (std::size_t i = 0; i < count; ++i) m_placesNow.emplace_back(static_cast<double>(label.left[i]), static_cast<double>(label.baseline));
    if (cut) {
        m_glyphsNow.push_back(m_ellipsis);
        m_placesNow.emplace_back(count < label.left.size() ? static_cast<double>(label.left[count]) : static_cast<double>(label.width), static_cast<double>(label.baseline));
    }
    if (m_glyphsNow.empty()) return;
    QGlyphRun run;
    run.setRawFont(m_raw);
    run.setRawData(m_glyphsNow.data(), m_placesNow.data(), static_cast<int>(m_glyphsNow.size()));
    painter.drawGlyphRun(QPointF(x, y), run);
}

void LabelCache::drawLaidOut(QPainter& painter, int x, int y, int width, std::uint32_t name, const std::string& text) {
    // A few widths per octave: more would fill the cache with the same names.
    int room = 40;
    for (int next = room; next <= width; next += std::max(8, next / 32 * 8)) room = next;
    const std::uint64_t key = (std::uint64_t{name} << 16) | static_cast<std::uint64_t>(std::min(room, 0xFFFF));
    auto it = m_laidOut.find(key);
    if (it == m_laidOut.end()) {
        if (m_laidOut.size() > kMostLaidOut) m_laidOut.clear();
        QStaticText laidOut(painter.fontMetrics().elidedText(shown(text), Qt::ElideRight, room));
        laidOut.setTextFormat(Qt::PlainText);
        laidOut.setPerformanceHint(QStaticText::AggressiveCaching);
        laidOut.prepare(QTransform(), painter.font());
        it = m_laidOut.emplace(key, std::move(laidOut)).first;
    }
    painter.drawStaticText(x, y, it->second);
}

}  // namespace ridge::gui
