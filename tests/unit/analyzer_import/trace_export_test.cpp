// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A timeline written as a Chrome/Perfetto trace and read back by the importer: nothing of it is lost.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "analyzer/timeline/load.h"
#include "json_trace.h"
#include "reports/trace/trace.h"

namespace ridge::test {
namespace {

using namespace analyzer;  // NOLINT: rows of many kinds

std::string written(const Timeline& t, std::size_t* largest = nullptr) {
    std::string text;
    const auto counts = reports::writeTrace(t, [&](std::string_view piece) -> Status {
        if (largest) *largest = std::max(*largest, piece.size());
        text += piece;
        return {};
    });
    EXPECT_TRUE(counts.ok());
    return text;
}

// Every row as a line, in an order that does not depend on the file's. Threads by what is on them.
std::vector<std::string> rowsOf(const Timeline& t, bool withSteps) {
    std::vector<std::string> lines;
    const auto text = [&](NameId id) { return t.names.text(id); };
    for (const GpuRow& r : t.gpu) {
        std::string line = fmt::format("gpu {} {} {} {} {} {} {} {} {} {} {}", r.start, r.end, static_cast<int>(r.kind), text(r.name), r.stream, r.correlation, r.bytes, r.copyKind, r.srcKind, r.dstKind, r.blocks);
        if (r.device != kNoIndex) line += fmt::format(" on {} {}", t.devices[static_cast<std::size_t>(r.device)].id, t.devices[static_cast<std::size_t>(r.device)].name);
        if (r.launch != kNoIndex) line += fmt::format(" from {}", t.calls[static_cast<std::size_t>(r.launch)].start);
        if (r.op != kNoIndex) line += fmt::format(" op {}", text(t.ranges[static_cast<std::size_t>(r.op)].name));
        if (r.collective != kNoIndex) {
            const Collective& c = t.collectives[static_cast<std::size_t>(r.collective)];
            line += fmt::format(" {} {} {} {} {} {}", text(c.name), text(c.group), text(c.dtype), c.bytesIn, c.bytesOut, c.groupSize);
        }
        lines.push_back(std::move(line));
    }
    for (const Call& c : t.calls) lines.push_back(fmt::format("call {} {} {} {} {}", c.start, c.end, text(c.name), c.correlation, c.blocking));
    for (const Range& r : t.ranges) {
        const std::string name = withSteps && r.frame == Frame::kStep ? fmt::format("ProfilerStep#{}", r.index) : text(r.name);
        lines.push_back(fmt::format("range {} {} {} {} {} {}", r.start, r.end, name, static_cast<int>(r.kind), text(r.shapes), r.open && !r.endKnown));
    }
    for (const SyncRow& s : t.syncs) lines.push_back(fmt::format("sync {} {} {} {} {} {} {} {}", s.start, s.end, s.stream, s.correlation, s.eventRecord, s.waitedStream, static_cast<int>(s.kind), s.device == kNoIndex ? -1 : t.devices[static_cast<std::size_t>(s.device)].id));
    for (const Flow& f : t.flows) lines.push_back(fmt::format("flow {} {}", f.fromTime, f.toTime));
    for (const Process& p : t.processes)
        if (p.rankKnown) lines.push_back(fmt::format("rank {} of {}", p.rank, p.worldSize));
    std::sort(lines.begin(), lines.end());
    return lines;
}

// The contents of each thread; a reader gives threads its own numbers.
std::multiset<std::string> threadsOf(const Timeline& t) {
    std::map<std::int32_t, std::string> contents;
    for (const Range& r : t.ranges) contents[r.thread] += fmt::format("{} {} {};", r.start, r.end, t.names.text(r.name));
    std::multiset<std::string> out;
    for (const auto& [thread, content] : contents) out.insert(content);
    return out;
}

void expectSame(const std::vector<std::string>& wanted, const std::vector<std::string>& got, const std::string& what) {
    EXPECT_EQ(wanted.size(), got.size()) << what;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < std::min(wanted.size(), got.size()) && shown < 5; ++i)
        if (wanted[i] != got[i]) {
            ++shown;
            ADD_FAILURE() << what << "\n  before " << wanted[i] << "\n  after  " << got[i];
        }
}

// Slices of a track nest: what Perfetto asks for. Begins without an end reach to the end.
void expectNesting(const nlohmann::json& trace) {
    struct Slice {
        double start, end;
    };
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Slice>> tracks;
    for (const auto& e : trace.at("traceEvents"))
        if (e.at("ph") == "X") tracks[{e.at("pid"), e.at("tid")}].push_back({e.at("ts"), e.at("ts").get<double>() + e.at("dur").get<double>()});
    constexpr double kHalfNs = 0.0005;
    for (auto& [track, slices] : tracks) {
        std::sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) { return a.start != b.start ? a.start < b.start : a.end > b.end; });
        std::vector<double> open;
        for (const Slice& s : slices) {
            while (!open.empty() && open.back() <= s.start + kHalfNs) open.pop_back();
            if (!open.empty()) {
                ASSERT_LE(s.end, open.back() + kHalfNs) << "on track " << track.first << "/" << track.second << " at " << s.start;
            }
            open.push_back(s.end);
        }
    }
}

