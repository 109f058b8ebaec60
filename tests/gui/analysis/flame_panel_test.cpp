// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <gtest/gtest.h>

#include <QApplication>
#include <QDockWidget>
#include <QElapsedTimer>
#include <QTest>

#include "gui/app/main_window.h"
#include "tests/gui/app/sample.h"

namespace ridge::gui {
namespace {

class FlameWindow : public testing::Test {
protected:
    FlameWindow() : m_window(lightTheme(), false) {
        m_window.view().setSnapshot(test::sampleSnapshot());
        m_window.resize(1500, 1000);
        m_window.show();
        m_window.activateWindow();
        EXPECT_TRUE(QTest::qWaitForWindowActive(&m_window));
        m_window.timeline().setFocus();
        QTest::keyClick(&m_window.timeline(), Qt::Key_7, Qt::ControlModifier);
        EXPECT_TRUE(wait([&] { return flame().tree()->frames.size() > 1; }));
    }
    ViewController& view() { return m_window.view(); }
    const ViewState& state() { return view().state(); }
    FlameView& flame() { return m_window.flame().flame(); }
    template <typename Condition>
    bool wait(Condition condition) {
        QElapsedTimer clock;
        clock.start();
        while (!condition() && clock.elapsed() < 60'000) QApplication::processEvents(QEventLoop::AllEvents, 20);
        return condition();
    }
    std::uint32_t frame(const std::vector<std::string>& path) {
        const std::uint32_t found = flame().tree()->find(path);
        EXPECT_EQ(flame().tree()->pathOf(found), path);
        return found;
    }
    void click(std::uint32_t f, bool twice = false) {
        const auto place = flame().placeOf(f);
        ASSERT_TRUE(place);
        if (twice) QTest::mouseDClick(&flame(), Qt::LeftButton, {}, *place);
        else QTest::mouseClick(&flame(), Qt::LeftButton, {}, *place);
    }
    MainWindow m_window;
};

TEST_F(FlameWindow, ShowsTheSelectionWithItsNumbers) {
    EXPECT_EQ(state().panel, "flame");
    EXPECT_EQ(flame().tree()->frames[frame({"step", "gemm op"})].total, 10 * 300'000);
    EXPECT_EQ(flame().tree()->frames[frame({"step"})].self, 10 * 600'000);
    EXPECT_EQ(flame().tree()->frames[frame({"step", "gemm op", "cudaLaunchKernel"})].count, 10);
    // A range of the thread's rows: two steps and a half.
    view().selectRange(0, 2'450'000, {});
    ASSERT_TRUE(wait([&] { return flame().tree()->to == 2'450'000; }));
    EXPECT_EQ(flame().tree()->frames[frame({"step"})].total, 2 * 900'000 + 450'000);
    EXPECT_TRUE(flame().describe(frame({"step", "gemm op"})).contains(QStringLiteral("total 900 us"))) << flame().describe(frame({"step", "gemm op"})).toStdString();
    // Rows of the GPU alone: the kernels below the ranges that launched them.
    std::string kernels;
    for (const Track& track : view().snapshot()->tracks)
        if (track.kind == TrackKind::kKernels) kernels = track.key;
    view().selectRange(0, 10'000'000, {kernels});
    ASSERT_TRUE(wait([&] { return flame().tree()->source == FlameSource::kDevice && flame().tree()->to == 10'000'000; }));
    EXPECT_EQ(flame().tree()->frames[frame({"step", "gemm op", "sgemm_kernel"})].total, 5 * 400'000);
    EXPECT_EQ(flame().tree()->frames[frame({"step", "gemm op"})].self, 0);
    EXPECT_FALSE(m_window.flame().summary().isEmpty());
}

TEST_F(FlameWindow, ClickSearchesDoubleClickZoomsUndoZoomsOut) {
    click(frame({"step", "gemm op"}));
    EXPECT_EQ(state().search, "gemm op");
    ASSERT_TRUE(view().selected().valid());
    EXPECT_EQ(view().snapshot()->nameOf(view().selected()), "gemm op");
    click(frame({"step", "gemm op"}), true);
    EXPECT_EQ(state().flamePath, (std::vector<std::string>{"step", "gemm op"}));
    const auto whole = flame().boxes();
    for (const FlameBox& box : whole)
        if (box.frame == frame({"step", "gemm op"})) { EXPECT_NEAR(box.x1 - box.x0, flame().width(), 1); }
    // A frame above zooms out to it; undo goes back in.
    click(frame({"step"}));
    EXPECT_EQ(state().flamePath, std::vector<std::string>{"step"});
    m_window.run(Command::kUndo);
    EXPECT_EQ(state().flamePath.size(), 2U);
    // A deep link carries it.
    const auto token = fromToken(toToken(state()));
    ASSERT_TRUE(token.ok());
    EXPECT_EQ(*token, state());
}

TEST_F(FlameWindow, ArrowsAndEnterWalkTheFrames) {
    flame().setFocus();
    const Ns start = view().start();
    QTest::keyClick(&flame(), Qt::Key_Down);
    EXPECT_EQ(flame().current(), 0U);
    QTest::keyClick(&flame(), Qt::Key_Down);
    EXPECT_EQ(flame().current(), frame({"step"}));
    QTest::keyClick(&flame(), Qt::Key_Down);
    QTest::keyClick(&flame(), Qt::Key_Return);
    EXPECT_EQ(state().flamePath, (std::vector<std::string>{"step", "gemm op"}));
    EXPECT_TRUE(flame().accessibleDescription().contains(QStringLiteral("gemm op")));
    QTest::keyClick(&flame(), Qt::Key_Left);
    EXPECT_EQ(view().start(), start);  // did not pan the timeline
    QTest::keyClick(&flame(), Qt::Key_Space);
    EXPECT_EQ(state().search, "gemm op");
}

TEST_F(FlameWindow, EnergyNeedsPower) {
    m_window.run(Command::kFlameEnergy);
    EXPECT_TRUE(state().flameEnergy);
    QApplication::processEvents();
    EXPECT_FALSE(flame().tree()->energy);
    auto withPower = [] {
        Assembly assembly("power");
        const std::int64_t process = std::int64_t{1} << 24;
        assembly.process(process).rank = 0;
        assembly.process(0);
        auto* ranges = assembly.track({process, -1, process | 1, TrackKind::kRanges}, "");
        ranges->add(0, 1'000'000, assembly.intern("cool"), 0);
        ranges->add(1'000'000, 2'000'000, assembly.intern("hot"), 0);
        Counter* power = assembly.counter(0, 0, "gpu.power", "W", 1);
        for (const auto& [t, watts] : {std::pair{Ns{-10}, 100.0F}, {Ns{999'999}, 100.0F}, {Ns{1'000'000}, 300.0F}, {Ns{3'000'000}, 300.0F}}) power->append(t, watts);
        assembly.seen(0, 2'000'000);
        return assembly.publish(true, 1);
    }();
    view().setSnapshot(withPower);
    ASSERT_TRUE(wait([&] { return flame().tree()->energy; }));
    EXPECT_NEAR(flame().tree()->frames[frame({"cool"})].joules, 0.1, 1e-4);
    EXPECT_NEAR(flame().tree()->frames[frame({"hot"})].joules, 0.3, 1e-4);
    // Widths follow.
    for (const FlameBox& box : flame().boxes())
        if (box.frame == frame({"hot"})) { EXPECT_NEAR(box.x1 - box.x0, flame().width() * 0.75, 2); }
    EXPECT_TRUE(flame().describe(frame({"hot"})).contains(QStringLiteral("energy 300 mJ")) || flame().describe(frame({"hot"})).contains(QStringLiteral("0.3"))) << flame().describe(frame({"hot"})).toStdString();
}

}  // namespace
}  // namespace ridge::gui
