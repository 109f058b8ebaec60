// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// How fast the viewer is: frames at six zooms on 1, 10, 100 million synthetic slices (54 rows, log-normal
// durations of about 8 us), the first picture (from opening the file to the first painted one) and the
// whole load from SQLite, memory per slice, how soon a cancelled load has ended, and statistics over all
// and over a tenth of the trace beside the same GROUP BY in SQLite. Prints one JSON document; says on stderr
// what it is at.
//
// Bounded: a GROUP BY is given kLongestQuery and is then interrupted and reported as not ended; loads are
// cancelled at fewer moments where loading takes long; a file that the disk has no room for is left out, with
// the reason.
//
// Usage: bench_timeline [SLICES] [--no-file]
#include <fmt/format.h>
#include <malloc.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <time.h>

#include <QApplication>
#include <QImage>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "base/file.h"
#include "gui/load/trace_loader.h"
#include "gui/timeline/timeline_widget.h"
#include "schemas/sqlite/bulk_table.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/ddl.h"

namespace {

using namespace ridge;
using namespace ridge::gui;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLanes = 54;
constexpr std::size_t kNames = 2000;
constexpr int kFrames = 201, kFramesBetween = 61;
constexpr auto kLongestQuery = std::chrono::seconds(60);
constexpr double kBytesPerRow = 40;  // of the file, with room to spare

// CPU time tells what the work costs where other programs take the processor away.
double cpuMs(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}
// What this thread has been stopped by so far: a lock, a disk or another thread (each is a voluntary switch),
// others who took the processor, and pages that had to be made.
struct Stops {
    long blocked = 0, preempted = 0, pages = 0;
    static Stops now() {
        rusage usage{};
        getrusage(RUSAGE_THREAD, &usage);
        return {usage.ru_nvcsw, usage.ru_nivcsw, usage.ru_minflt + usage.ru_majflt};
    }
};
double msSince(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

// Durations and gaps are drawn from tables of log-normal values: drawing them one by one would take longer
// than all that is measured.
struct Generator {
    explicit Generator(std::uint64_t seed) : state(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    std::uint64_t state;
    Ns at = 0;
    struct Slice {
        Ns start, end;
        std::uint32_t name;
    };
    static std::vector<std::uint32_t> table(double mean, double width) {
        std::mt19937_64 random(1);
        std::lognormal_distribution<double> values(mean, width);
        std::vector<std::uint32_t> list(1 << 16);
        for (auto& value : list) value = 1 + static_cast<std::uint32_t>(std::min(values(random), 4e9));
        return list;
    }
    Slice next() {
        static const std::vector<std::uint32_t> durations = table(9.0, 1.4), gaps = table(7.5, 1.8);
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const Ns start = at + gaps[state & 0xFFFF];
        at = start + durations[(state >> 16) & 0xFFFF];
        return {start, at, static_cast<std::uint32_t>((state >> 32) % kNames)};
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

nlohmann::ordered_json frames(ViewController& view, TimelineWidget& widget, const std::vector<double>& shares, int count) {
    nlohmann::ordered_json zooms = nlohmann::ordered_json::array();
    QImage target(widget.size(), QImage::Format_ARGB32_Premultiplied);
    const double span = static_cast<double>(view.snapshot()->last);
    std::mt19937_64 random(7);
    for (const double share : shares) {
        std::vector<double> ms, cpu;
        double runs = 0;
        Stops sum;
        for (int i = 0; i < count; ++i) {
            // A little to the side, so that a frame of the whole trace is not the one before again.
            const double left = (1 - share) * span * (static_cast<double>(random() % 10'000) / 10'000) + span * share * 1e-3 * (i % 2 + 1);
            view.setRange(static_cast<Ns>(left), static_cast<Ns>(left + span * share), 2);
            const Stops before = Stops::now();
            const auto start = Clock::now();
            const double cpuStart = cpuMs(CLOCK_THREAD_CPUTIME_ID);
            widget.render(&target, QPoint(), QRegion(), QWidget::RenderFlags());
            ms.push_back(msSince(start));
            cpu.push_back(cpuMs(CLOCK_THREAD_CPUTIME_ID) - cpuStart);
            const Stops after = Stops::now();
            sum.blocked += after.blocked - before.blocked;
            sum.preempted += after.preempted - before.preempted;
            sum.pages += after.pages - before.pages;
            runs += static_cast<double>(widget.runsInLayer());
        }
        std::sort(ms.begin(), ms.end());
        std::sort(cpu.begin(), cpu.end());
        zooms.push_back({{"share_of_trace", share}, {"slices_in_view", share * static_cast<double>(view.snapshot()->slices)},
                         {"p50_ms", at(ms, 0.5)}, {"p95_ms", at(ms, 0.95)}, {"p99_ms", at(ms, 0.99)},
                         {"p50_cpu_ms", at(cpu, 0.5)}, {"p99_cpu_ms", at(cpu, 0.99)}, {"runs", runs / count},
                         {"preempted", sum.preempted}, {"blocked", sum.blocked}, {"page_faults", sum.pages}});
    }
    return zooms;
}

void writeFile(const std::string& path, std::size_t slices) {
    const auto fail = [](const Error& error) {
        fmt::print(stderr, "bench_timeline: {}\n", error.message);
        std::exit(4);
    };
    auto file = bulk::BulkFile::create(path, {16384, timeline::kApplicationId, timeline::kSchemaVersion});
    if (!file.ok()) fail(file.error());
    const timeline::TableDdl& ddl = *timeline::findTable("NVTX_EVENTS");
    bulk::BulkTable& table = (*file)->addTable(ddl.name, ddl.createTable);
    // In the order of time, as a recorder writes.
    std::vector<Generator> lanes;
    for (std::size_t l = 0; l < kLanes; ++l) lanes.emplace_back(l + 1);
    bulk::BulkRow row;
    for (std::size_t i = 0; i < slices / kLanes * kLanes; ++i) {
        const std::size_t l = i % kLanes;
        const auto s = lanes[l].next();
        row.clear();
        row.integer(s.start).integer(s.end).integer(59).null().null().null().null();
        row.integer(static_cast<std::int64_t>((1 << 24) + 1 + l)).null().integer(s.name + 1);
        table.add(row);
    }
    const Status done = (*file)->finish([](Database& db) -> Status {
        RIDGE_TRY_STATUS(db.execute(timeline::findTable("StringIds")->createTable));
        for (std::uint32_t i = 0; i < kNames; ++i)
            RIDGE_TRY_STATUS(db.execute(fmt::format("INSERT INTO StringIds VALUES ({}, '{}')", i + 1, nameOf(i))));
        return {};
    });
    if (!done.ok()) fail(done.error());
}

nlohmann::ordered_json loading(const std::string& path, ViewController& view, TimelineWidget& widget) {
    std::mutex mutex;
    std::condition_variable wake;
    bool done = false;
    SnapshotPtr first, last;
    std::size_t snapshots = 0;
    const auto start = Clock::now();
    const double cpuStart = cpuMs(CLOCK_PROCESS_CPUTIME_ID);
    LoadCallbacks callbacks;
    callbacks.snapshot = [&](SnapshotPtr snapshot) {
        const std::lock_guard lock(mutex);
        ++snapshots;
        if (!first) first = snapshot;
        last = std::move(snapshot);
        wake.notify_all();
    };
    callbacks.finished = [&](const std::optional<Error>& error) {
        const std::lock_guard lock(mutex);
        if (error) fmt::print(stderr, "bench_timeline: {}\n", error->message);
        done = true;
        wake.notify_all();
    };
    TraceLoader loader(path, std::move(callbacks));
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return first || done; });
    lock.unlock();
    QImage target(widget.size(), QImage::Format_ARGB32_Premultiplied);
    const std::size_t firstSlices = first ? first->slices : 0;
    view.setSnapshot(std::move(first));
    widget.render(&target, QPoint(), QRegion(), QWidget::RenderFlags());
    const double firstMs = msSince(start), firstCpu = cpuMs(CLOCK_PROCESS_CPUTIME_ID) - cpuStart;
    lock.lock();
    wake.wait(lock, [&] { return done; });
    const double total = msSince(start), totalCpu = cpuMs(CLOCK_PROCESS_CPUTIME_ID) - cpuStart;
    view.setSnapshot(last);
    return {{"first_picture_ms", firstMs}, {"first_picture_cpu_ms", firstCpu}, {"total_cpu_ms", totalCpu}, {"first_slices", firstSlices}, {"total_ms", total}, {"snapshots", snapshots},
            {"rows_per_s", static_cast<double>(last->slices) / total * 1000}, {"file_bytes", std::filesystem::file_size(path)},
            {"bytes_per_slice", static_cast<double>(last->bytes()) / static_cast<double>(last->slices)}};
}

// From cancel() in the middle of a load to the end of its thread; the worst of several.
nlohmann::ordered_json cancelling(const std::string& path, double loadMs) {
    const std::vector<double> moments = loadMs < 10'000 ? std::vector<double>{0.02, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95} : std::vector<double>{0.05, 0.3, 0.95};
    double worst = 0;
    for (const double share : moments) {
        TraceLoader loader(path, {});
        std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(loadMs * share));
        const auto start = Clock::now();
        loader.cancel();
        while (!loader.ended()) std::this_thread::sleep_for(std::chrono::microseconds(200));
        worst = std::max(worst, msSince(start));
    }
    return {{"moments", moments.size()}, {"worst_ms", worst}};
}

// The most memory since the last call of forgetPeak().
double peakBytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) * 1024;
    return 0;
}
void forgetPeak() {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << 5;
}

nlohmann::ordered_json groupBy(const std::string& path, const std::string& where) {
    auto db = std::move(Database::openForReading(path)).value();
    struct Limit {
        Clock::time_point end;
        bool reached = false;
    } limit{Clock::now() + kLongestQuery};
    sqlite3_progress_handler(db.handle(), 1 << 20, [](void* at) {
        auto& l = *static_cast<Limit*>(at);
        l.reached = Clock::now() > l.end;
        return l.reached ? 1 : 0;
    }, &limit);
    const auto start = Clock::now();
    auto statement = db.prepare("SELECT textId, count(*), sum(end - start), min(end - start), max(end - start) FROM NVTX_EVENTS " + where + " GROUP BY textId");
    while (true) {
        const auto row = statement->step();
        if (!row.ok() || !*row) break;
    }
    return {{"ms", msSince(start)}, {"ended", !limit.reached}};
}

nlohmann::ordered_json statisticsOfRange(const Snapshot& snapshot, Ns from, Ns to) {
    std::vector<std::uint32_t> tracks;
    for (std::uint32_t t = 0; t < snapshot.tracks.size(); ++t) tracks.push_back(t);
    const std::atomic<bool> stop{false};
    const auto start = Clock::now();
    const double cpuStart = cpuMs(CLOCK_THREAD_CPUTIME_ID);
    const RangeStatistics statistics = statisticsOf(snapshot, tracks, from, to, stop);
    return {{"ms", msSince(start)}, {"cpu_ms", cpuMs(CLOCK_THREAD_CPUTIME_ID) - cpuStart}, {"slices", statistics.slices}};
}

}  // namespace