TEST(TraceExport, kinetoTracesComeBackWhole) {
    const std::filesystem::path folder = std::filesystem::path(RIDGE_TRACES_DIR) / "kineto";
    if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "no folder of other tools' traces at " << folder;
    int files = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        const auto before = load({file.path().string()});
        ASSERT_TRUE(before.ok());
        if (before->ranges.size() + before->gpu.size() > 40000) continue;  // the small ones tell as much
        std::size_t largest = 0;
        const std::string text = written(*before, &largest);
        EXPECT_LT(largest, std::size_t{5} << 20) << "in pieces";
        const auto after = loadKinetoText(text);
        ASSERT_TRUE(after.ok()) << file.path();
        expectSame(rowsOf(*before, false), rowsOf(*after, false), file.path().filename().string());
        EXPECT_EQ(before->utcOfZero, after->utcOfZero) << file.path();
        expectNesting(nlohmann::json::parse(text));
        ++files;
    }
    EXPECT_GT(files, 10);
}

std::string sampleText() {
    JsonTrace trace(Convention::kAfterBase);
    trace.rank(3, 8);
    trace.annotation("ProfilerStep#1", 100, 100, 0, 100000).op("aten::mm", 100, 100, 1000, 5000, R"({"Input Dims": [[2, 3], []]})").call("cudaLaunchKernel", 100, 100, 2000, 1000, 7);
    trace.kernel("gemm<\\\"float\\\">", 0, 7, 4001, 6003, 7).kernel("late", 0, 7, 8000, 9000, 8).kernel("inside", 0, 7, 8000, 1000, 9);
    trace.op("overlaps", 100, 101, 1000, 5000).op("neighbour", 100, 101, 3000, 9000).op("third", 100, 101, 4000, 12000);
    trace.raw(R"({"ph": "B", "cat": "user_annotation", "name": "never ends", "pid": 100, "tid": 100, "ts": 4000050.5})");
    return trace.text();
}

