// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Rows that are worked out from several tables: samples, memory, queues, graphs, hand-offs, ranks of
// several files, communicators, clocks.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/file.h"
#include "gui/load/insight_rows.h"
#include "gui/load/rank_of_file.h"
#include "gui/model/colours.h"
#include "load_support.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace ridge::gui {
namespace {

using ridge::test::TraceBuilder;
using test::findKind;
using test::loadAll;

class RowsTest : public testing::Test {
protected:
    std::string path(const char* name) { return (m_folder.path() / name).string(); }
    static const Track* findTitle(const Snapshot& snapshot, const std::string& part) {
        for (const Track& track : snapshot.tracks)
            if (track.title.find(part) != std::string::npos) return &track;
        return nullptr;
    }
    static std::string nameAt(const Snapshot& snapshot, const Track& track, std::size_t depth, std::size_t slice) {
        return snapshot.names->texts[track.lanes[depth]->name(slice)];
    }
    TempDir m_folder = std::move(TempDir::create("ridge-gui-rows")).value();
};

TEST_F(RowsTest, SampledStacksBecomeSlicesByDepth) {
    TraceBuilder b(path("samples.sqlite"), false);
    const auto tid = TraceBuilder::tid(100, 101);
    b.range(tid, 0, 10'000, "all");
    b.table("COMPOSITE_EVENTS");
    b.run("CREATE TABLE SAMPLING_CALLCHAINS(id INTEGER NOT NULL, symbol INTEGER NOT NULL, module INTEGER NOT NULL, stackDepth INTEGER NOT NULL)");
    const auto sample = [&](int id, Ns time, std::vector<const char*> outermostFirst) {
        b.run("INSERT INTO COMPOSITE_EVENTS(id, start, globalTid, cpuCycles) VALUES (" + std::to_string(id) + "," + std::to_string(time) + "," + std::to_string(tid) + ",1)");
        for (std::size_t d = 0; d < outermostFirst.size(); ++d)
            b.run("INSERT INTO SAMPLING_CALLCHAINS VALUES (" + std::to_string(id) + "," + std::to_string(b.string(outermostFirst[outermostFirst.size() - 1 - d])) +
                  ",0," + std::to_string(d) + ")");
    };
    sample(1, 1000, {"main", "train", "gemm"});
    sample(2, 2000, {"main", "train", "norm"});
    sample(3, 3000, {"main", "load"});
    sample(4, 9000, {"main", "load"});  // too far from the last to go on
    sample(5, 10'000, {});
    b.finish();
    const auto loaded = loadAll(b.path());
    ASSERT_FALSE(loaded.error);
    const Track* track = findKind(*loaded.last, TrackKind::kSamples);
    ASSERT_NE(track, nullptr);
    ASSERT_EQ(track->lanes.size(), 3U);
    const Lane& outer = *track->lanes[0];
    ASSERT_EQ(outer.size(), 3U);
    EXPECT_EQ(nameAt(*loaded.last, *track, 0, 0), "main");
    EXPECT_EQ(outer.start(0), 1000);
    EXPECT_EQ(outer.end(0), 5000);  // twice the usual distance after the third sample
    EXPECT_EQ(outer.start(1), 9000);
    EXPECT_EQ(nameAt(*loaded.last, *track, 0, 2), "[no call stack]");
    ASSERT_EQ(track->lanes[1]->size(), 3U);
    EXPECT_EQ(nameAt(*loaded.last, *track, 1, 0), "train");
    EXPECT_EQ(track->lanes[1]->end(0), 3000);
    ASSERT_EQ(track->lanes[2]->size(), 2U);
    EXPECT_EQ(nameAt(*loaded.last, *track, 2, 1), "norm");
}

TEST_F(RowsTest, DeviceMemoryIsACounter) {
    TraceBuilder b(path("memory.sqlite"));
    b.kernel(100, 0, 0, 100, "k", 1);
    b.table("CUDA_GPU_MEMORY_USAGE_EVENTS");
    const auto event = [&](Ns time, std::int64_t address, std::int64_t bytes, int kind, int operation) {
        b.run("INSERT INTO CUDA_GPU_MEMORY_USAGE_EVENTS(start, globalPid, deviceId, contextId, address, pc, bytes, memKind, memoryOperationType) VALUES (" +
              std::to_string(time) + "," + std::to_string(TraceBuilder::gpid(100)) + ",0,1," + std::to_string(address) + ",0," + std::to_string(bytes) + "," +
              std::to_string(kind) + "," + std::to_string(operation) + ")");
    };
    event(10, 0x1000, 4096, 2, 0);
    event(20, 0x9000, 1024, 2, 0);
    event(25, 0x2000, 64, 1, 0);
    event(30, 0x1000, 4096, 2, 1);
    event(40, 0x7777, 50, 2, 1);  // from before the recording
    b.finish();
    const auto loaded = loadAll(b.path());
    ASSERT_FALSE(loaded.error);
    const Track* device = findTitle(*loaded.last, "device memory");
    ASSERT_NE(device, nullptr);
    ASSERT_EQ(device->counter->size(), 3U);
    EXPECT_EQ(device->counter->value(1), 5120);
    EXPECT_EQ(device->counter->value(2), 1024);
    EXPECT_NE(findTitle(*loaded.last, "pinned memory"), nullptr);
    std::string all;
    for (const auto& line : loaded.last->warnings) all += line;
    EXPECT_NE(all.find("1 releases are of memory that was allocated before"), std::string::npos) << all;
}

TEST_F(RowsTest, TheQueueCountsLaunchesOnTheirWay) {
    TraceBuilder b(path("queue.sqlite"));
    const auto tid = TraceBuilder::tid(100, 100);
    b.call(tid, 0, 5, "cudaLaunchKernel", 1);
    b.call(tid, 10, 15, "cudaLaunchKernel", 2);
    b.call(tid, 20, 25, "cudaLaunchKernel", 3);
    b.kernel(100, 0, 18, 40, "k", 1);
    b.kernel(100, 0, 40, 60, "k", 2, 8);
    b.kernel(100, 0, 60, 80, "k", 3);
    b.finish();
    const auto loaded = loadAll(b.path());
    const Track* queue = findTitle(*loaded.last, "launch queue");
    ASSERT_NE(queue, nullptr);
    const Counter& c = *queue->counter;
    const std::vector<std::pair<Ns, float>> want{{0, 1}, {10, 2}, {18, 1}, {20, 2}, {40, 1}, {60, 0}};
    ASSERT_EQ(c.size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i) EXPECT_EQ(std::pair(c.time(i), c.value(i)), want[i]) << i;
}

TEST_F(RowsTest, KernelsOfOneGraphLaunchAreOneGraph) {
    TraceBuilder b(path("graph.sqlite"));
    const auto tid = TraceBuilder::tid(100, 100);
    b.call(tid, 0, 5, "cudaGraphLaunch_v10000", 1);
    b.call(tid, 6, 8, "cudaLaunchKernel", 2);
    for (int i = 0; i < 4; ++i) b.kernel(100, 0, 20 + i * 10, 28 + i * 10, "node", 1, i % 2 ? 7 : 9);
    b.kernel(100, 0, 80, 90, "single", 2);
    b.finish();
    const auto loaded = loadAll(b.path());
    const Track* graphs = findKind(*loaded.last, TrackKind::kGraphs);
    ASSERT_NE(graphs, nullptr);
    EXPECT_TRUE(graphs->derived);
    ASSERT_EQ(graphs->lanes.size(), 1U);
    ASSERT_EQ(graphs->lanes[0]->size(), 1U);
    EXPECT_EQ(graphs->lanes[0]->start(0), 20);
    EXPECT_EQ(graphs->lanes[0]->end(0), 58);
}

TEST_F(RowsTest, HandOffsJoinTheSlicesAtTheirEnds) {
    TraceBuilder b(path("flow.sqlite"));
    const auto a = TraceBuilder::tid(100, 100), c = TraceBuilder::tid(100, 200);
    b.range(a, 0, 100, "forward");
    b.range(a, 10, 50, "linear");
    b.range(c, 200, 300, "backward");
    b.table("RIDGE_FLOW");
    const auto flow = [&](Ns from, Ns to, std::int64_t fromTid, std::int64_t toTid) {
        b.run("INSERT INTO RIDGE_FLOW VALUES (" + std::to_string(from) + "," + std::to_string(to) + "," + std::to_string(fromTid) + "," + std::to_string(toTid) + ")");
    };
    flow(20, 200, a, c);
    flow(20, 999, a, c);  // nothing there
    b.finish();
    const auto loaded = loadAll(b.path());
    const Snapshot& s = *loaded.last;
    ASSERT_EQ(s.flows->size(), 1U);
    const Flow& arrow = (*s.flows)[0];
    EXPECT_EQ(arrow.kind, FlowKind::kHandOff);
    EXPECT_EQ(s.nameOf(arrow.from), "linear");
    EXPECT_EQ(s.nameOf(arrow.to), "backward");
    std::string all;
    for (const auto& line : s.warnings) all += line;
    EXPECT_NE(all.find("1 hand-offs"), std::string::npos) << all;
}

TEST_F(RowsTest, RanksOfSeveralFilesStandOnOneClock) {
    std::vector<std::string> files;
    for (int rank = 0; rank < 2; ++rank) {
        TraceBuilder b(path(rank == 0 ? "r0.sqlite" : "r1.sqlite"));
        b.rank(100, rank, 2);  // the same pid on both machines
        b.run("CREATE TABLE TARGET_INFO_SESSION_START_TIME(utcEpochNs INTEGER)");
        b.run("INSERT INTO TARGET_INFO_SESSION_START_TIME VALUES (" + std::to_string(1'700'000'000'000'000'000 + rank * 500) + ")");
        const auto tid = TraceBuilder::tid(100, 100);
        b.range(tid, 1000, 2000, "step");
        b.call(tid, 1100, 1110, "cudaLaunchKernel", 1);
        b.kernel(100, 0, 1200, 1300, "k", 1);
        b.finish();
        files.push_back(b.path());
    }
    const auto loaded = loadAll(files);
    ASSERT_FALSE(loaded.error) << loaded.error->message;
    const Snapshot& s = *loaded.last;
    std::vector<const Track*> kernels;
    for (const Track& t : s.tracks)
        if (t.kind == TrackKind::kKernels) kernels.push_back(&t);
    ASSERT_EQ(kernels.size(), 2U);
    EXPECT_EQ(kernels[0]->rank, 0);
    EXPECT_EQ(kernels[1]->rank, 1);
    EXPECT_EQ(kernels[0]->lanes[0]->start(0), 1200);
    EXPECT_EQ(kernels[1]->lanes[0]->start(0), 1700);
    EXPECT_EQ(s.pathOf(*kernels[1]), files[1]);
    EXPECT_EQ(s.flows->size(), 2U);
    EXPECT_TRUE(areRanksOfOneRun(files));
    EXPECT_FALSE(areRanksOfOneRun({files[0], files[0]}));
    EXPECT_EQ(rankOfFile(files[1]), 1);
    EXPECT_EQ(rankOfFile(path("not there")), std::nullopt);
}

analyzer::CollectivePart part(std::int64_t rank, Ns start, Ns end, std::optional<Ns> latest) {
    analyzer::CollectivePart p;
    p.rank = rank;
    p.gpu = true;
    p.communicator = "world";
    p.name = "allreduce";
    p.startNs = start;
    p.endNs = end;
    p.latestStartNs = latest;
    return p;
}

TEST_F(RowsTest, CommunicatorsShowWaitingAndTransferOfAllRanks) {
    const auto loaded = loadAll([&] {
        TraceBuilder b(path("plain.sqlite"));
        b.range(TraceBuilder::tid(1, 1), 0, 100, "all");
        b.finish();
        return b.path();
    }());
    const auto next = withCollectives(loaded.last, {part(0, 10, 50, 30), part(1, 30, 51, 30), part(0, 60, 70, std::nullopt)});
    EXPECT_EQ(loaded.last->names->texts.size() + 3, next->names->texts.size());
    const Track& group = next->tracks[loaded.last->tracks.size()];
    EXPECT_EQ(group.kind, TrackKind::kCommunicators);
    const Track& zero = next->tracks[loaded.last->tracks.size() + 1];
    const Track& one = next->tracks[loaded.last->tracks.size() + 2];
    ASSERT_EQ(zero.lanes[0]->size(), 3U);
    const auto colourAt = [&](const Track& t, std::size_t i) { return next->names->colours[t.lanes[0]->name(i)]; };
    EXPECT_EQ(colourAt(zero, 0), colourOf(WallClass::kCommWait));
    EXPECT_EQ(zero.lanes[0]->duration(0), 20);
    EXPECT_EQ(colourAt(zero, 1), colourOf(WallClass::kCommTransfer));
    EXPECT_EQ(colourAt(zero, 2), colourOf(WallClass::kCommUnsplit));
    ASSERT_EQ(one.lanes[0]->size(), 1U);  // the last to come does not wait
    EXPECT_EQ(colourAt(one, 0), colourOf(WallClass::kCommTransfer));
    // Lanes that were there keep their numbers.
    for (std::uint32_t lane = 0; lane < loaded.last->laneTrack.size(); ++lane) EXPECT_EQ(&loaded.last->lane(lane), &next->lane(lane));
}

TEST_F(RowsTest, ClocksOfTheAnalysisMoveTheRowsOfTheirRank) {
    std::vector<std::string> files;
    for (int rank = 0; rank < 2; ++rank) {
        TraceBuilder b(path(rank == 0 ? "c0.sqlite" : "c1.sqlite"));
        b.rank(100 + rank, rank, 2);
        b.range(TraceBuilder::tid(100 + rank, 100 + rank), 1000, 2000, "step");
        b.finish();
        files.push_back(b.path());
    }
    const auto loaded = loadAll(files);
    analyzer::Analysis analysis;
    EXPECT_EQ(onOneClock(loaded.last, analysis), loaded.last);
    analysis.clocks = {{0, 0, 0, 0, 3}, {1, 300, 300, 5, 3}};
    analysis.steps.resize(1);
    analysis.steps[0].rank = 1;
    analysis.steps[0].startNs = 1000;
    analysis.steps[0].endNs = 2000;
    const auto with = withCollectives(loaded.last, {part(1, 1400, 1500, 1450)});
    const auto next = onOneClock(with, analysis);
    for (const Track& track : next->tracks)
        if (track.kind == TrackKind::kRanges) { EXPECT_EQ(track.lanes[0]->start(0), track.rank == 1 ? 700 : 1000); }
    EXPECT_EQ(next->tracks.back().lanes[0]->start(0), 1100);
    EXPECT_EQ(next->first, 700);
    ASSERT_TRUE(shiftTimes(analysis));
    EXPECT_EQ(analysis.steps[0].startNs, 700);
}

TEST(RealRanks, KinetoTracesOfOneRunAreOneTimeline) {
    const std::string folder = std::string(RIDGE_TRACES_DIR) + "/kineto/";
    std::vector<std::string> files;
    for (int rank = 0; rank < 3; ++rank) files.push_back(folder + "param_v100_dlrm_8rank_w" + std::to_string(rank) + ".json.gz");
    if (!std::filesystem::exists(files[0])) GTEST_SKIP() << "no traces at " << folder;
    EXPECT_TRUE(areRanksOfOneRun(files));
    const auto loaded = loadAll(files);
    ASSERT_FALSE(loaded.error) << loaded.error->message;
    std::set<std::int64_t> ranks;
    for (const Track& track : loaded.last->tracks)
        if (track.kind == TrackKind::kKernels) ranks.insert(track.rank);
    EXPECT_EQ(ranks, (std::set<std::int64_t>{0, 1, 2}));
}

}  // namespace
}  // namespace ridge::gui
