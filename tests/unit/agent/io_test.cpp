// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Calls on files are counted exactly, and the program notices nothing.
#include "schemas/spool/io_records.h"
#include "tests/unit/agent/session_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sys/wait.h>

namespace ridge::test {
namespace {

using namespace spool;

struct Seen {
    IoCall call;
    std::string function;
    std::string path;
    int pid;
};

std::vector<Seen> callsOf(const ReadSession& read) {
    std::map<std::pair<std::string, uint32_t>, std::string> paths;
    for (const auto& record : read.of(RecordType::kIoFile)) {
        const auto file = record.as<IoFile>();
        if (file.isClose == 0)
            paths[{read.imageOf(record.ring), record.header.id}] =
                read.name(record.ring, file.pathNameId);
    }
    std::vector<Seen> result;
    for (const auto& record : read.of(RecordType::kIoCall)) {
        const auto call = record.as<IoCall>();
        EXPECT_LE(call.start, call.end);
        result.push_back({call, read.name(record.ring, call.functionId),
                          paths[{read.imageOf(record.ring), record.header.id}],
                          read.rings[record.ring].header.pid});
    }
    return result;
}

TEST(Io, CallsAreCountedOnTheirFiles) {
    const TestSession session;
    const std::string file = (session.folder() / "data").string();
    const auto child = runChild({RIDGE_IO_CHILD_PATH, file}, session.environment(true));
    ASSERT_EQ(child.status, 0) << child.errors;
    EXPECT_EQ(child.output, "done\n");
    EXPECT_EQ(child.errors, "");
    const auto read = session.read();
    std::map<std::string, int> counts, forked;
    std::map<std::string, int64_t> bytes;
    bool early = false, pipeSeen = false;
    for (const auto& seen : callsOf(read)) {
        early |= seen.function == "write" && seen.path == "/dev/null" && seen.call.result == 5 &&
                 seen.pid == child.pid;
        pipeSeen |=
            seen.function == "write" && seen.path.rfind("pipe:[", 0) == 0 && seen.call.result == 6;
        EXPECT_EQ(seen.path.find(".ring"), std::string::npos) << "our own files are not recorded";
        EXPECT_EQ(seen.path.find(".spool"), std::string::npos);
        if (seen.path != file) continue;
        auto& table = seen.pid == child.pid ? counts : forked;
        ++table[seen.function];
        if (seen.call.result > 0) bytes[seen.function] += seen.call.result;
    }
    EXPECT_TRUE(early) << "I/O of static constructors";
    EXPECT_TRUE(pipeSeen);
    EXPECT_EQ(counts["open"] + counts["open64"], 2);
    EXPECT_EQ(counts["write"], 1);
    EXPECT_EQ(counts["pwrite"] + counts["pwrite64"], 1);
    EXPECT_EQ(counts["pread"] + counts["pread64"], 101);
    EXPECT_EQ(bytes["pread"] + bytes["pread64"], 804);
    EXPECT_EQ(counts["writev"], 1);
    EXPECT_EQ(counts["readv"], 1);
    EXPECT_EQ(counts["fsync"], 1);
    EXPECT_EQ(counts["fdatasync"], 1);
    EXPECT_EQ(counts["close"], 2);
    EXPECT_EQ(counts["fopen"] + counts["fopen64"], 1);
    EXPECT_EQ(counts["fread"], 1);
    EXPECT_EQ(bytes["fread"], 10);
    EXPECT_EQ(counts["fwrite"], 1);
    EXPECT_EQ(counts["fflush"], 1);
    EXPECT_EQ(counts["fclose"], 1);
    EXPECT_EQ(counts["read"], 1) << "the thread's";
    EXPECT_EQ(forked["read"], 1) << "the forked child's";
    for (uint32_t kind = 0; kind < kLossKinds; ++kind)
        EXPECT_EQ(read.lost(LossKind(kind)), 0u) << kind;
}

TEST(Io, LinesAndFormatsAreCountedInBytes) {
    const TestSession session;
    const std::string file = (session.folder() / "lines").string();
    const auto child = runChild({RIDGE_IO_CHILD_PATH, file, "lines"}, session.environment(true));
    ASSERT_EQ(child.status, 0) << child.errors;
    const auto read = session.read();
    std::map<std::string, int> counts, failures;
    std::map<std::string, int64_t> bytes;
    for (const auto& seen : callsOf(read)) {
        if (seen.path != file) continue;
        ++counts[seen.function];
        failures[seen.function] += seen.call.result < 0 ? 1 : 0;
        if (seen.call.result > 0) bytes[seen.function] += seen.call.result;
    }
    EXPECT_EQ(counts["fputs"] + counts["fwrite"], 3) << "a compiler may make the one of the other";
    EXPECT_EQ(bytes["fputs"] + bytes["fwrite"], 21);
    EXPECT_EQ(counts["fprintf"], 4);
    EXPECT_EQ(bytes["fprintf"], 39);
    EXPECT_EQ(failures["fprintf"], 1);
    EXPECT_EQ(counts["dprintf"], 3);
    EXPECT_EQ(bytes["dprintf"], 3);
    EXPECT_EQ(counts["fgets"], 3);
    EXPECT_EQ(counts["getline"] + counts["getdelim"], 4);
    EXPECT_EQ(failures["getline"] + failures["getdelim"], 0) << "an end of file is no error";
    EXPECT_EQ(bytes["fgets"] + bytes["getline"] + bytes["getdelim"], 60);
}

TEST(Io, SocketsSendAndReceive) {
    const TestSession session;
    const auto child = runChild({RIDGE_IO_CHILD_PATH, "-", "sockets"}, session.environment(true));
    ASSERT_EQ(child.status, 0) << child.errors;
    std::map<std::string, int> counts;
    std::map<std::string, int64_t> moved, asked;
    const auto read = session.read();
    for (const auto& seen : callsOf(read)) {
        if (seen.function.rfind("send", 0) != 0 && seen.function.rfind("recv", 0) != 0) continue;
        ++counts[seen.function];
        asked[seen.function] += static_cast<int64_t>(seen.call.requested);
        if (seen.call.result < 0) continue;
        moved[seen.function] += seen.call.result;
        EXPECT_EQ(seen.path.rfind("socket:", 0), 0u) << seen.path;
    }
    const std::map<std::string, int> expected{{"send", 2},     {"sendto", 1}, {"sendmsg", 1},
                                              {"recvfrom", 1}, {"recv", 2},   {"recvmsg", 1}};
    EXPECT_EQ(counts, expected) << "a peek receives nothing";
    const std::map<std::string, int64_t> bytes{{"send", 10},    {"sendto", 7}, {"sendmsg", 8},
                                               {"recvfrom", 7}, {"recv", 10},  {"recvmsg", 8}};
    EXPECT_EQ(moved, bytes);
    EXPECT_EQ(asked["recv"], 65);
    EXPECT_EQ(asked["sendmsg"], 8);
}

TEST(Io, FailuresKeepTheirErrno) {
    const TestSession session;
    ASSERT_EQ(runChild({RIDGE_IO_CHILD_PATH, (session.folder() / "data").string()},
                       session.environment(true))
                  .status,
              0);
    bool noFile = false, badFd = false;
    for (const auto& seen : callsOf(session.read())) {
        noFile |= seen.call.op == IoOp::kOpen && seen.call.result == -1 &&
                  seen.call.errorNumber == ENOENT;
        badFd |= seen.call.op == IoOp::kClose && seen.call.result == -1 &&
                 seen.call.errorNumber == EBADF;
        EXPECT_TRUE(seen.call.result < 0 || seen.call.errorNumber == 0);
    }
    EXPECT_TRUE(noFile);
    EXPECT_TRUE(badFd);
}

TEST(Io, ADescriptorFromFcntlIsAnotherFile) {
    const TestSession session;
    const std::string file = (session.folder() / "data").string();
    std::ofstream(file) << "some";
    const auto child =
        runChild({RIDGE_IO_CHILD_PATH, file, "duplicates"}, session.environment(true));
    ASSERT_EQ(child.status, 0) << child.errors;
    std::map<std::string, int> reads;
    for (const auto& seen : callsOf(session.read()))
        if (seen.function == "read" && seen.pid == child.pid) ++reads[seen.path];
    EXPECT_EQ(reads[file], 1);
    EXPECT_EQ(reads["/dev/zero"], 3);
}

TEST(Io, ACancelledThreadIsUnwoundThroughAHook) {
    const TestSession session;
    const auto child = runChild({RIDGE_IO_CHILD_PATH, "-", "cancelled"}, session.environment(true));
    ASSERT_EQ(child.status, 0) << child.errors;
    uint64_t reads = 0;
    for (const auto& seen : callsOf(session.read())) reads += seen.function == "read";
    EXPECT_EQ(reads, 1u) << "the other never came back";
}

TEST(Io, CallsOfAHandlerThatInterruptsACallAreRecorded) {
    const TestSession session;
    const std::string file = (session.folder() / "data").string();
    const auto child = runChild({RIDGE_IO_CHILD_PATH, file, "handlers"}, session.environment(true));
    ASSERT_EQ(child.status, 0) << child.errors;
    long handled = 0, reads = 0;
    ASSERT_EQ(std::sscanf(child.output.c_str(), "%ld %ld", &handled, &reads), 2);
    ASSERT_GE(handled, 4000);
    const auto read = session.read();
    long written = 0, preads = 0;
    for (const auto& seen : callsOf(read)) {
        if (seen.function == "write" && seen.path == "/dev/null" && seen.call.result == 1) ++written;
        if (seen.function.rfind("pread", 0) == 0) ++preads;
    }
    EXPECT_EQ(written, handled) << child.output;
    EXPECT_EQ(preads, reads);
    EXPECT_EQ(read.lost(kLossNestedEvent), 0u);
    EXPECT_EQ(read.lost(kLossNoRing), 0u);
}

TEST(Io, TransfersMappingsAndSyncsAreRecorded) {
    const TestSession session;
    const std::string file = (session.folder() / "data").string();
    const auto child = runChild({RIDGE_IO_CHILD_PATH, file, "transfers"}, session.environment(true));
    ASSERT_EQ(child.status, 0) << child.errors;
    std::map<std::string, Seen> last;
    std::map<std::string, int> counts;
    for (const auto& seen : callsOf(session.read())) {
        ++counts[seen.function];
        if (seen.call.result >= 0) last.insert_or_assign(seen.function, seen);
    }
    EXPECT_EQ(counts["sendfile"], 2);
    EXPECT_EQ(last.at("sendfile").path, file + ".copy");
    EXPECT_EQ(last.at("sendfile (source)").path, file);
    EXPECT_EQ(last.at("sendfile").call.result, 4096);
    EXPECT_EQ(last.at("copy_file_range").call.result, 1000);
    EXPECT_EQ(last.at("splice (source)").call.result, 512);
    EXPECT_EQ(counts["mmap"], 2) << "one succeeds, one fails; memory that is no file's is not recorded";
    EXPECT_EQ(last.at("mmap").call.requested, 8192u);
    EXPECT_EQ(last.at("mmap").path, file + ".copy");
    EXPECT_EQ(last.at("msync").path, file + ".copy") << "its descriptor was closed before";
    EXPECT_EQ(last.at("msync").call.offset, 4096);
    EXPECT_EQ(counts["munmap"], 1);
    EXPECT_EQ(counts["sync"] + counts["syncfs"], 2);
}

TEST(Io, SubmissionsThroughLiburingAreRecorded) {
    const TestSession session;
    const std::string file = (session.folder() / "data").string();
    const auto child = runChild({RIDGE_IO_CHILD_PATH, file, "uring"}, session.environment(true));
    ASSERT_EQ(child.status, 0) << child.errors;
    if (child.output != "done\n") GTEST_SKIP() << child.output;
    std::map<std::string, Seen> last;
    std::map<std::string, int> counts;
    for (const auto& seen : callsOf(session.read())) {
        ++counts[seen.function];
        last.insert_or_assign(seen.function, seen);
    }
    EXPECT_EQ(last.at("io_uring write").path, file);
    EXPECT_EQ(last.at("io_uring write").call.requested, 4096u);
    EXPECT_EQ(last.at("io_uring write").call.offset, 8192);
    EXPECT_EQ(last.at("io_uring read").call.requested, 100u);
    EXPECT_EQ(counts["io_uring sync"], 1);
    EXPECT_EQ(counts["io_uring_submit"], 2);
}

TEST(Io, WithoutASessionOrSwitchedOffItPassesThrough) {
    const std::string preload = "LD_PRELOAD=" RIDGE_IO_PATH;
    TestSession session;
    const std::string file = (session.folder() / "data").string();
    EXPECT_EQ(runChild({RIDGE_IO_CHILD_PATH, file}, {preload, "RIDGE_SESSION="}).output, "done\n");
    session.control()->traceIo = 0;
    EXPECT_EQ(runChild({RIDGE_IO_CHILD_PATH, file}, session.environment(true)).output, "done\n");
    EXPECT_TRUE(session.read().rings.empty());
}

TEST(Io, ShellsAndInterpretersRunUnderIt) {
    const TestSession session;
    const auto out = (session.folder() / "out").string();
    const auto dash =
        runChild({"/bin/sh", "-c",
                  "for i in 1 2 3; do echo line $i; done | cat > " + out + "; wc -l < " + out},
                 session.environment(true));
    EXPECT_EQ(dash.output, "3\n");
    EXPECT_EQ(dash.status, 0);
    const auto bash =
        runChild({"/bin/bash", "-c", "x=$(ls / | wc -l); test $x -gt 3 && cat <(echo fine)"},
                 session.environment(true));
    EXPECT_EQ(bash.output, "fine\n") << bash.errors;
    const auto read = session.read();
    EXPECT_GT(read.rings.size(), 3u);
}

TEST(Libraries, NeedNothingButLibc) {
    for (const std::string library : {RIDGE_AGENT_PATH, RIDGE_IO_PATH}) {
        const auto result = runChild({"readelf", "-d", library}, {"LC_ALL=C"});
        if (result.status != 0) GTEST_SKIP() << "no readelf here";
        size_t needed = 0;
        for (size_t at = 0; (at = result.output.find("(NEEDED)", at)) != std::string::npos; ++at) {
            ++needed;
            const std::string line = result.output.substr(at, result.output.find('\n', at) - at);
            EXPECT_TRUE(line.find("[libc.so.") != std::string::npos ||
                        line.find("[ld-linux") != std::string::npos)
                << line;
        }
        EXPECT_GE(needed, 1u);
        EXPECT_NE(result.output.find("NODELETE"), std::string::npos);
    }
}

}  // namespace
}  // namespace ridge::test
