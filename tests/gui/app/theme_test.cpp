// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <gtest/gtest.h>

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
