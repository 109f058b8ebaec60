// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The report is a function of what a trace says: the order of its rows, of its names and of the files that were given
// changes no byte of it. Times are coarse here, so that many rows begin and end together.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include "analyzer/timeline/link.h"
#include "analyzer/timeline/load.h"
#include "analyzer/timeline/order.h"
#include "json_trace.h"
#include "memory_timeline.h"
#include "reports/json/report_json.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

namespace fs = std::filesystem;
using Random = std::mt19937_64;

// The report as text, without the paths.
std::string reportOf(Analysis answer) {
    for (auto& source : answer.sources) source.path = "trace";
    return reports::renderJson(answer);
}
std::string reportOf(const std::vector<std::string>& paths) {
    auto answer = analyzer::analyze(paths, {});
    if (!answer.ok()) return answer.error().message;
    checkPartition(*answer);
    return reportOf(std::move(answer).value());
}

// The first line in which two reports differ, in words.
std::string difference(const std::string& a, const std::string& b) {
    if (a == b) return {};
    std::istringstream left(a), right(b);
    std::string x, y, before;
    for (int line = 1; std::getline(left, x) && std::getline(right, y); ++line) {
        if (x != y) return fmt::format("line {}: {} / {} / after {}", line, x.substr(0, 400), y.substr(0, 400), before);
        before = x;
    }
    return "one report goes on";
}

// Deals the rows anew. Returns old index -> new index.
template <typename Row>
std::vector<std::int32_t> deal(std::vector<Row>& rows, Random& random) {
    std::vector<std::int32_t> order(rows.size()), place(rows.size());
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    std::vector<Row> dealt;
    for (std::size_t i = 0; i < order.size(); ++i) {
        place[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
        dealt.push_back(rows[static_cast<std::size_t>(order[i])]);
    }
    rows = std::move(dealt);
    return place;
}

void follow(std::int32_t& index, const std::vector<std::int32_t>& place) {
    if (index != kNoIndex) index = place[static_cast<std::size_t>(index)];
}

Timeline shuffled(const Timeline& from, Random& random) {
    Timeline t = from;  // the copy's pool points into the first one's: it gets a pool of its own below
    std::vector<std::uint32_t> order(from.names.size());
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), random);
    NamePool names;
    for (const std::uint32_t i : order) names.intern(from.names.text(NameId{i}));
    const auto rename = [&](NameId& id) { id = names.intern(from.names.text(id)); };
    for (GpuRow& row : t.gpu) rename(row.name);
    for (Call& row : t.calls) rename(row.name);
    for (Range& row : t.ranges) rename(row.name), rename(row.shapes);
    for (IoRow& row : t.io) rename(row.name), rename(row.path);
    t.names = std::move(names);
    const auto calls = deal(t.calls, random), works = deal(t.works, random), threads = deal(t.threads, random);
    const auto processes = deal(t.processes, random), devices = deal(t.devices, random);
    deal(t.gpu, random);
    deal(t.ranges, random);
    deal(t.io, random);
    for (GpuRow& row : t.gpu) {
        follow(row.launch, calls);
        follow(row.device, devices);
        follow(row.process, processes);
        row.rowid = 1 + static_cast<std::int64_t>(random() % 1'000'000);
    }
    for (Call& row : t.calls) follow(row.thread, threads);
    for (Range& row : t.ranges) {
        follow(row.thread, threads);
        follow(row.work, works);
        row.rowid = 1 + static_cast<std::int64_t>(random() % 1'000'000);
    }
    for (IoRow& row : t.io) follow(row.thread, threads);
    for (Thread& thread : t.threads) follow(thread.process, processes);
    return t;
}

// As load() does it with what it read.
Timeline& ordered(Timeline& t) {
    sortNames(t);
    sortOwners(t);
    sortAll(t);
    linkOps(t);
    return t;
}

