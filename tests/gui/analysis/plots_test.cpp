// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The roofline's zoom is part of the view; its three walls; the spread of the steps.
#include <gtest/gtest.h>

#include <QApplication>
#include <QMouseEvent>
#include <QTest>

#include <random>

#include "gui/app/main_window.h"
#include "reports/common/summary.h"
#include "tests/gui/app/sample.h"
#include "tests/unit/reports/support.h"

namespace ridge::gui {
namespace {

class PlotsWindow : public testing::Test {
protected:
    PlotsWindow() : m_window(lightTheme(), false) {
        m_window.view().setSnapshot(test::sampleSnapshot());
        auto insight = std::make_shared<Insight>();
        insight->analysis = reports::test::richAnalysis();
        m_window.view().setInsight(insight);
        m_window.resize(1500, 1000);
        m_window.show();
        m_window.activateWindow();
        EXPECT_TRUE(QTest::qWaitForWindowActive(&m_window));
    }
    const ViewState& state() { return m_window.view().state(); }
    MainWindow m_window;
};

TEST_F(PlotsWindow, RooflineZoomIsUndoneAndLinked) {
    m_window.showPanel(QStringLiteral("roofline"));
    QApplication::processEvents();
    RooflinePanel& roofline = m_window.roofline();
    const auto all = roofline.axes();
    const QPoint a(roofline.width() / 3, roofline.height() / 3), b(roofline.width() * 2 / 3, roofline.height() * 2 / 3);
    QTest::mousePress(&roofline, Qt::LeftButton, {}, a);
    QTest::mouseMove(&roofline, (a + b) / 2);
    QMouseEvent move(QEvent::MouseMove, b, roofline.mapToGlobal(b), Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&roofline, &move);
    QTest::mouseRelease(&roofline, Qt::LeftButton, {}, b);
    const auto zoomed = roofline.axes();
    EXPECT_GT(zoomed[0], all[0]);
    EXPECT_LT(zoomed[1], all[1]);
    EXPECT_EQ(state().roofZoom, zoomed);
    const auto link = fromToken(toToken(state()));
    ASSERT_TRUE(link.ok());
    EXPECT_EQ(link->roofZoom, state().roofZoom);
    m_window.run(Command::kUndo);
    EXPECT_EQ(roofline.axes(), all);
    m_window.run(Command::kRedo);
    EXPECT_EQ(roofline.axes(), zoomed);
    QTest::mouseDClick(&roofline, Qt::LeftButton, {}, a);
    EXPECT_EQ(roofline.axes(), all);
}

TEST_F(PlotsWindow, ThreeWallsShowTheStepsOfTheReport) {
    m_window.run(Command::kWalls);
    EXPECT_TRUE(state().roofWalls);
    EXPECT_EQ(state().panel, "roofline");
    QApplication::processEvents();
    RooflinePanel& roofline = m_window.roofline();
    const auto& points = m_window.view().insight()->analysis.ridgeline;
    ASSERT_EQ(roofline.dots().size(), points.size());
    for (const auto& dot : roofline.dots()) {
        const QString words = roofline.describe(dot);
        EXPECT_TRUE(words.contains(QString::fromStdString(points[dot.point].workload))) << words.toStdString();
        EXPECT_TRUE(words.contains(QString::fromStdString(points[dot.point].bound) + QStringLiteral(" wall"))) << words.toStdString();
        EXPECT_TRUE(roofline.rect().contains(dot.centre.toPoint()));
    }
    m_window.run(Command::kWalls);
    EXPECT_FALSE(roofline.walls());
}

TEST(Spread, IsTheOrderStatistics) {
    std::mt19937_64 random(3);
    for (int n = 1; n < 60; ++n) {
        std::vector<Ns> values;
        for (int i = 0; i < n; ++i) values.push_back(static_cast<Ns>(random() % 1000));
        const Spread s = spreadOf(values);
        EXPECT_EQ(s.median, reports::medianOf(values));
        const auto below = [&](Ns v) { return std::count_if(values.begin(), values.end(), [&](Ns x) { return x <= v; }); };
        EXPECT_GE(4 * below(s.lower), n);
        EXPECT_GE(4 * below(s.upper), 3 * n);
        EXPECT_EQ(s.least, *std::min_element(values.begin(), values.end()));
        EXPECT_EQ(s.most, *std::max_element(values.begin(), values.end()));
        EXPECT_EQ(s.count, values.size());
    }
    EXPECT_EQ(spreadOf({}).count, 0U);
}

TEST_F(PlotsWindow, EveryStepIsADotThatLeadsToIt) {
    m_window.showPanel(QStringLiteral("attribution"));
    AttributionView& view = m_window.attribution().content();
    view.grab();
    EXPECT_GT(view.groups(), 1U);
    EXPECT_GT(view.dots(), 10U);
}

}  // namespace
}  // namespace ridge::gui
