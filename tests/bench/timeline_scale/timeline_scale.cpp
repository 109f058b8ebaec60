// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// How the analysis grows with the trace. usage: timeline_scale make FILE EVENTS SEED | run FILE | scan FILE
// make writes a synthetic timeline; run loads and analyses it once and prints seconds, peak memory and events as JSON;
// scan reads the columns that the analyzer wants of every large table, through pages and through SQLite, and prints
// rows per second of one thread's CPU time (what else runs on the machine does not count).
#include <fmt/format.h>
#include <time.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "analyzer/analyze.h"
#include "analyzer/timeline/load.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/read_table.h"
#include "synthetic.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace ridge;

double secondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double cpuSeconds(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Not ru_maxrss: that begins with the peak of the process that started us.
std::int64_t peakBytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::atoll(line.c_str() + 6) * 1024;
    return 0;
}

int fail(const std::string& message) {
    fmt::print(stderr, "timeline_scale: {}\n", message);
    return 1;
}

int make(const char* path, const char* events, const char* seed) {
    const auto written = bench::writeSynthetic(path, std::atoll(events), std::strtoull(seed, nullptr, 10));
    if (!written.ok()) return fail(written.error().message);
    fmt::print("{{\"events\": {}}}\n", *written);
    return 0;
}

std::int64_t eventsOf(const analyzer::Timeline& t) {
    std::size_t samples = 0;
    for (const auto& series : t.counters) samples += series.samples.size();
    return static_cast<std::int64_t>(t.gpu.size() + t.calls.size() + t.ranges.size() + t.syncs.size() + t.io.size() + samples);
}

int run(const char* path) {
    const std::int64_t before = peakBytes();
    const auto begin = Clock::now();
    const auto timeline = analyzer::load({path});
    const double load = secondsSince(begin);
    if (!timeline.ok()) return fail(timeline.error().message);
    const std::int64_t loaded = peakBytes();
    const auto middle = Clock::now();
    const auto answer = analyzer::analyzeTimeline(*timeline, {});
    const double analysis = secondsSince(middle), cpu = cpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!answer.ok()) return fail(answer.error().message);
    const std::int64_t after = peakBytes();
    const std::int64_t leftOut = answer->criticalPath ? answer->criticalPath->stepsLeftOut : -1;
    fmt::print("{{\"events\": {}, \"load_s\": {}, \"analysis_s\": {}, \"cpu_s\": {}, \"loaded_bytes\": {}, \"peak_bytes\": {}, \"steps\": {}, \"path_steps_left_out\": {}}}\n",
               eventsOf(*timeline), load, analysis, cpu, loaded - before, after, answer->steps.size(), leftOut);
    return 0;
}

struct Pass {
    std::int64_t rows = 0, sum = 0;
    double seconds = 0;
};

Pass scanAll(Database& db) {
    Pass pass;
    const double begin = cpuSeconds(CLOCK_THREAD_CPUTIME_ID);
    for (const char* table : {"CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS", "OSRT_API"}) {
        timeline::TableScan scan(db, table, {"start", "end", "globalTid", "correlationId", "nameId", "deviceId", "streamId", "demangledName", "textId"});
        while (scan.next()) {
            ++pass.rows;
            for (std::size_t c = 0; c < 9; ++c) pass.sum += scan.integerOr(c, 0);
        }
    }
    pass.seconds = cpuSeconds(CLOCK_THREAD_CPUTIME_ID) - begin;
    return pass;
}

int scan(const char* path) {
    auto db = Database::openForReading(path);
    if (!db.ok()) return fail(db.error().message);
    std::array<double, 2> best{1e9, 1e9};
    std::array<Pass, 2> passes{};
    for (int round = 0; round < 3; ++round)
        for (std::size_t way = 0; way < 2; ++way) {
            db->allowDirectReading(way == 0);
            passes[way] = scanAll(*db);
            best[way] = std::min(best[way], passes[way].seconds);
        }
    if (passes[0].rows != passes[1].rows || passes[0].sum != passes[1].sum) return fail("pages and SQLite disagree");
    const double rows = static_cast<double>(passes[0].rows);
    fmt::print("{{\"rows\": {}, \"pages_rows_per_s\": {}, \"sqlite_rows_per_s\": {}}}\n", passes[0].rows, rows / best[0], rows / best[1]);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view mode = argc > 2 ? argv[1] : "";
    if (mode == "make" && argc == 5) return make(argv[2], argv[3], argv[4]);
    if (mode == "run") return run(argv[2]);
    if (mode == "scan") return scan(argv[2]);
    return 2;
}
