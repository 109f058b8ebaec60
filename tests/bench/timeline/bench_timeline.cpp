// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// How fast the viewer is: frames at six zooms on 1, 10, 100 million synthetic slices (54 rows, log-normal
// durations of about 8 us), the first picture and the whole load from SQLite, memory per slice, and
// statistics over a selection against the same GROUP BY in SQLite. Prints one JSON document.
//
// Usage: bench_timeline [SLICES] [--no-file]
#include <fmt/format.h>
#include <sqlite3.h>

#include <QApplication>
#include <QImage>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>

#include "base/file.h"
#include "gui/load/trace_loader.h"
#include "gui/timeline/timeline_widget.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/ddl.h"

namespace {

using namespace ridge;
using namespace ridge::gui;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLanes = 54;
constexpr std::size_t kNames = 2000;
constexpr int kFrames = 201;

double msSince(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

struct Generator {
    explicit Generator(std::uint64_t seed) : random(seed) {}
    std::mt19937_64 random;
    std::lognormal_distribution<double> duration{9.0, 1.4}, gap{7.5, 1.8};
    Ns at = 0;
    struct Slice {
        Ns start, end;
        std::uint32_t name;
    };
    Slice next() {
        at += 1 + static_cast<Ns>(gap(random));
        const Ns start = at;
        at += 1 + static_cast<Ns>(duration(random));
        return {start, at, static_cast<std::uint32_t>(random() % kNames)};
    }
};

std::string nameOf(std::uint32_t i) { return fmt::format("void cutlass::gemm_kernel_{}<float, 128, {}>", i, i * 8); }

SnapshotPtr inMemory(std::size_t slices, double& buildMs) {
    auto names = std::make_shared<Names>();
    for (std::uint32_t i = 0; i < kNames; ++i) {
        names->texts.push_back(nameOf(i));
        names->colours.push_back(static_cast<ColourId>(kColourOfKernel + i % 17));
    }
    auto snapshot = std::make_shared<Snapshot>();
    buildMs = 0;
    for (std::size_t l = 0; l < kLanes; ++l) {
        auto lane = std::make_shared<Lane>();
        lane->reserve(slices / kLanes);
        Generator generator(l + 1);
        for (std::size_t i = 0; i < slices / kLanes; ++i) {
            const auto s = generator.next();
            lane->append(s.start, s.end, s.name, static_cast<std::uint32_t>(i + 1));
        }
        const auto start = Clock::now();
        lane->build(names->colours);
        buildMs += msSince(start);
        Track track;
        track.key = fmt::format("lane{}", l);
        track.title = fmt::format("stream {}", l);
        track.kind = TrackKind::kKernels;
        snapshot->last = std::max(snapshot->last, lane->end(lane->size() - 1));
        track.lanes.push_back(std::move(lane));
        snapshot->tracks.push_back(std::move(track));
    }
    snapshot->names = names;
    snapshot->complete = true;
    snapshot->numberLanes();
    return snapshot;
}

double at(const std::vector<double>& sorted, double share) {
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

nlohmann::ordered_json frames(ViewController& view, TimelineWidget& widget) {
    nlohmann::ordered_json zooms = nlohmann::ordered_json::array();
    QImage target(widget.size(), QImage::Format_ARGB32_Premultiplied);
    const double span = static_cast<double>(view.snapshot()->last);
    std::mt19937_64 random(7);
    for (const double share : {1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001}) {
        std::vector<double> ms;
        double runs = 0;
        for (int i = 0; i < kFrames; ++i) {
            const double left = (1 - share) * span * (static_cast<double>(random() % 10'000) / 10'000);
            view.setRange(static_cast<Ns>(left), static_cast<Ns>(left + span * share), 2);
            const auto start = Clock::now();
            widget.render(&target, QPoint(), QRegion(), QWidget::RenderFlags());
            ms.push_back(msSince(start));
            runs += static_cast<double>(widget.runsInLayer());
        }
        std::sort(ms.begin(), ms.end());
        zooms.push_back({{"share_of_trace", share}, {"slices_in_view", share * static_cast<double>(view.snapshot()->slices)},
                         {"p50_ms", at(ms, 0.5)}, {"p95_ms", at(ms, 0.95)}, {"p99_ms", at(ms, 0.99)}, {"runs", runs / kFrames}});
    }
    return zooms;
}

std::string writeFile(const std::filesystem::path& path, std::size_t slices) {
    auto db = std::move(Database::openForWriting(path.string())).value();
    const auto run = [&](const std::string& sql) {
        if (const auto status = db.execute(sql); !status.ok()) {
            fmt::print(stderr, "bench_timeline: {}\n", status.error().message);
            std::exit(4);
        }
    };
    run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    run("BEGIN");
    run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", timeline::kApplicationId, timeline::kSchemaVersion));
    for (const char* table : {"StringIds", "NVTX_EVENTS"}) run(timeline::findTable(table)->createTable);
    for (std::uint32_t i = 0; i < kNames; ++i) run(fmt::format("INSERT INTO StringIds VALUES ({}, '{}')", i + 1, nameOf(i)));
    auto insert = db.prepare("INSERT INTO NVTX_EVENTS(start, end, eventType, globalTid, textId) VALUES (?1, ?2, 59, ?3, ?4)");
    // In the order of time, as a recorder writes.
    std::vector<Generator> lanes;
    for (std::size_t l = 0; l < kLanes; ++l) lanes.emplace_back(l + 1);
    for (std::size_t i = 0; i < slices / kLanes * kLanes; ++i) {
        const std::size_t l = i % kLanes;
        const auto s = lanes[l].next();
        insert->reset();
        insert->bind(1, s.start);
        insert->bind(2, s.end);
        insert->bind(3, static_cast<std::int64_t>((1 << 24) + 1 + l));
        insert->bind(4, static_cast<std::int64_t>(s.name + 1));
        (void)insert->step();
    }
    run("COMMIT");
    return path.string();
}

nlohmann::ordered_json loading(const std::string& path, SnapshotPtr& last) {
    std::mutex mutex;
    std::condition_variable wake;
    bool done = false;
    double firstMs = -1;
    std::size_t firstSlices = 0, snapshots = 0;
    const auto start = Clock::now();
    LoadCallbacks callbacks;
    callbacks.snapshot = [&](SnapshotPtr snapshot) {
        const std::lock_guard lock(mutex);
        ++snapshots;
        if (firstMs < 0) {
            firstMs = msSince(start);
            firstSlices = snapshot->slices;
        }
        last = std::move(snapshot);
    };
    callbacks.finished = [&](const std::optional<Error>&) {
        const std::lock_guard lock(mutex);
        done = true;
        wake.notify_all();
    };
    TraceLoader loader(path, std::move(callbacks));
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return done; });
    const double total = msSince(start);
    return {{"first_picture_ms", firstMs}, {"first_slices", firstSlices}, {"total_ms", total}, {"snapshots", snapshots},
            {"rows_per_s", static_cast<double>(last->slices) / total * 1000}, {"file_bytes", std::filesystem::file_size(path)}};
}

double groupByMs(const std::string& path) {
    auto db = std::move(Database::openForReading(path)).value();
    const auto start = Clock::now();
    auto statement = db.prepare("SELECT textId, count(*), sum(end - start), min(end - start), max(end - start) FROM NVTX_EVENTS GROUP BY textId");
    while (true) {
        const auto row = statement->step();
        if (!row.ok() || !*row) break;
    }
    return msSince(start);
}

}  // namespace

int main(int argc, char** argv) {
    qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    const std::size_t slices = argc > 1 ? static_cast<std::size_t>(std::strtod(argv[1], nullptr)) : 1'000'000;
    const bool withFile = argc < 3 || std::string_view(argv[2]) != "--no-file";
    nlohmann::ordered_json out{{"slices", slices}, {"rows", kLanes}, {"width", 1920}, {"height", 1080}};
    ViewController view;
    TimelineWidget widget(view, darkTheme());
    widget.resize(1920, 1080);
    double buildMs = 0;
    view.setSnapshot(inMemory(slices, buildMs));
    out["index_build_ms"] = buildMs;
    out["bytes_per_slice"] = static_cast<double>(view.snapshot()->bytes()) / static_cast<double>(view.snapshot()->slices);
    out["frames"] = frames(view, widget);
    std::vector<std::uint32_t> tracks;
    for (std::uint32_t t = 0; t < view.snapshot()->tracks.size(); ++t) tracks.push_back(t);
    const std::atomic<bool> stop{false};
    const auto start = Clock::now();
    const RangeStatistics statistics = statisticsOf(*view.snapshot(), tracks, view.snapshot()->first, view.snapshot()->last + 1, stop);
    out["statistics_ms"] = msSince(start);
    out["statistics_slices"] = statistics.slices;
    if (withFile) {
        view.setSnapshot(std::make_shared<Snapshot>());
        const auto folder = std::move(TempDir::create("ridge-bench")).value();
        const std::string path = writeFile(folder.path() / "bench.sqlite", slices);
        SnapshotPtr last;
        out["load"] = loading(path, last);
        out["load"]["bytes_per_slice"] = static_cast<double>(last->bytes()) / static_cast<double>(last->slices);
        out["sqlite_group_by_ms"] = groupByMs(path);
    }
    fmt::print("{}\n", out.dump(1));
}
