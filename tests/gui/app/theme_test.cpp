// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "gui/theme/theme.h"
#include "reports/common/classes.h"

namespace ridge::gui {
namespace {

class Themes : public testing::TestWithParam<bool> {
protected:
    const Theme& theme() { return GetParam() ? darkTheme() : lightTheme(); }
};
INSTANTIATE_TEST_SUITE_P(LightAndDark, Themes, testing::Bool());

TEST_P(Themes, TextCanBeRead) {
    const Theme& t = theme();
    for (const QColor& ground : {t.window, t.panel, t.header}) {
        EXPECT_GE(contrastOf(t.text, ground), 7.0) << ground.name().toStdString();
        EXPECT_GE(contrastOf(t.soft, ground), 4.5) << ground.name().toStdString();
        for (const QColor& word : {t.link, t.good, t.warn, t.bad})
            EXPECT_GE(contrastOf(word, ground), 4.5) << word.name().toStdString() << " on " << ground.name().toStdString();
    }
}

TEST_P(Themes, LabelsOnSlicesCanBeRead) {
    const Theme& t = theme();
    for (std::size_t i = 0; i < kColours; ++i)
        EXPECT_GE(contrastOf(QColor(t.slice[i]), QColor(t.sliceText[i])), 4.5) << i;
}

TEST_P(Themes, ClassesHaveTheColoursOfTheReports) {
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        const auto& look = reports::look(static_cast<WallClass>(c));
        const auto text = GetParam() ? look.dark : look.light;
        EXPECT_EQ(wallColour(theme(), static_cast<WallClass>(c)).name().toStdString(), text);
    }
}

// What people with a colour deficiency see: Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
struct Deficiency {
    const char* name;
    std::array<std::array<double, 3>, 3> matrix;
};
constexpr Deficiency kDeficiencies[] = {
    {"none", {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}},
    {"protan", {{{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}}},
    {"deutan", {{{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}}},
    {"tritan", {{{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}}},
};

// CIE L*a*b* (D65) of the colour as it is seen.
std::array<double, 3> seen(const QColor& colour, const Deficiency& deficiency) {
    const auto linear = [](double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); };
    const std::array<double, 3> rgb{linear(colour.redF()), linear(colour.greenF()), linear(colour.blueF())};
    std::array<double, 3> to{};
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t k = 0; k < 3; ++k) to[i] += deficiency.matrix[i][k] * rgb[k];
        to[i] = std::clamp(to[i], 0.0, 1.0);
    }
    const auto f = [](double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116; };
    const double x = f((0.4124 * to[0] + 0.3576 * to[1] + 0.1805 * to[2]) / 0.95047), y = f(0.2126 * to[0] + 0.7152 * to[1] + 0.0722 * to[2]),
                 z = f((0.0193 * to[0] + 0.1192 * to[1] + 0.9505 * to[2]) / 1.08883);
    return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}
double distance(const QColor& a, const QColor& b, const Deficiency& deficiency) {
    const auto p = seen(a, deficiency), q = seen(b, deficiency);
    return std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

// The classes that stand beside each other in a strip and lead to different work.
TEST_P(Themes, ClassesCanBeToldApartWithAnyColourDeficiency) {
    using W = WallClass;
    constexpr W kTogether[] = {W::kComputeBound, W::kMemoryWall, W::kLatencyBound, W::kCommTransfer, W::kCopy, W::kIoInput, W::kLaunch, W::kIdle};
    for (const Deficiency& deficiency : kDeficiencies)
        for (const W a : kTogether)
            for (const W b : kTogether)
                if (a < b) {
                    EXPECT_GE(distance(wallColour(theme(), a), wallColour(theme(), b), deficiency), 8.0)
                        << deficiency.name << ": " << reports::label(a) << " and " << reports::label(b);
                }
}

TEST(Theme, FollowsThePaletteUnlessToldOtherwise) {
    QPalette dark, light;
    dark.setColor(QPalette::Window, Qt::black);
    light.setColor(QPalette::Window, Qt::white);
    EXPECT_TRUE(chooseTheme(QStringLiteral("auto"), dark).dark);
    EXPECT_FALSE(chooseTheme(QStringLiteral("auto"), light).dark);
    EXPECT_FALSE(chooseTheme(QStringLiteral("light"), dark).dark);
    EXPECT_TRUE(chooseTheme(QStringLiteral("dark"), light).dark);
}

}  // namespace
}  // namespace ridge::gui
