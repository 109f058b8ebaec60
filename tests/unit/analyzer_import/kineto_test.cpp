// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The Kineto importer on small files of our own: every convention, and everything that may be wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "analyzer/import/kineto/byte_source.h"
#include "analyzer/import/kineto/decimal.h"
#include "analyzer/import/kineto/document.h"
#include "analyzer/import/kineto/kineto.h"
#include "analyzer/import/kineto/scanner.h"
#include "analyzer/timeline/load.h"
#include "json_trace.h"

namespace ridge::test {
namespace {

using analyzer::GpuKind;
using analyzer::kNoIndex;
using analyzer::Timeline;

Timeline timelineOf(const std::string& text) {
    auto trace = analyzer::readKinetoText(text, 0);
    if (!trace.ok()) {
        ADD_FAILURE() << trace.error().message;
        return {};
    }
    return std::move(trace->timeline);
}

std::string brokenOf(const Timeline& timeline) {
    for (const auto& table : timeline.tables)
        if (table.table == "traceEvents") return table.error;
    return "no report";
}

const analyzer::TableReport* tableOf(const Timeline& timeline, const std::string& name) {
    for (const auto& table : timeline.tables)
        if (table.table == name) return &table;
    return nullptr;
}

TEST(Decimal, TextBecomesIntegersWithoutDouble) {
    using analyzer::kineto::parseDecimal;
    EXPECT_EQ(parseDecimal("1712195495520871.123,", 3), 1712195495520871123);
    EXPECT_EQ(parseDecimal("9007199254740993", 0), 9007199254740993);  // no double has it
    EXPECT_EQ(parseDecimal("1.5", 3), 1500);
    EXPECT_EQ(parseDecimal("0.0005", 3), 1);
    EXPECT_EQ(parseDecimal("0.00049999", 3), 0);
    EXPECT_EQ(parseDecimal("-2.5", 3), -2500);
    EXPECT_EQ(parseDecimal("1.712195495520871e15", 3), 1712195495520871000);
    EXPECT_EQ(parseDecimal("12e-1", 3), 1200);
    EXPECT_EQ(parseDecimal("000000000000000000000000012.25", 3), 12250);
    EXPECT_EQ(parseDecimal("1e400", 3), std::nullopt);
    EXPECT_EQ(parseDecimal("99999999999999999999", 3), std::nullopt);
    EXPECT_EQ(parseDecimal("", 3), std::nullopt);
    EXPECT_EQ(parseDecimal("-", 3), std::nullopt);
    EXPECT_EQ(parseDecimal("NaN", 3), std::nullopt);
    EXPECT_EQ(parseDecimal("1e99999999999999999999", 0), std::nullopt);
    EXPECT_EQ(parseDecimal("1e-99999999999999999999", 0), 0);
}

// Against the definition, on texts that are mostly quotes, backslashes and brackets, at every offset.
TEST(Scanner, FindsWhatTheDefinitionFinds) {
    std::uint64_t state = 1;
    for (int round = 0; round < 300; ++round) {
        std::string text;
        for (int i = 0; i < 200; ++i) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            text += "\"\\{}[]a,:\" "[(state >> 33) % 11];
        }
        std::vector<std::uint32_t> expected, found(text.size());
        bool inString = false, escaped = false;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char c = text[i];
            if (escaped) {
                escaped = false;
                continue;
            }
            if (c == '\\') escaped = true;
            if (c == '"') {
                inString = !inString;
                expected.push_back(static_cast<std::uint32_t>(i));
            }
            if (!inString && (c == '{' || c == '}' || c == '[' || c == ']')) expected.push_back(static_cast<std::uint32_t>(i));
        }
        std::string padded = text + std::string(analyzer::kineto::kPadding, '\0');
        // What a backslash outside of a string takes away, our scanner takes away for quotes only.
        if (text.find_first_of("\\") != std::string::npos) {
            std::vector<std::uint32_t> strict;
            inString = false;
            escaped = false;
            for (std::size_t i = 0; i < text.size(); ++i) {
                const char c = text[i];
                const bool quote = c == '"' && !escaped;
                if (quote) inString = !inString;
                if (quote || (!inString && (c == '{' || c == '}' || c == '[' || c == ']'))) strict.push_back(static_cast<std::uint32_t>(i));
                escaped = c == '\\' && !escaped;
            }
            expected = strict;
        }
        found.resize(analyzer::kineto::findStructure(padded.data(), text.size(), found.data()));
        EXPECT_EQ(found, expected) << text;
    }
}

