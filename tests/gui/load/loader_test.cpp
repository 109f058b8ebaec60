// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/trace_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "analyzer/timeline/load.h"
#include "base/file.h"
#include "gui/load/row_details.h"
#include "load_support.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace ridge::gui {
namespace {

using ridge::test::TraceBuilder;
using test::findKind;
using test::loadAll;

class LoaderTest : public testing::Test {
protected:
    std::string path(const char* name) { return (m_folder.path() / name).string(); }
    // One process with ranges, calls, two streams, a copy, I/O.
    std::string small() {
        TraceBuilder builder(path("small.sqlite"));
        const auto tid = TraceBuilder::tid(100, 100);
        builder.rank(100, 0, 1);
        builder.range(tid, 0, 1000, "outer");
        builder.work(tid, 100, 400, "mm", {1, 1, 10, 10, 10, 0, 0, 0});
        builder.range(tid, 450, -1, "still open");
        builder.call(tid, 120, 140, "cudaLaunchKernel", 7);
        builder.call(tid, 150, 160, "cudaMemcpyAsync", 8);
        builder.kernel(100, 0, 200, 300, "ampere_sgemm_128", 7, 7);
        builder.kernel(100, 0, 310, 320, "vectorized_elementwise_kernel", 99, 13);
        builder.copy(100, 0, 330, 380, 8, 4096, 1, 0, 2);
        builder.io(tid, 500, 600, "read", 3, "/data/file", 512);
        builder.cpuShare(100, 0, 100, 5, 0.5);
        builder.finish();
        return builder.path();
    }
    TempDir m_folder = std::move(TempDir::create("ridge-gui")).value();
};

TEST_F(LoaderTest, EventsWithoutALengthAreSaidToBeHairlines) {
    for (const bool one : {false, true}) {
        TraceBuilder builder(path(one ? "one.sqlite" : "none.sqlite"));
        const auto tid = TraceBuilder::tid(100, 100);
        for (int i = 0; i < 5; ++i) builder.range(tid, 100 * i, 100 * i + (one && i == 3 ? 1 : 0), "nothing");
        builder.kernel(100, 0, 200, 200, "k", 7, 7);
        builder.finish();
        const auto loaded = loadAll(builder.path());
        ASSERT_TRUE(loaded.last);
        const auto said = std::count_if(loaded.last->warnings.begin(), loaded.last->warnings.end(), [](const std::string& line) { return line.find("each of the 6 events has a length of zero") != std::string::npos; });
        EXPECT_EQ(said, one ? 0 : 1);
    }
}

TEST_F(LoaderTest, BuildsTheTracksOfAFile) {
    const auto loaded = loadAll(small());
    ASSERT_TRUE(loaded.finished);
    ASSERT_FALSE(loaded.error) << loaded.error->message;
    const Snapshot& s = *loaded.last;
    EXPECT_TRUE(s.complete);
    const Track* ranges = findKind(s, TrackKind::kRanges);
    ASSERT_NE(ranges, nullptr);
    ASSERT_EQ(ranges->lanes.size(), 2U);
    EXPECT_EQ(ranges->lanes[1]->size(), 2U);
    EXPECT_EQ(ranges->lanes[1]->end(1), 1000);  // open: to the last time seen
    EXPECT_NE(findKind(s, TrackKind::kApi), nullptr);
    EXPECT_NE(findKind(s, TrackKind::kCopies), nullptr);
    EXPECT_NE(findKind(s, TrackKind::kIo), nullptr);
    const auto counter = std::find_if(s.tracks.begin(), s.tracks.end(), [](const Track& t) { return t.title == "process.cpu"; });
    ASSERT_NE(counter, s.tracks.end());
    EXPECT_EQ(counter->counter->size(), 5U);
    EXPECT_EQ(std::count_if(s.tracks.begin(), s.tracks.end(), [](const Track& t) { return t.kind == TrackKind::kKernels; }), 2);
    EXPECT_EQ(s.first, 0);
    EXPECT_EQ(s.last, 1000);
}

TEST_F(LoaderTest, LinksLaunchesWithWhatTheyLaunched) {
    const auto loaded = loadAll(small());
    const Snapshot& s = *loaded.last;
    const Track* api = findKind(s, TrackKind::kApi);
    ASSERT_NE(api, nullptr);
    ASSERT_EQ(s.flows->size(), 2U);  // the kernel of correlation 99 has no call
    const auto flows = s.flows->from({api->firstLane, 0});
    ASSERT_EQ(flows.size(), 1U);
    EXPECT_EQ(s.nameOf(flows[0]->to), "ampere_sgemm_128");
    EXPECT_EQ(s.flows->to(flows[0]->to).size(), 1U);
}

TEST_F(LoaderTest, SaysHowManyRangesWereOpen) {
    const auto loaded = loadAll(small());
    ASSERT_EQ(loaded.last->warnings.size(), 1U);
    EXPECT_NE(loaded.last->warnings[0].find("1 ranges had no end"), std::string::npos);
}

TEST_F(LoaderTest, FetchesTheRowOfASlice) {
    const auto loaded = loadAll(small());
    const Track* ranges = findKind(*loaded.last, TrackKind::kRanges);
    const auto details = rowDetails(path("small.sqlite"), ranges->table, ranges->lanes[1]->row(0));
    ASSERT_TRUE(details.ok());
    const auto has = [&](const char* name, const char* value) {
        return std::find(details->begin(), details->end(), std::pair<std::string, std::string>(name, value)) != details->end();
    };
    EXPECT_TRUE(has("text", "mm"));
    EXPECT_TRUE(has("flops", "10"));
}

TEST_F(LoaderTest, CountsRowsThatCannotBe) {
    TraceBuilder builder(path("strange.sqlite"));
    const auto tid = TraceBuilder::tid(1, 1);
    builder.range(tid, 100, 50, "backwards");
    builder.range(tid, INT64_MAX - 5, INT64_MAX, "beyond time");
    builder.range(tid, 0, (std::int64_t{1} << 54), "a year");
    builder.range(tid, 500, 600, "unsorted, later");
    builder.range(tid, 200, 300, "unsorted, earlier");
    builder.run("INSERT INTO NVTX_EVENTS(start, end, eventType, text, globalTid) VALUES ('soon', 5, 59, 'text', 1)");
    builder.finish();
    const auto loaded = loadAll(builder.path());
    ASSERT_FALSE(loaded.error);
    EXPECT_EQ(loaded.last->slices, 3U);
    std::string all;
    for (const std::string& warning : loaded.last->warnings) all += warning + "\n";
    EXPECT_NE(all.find("1 rows end before they start"), std::string::npos) << all;
    EXPECT_NE(all.find("2 rows have times that cannot be"), std::string::npos) << all;
    EXPECT_NE(all.find("1 cells hold another type"), std::string::npos) << all;
}

TEST_F(LoaderTest, EndsInAMessageOnWhatIsNoTrace) {
    std::ofstream(path("empty.sqlite")).close();
    std::ofstream(path("text.sqlite")) << "this is no database, and no JSON";
    std::filesystem::create_directory(path("folder"));
    {
        auto db = std::move(Database::openForWriting(path("other.sqlite"))).value();
        ASSERT_TRUE(db.execute("CREATE TABLE flowers(name TEXT)").ok());
    }
    for (const char* name : {"empty.sqlite", "text.sqlite", "folder", "other.sqlite", "not-there.sqlite"}) {
        const auto loaded = loadAll(path(name));
        ASSERT_TRUE(loaded.finished) << name;
        ASSERT_TRUE(loaded.error) << name;
        EXPECT_EQ(loaded.error->message.find('\n'), std::string::npos) << name;
    }
}

TEST_F(LoaderTest, SurvivesTruncationAndNoise) {
    const std::string whole = *readFile(small());
    std::uint64_t random = 88172645463325252ULL;
    const auto next = [&] { return random ^= random << 13, random ^= random >> 7, random ^= random << 17; };
    for (int round = 0; round < 60; ++round) {
        std::string bytes = whole;
        if (round % 2 == 0) bytes.resize(100 + next() % (bytes.size() - 100));
        else
            for (int i = 0; i < 40; ++i) bytes[100 + next() % (bytes.size() - 100)] = static_cast<char>(next());
        std::ofstream(path("damaged.sqlite"), std::ios::binary | std::ios::trunc) << bytes;
        const auto loaded = loadAll(path("damaged.sqlite"));
        ASSERT_TRUE(loaded.finished) << round;
        ASSERT_TRUE(loaded.error || loaded.last) << round;  // an answer or a reason
    }
}

// Counted in what was published, not in time: a cancelled loader says nothing more and ends.
TEST_F(LoaderTest, SaysNothingAfterItWasCancelled) {
    const std::string file = small();
    for (int i = 0; i < 20; ++i) {
        std::atomic<bool> cancelled{false};
        std::atomic<int> after{0};
        LoadCallbacks callbacks;
        callbacks.snapshot = [&](const SnapshotPtr&) { after += cancelled; };
        callbacks.finished = [&](const std::optional<Error>&) { after += cancelled; };
        TraceLoader loader(file, std::move(callbacks));
        if (i % 2) std::this_thread::sleep_for(std::chrono::milliseconds(i));
        loader.cancel();
        cancelled = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        EXPECT_EQ(after, 0);
    }
}

// Counted in rows, not in time: after cancel() the thread takes at most what it takes between two looks.
TEST_F(LoaderTest, StopsWithinAFewThousandRows) {
    TraceBuilder builder(path("long.sqlite"));
    builder.range(TraceBuilder::tid(1, 1), 0, 10, "first");
    builder.run("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 600000) INSERT INTO NVTX_EVENTS(start, end, eventType, text, globalTid) "
                "SELECT i * 10, i * 10 + 8, 59, 'range', " + std::to_string(TraceBuilder::tid(1, 1)) + " FROM c");
    builder.finish();
    std::atomic<std::int64_t> seen{0};
    LoadCallbacks callbacks;
    callbacks.snapshot = [&](const SnapshotPtr&) { ++seen; };
    callbacks.finished = [&](const std::optional<Error>&) { seen = -1; };
    TraceLoader loader(builder.path(), std::move(callbacks));
    while (loader.rowsTaken() < 20'000 && !loader.ended()) std::this_thread::yield();
    loader.cancel();
    const std::int64_t then = loader.rowsTaken();
    while (!loader.ended()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_LE(loader.rowsTaken(), then + 2 * 4096);
    EXPECT_LT(loader.rowsTaken(), 600'000);
    EXPECT_NE(seen, -1);
}

TEST_F(LoaderTest, KinetoStopsBetweenBlocks) {
    {
        std::ofstream file(path("long.json"), std::ios::binary);
        file << "{\"traceEvents\": [";
        for (int i = 0; i < 200'000; ++i)
            file << (i ? "," : "") << "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"aten::mm\",\"pid\":1,\"tid\":1,\"ts\":" << i << ",\"dur\":1}";
        file << "]}";
    }
    ASSERT_TRUE(analyzer::load({path("long.json")}).ok());
    const std::atomic<bool> stop{true};
    const auto stopped = analyzer::load({path("long.json")}, &stop);
    ASSERT_FALSE(stopped.ok());
    EXPECT_NE(stopped.error().message.find("cancelled"), std::string::npos);
    std::atomic<int> said{0};
    LoadCallbacks callbacks;
    callbacks.snapshot = [&](const SnapshotPtr&) { ++said; };
    callbacks.finished = [&](const std::optional<Error>&) { ++said; };
    TraceLoader loader(path("long.json"), std::move(callbacks));
    loader.cancel();
    while (!loader.ended()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(said, 0);
}

TEST_F(LoaderTest, KinetoThatIsCutOrEmptyEndsInAMessage) {
    const std::string whole = R"({"schemaVersion": 1, "traceEvents": [{"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": 1.5, "dur": 3}, )";
    for (const std::string& text : {std::string("{"), std::string("{}"), std::string("[]"), std::string("{\"traceEvents\": 5}"), whole, std::string("\x1f\x8b\x08 cut")}) {
        std::ofstream(path("cut.json"), std::ios::binary | std::ios::trunc) << text;
        const auto loaded = loadAll(path("cut.json"));
        ASSERT_TRUE(loaded.finished) << text;
        ASSERT_TRUE(loaded.error || loaded.last) << text;
        if (loaded.error) { EXPECT_EQ(loaded.error->message.find('\n'), std::string::npos); }
    }
}

TEST(RealTraces, NsysExportsLoad) {
    const std::filesystem::path folder = std::filesystem::path(RIDGE_TRACES_DIR) / "nsys";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no traces at " << folder;
    const auto temp = std::move(TempDir::create("ridge-gui-nsys")).value();
    int loaded = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".gz") continue;
        const std::string out = (temp.path() / entry.path().stem()).string();
        ASSERT_EQ(std::system(("gzip -dc '" + entry.path().string() + "' > '" + out + "'").c_str()), 0);
        const auto result = loadAll(out);
        ASSERT_FALSE(result.error) << result.error->message;
        EXPECT_GT(result.last->slices, 0U) << out;
        ++loaded;
    }
    EXPECT_GT(loaded, 0);
}

TEST(RealTraces, KinetoTracesLoad) {
    const std::string file = std::string(RIDGE_TRACES_DIR) + "/kineto/hta_v100_ns_resolution.json.gz";
    if (!std::filesystem::exists(file)) GTEST_SKIP() << "no trace at " << file;
    const auto result = loadAll(file);
    ASSERT_FALSE(result.error) << result.error->message;
    EXPECT_NE(findKind(*result.last, TrackKind::kKernels), nullptr);
    EXPECT_NE(findKind(*result.last, TrackKind::kOps), nullptr);
    EXPECT_GT(result.last->flows->size(), 0U);
}

}  // namespace
}  // namespace ridge::gui
