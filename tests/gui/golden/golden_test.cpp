// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "golden.h"

#include <gtest/gtest.h>

#include <numeric>

#include "gui/timeline/timeline_widget.h"
#include "tests/gui/app/sample.h"

namespace ridge::gui {
namespace {

using test::expectGolden;

// std::lognormal_distribution differs between libraries; integers do not.
Lane denseLane(std::span<const ColourId> colours) {
    Lane lane;
    std::uint64_t random = 88172645463325252ULL;
    const auto next = [&](std::uint64_t below) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        return random % below;
    };
    Ns at = 0;
    for (std::uint32_t i = 0; i < 200'000; ++i) {
        // Busy and idle stretches, a long slice now and then.
        const bool idle = i / 9000 % 3 == 2;
        at += static_cast<Ns>(next(idle ? 9000 : 400));
        const Ns ns = i % 997 == 0 ? 200'000 : static_cast<Ns>(100 + next(1500));
        lane.append(at, at + ns, static_cast<std::uint32_t>(next(colours.size())), i);
        at += ns;
    }
    lane.build(colours);
    return lane;
}

// One lane at five zooms below each other: from the pyramid, from the index, folded, exact.
QImage zooms(const Theme& theme) {
    std::vector<ColourId> colours(17);
    std::iota(colours.begin(), colours.end(), kColourOfKernel);
    const Lane lane = denseLane(colours);
    QImage image(800, 5 * 24, QImage::Format_RGB32);
    image.fill(theme.panel);
    LaneRasterizer raster(theme);
    const double span = static_cast<double>(lane.end(lane.size() - 1));
    int y = 2;
    for (const double share : {1.0, 0.1, 0.01, 0.002, 0.0002}) {
        const View view{static_cast<Ns>((1 - share) * span * 0.3), span * share / image.width(), image.width()};
        std::vector<Run> runs;
        queryLane(lane, colours, view, runs);
        raster.drawLane(image, y, 20, runs, theme.window.rgb(), lane, {});
        y += 24;
    }
    return image;
}

TEST(Golden, LanesAtFiveZooms) {
    expectGolden(zooms(lightTheme()), QStringLiteral("lanes-light"));
    expectGolden(zooms(darkTheme()), QStringLiteral("lanes-dark"));
}

QImage timeline(const Theme& theme, const std::function<void(ViewController&)>& prepare) {
    ViewController view;
    TimelineWidget widget(view, theme);
    widget.setTextShown(false);
    widget.resize(900, 330);
    view.setSnapshot(test::sampleSnapshot());
    prepare(view);
    widget.show();
    return widget.grab().toImage();
}

SliceRef firstOf(const ViewController& view, TrackKind kind, std::uint32_t slice) {
    for (const Track& track : view.snapshot()->tracks)
        if (track.kind == kind) return {track.firstLane, slice};
    return {};
}

TEST(Golden, TimelineWithEveryKindOfRow) {
    const auto whole = [](ViewController&) {};
    expectGolden(timeline(lightTheme(), whole), QStringLiteral("timeline-light"));
    expectGolden(timeline(darkTheme(), whole), QStringLiteral("timeline-dark"));
}

TEST(Golden, TimelineWithAnArrowARangeANoteAndAPin) {
    const auto busy = [](ViewController& view) {
        view.togglePin(view.snapshot()->trackOf(firstOf(view, TrackKind::kKernels, 0)).key);
        view.addNote(2'400'000, 2'700'000, "not drawn");
        view.selectRange(3'000'000, 4'200'000, {});
        view.select(firstOf(view, TrackKind::kApi, 2));
        view.setRange(1'900'000, 5'100'000);
    };
    expectGolden(timeline(lightTheme(), busy), QStringLiteral("timeline-busy-light"));
    expectGolden(timeline(darkTheme(), busy), QStringLiteral("timeline-busy-dark"));
}

// The comparison itself must be able to fail.
TEST(Golden, AChangedPictureIsSeen) {
    QImage a(100, 100, QImage::Format_RGB32), b(100, 100, QImage::Format_RGB32);
    a.fill(Qt::white);
    b.fill(Qt::white);
    EXPECT_EQ(test::differenceOf(a, b).share, 0);
    for (int x = 0; x < 30; ++x) b.setPixel(x, 5, qRgb(200, 255, 255));
    EXPECT_NEAR(test::differenceOf(a, b).share, 0.003, 1e-9);
    EXPECT_GT(test::differenceOf(a, b).share, test::kPixels);
}

}  // namespace
}  // namespace ridge::gui
