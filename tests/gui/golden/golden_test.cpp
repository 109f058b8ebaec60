// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "golden.h"

#include <gtest/gtest.h>

#include <numeric>

#include "gui/roofline/roofline_panel.h"
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

// Two compute roofs, three bandwidths; dots on, below and between them, large and small.
InsightPtr roofs() {
    auto insight = std::make_shared<Insight>();
    analyzer::Analysis& a = insight->analysis;
    const auto roof = [&](const char* kind, const char* name, const char* level, double value, const char* unit) {
        analyzer::Ceiling ceiling;
        ceiling.kind = kind;
        ceiling.name = name;
        ceiling.level = level;
        ceiling.value = value;
        ceiling.unit = unit;
        a.ceilings.push_back(ceiling);
    };
    roof("compute", "gemm", "", 8e11, "FLOP/s");
    roof("compute", "fma", "", 2e11, "FLOP/s");
    roof("memory", "triad", "L1", 5e11, "B/s");
    roof("memory", "triad", "L2", 9e10, "B/s");
    roof("memory", "triad", "DRAM", 1.6e10, "B/s");
    const auto point = [&](const char* op, double intensity, double achieved, Ns ns, const char* bound) {
        analyzer::RooflinePoint p;
        p.op = op;
        p.timeNs = ns;
        p.count = 1;
        p.flops = 1e9;
        p.bytes = 1e9 / intensity;
        p.intensity = intensity;
        p.achieved = achieved;
        p.bound = bound;
        a.roofline.push_back(p);
    };
    point("product", 80, 1.9e11, 90'000'000, "compute");
    point("sum", 0.25, 3.9e9, 40'000'000, "memory");
    point("norm", 0.9, 9e9, 5'000'000, "memory");
    point("small", 12, 4e9, 400'000, "latency");
    point("odd", 3, 6e11, 2'000'000, "unreliable");
    for (const auto& [name, compute, memory, network] : {std::tuple{"a", 5, 20, 3}, {"b", 30, 8, 12}, {"c", 4, 6, 40}}) {
        analyzer::RidgelinePoint p;
        p.workload = name;
        p.computeNs = compute * 1'000'000;
        p.memoryNs = memory * 1'000'000;
        p.networkNs = network * 1'000'000;
        p.flops = 2e11 * compute * 1e-3;
        p.memoryBytes = 1.6e10 * memory * 1e-3;
        p.networkBytes = 1e9 * network * 1e-3;
        p.x = p.memoryBytes / p.networkBytes;
        p.y = p.flops / p.memoryBytes;
        p.bound = compute > memory ? "compute" : memory > network ? "memory" : "network";
        p.stepNs = 50'000'000;
        a.ridgeline.push_back(p);
    }
    return insight;
}

QImage roofline(const Theme& theme, const ViewState& state) {
    ViewController view;
    RooflinePanel panel(view, theme);
    panel.setTextShown(false);
    panel.resize(620, 420);
    view.setInsight(roofs());
    view.apply(state);
    panel.show();
    return panel.grab().toImage();
}

TEST(Golden, RooflineWithEveryKindOfRoofAndDot) {
    expectGolden(roofline(lightTheme(), {}), QStringLiteral("roofline-light"));
    expectGolden(roofline(darkTheme(), {}), QStringLiteral("roofline-dark"));
}

TEST(Golden, RooflineZoomedAndAtThreeWalls) {
    ViewState zoomed;
    zoomed.roofZoom = {0.5, 2.5, 9, 12};
    expectGolden(roofline(lightTheme(), zoomed), QStringLiteral("roofline-zoomed-light"));
    ViewState walls;
    walls.roofWalls = true;
    expectGolden(roofline(darkTheme(), walls), QStringLiteral("roofline-walls-dark"));
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