template <typename Row>
void coarsen(std::vector<Row>& rows, Ns grain) {
    for (Row& row : rows) {
        row.start -= row.start % grain;
        row.end = std::max(row.start, row.end - row.end % grain);
    }
}

TEST(RowOrder, RandomTimelinesGiveOneReport) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        MemoryTimeline m(1 + static_cast<int>(seed % 2), 1 + static_cast<int>(seed % 3), static_cast<int>(seed % 3));
        if (seed % 4 == 0 && seed % 3 > 0) addProgram(m, random, 0, 5);
        else addChaos(m, random, 250);
        const Ns grain = seed % 5 == 0 ? 5'000 : 500;
        coarsen(m.timeline.gpu, grain);
        coarsen(m.timeline.calls, grain);
        coarsen(m.timeline.ranges, grain);
        coarsen(m.timeline.io, grain);
        for (Call& call : m.timeline.calls) call.correlation = 1 + static_cast<std::int64_t>(random() % 50);
        std::string first;
        for (int deals = 0; deals < 4; ++deals) {
            Timeline t = shuffled(m.timeline, random);
            auto answer = analyzer::analyzeTimeline(ordered(t), {});
            ASSERT_TRUE(answer.ok()) << answer.error().message;
            checkPartition(*answer);
            const std::string report = reportOf(std::move(answer).value());
            if (first.empty()) first = report;
            ASSERT_EQ(difference(first, report), "");
        }
    }
}

// A program as the rows of its file, each to be written when its turn comes.
using Rows = std::vector<std::function<void(TraceBuilder&)>>;

Rows program(std::uint64_t seed, std::int64_t pid, std::int64_t rank, std::int64_t world) {
    Random random(seed);
    const auto pick = [&random](std::int64_t n) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n)); };
    constexpr std::int64_t kGrain = 10'000;
    Rows rows;
    const auto add = [&](auto row) { rows.emplace_back(row); };
    const std::int64_t thread = TraceBuilder::tid(pid, 1), other = TraceBuilder::tid(pid, 2);
    std::int64_t t = 0, correlation = 1;
    if (world > 0) add([=](TraceBuilder& b) { b.rank(pid, rank, world); });
    for (std::int64_t s = 0; s < 8; ++s) {
        const std::int64_t begin = t;
        for (int k = 0; k < 10; ++k) {
            const std::int64_t at = t, length = kGrain * (1 + pick(3));
            const std::string name = fmt::format("part{}", pick(3));
            add([=](TraceBuilder& b) { b.range(thread, at, at + 2 * kGrain, name); });
            add([=](TraceBuilder& b) { b.range(thread, at, at + length, name + "b"); });
            add([=](TraceBuilder& b) { b.range(other, at, at + length, "beside"); });
            if (k % 3 == 0) add([=](TraceBuilder& b) { b.work(thread, at, at + 2 * kGrain, "gemm", {1, 1, 1000, 1000, 1000, 0, 0, 0}); });
            if (k % 4 == 1) add([=](TraceBuilder& b) { b.io(other, at, at + length, k % 2 ? "read" : "pread", 3, "/data/part.bin", 1 << 20); });
            for (std::int64_t stream = 7; stream < 9; ++stream) {
                const std::int64_t id = correlation++, start = at + kGrain * pick(3);
                add([=](TraceBuilder& b) { b.call(thread, at, at + kGrain, "cudaLaunchKernel_v7000", id); });
                add([=](TraceBuilder& b) { b.kernel(pid, stream - 7, start, start + length, fmt::format("kernel{}", id % 3), id, stream); });
                if (id % 5 == 0) add([=](TraceBuilder& b) { b.copy(pid, stream - 7, start, start + length, id, 1 << 16, 1, 0, 2); });
            }
            t += 3 * kGrain;
        }
        const std::int64_t wait = t;
        add([=](TraceBuilder& b) { b.call(thread, wait, wait + 4 * kGrain, "cudaDeviceSynchronize_v3020", 0); });
        t += 5 * kGrain;
        const std::int64_t end = t;
        add([=](TraceBuilder& b) { b.range(thread, begin, end, "step", 3, s); });
        add([=](TraceBuilder& b) { b.preemption(begin, begin + kGrain); });
    }
    return rows;
}