TEST(TraceExport, whatOverlapsGetsALaneOfItsOwn) {
    const auto before = loadKinetoText(sampleText());
    ASSERT_TRUE(before.ok());
    const std::string text = written(*before);
    const auto json = nlohmann::json::parse(text);
    expectNesting(json);
    std::map<std::string, std::set<std::int64_t>> tids;
    std::map<std::int64_t, std::string> names;
    for (const auto& e : json.at("traceEvents")) {
        if (e.at("ph") == "X") tids[e.at("name")].insert(e.at("tid").get<std::int64_t>());
        if (e.at("name") == "thread_name") names[e.at("tid")] = e.at("args").at("name");
        if (e.at("name") == "never ends") {
            EXPECT_EQ(e.at("ph"), "B");
        }
    }
    EXPECT_NE(tids["overlaps"], tids["neighbour"]);
    EXPECT_NE(tids["third"], tids["neighbour"]);
    EXPECT_EQ(names[*tids["neighbour"].begin()], names[*tids["overlaps"].begin()] + " (2)");
    EXPECT_EQ(tids["gemm<\"float\">"], tids["inside"]) << "what lies inside stays where it is";
    EXPECT_NE(tids["late"], tids["gemm<\"float\">"]) << "two kernels of a stream that overlap";
    const auto after = loadKinetoText(text);
    ASSERT_TRUE(after.ok());
    expectSame(rowsOf(*before, false), rowsOf(*after, false), "sample");
}

TEST(TraceExport, threadsKeepWhatIsOnThem) {
    JsonTrace trace;
    for (int tid : {100, 101, 102})
        for (int i = 0; i < 5; ++i) trace.op(fmt::format("op{}", i), 100, tid, i * 10000 + tid, 5000).op("inner", 100, tid, i * 10000 + tid + 1000, 1000);
    const auto before = loadKinetoText(trace.text());
    const auto after = loadKinetoText(written(*before));
    ASSERT_TRUE(after.ok());
    EXPECT_EQ(threadsOf(*before).size(), 3U);
    EXPECT_EQ(threadsOf(*before), threadsOf(*after));
}

TEST(TraceExport, stepsOfOurOwnAreProfilerSteps) {
    Timeline t;
    t.processes.push_back({});
    t.processes[0].pid = 5;
    t.threads.push_back({5 << 24 | 5, 0});
    Range step;
    step.start = 10;
    step.end = 1'000'010;
    step.name = t.names.intern("step");
    step.thread = 0;
    step.frame = Frame::kStep;
    step.index = 12;
    t.ranges.push_back(step);
    t.io.push_back({20, 30, 4096, 1, t.names.intern("read"), t.names.intern("/data/\x01\xff"), 0, false});
    t.counters.push_back({"power", "W", 0, {{15, 100.5}, {16, std::nan("")}}});
    t.preemptions.push_back({40, 50, 1});
    t.lastTime = step.end;
    const std::string text = written(t);
    const auto json = nlohmann::json::parse(text);
    int samples = 0, accesses = 0, gaps = 0;
    for (const auto& e : json.at("traceEvents")) {
        samples += e.at("ph") == "C" ? 1 : 0;
        accesses += e.value("cat", "") == "io" ? 1 : 0;
        gaps += e.value("cat", "") == "preemption" ? 1 : 0;
        if (e.value("cat", "") == "user_annotation") {
            EXPECT_EQ(e.at("name"), "ProfilerStep#12");
            EXPECT_EQ(e.at("args").at("range"), "step");
            EXPECT_EQ(e.at("ts").dump(), "0.01");
        }
    }
    EXPECT_EQ(samples, 1) << "NaN is no sample";
    EXPECT_EQ(accesses, 1);
    EXPECT_EQ(gaps, 1);
    const auto after = loadKinetoText(text);
    ASSERT_TRUE(after.ok());
    EXPECT_TRUE(std::any_of(after->losses.begin(), after->losses.end(), [](const Loss& l) { return l.source == "kineto.unknown_categories" && l.count == 2; })) << "what Kineto has no word for is counted by its reader";
}

TEST(TraceExport, aSinkThatFailsEndsIt) {
    const auto t = loadKinetoText(sampleText());
    int calls = 0;
    const auto counts = reports::writeTrace(*t, [&](std::string_view) -> Status {
        ++calls;
        return Error{ErrorCode::kMeasurement, "full"};
    });
    EXPECT_FALSE(counts.ok());
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace ridge::test