TEST(Scanner, PiecesOfATextGiveWhatTheWholeGives) {
    std::mt19937_64 random(5);
    const std::string letters = "\"\"\\{}[]a:,";
    for (int round = 0; round < 500; ++round) {
        std::string text(random() % 1000, ' ');
        for (char& c : text) c = letters[random() % letters.size()];
        const std::string padded = text + std::string(2 * analyzer::kineto::kPadding, '\0');
        std::vector<std::uint32_t> whole(text.size()), piece(text.size()), joined;
        whole.resize(analyzer::kineto::findStructure(padded.data(), text.size(), whole.data()));
        analyzer::kineto::ScanState state;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t bytes = std::min<std::size_t>(text.size() - at, 64 * (1 + random() % 4));
            const std::size_t found = analyzer::kineto::findStructure(padded.data() + at, bytes, piece.data(), &state);
            for (std::size_t i = 0; i < found; ++i) joined.push_back(piece[i] + static_cast<std::uint32_t>(at));
            at += bytes;
        }
        ASSERT_EQ(joined, whole) << text;
    }
}

// The reader ahead on its own thread and the reader in place give the same document, whatever the block borders cut.
TEST(Document, IsTheSameWithAndWithoutAThreadAhead) {
    JsonTrace t;
    for (int i = 0; i < 12'000; ++i) {
        t.op(i % 3 == 0 ? "aten::mm \\\"quoted\\\\ \\u00e9" : "aten::add", 100, 100 + i % 5, i * 1'000, 900, R"({"Input Dims": [[32, 64], [64, 16]]})");
        t.call("cudaLaunchKernel", 100, 100 + i % 5, i * 1'000 + 100, 200, i + 1);
        t.kernel("sgemm{[", 0, 7, i * 1'000 + 400, 300, i + 1);
    }
    const std::string text = t.text();
    ASSERT_GT(text.size(), std::size_t{4} << 20);
    const auto read = [&](const char* threads) {
        ::setenv("RIDGE_THREADS", threads, 1);
        auto timeline = analyzer::loadKinetoText(text);
        ::unsetenv("RIDGE_THREADS");
        return timeline;
    };
    const auto alone = read("1"), ahead = read("2");
    ASSERT_TRUE(alone.ok() && ahead.ok());
    ASSERT_EQ(alone->gpu.size(), 12'000U);
    ASSERT_EQ(ahead->gpu.size(), alone->gpu.size());
    ASSERT_EQ(ahead->ranges.size(), alone->ranges.size());
    ASSERT_EQ(ahead->names.size(), alone->names.size());
    for (std::size_t i = 0; i < alone->ranges.size(); ++i) {
        ASSERT_EQ(ahead->ranges[i].start, alone->ranges[i].start);
        ASSERT_EQ(ahead->names.text(ahead->ranges[i].name), alone->names.text(alone->ranges[i].name));
    }
}

// One compute and one communication kernel that overlap, a copy, gaps: the same numbers in every convention.
void fill(JsonTrace& t) {
    t.annotation("ProfilerStep#4", 100, 100, 0, 100'000);
    t.op("aten::mm", 100, 100, 1'000, 9'000, R"({"External id": 5, "Input Dims": [[32, 64], [64, 16]]})");
    t.call("cudaLaunchKernel", 100, 100, 2'000, 3'000, 11);
    t.kernel("sgemm", 0, 7, 10'000, 20'000, 11);
    t.call("cudaLaunchKernel", 100, 101, 12'000, 2'000, 12);
    t.kernel("ncclDevKernel_AllReduce", 0, 20, 20'000, 30'000, 12,
             R"(, "Collective name": "allreduce", "In msg nelems": 100, "Out msg nelems": 100, "Group size": 2, "dtype": "Float", "Process Group Name": "0")");
    t.call("cudaMemcpyAsync", 100, 100, 40'000, 2'000, 13);
    t.event("gpu_memcpy", "Memcpy HtoD (Pageable -> Device)", R"("pid": 0, "tid": 7)", 60'000, 10'000,
            R"({"device": 0, "stream": 7, "correlation": 13, "bytes": 4096})");
    t.annotation("ProfilerStep#5", 100, 100, 100'000, 50'000);
    t.call("cudaLaunchKernel", 100, 100, 101'000, 2'000, 14);
    t.kernel("sgemm", 0, 7, 110'000, 10'000, 14);
}

class Conventions : public testing::TestWithParam<std::pair<Convention, bool>> {};

TEST_P(Conventions, GiveTheSameNumbers) {
    auto folder = TempDir::create("ridge-import-test");
    const std::string path = (folder->path() / "t.json").string();
    JsonTrace trace(GetParam().first, GetParam().second);
    fill(trace);
    trace.write(path);
    const Analysis answer = analyzeText(path);
    EXPECT_EQ(answer.stepSource, "ProfilerStep");
    ASSERT_EQ(answer.devices.size(), 1U);
    const auto& d = answer.devices[0];
    EXPECT_EQ(d.spanNs, 110'000);
    EXPECT_EQ(d.computeNs, 30'000);
    EXPECT_EQ(d.commNs, 30'000);
    EXPECT_EQ(d.overlapNs, 10'000);
    EXPECT_EQ(d.exposedCommNs, 20'000);
    EXPECT_EQ(d.exposedCopyNs, 10'000);
    EXPECT_EQ(d.busyNs, 60'000);
    EXPECT_EQ(d.unlinked, 0);
    ASSERT_EQ(answer.steps.size(), 2U);  // W_1 ends with the copy, W_2 with the last kernel
    EXPECT_EQ(answer.steps[0].index, 4);
    EXPECT_EQ(answer.steps[0].endNs - answer.steps[0].startNs, 60'000);
    EXPECT_EQ(answer.steps[1].endNs - answer.steps[1].startNs, 50'000);
    // Before the last kernel, from 70: host until the launch call at 101, launch until 110.
    EXPECT_EQ(at(answer.steps[1].classes, WallClass::kHost), 31'000);
    EXPECT_EQ(at(answer.steps[1].classes, WallClass::kLaunch), 9'000);

    const auto timeline = analyzer::load({path});
    ASSERT_TRUE(timeline.ok());
    const auto& gemm = timeline->gpu[0];
    EXPECT_EQ(gemm.blocks, 8);
    ASSERT_NE(gemm.op, kNoIndex);
    const auto& op = timeline->ranges[static_cast<std::size_t>(gemm.op)];
    EXPECT_EQ(timeline->names.text(op.name), "aten::mm");
    EXPECT_EQ(timeline->names.text(op.shapes), "[[32,64],[64,16]]");
    EXPECT_EQ(op.kind, analyzer::RangeKind::kOp);
    const auto& comm = timeline->gpu[1];
    ASSERT_NE(comm.collective, kNoIndex);
    const auto& collective = timeline->collectives[static_cast<std::size_t>(comm.collective)];
    EXPECT_EQ(timeline->names.text(collective.name), "allreduce");
    EXPECT_EQ(timeline->names.text(collective.group), "0");
    EXPECT_EQ(collective.bytesIn, 400);
    EXPECT_EQ(collective.groupSize, 2);
    EXPECT_EQ(collective.sequence, 0);
    const auto& copy = timeline->gpu[2];
    EXPECT_EQ(copy.kind, GpuKind::kCopy);
    EXPECT_EQ(copy.copyKind, 1);
    EXPECT_EQ(copy.srcKind, 0);
    EXPECT_EQ(copy.dstKind, 2);
    EXPECT_EQ(copy.bytes, 4096);
    EXPECT_EQ(timeline->utcOfZero, 1711964650000000000);
}

INSTANTIATE_TEST_SUITE_P(Kineto, Conventions,
                         testing::Values(std::pair{Convention::kEpochMicros, false}, std::pair{Convention::kEpochMicros, true},
                                         std::pair{Convention::kFractionalMicros, false}, std::pair{Convention::kAfterBase, false},
                                         std::pair{Convention::kAfterBase, true}));

TEST(Kineto, NamesOfAmdCountAsWhatTheyAre) {
    JsonTrace t(Convention::kAfterBase);
    t.call("hipLaunchKernel", 1, 1, 0, 1'000, 1).call("hipMemcpyWithStream", 1, 1, 2'000, 5'000, 2);
    t.kernel("Cijk_Ailk_Bljk", 2, 0, 1'000, 4'000, 1);
    const Timeline timeline = timelineOf(t.text());
    ASSERT_EQ(timeline.gpu.size(), 1U);
    EXPECT_NE(timeline.gpu[0].launch, kNoIndex);
    EXPECT_EQ(timeline.devices[0].id, 2);
    ASSERT_EQ(timeline.calls.size(), 2U);
    EXPECT_FALSE(timeline.calls[0].blocking);
    EXPECT_TRUE(timeline.calls[1].blocking);
}

TEST(Kineto, WaitsKnowTheRecordTheyWaitFor) {
    JsonTrace t;
    t.call("cudaEventRecord", 1, 1, 0, 1'000, 5).call("cudaStreamWaitEvent", 1, 1, 2'000, 1'000, 6);
    t.event("cuda_sync", "Stream Wait Event", R"("pid": 0, "tid": 20)", 3'000, 2'000,
            R"({"cuda_sync_kind": "Stream Wait Event", "wait_on_stream": 7, "wait_on_cuda_event_record_corr_id": 5, "stream": 20, "correlation": 6, "device": 0})");
    const Timeline timeline = timelineOf(t.text());
    ASSERT_EQ(timeline.syncs.size(), 1U);
    const auto& sync = timeline.syncs[0];
    EXPECT_EQ(sync.kind, analyzer::SyncKind::kStreamWaitEvent);
    EXPECT_EQ(sync.eventRecord, 5);
    EXPECT_EQ(sync.waitedStream, 7);
    EXPECT_EQ(sync.stream, 20);
    EXPECT_EQ(sync.launch, 1);
}

TEST(Kineto, ForwardHandsOverToBackward) {
    JsonTrace t;
    t.op("f", 1, 1, 0, 9'000).op("b", 1, 2, 20'000, 9'000);
    t.raw(R"({"ph": "f", "id": 3, "pid": 1, "tid": 2, "ts": 1711964650000020, "cat": "fwdbwd", "name": "fwdbwd", "bp": "e"})");
    t.raw(R"({"ph": "s", "id": 3, "pid": 1, "tid": 1, "ts": 1711964650000002, "cat": "fwdbwd", "name": "fwdbwd"})");
    const Timeline timeline = timelineOf(t.text());
    ASSERT_EQ(timeline.flows.size(), 1U);
    EXPECT_EQ(timeline.flows[0].fromTime, 2'000);
    EXPECT_EQ(timeline.flows[0].toTime, 20'000);
    EXPECT_NE(timeline.flows[0].fromThread, timeline.flows[0].toThread);
}

TEST(Kineto, OneIdInTwoProcessesIsJoinedByTheDeviceOfEach) {
    JsonTrace t;
    t.call("cudaLaunchKernel", 1, 1, 0, 1'000, 10).call("cudaLaunchKernel", 2, 2, 0, 1'000, 20);
    t.call("cudaLaunchKernel", 1, 1, 5'000, 1'000, 30).call("cudaLaunchKernel", 2, 2, 7'000, 1'000, 30);  // one id in both
    t.kernel("k", 0, 7, 2'000, 1'000, 10).kernel("k", 1, 7, 2'000, 1'000, 20);
    t.kernel("k", 0, 7, 9'000, 1'000, 30).kernel("k", 1, 7, 9'000, 1'000, 30);
    const Timeline timeline = timelineOf(t.text());
    ASSERT_EQ(timeline.gpu.size(), 4U);
    for (const auto& row : timeline.gpu) {
        ASSERT_NE(row.launch, kNoIndex);
        const auto& call = timeline.calls[static_cast<std::size_t>(row.launch)];
        const std::int64_t pid = timeline.processes[static_cast<std::size_t>(timeline.threads[static_cast<std::size_t>(call.thread)].process)].pid;
        EXPECT_EQ(pid, timeline.devices[static_cast<std::size_t>(row.device)].id + 1);
    }
}

TEST(Kineto, RowsThatCannotBeAreCounted) {
    JsonTrace t;
    t.kernel("good", 0, 7, 0, 5'000, 1);
    t.raw(R"({"ph": "X", "cat": "kernel", "name": "negative", "pid": 0, "tid": 7, "ts": 1711964650000000, "dur": -5, "args": {}})");
    t.raw(R"({"ph": "X", "cat": "kernel", "name": "no time", "pid": 0, "tid": 7, "dur": 5})");
    t.raw(R"({"ph": "X", "cat": "kernel", "name": "no duration", "pid": 0, "tid": 7, "ts": 1711964650000000})");
    t.raw(R"({"ph": "X", "cat": "kernel", "name": "text", "pid": 0, "tid": 7, "ts": "soon", "dur": 5})");
    t.raw(R"({"ph": "X", "cat": "kernel", "name": "huge", "pid": 0, "tid": 7, "ts": 1e300, "dur": 5})");
    t.raw(R"({"ph": "X", "cat": "kernel", "name": "wrong types", "pid": 0, "tid": 7, "ts": 1711964650000009, "dur": 0, "args": {"correlation": "x", "stream": {"a": [1]}, "device": 0}})");
    t.raw(R"({"ph": "X", "cat": "kernel", "name": "args", "pid": 0, "tid": 7, "ts": 1711964650000012, "dur": 1, "args": 17})");
    t.raw(R"({"ph": "X", "cat": "cpu_op", "name": "far", "pid": 1, "tid": 1, "ts": 17, "dur": 1, "args": {}})");
    t.raw(R"({"ph": "X", "cat": "something new", "name": "n", "pid": 1, "tid": 1, "ts": 1, "dur": 1})");
    t.raw(R"({"ph": "X", "name": "nobody knows", "pid": 1, "tid": 1, "ts": 1, "dur": 1})");
    const Timeline timeline = timelineOf(t.text());
    EXPECT_EQ(timeline.gpu.size(), 3U);
    const auto* table = tableOf(timeline, "kernel");
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(table->rows, 8);
    EXPECT_EQ(table->negative, 1);
    EXPECT_EQ(table->zero, 1);
    EXPECT_EQ(table->outOfRange, 4);
    EXPECT_EQ(table->wrongType, 3);  // "soon", correlation "x", args 17
    EXPECT_EQ(tableOf(timeline, "cpu_op")->outOfRange, 1);
    EXPECT_EQ(tableOf(timeline, "other categories")->rows, 1);
    EXPECT_EQ(tableOf(timeline, "events without a category")->rows, 1);
}

TEST(Kineto, WhatComesBeforeABreakIsKeptAndToldOf) {
    JsonTrace t;
    for (int i = 0; i < 50; ++i) t.kernel("k", 0, 7, i * 10'000, 5'000, i + 1);
    const std::string whole = t.text();
    EXPECT_EQ(brokenOf(timelineOf(whole)), "");
    for (const std::size_t cut : {whole.size() / 2, whole.size() - 3, whole.size() / 3}) {
        const Timeline timeline = timelineOf(whole.substr(0, cut));
        EXPECT_GE(timeline.gpu.size(), 15U);
        EXPECT_NE(brokenOf(timeline).find("ends in the middle"), std::string::npos) << brokenOf(timeline);
    }
    std::string garbled = whole;
    garbled.insert(whole.rfind("{\"ph\""), "17 \"x\" : ");
    EXPECT_EQ(timelineOf(garbled).gpu.size(), 49U);
    EXPECT_NE(brokenOf(timelineOf(garbled)).find("an event is expected (at byte"), std::string::npos) << brokenOf(timelineOf(garbled));
    auto folder = TempDir::create("ridge-import-test");
    const std::string path = (folder->path() / "cut.json").string();
    std::ofstream(path) << whole.substr(0, whole.size() / 2);
    const Analysis answer = analyzeText(path);
    EXPECT_EQ(gateOf(answer, "unreadable_tables")->severity, Severity::kError);
}

TEST(Kineto, DamagedGzipKeepsWhatWasBefore) {
    auto folder = TempDir::create("ridge-import-test");
    const std::string path = (folder->path() / "t.json").string();
    JsonTrace t;
    for (int i = 0; i < 20'000; ++i) t.kernel("kernel number " + std::to_string(i * 7919 % 10'000), 0, 7, i * 10'000, 5'000, i + 1);
    t.write(path);
    ASSERT_EQ(std::system(("gzip -k '" + path + "'").c_str()), 0);
    const std::string packed = path + ".gz";
    const auto whole = analyzer::load({packed});
    ASSERT_TRUE(whole.ok());
    EXPECT_EQ(whole->gpu.size(), 20'000U);
    EXPECT_EQ(brokenOf(*whole), "");
    std::filesystem::resize_file(packed, std::filesystem::file_size(packed) / 2);
    const auto half = analyzer::load({packed});
    ASSERT_TRUE(half.ok());
    EXPECT_GT(half->gpu.size(), 5'000U);
    EXPECT_LT(half->gpu.size(), 15'000U);
    EXPECT_NE(brokenOf(*half).find("gzip data ends too early"), std::string::npos) << brokenOf(*half);
    {
        std::fstream file(packed, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(2000);
        for (int i = 0; i < 200; ++i) file.put('\xff');
    }
    const auto damaged = analyzer::load({packed});
    if (damaged.ok()) {
        EXPECT_NE(brokenOf(*damaged), "");
    } else {
        EXPECT_EQ(damaged.error().message.find('\n'), std::string::npos);
    }
    // Two members one behind the other are one text.
    ASSERT_EQ(std::system(("cd '" + folder->path().string() + "' && head -c 100000 t.json | gzip > two.gz && tail -c +100001 t.json | gzip >> two.gz").c_str()), 0);
    const auto two = analyzer::load({(folder->path() / "two.gz").string()});
    ASSERT_TRUE(two.ok());
    EXPECT_EQ(two->gpu.size(), 20'000U);
}

TEST(Kineto, WhatIsNoTraceIsAnErrorOfOneLine) {
    for (const std::string text : {"", "   ", "{}", "[", "{\"traceEvents\": 5}", "hello", "{\"a\": [1, 2", "\x1f\x8b", "{\"a\" 5}", "nul"}) {
        const auto trace = analyzer::readKinetoText(text, 0);
        if (text == "[") continue;  // a list of events that broke off: no rows, told of
        ASSERT_FALSE(trace.ok()) << text;
        EXPECT_EQ(trace.error().code, ErrorCode::kBadInput);
        EXPECT_EQ(trace.error().message.find('\n'), std::string::npos);
        EXPECT_FALSE(trace.error().message.empty());
    }
}

TEST(Kineto, NestingIsNoTrouble) {
    const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
    JsonTrace t;
    t.raw(R"({"ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 7, "ts": 5, "dur": 5, "args": {"x": )" + deep + R"(, "stream": 9}})");
    t.member("\"deep\": " + deep);
    const Timeline timeline = timelineOf(t.text());
    ASSERT_EQ(timeline.gpu.size(), 1U);
    EXPECT_EQ(timeline.gpu[0].stream, 9);
    EXPECT_EQ(brokenOf(timeline), "");
}

TEST(Kineto, EventsLongerThanTheWindowAreRead) {
    JsonTrace t;
    t.kernel("before", 0, 7, 0, 1'000, 1);
    t.kernel(std::string(3'000'000, 'n'), 0, 7, 2'000, 1'000, 2);
    t.kernel("after", 0, 7, 4'000, 1'000, 3);
    const Timeline timeline = timelineOf(t.text());
    ASSERT_EQ(timeline.gpu.size(), 3U);
    EXPECT_EQ(timeline.names.text(timeline.gpu[1].name).size(), 3'000'000U);
}

TEST(Kineto, StringsAreUnescapedAndBadOnesCounted) {
    JsonTrace t;
    t.kernel(R"(a\"b\\c\u0041\u00e9\ud83d\ude00\ud800\n)", 0, 7, 0, 1'000, 1);
    t.kernel("raw \x01 control", 0, 7, 2'000, 1'000, 2).kernel("bad utf8 \xff\xfe", 0, 7, 4'000, 1'000, 3);
    const Timeline timeline = timelineOf(t.text());
    ASSERT_EQ(timeline.gpu.size(), 3U);
    EXPECT_EQ(timeline.names.text(timeline.gpu[0].name), "a\"b\\cA\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd\n");
    EXPECT_EQ(tableOf(timeline, "traceEvents")->wrongType, 2);
}

TEST(Kineto, FunctionsUnderPidZeroBelongToTheProcess) {
    JsonTrace t;
    t.call("cudaLaunchKernel", 55, 55, 0, 1'000, 1).kernel("k", 0, 7, 2'000, 1'000, 1);
    t.event("python_function", "train.py(3): main", R"("pid": 0, "tid": 0)", 0, 9'000);
    const Timeline timeline = timelineOf(t.text());
    ASSERT_EQ(timeline.ranges.size(), 1U);
    const auto& thread = timeline.threads[static_cast<std::size_t>(timeline.ranges[0].thread)];
    EXPECT_EQ(timeline.processes[static_cast<std::size_t>(thread.process)].pid, 55);
    EXPECT_EQ(timeline.ranges[0].kind, analyzer::RangeKind::kFunction);
}

}  // namespace
}  // namespace ridge::test