std::string write(const Rows& rows, const fs::path& path, bool ours = true) {
    fs::remove(path);
    TraceBuilder b(path.string(), ours);
    for (const auto& row : rows) row(b);
    b.finish();
    return path.string();
}

TEST(RowOrder, FilesOfOursAndOfNsysGiveOneReport) {
    auto folder = TempDir::create("ridge-order-test");
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        Rows rows = program(seed, 100, 0, seed % 2 ? 1 : 0);
        if (seed % 3 == 0) {
            const Rows second = program(seed + 100, 200, 1, 0);
            rows.insert(rows.end(), second.begin(), second.end());
        }
        const std::string first = reportOf({write(rows, folder->path() / "a.sqlite", seed % 3 != 2)});
        ASSERT_NE(first.find("\"critical_path\""), std::string::npos) << first;
        for (int deals = 0; deals < 3; ++deals) {
            std::shuffle(rows.begin(), rows.end(), random);
            ASSERT_EQ(difference(first, reportOf({write(rows, folder->path() / "b.sqlite", seed % 3 != 2)})), "");
        }
    }
}

TEST(RowOrder, RanksGiveOneReportInAnyOrderOfTheirFiles) {
    auto folder = TempDir::create("ridge-order-test");
    std::vector<std::string> ours, kineto;
    for (int rank = 0; rank < 3; ++rank) {
        ours.push_back(write(program(static_cast<std::uint64_t>(rank) + 1, 100, rank, 3), folder->path() / fmt::format("r{}.sqlite", rank)));
        JsonTrace t;
        t.rank(rank, 3);
        for (int i = 0; i < 12; ++i) {
            t.call("cudaLaunchKernel", 500, 1, i * 1'000'000 + 1'000, 5'000 + rank * 1'000, i + 1);
            t.kernel(i % 3 ? "gemm" : "ncclDevKernel_AllReduce", 0, 7, i * 1'000'000 + 10'000 * (rank + 1), 500'000, i + 1);
            t.annotation("ProfilerStep#" + std::to_string(i), 500, 1, i * 1'000'000, 1'000'000);
        }
        kineto.push_back((folder->path() / fmt::format("k{}.json", rank)).string());
        t.write(kineto.back());
    }
    for (std::vector<std::string>* files : {&ours, &kineto}) {
        const std::string first = reportOf(*files);
        ASSERT_NE(first.find("\"critical_path\""), std::string::npos) << first;
        std::vector<std::string> other = *files;
        while (std::next_permutation(other.begin(), other.end())) ASSERT_EQ(difference(first, reportOf(other)), "");
    }
}

// The members of the array "traceEvents" as they stand in the text.
struct Pieces {
    std::string before, after;
    std::vector<std::string> events;
};
Pieces piecesOf(const std::string& text) {
    Pieces pieces;
    std::size_t at = text.find('[', text.find("\"traceEvents\"")) + 1;
    pieces.before = text.substr(0, at);
    for (std::size_t depth = 0, start = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '"') {
            for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
        } else if (c == '{' || c == '[') {
            if (depth++ == 0) start = at;
        } else if (c == '}' || c == ']') {
            if (depth == 0) break;
            if (--depth == 0) pieces.events.push_back(text.substr(start, at + 1 - start));
        }
    }
    pieces.after = text.substr(at);
    return pieces;
}
std::string textOf(const Pieces& pieces) {
    std::string text = pieces.before;
    for (std::size_t i = 0; i < pieces.events.size(); ++i) text += (i ? ",\n" : "") + pieces.events[i];
    return text + pieces.after;
}

