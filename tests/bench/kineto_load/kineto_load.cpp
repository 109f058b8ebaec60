// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Loading and analysing one Kineto trace: events/s and memory per event. usage: kineto_load TRACE ROUNDS;
// prints JSON. load: file to timeline; analysis: timeline to answer; memory: growth of the peak over the
// first load and analysis, which come first so that nothing has warmed the allocator.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "analyzer/analyze.h"
#include "analyzer/timeline/load.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace ridge;

double secondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::int64_t peakBytes() {
    // Not ru_maxrss: that begins with the peak of the process that started us.
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::atoll(line.c_str() + 6) * 1024;
    return 0;
}

double medianOf(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

std::int64_t eventsOf(const analyzer::Timeline& timeline) {
    for (const auto& table : timeline.tables)
        if (table.table == "traceEvents") return table.rows;
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    const long rounds = std::max(1L, std::atol(argv[2]));
    std::vector<double> load, analysis;
    std::int64_t events = 0, before = peakBytes(), afterLoad = 0, after = 0;
    for (long i = 0; i < rounds; ++i) {
        const auto begin = Clock::now();
        const auto timeline = analyzer::load({argv[1]});
        load.push_back(secondsSince(begin));
        if (!timeline.ok()) {
            fmt::print(stderr, "{}\n", timeline.error().message);
            return 1;
        }
        if (i == 0) afterLoad = peakBytes();
        const auto middle = Clock::now();
        const auto answer = analyzer::analyzeTimeline(*timeline, {});
        analysis.push_back(secondsSince(middle));
        if (!answer.ok()) return 1;
        if (i == 0) after = peakBytes();
        events = eventsOf(*timeline);
    }
    const double n = static_cast<double>(events);
    fmt::print("{{\"events\": {}, \"load_s\": {}, \"analysis_s\": {}, \"load_events_per_s\": {}, \"events_per_s\": {}, "
               "\"load_bytes_per_event\": {}, \"bytes_per_event\": {}}}\n",
               events, medianOf(load), medianOf(analysis), n / medianOf(load), n / (medianOf(load) + medianOf(analysis)),
               static_cast<double>(afterLoad - before) / n, static_cast<double>(after - before) / n);
    return 0;
}
