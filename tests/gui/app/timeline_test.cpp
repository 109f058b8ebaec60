// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/timeline/timeline_widget.h"

#include <gtest/gtest.h>

#include <QApplication>
#include <QPainter>
#include <QTest>
#include <QWheelEvent>

#include <stdexcept>

#include "gui/timeline/time_axis.h"
#include "sample.h"

namespace ridge::gui {
namespace {

class TimelineTest : public testing::Test {
protected:
    TimelineTest() : m_widget(m_view, lightTheme()) {
        m_view.setSnapshot(test::sampleSnapshot());
        m_widget.resize(1236 + 40, 420);
        m_widget.show();
        m_widget.grab();
    }
    QPoint pointOf(SliceRef slice) { return m_widget.placeOf(slice).value().toPoint(); }
    SliceRef first(TrackKind kind, std::uint32_t depth = 0) {
        for (const Track& track : m_view.snapshot()->tracks)
            if (track.kind == kind) return {track.firstLane + depth, 0};
        return {};
    }
    ViewController m_view;
    TimelineWidget m_widget;
};

TEST_F(TimelineTest, HitsTheSliceThatIsDrawnThere) {
    for (const TrackKind kind : {TrackKind::kRanges, TrackKind::kKernels}) {
        SliceRef slice = first(kind);
        for (slice.slice = 0; slice.slice < 10; ++slice.slice) EXPECT_EQ(m_widget.sliceAt(pointOf(slice)), slice);
    }
    EXPECT_EQ(m_widget.sliceAt(pointOf(first(TrackKind::kRanges, 1))), first(TrackKind::kRanges, 1));
}

TEST_F(TimelineTest, ClickSelectsAndEmptySpaceClears) {
    const SliceRef slice = first(TrackKind::kKernels);
    QTest::mouseClick(&m_widget, Qt::LeftButton, {}, pointOf(slice));
    EXPECT_EQ(m_view.selected(), slice);
    EXPECT_TRUE(m_widget.accessibleDescription().contains(QStringLiteral("sgemm_kernel")));
    QTest::mouseClick(&m_widget, Qt::LeftButton, {}, pointOf(slice) + QPoint(70, 0));
    EXPECT_FALSE(m_view.selected().valid());
}

TEST_F(TimelineTest, DragMeasuresARangeOfTheRowsItCrosses) {
    const QPoint a = pointOf(first(TrackKind::kKernels));
    QTest::mousePress(&m_widget, Qt::LeftButton, {}, a);
    QTest::mouseMove(&m_widget, a + QPoint(100, 0));
    QTest::mouseMove(&m_widget, a + QPoint(300, 2));
    QTest::mouseRelease(&m_widget, Qt::LeftButton, {}, a + QPoint(300, 2));
    ASSERT_TRUE(m_view.hasRange());
    EXPECT_NEAR(static_cast<double>(m_view.state().rangeEnd - m_view.state().rangeStart), 300 * m_widget.timeView().nsPerPx, 8 * m_widget.timeView().nsPerPx);
    ASSERT_EQ(m_view.state().rangeTracks.size(), 1U);
    EXPECT_NE(m_view.state().rangeTracks[0].find("/g0/"), std::string::npos);
    EXPECT_EQ(m_view.history().now().rangeTracks, m_view.state().rangeTracks);
}

TEST_F(TimelineTest, WheelWithCtrlZoomsAtTheCursor) {
    const QPoint at = pointOf(first(TrackKind::kRanges));
    const Ns before = m_widget.timeView().time(at.x() - 236);
    QWheelEvent wheel(at, m_widget.mapToGlobal(at), {}, QPoint(0, 240), Qt::NoButton, Qt::ControlModifier, Qt::NoScrollPhase, false);
    QApplication::sendEvent(&m_widget, &wheel);
    EXPECT_LT(m_view.end() - m_view.start(), 7'000'000);
    EXPECT_NEAR(static_cast<double>(m_widget.timeView().time(at.x() - 236)), static_cast<double>(before), 3 * m_widget.timeView().nsPerPx);
}

TEST_F(TimelineTest, PinsHidesFiltersAndCollapses) {
    const std::size_t all = m_widget.rows().rows.size();
    const std::string kernels = m_view.snapshot()->trackOf(first(TrackKind::kKernels)).key;
    m_view.togglePin(kernels);
    ASSERT_EQ(m_widget.rows().pinned.size(), 1U);
    m_view.hide(kernels);
    EXPECT_EQ(m_widget.rows().rows.size(), all - 1);
    m_view.unhideAll();
    m_view.setFilter("cuda api");
    EXPECT_LT(m_widget.rows().rows.size(), all);
    m_view.setFilter("");
    const std::string process = m_view.snapshot()->tracks[0].key;
    m_view.toggleCollapsed(process, false);
    EXPECT_EQ(m_widget.rows().rows.size(), 1U);
    m_view.toggleCollapsed(process, true);
    EXPECT_EQ(m_widget.rows().rows.size(), all);
    for (int i = 0; i < 6; ++i) m_view.undo();
    EXPECT_TRUE(m_widget.rows().pinned.empty());
}

TEST_F(TimelineTest, DeepRowsFoldAndSamplesStartFolded) {
    Assembly assembly(std::vector<std::string>{"deep"});
    const std::int64_t process = std::int64_t{1} << 24, thread = process | 1;
    auto* ranges = assembly.track({process, -1, thread, TrackKind::kRanges}, "");
    auto* stacks = assembly.track({process, -1, thread, TrackKind::kSamples}, "");
    const auto name = assembly.intern("frame");
    for (Ns d = 0; d < 10; ++d) {
        ranges->add(d, 1000 - d, name, 0);
        stacks->add(d, 1000 - d, name, 0);
    }
    assembly.seen(0, 1000);
    m_view.setSnapshot(assembly.publish(true, 1));
    const auto rowOf = [&](TrackKind kind) -> const Row& {
        for (const Row& row : m_widget.rows().rows)
            if (m_view.snapshot()->tracks[row.track].kind == kind) return row;
        throw std::runtime_error("no such row");
    };
    EXPECT_EQ(rowOf(TrackKind::kRanges).lanes, 10);
    EXPECT_EQ(rowOf(TrackKind::kSamples).lanes, 3);
    EXPECT_NE(rowOf(TrackKind::kSamples).title.find("7 deeper"), std::string::npos);
    const Row folded = rowOf(TrackKind::kSamples);
    QTest::mouseClick(&m_widget, Qt::LeftButton, {}, m_widget.placeOfRow(folded).topLeft() + QPoint(60, 6));
    EXPECT_EQ(rowOf(TrackKind::kSamples).lanes, 10);
    const Row deep = rowOf(TrackKind::kRanges);
    QTest::mouseClick(&m_widget, Qt::LeftButton, {}, m_widget.placeOfRow(deep).topLeft() + QPoint(60, 6));
    EXPECT_EQ(rowOf(TrackKind::kRanges).lanes, 3);
    // A slice of a lane that is folded away still has a place for its arrows.
    EXPECT_TRUE(m_widget.placeOf({m_view.snapshot()->tracks[deep.track].firstLane + 8, 0}).has_value());
}

// More devices than rows are drawn for: what is known of the others is below, by their names.
TEST_F(TimelineTest, StripsOfDevicesWithoutARowSayWhoseTheyAre) {
    Assembly assembly(std::vector<std::string>{"many"});
    const std::int64_t process = std::int64_t{1} << 24;
    assembly.process(process).rank = 0;
    const auto name = assembly.intern("kernel");
    constexpr std::int64_t kDevices = 4400;
    for (std::int64_t d = 0; d < kDevices; ++d)
        if (auto* kernels = assembly.track({process, d, 7, TrackKind::kKernels}, "")) kernels->add(d, d + 100, name, 0);
    assembly.seen(0, 10'000);
    m_view.setSnapshot(assembly.publish(true, 1));
    auto lane = std::make_shared<Lane>();
    lane->append(0, 1000, 0, 0);
    lane->build({});
    auto insight = std::make_shared<Insight>();
    insight->analysis.ranks.push_back({0, "host", {m_view.snapshot()->tracks.front().pid}});
    for (std::int64_t d = 0; d < kDevices; ++d) insight->strips.push_back({0, d, true, lane});
    m_view.setInsight(insight);
    const auto& rows = m_widget.rows().rows;
    ASSERT_EQ(rows.front().kind, RowKind::kGroup);
    EXPECT_NE(rows.front().title.find("rank 0"), std::string::npos);
    EXPECT_EQ(rows[1].title, "GPU 0");
    EXPECT_EQ(rows[2].title, "where the time went");
    EXPECT_EQ(rows.back().title, "GPU 4399 · where the time went");
    std::size_t strips = 0;
    for (const Row& row : rows) {
        EXPECT_FALSE(row.title.empty());
        strips += row.kind == RowKind::kStrip ? 1 : 0;
    }
    EXPECT_EQ(strips, static_cast<std::size_t>(kDevices));
    EXPECT_FALSE(m_view.snapshot()->warnings.empty());
}

TEST_F(TimelineTest, PaintsTheSameTwiceAndEveryRowKind) {
    m_widget.setTextShown(false);
    const QImage a = m_widget.grab().toImage(), b = m_widget.grab().toImage();
    EXPECT_EQ(a, b);
    EXPECT_GT(m_widget.runsInLayer(), 30U);
    const QPoint at = pointOf(first(TrackKind::kKernels));
    EXPECT_EQ(a.pixelColor(at), QColor(lightTheme().slice[colourOf(analyzer::KernelClass::kGemm)]));
    EXPECT_EQ(a.pixelColor(at + QPoint(70, 0)), lightTheme().window);
}

// Right edge of what is drawn in black on white.
int inkOf(LabelCache& labels, const std::string& text, std::uint32_t name, int width) {
    QImage image(900, 24, QImage::Format_RGB32);
    image.fill(Qt::white);
    QPainter painter(&image);
    QFont font;
    font.setPixelSize(11);
    painter.setFont(font);
    painter.setPen(Qt::black);
    labels.begin(font, &labels);
    labels.draw(painter, 10, 2, width, name, text);
    painter.end();
    int right = -1;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
            if (qGray(image.pixel(x, y)) < 160) right = std::max(right, x - 10);
    return right;
}

TEST(Labels, FillTheSliceAndNeverLeaveIt) {
    LabelCache labels;
    const std::string kernel = "void cutlass::gemm_kernel_17<float, 128, 136>(cutlass::Params, int, float const*, float const*, float*)";
    int before = 0;
    for (const int width : {20, 46, 60, 90, 150, 300, 700}) {
        const int ink = inkOf(labels, kernel, 1, width);
        EXPECT_LE(ink, width + 1) << width;
        EXPECT_GE(ink, before) << width;
        if (width >= 46 && width <= 300) { EXPECT_GE(ink, width - 16) << width; }  // an ellipsis at most a character before the edge
        before = ink;
    }
    EXPECT_EQ(inkOf(labels, kernel, 1, 900), inkOf(labels, kernel, 1, 880)) << "whole";
    EXPECT_LE(labels.shapings(), 4U) << "shaped once for each length that is needed";
    EXPECT_EQ(labels.laidOut(), 0U);
    EXPECT_LE(inkOf(labels, "x", 2, 3), 12);
    EXPECT_EQ(inkOf(labels, "", 3, 100), -1);
    // Several fonts, and from right to left.
    for (const char* text : {"\xE7\x9F\xA9\xE9\x98\xB5 kernel \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", "\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80"}) {
        const auto name = static_cast<std::uint32_t>(10 + text[1]);
        EXPECT_LE(inkOf(labels, text, name, 120), 121);
        EXPECT_LE(inkOf(labels, text, name, 46), 47);
    }
}

TEST(TimeAxis, TicksAreRoundAndTellNeighboursApart) {
    for (const double nsPerPx : {0.02, 0.5, 13.0, 700.0, 4e4, 2.7e6, 9e8}) {
        const View view{155'357'596'302, nsPerPx, 1000};
        const auto ticks = timeTicks(view, 100);
        for (std::size_t i = 1; i < ticks.size(); ++i) {
            EXPECT_NE(ticks[i - 1].text, ticks[i].text) << nsPerPx;
            if (nsPerPx > 1) { EXPECT_GE(view.x(ticks[i].at) - view.x(ticks[i - 1].at), 99) << nsPerPx; }
        }
        EXPECT_LE(ticks.size(), 60U);
    }
}

}  // namespace
}  // namespace ridge::gui