// Of a trace that was packed with gzip.
std::string unpacked(const fs::path& packed, const fs::path& folder, std::string_view ending) {
    const std::string file = (folder / fmt::format("plain{}", ending)).string();
    EXPECT_EQ(std::system(fmt::format("gzip -dc '{}' > '{}'", packed.string(), file).c_str()), 0);
    return file;
}

TEST(RowOrder, KinetoTracesOfOthersGiveOneReport) {
    const fs::path root = RIDGE_TRACES_DIR;
    if (!fs::is_directory(root / "kineto")) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-order-test");
    Random random(7);
    for (const auto& entry : fs::directory_iterator(root / "kineto")) {
        if (entry.path().extension() != ".gz") continue;
        SCOPED_TRACE(entry.path().string());
        const std::string plain = unpacked(entry.path(), folder->path(), ".json");
        std::ifstream file(plain);
        Pieces pieces = piecesOf({std::istreambuf_iterator<char>(file), {}});
        ASSERT_GT(pieces.events.size(), 10U);
        std::shuffle(pieces.events.begin(), pieces.events.end(), random);
        const std::string dealt = (folder->path() / "dealt.json").string();
        std::ofstream(dealt) << textOf(pieces);
        EXPECT_EQ(difference(reportOf({plain}), reportOf({dealt})), "");
    }
}

TEST(RowOrder, EightRanksGiveOneReportInAnyOrder) {
    const fs::path root = RIDGE_TRACES_DIR;
    if (!fs::is_directory(root / "kineto")) GTEST_SKIP() << "no traces of other tools at " << root;
    std::vector<std::string> ranks;
    for (int r = 0; r < 8; ++r) ranks.push_back((root / fmt::format("kineto/param_v100_dlrm_8rank_w{}.json.gz", r)).string());
    const std::string first = reportOf(ranks);
    Random random(8);
    for (int deals = 0; deals < 4; ++deals) {
        std::shuffle(ranks.begin(), ranks.end(), random);
        EXPECT_EQ(difference(first, reportOf(ranks)), "");
    }
}

// Tables of events with their rows in another order, and so with other row ids.
void dealTables(const std::string& file) {
    auto db = Database::openForWriting(file);
    ASSERT_TRUE(db.ok());
    std::vector<std::string> tables;
    {
        auto names = db->prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND (name LIKE 'CUPTI%' OR name LIKE 'NVTX%' OR name LIKE 'OSRT%' OR name = "
                                 "'StringIds') ORDER BY name");
        ASSERT_TRUE(names.ok());
        for (auto row = names->step(); row.ok() && *row; row = names->step()) tables.emplace_back(names->text(0));
    }
    ASSERT_TRUE(db->execute("BEGIN").ok());
    for (const std::string& table : tables)
        ASSERT_TRUE(db->execute(fmt::format("CREATE TABLE dealt AS SELECT * FROM \"{0}\" ORDER BY (rowid * 2654435761) % 1000003, rowid; "
                                            "DROP TABLE \"{0}\"; ALTER TABLE dealt RENAME TO \"{0}\"", table)).ok()) << table;
    ASSERT_TRUE(db->execute("COMMIT").ok());
}

TEST(RowOrder, NsightExportsOfOthersGiveOneReport) {
    const fs::path root = RIDGE_TRACES_DIR;
    if (!fs::is_directory(root / "nsys")) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-order-test");
    for (const auto& entry : fs::directory_iterator(root / "nsys")) {
        if (entry.path().extension() != ".gz") continue;
        SCOPED_TRACE(entry.path().string());
        const std::string plain = unpacked(entry.path(), folder->path(), ".sqlite");
        const std::string first = reportOf({plain});
        dealTables(plain);
        EXPECT_EQ(difference(first, reportOf({plain})), "");
    }
}

}  // namespace
}  // namespace ridge::test