int main(int argc, char** argv) {
    qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    const std::size_t slices = argc > 1 ? static_cast<std::size_t>(std::strtod(argv[1], nullptr)) : 1'000'000;
    bool withFile = argc < 3 || std::string_view(argv[2]) != "--no-file";
    nlohmann::ordered_json out{{"slices", slices}, {"rows", kLanes}, {"width", 1920}, {"height", 1080}};
    const auto begin = Clock::now();
    const auto say = [&](const char* what) { fmt::print(stderr, "bench_timeline: {:5.1f} s  {}\n", msSince(begin) / 1000, what); };
    ViewController view;
    TimelineWidget widget(view, darkTheme());
    widget.resize(1920, 1080);
    double buildMs = 0;
    say("making slices in memory");
    view.setSnapshot(inMemory(slices, buildMs));
    out["index_build_ms"] = buildMs;
    out["bytes_per_slice"] = static_cast<double>(view.snapshot()->bytes()) / static_cast<double>(view.snapshot()->slices);
    say("frames");
    out["frames"] = frames(view, widget, {1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001}, kFrames);
    // Zooms between them: a frame must not cost more where one way of reading ends and another begins.
    out["frames_between"] = frames(view, widget, {0.9, 0.7, 0.5, 0.35, 0.25, 0.18, 0.14, 0.07, 0.05, 0.035, 0.025, 0.018, 0.005, 0.0005}, kFramesBetween);
    out["frames_measured"] = out["frames"].size() * kFrames + out["frames_between"].size() * kFramesBetween;
    const Ns last = view.snapshot()->last;
    say("statistics");
    out["statistics"] = {{"all", statisticsOfRange(*view.snapshot(), 0, last + 1)},
                         {"tenth", statisticsOfRange(*view.snapshot(), last / 2, last / 2 + last / 10)}};
    view.setSnapshot(std::make_shared<Snapshot>());
    const auto folder = std::move(TempDir::create("ridge-bench")).value();
    const double needed = kBytesPerRow * static_cast<double>(slices), room = static_cast<double>(std::filesystem::space(folder.path()).available);
    if (withFile && room < needed) {
        out["no_file"] = fmt::format("{} has room for {:.1f} GB, the file may need {:.1f} GB", folder.path().parent_path().string(), room / 1e9, needed / 1e9);
        withFile = false;
    }
    if (withFile) {
        const std::string path = (folder.path() / "bench.sqlite").string();
        say("writing a file");
        const auto writing = Clock::now();
        writeFile(path, slices);
        out["write_file_ms"] = msSince(writing);
        say("loading it");
        forgetPeak();
        out["load"] = loading(path, view, widget);
        out["load"]["peak_bytes_per_slice"] = peakBytes() / static_cast<double>(slices);
        view.setSnapshot(std::make_shared<Snapshot>());
        malloc_trim(0);
        say("cancelling loads");
        out["load"]["cancel"] = cancelling(path, out["load"]["total_ms"]);
        say("GROUP BY in SQLite");
        out["sqlite_group_by"] = {{"all", groupBy(path, "")},
                                  {"tenth", groupBy(path, fmt::format("WHERE end > {} AND start < {}", last / 2, last / 2 + last / 10))}};
    }
    out["seconds"] = msSince(begin) / 1000;
    say("done");
    fmt::print("{}\n", out.dump(1));
}
