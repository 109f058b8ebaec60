// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A picture without text against the one in tests/data/gui. RIDGE_UPDATE_GOLDEN=1 writes it anew; on a
// mismatch the picture and the difference are left in the temporary folder, whose name is in the message.

#include <gtest/gtest.h>

#include <QDir>
#include <QImage>

#include <cstdlib>

namespace ridge::gui::test {

struct Difference {
    double share = 0;  // of pixels that differ by more than kChannel in a channel
    QImage picture;    // white where they are the same
};
inline constexpr int kChannel = 10;        // rounding of colours
inline constexpr double kPixels = 0.002;   // anti-aliased edges

inline Difference differenceOf(const QImage& a, const QImage& b) {
    Difference difference;
    difference.picture = QImage(a.size(), QImage::Format_RGB32);
    std::size_t different = 0;
    for (int y = 0; y < a.height(); ++y)
        for (int x = 0; x < a.width(); ++x) {
            const QRgb p = a.pixel(x, y), q = b.pixel(x, y);
            const int most = std::max({std::abs(qRed(p) - qRed(q)), std::abs(qGreen(p) - qGreen(q)), std::abs(qBlue(p) - qBlue(q))});
            different += most > kChannel;
            difference.picture.setPixel(x, y, most > kChannel ? qRgb(255 - most, 0, 0) : qRgb(255, 255, 255));
        }
    difference.share = static_cast<double>(different) / (static_cast<double>(a.width()) * a.height());
    return difference;
}

inline void expectGolden(const QImage& picture, const QString& name) {
    const QString path = QStringLiteral(RIDGE_GOLDEN_DIR "/") + name + QStringLiteral(".png");
    const QImage now = picture.convertToFormat(QImage::Format_RGB32);
    if (std::getenv("RIDGE_UPDATE_GOLDEN")) {
        ASSERT_TRUE(now.save(path)) << path.toStdString();
        return;
    }
    const QImage golden = QImage(path).convertToFormat(QImage::Format_RGB32);
    ASSERT_FALSE(golden.isNull()) << path.toStdString() << " is missing; RIDGE_UPDATE_GOLDEN=1 writes it";
    ASSERT_EQ(golden.size(), now.size()) << name.toStdString();
    const Difference difference = differenceOf(golden, now);
    if (difference.share <= kPixels) return;
    const QString left = QDir::temp().filePath(QStringLiteral("ridge-golden-") + name);
    now.save(left + QStringLiteral(".png"));
    difference.picture.save(left + QStringLiteral("-difference.png"));
    FAIL() << name.toStdString() << ": " << difference.share * 100 << " % of the pixels differ; see " << left.toStdString() << "-difference.png";
}

}  // namespace ridge::gui::test
