// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "collector/recorder/control.h"
#include "collector/recorder/convert/ring_file.h"
#include "collector/recorder/environment.h"
#include "collector/recorder/output_name.h"
#include "collector/recorder/processes.h"
#include "collector/recorder/session_folder.h"
#include "schemas/spool/control_block.h"
#include "schemas/sqlite/database.h"
#include "tests/unit/recorder/fake_producer.h"

namespace ridge::recorder {
namespace {

namespace fs = std::filesystem;

class RecordTest : public testing::Test {
protected:
    RecordOptions options(std::vector<std::string> command) {
        RecordOptions o;
        o.command = std::move(command);
        o.output = m_output;
        o.quiet = true;
        return o;
    }
    RecordOptions shell(const std::string& script) { return options({"/bin/sh", "-c", script}); }
    std::string sql(const std::string& query) {
        auto db = Database::openForReading(m_output);
        if (!db.ok()) return db.error().message;
        auto statement = db->prepare(query);
        if (!statement.ok()) return statement.error().message;
        auto row = statement->step();
        return row.ok() && *row ? std::string(statement->text(0)) : "-";
    }
    TempDir m_dir = std::move(TempDir::create("ridge-record")).value();
    std::string m_output = (m_dir.path() / "t.sqlite").string();
};

TEST_F(RecordTest, ExitCodeOutputAndFile) {
    const auto outcome = record(shell("echo hello > " + (m_dir.path() / "out").string() + "; exit 7"));
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->programStatus, 7);
    EXPECT_EQ(*readFile(m_dir.path() / "out"), "hello\n");
    EXPECT_EQ(sql("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(sql("SELECT exitStatus FROM RIDGE_RUN"), "7");
    EXPECT_EQ(sql("SELECT outcome FROM RIDGE_RUN"), "complete");
    EXPECT_FALSE(fs::exists(m_output + ".spool"));
}

TEST_F(RecordTest, ASignalIs128PlusIt) {
    const auto outcome = record(shell("kill -9 $$"));
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->programStatus, 137);
}

TEST_F(RecordTest, TerminateIsForwarded) {
    const pid_t self = getpid();
    std::thread killer([self] {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, nullptr);  // the recorder is to have it
        usleep(300'000);
        kill(self, SIGTERM);
    });
    const std::int64_t begin = monotonicNs();
    const auto outcome = record(shell("trap 'exit 9' TERM; while :; do sleep 0.05; done"));
    killer.join();
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->programStatus, 9);
    EXPECT_EQ(outcome->interruptedBy, SIGTERM);
    EXPECT_LT(monotonicNs() - begin, 20'000'000'000);
}

TEST_F(RecordTest, AProgramWhoseTimeIsUpIsEndedWithItsChildren) {
    auto o = shell("sleep 600 & echo $! > " + m_output + ".pid; wait");
    o.timeoutSeconds = 0.5;
    const std::int64_t begin = monotonicNs();
    const auto outcome = record(o);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_TRUE(outcome->timedOut);
    EXPECT_EQ(outcome->programStatus, 128 + SIGTERM);
    EXPECT_LT(monotonicNs() - begin, 10'000'000'000);
    EXPECT_EQ(sql("PRAGMA integrity_check"), "ok");
    int child = 0;
    std::ifstream(m_output + ".pid") >> child;
    ASSERT_GT(child, 1);
    for (int i = 0; i < 100 && kill(child, 0) == 0; ++i) usleep(20'000);  // until init has reaped it
    const auto stat = readFile(fmt::format("/proc/{}/stat", child));
    EXPECT_TRUE(!stat.ok() || stat->find(") Z ") != std::string::npos) << *stat;
}

TEST_F(RecordTest, AProgramThatIgnoresItsEndIsKilled) {
    auto o = shell("trap '' TERM; while :; do sleep 0.05; done");
    o.timeoutSeconds = 0.3;
    const auto outcome = record(o);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_TRUE(outcome->timedOut);
    EXPECT_EQ(outcome->programStatus, 128 + SIGKILL);
}

TEST_F(RecordTest, ProgramsThatCannotStart) {
    const auto missing = record(options({"no-such-program-here"}));
    ASSERT_TRUE(missing.ok());
    EXPECT_EQ(missing->programStatus, 127);
    EXPECT_FALSE(missing->started);
    EXPECT_EQ(missing->notes.size(), 1U);
    const auto folder = record(options({m_dir.path().string()}));
    ASSERT_TRUE(folder.ok());
    EXPECT_EQ(folder->programStatus, 126);
    EXPECT_FALSE(fs::exists(m_output));
    EXPECT_FALSE(fs::exists(m_output + ".spool"));
}

TEST_F(RecordTest, OutputsThatCannotBe) {
    std::ofstream(m_output) << "x";
    auto outcome = record(shell("exit 0"));
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().code, ErrorCode::kBadInput);
    EXPECT_NE(outcome.error().message.find("--force"), std::string::npos);
    auto forced = shell("exit 0");
    forced.force = true;
    EXPECT_TRUE(record(forced).ok());
    EXPECT_EQ(sql("SELECT count(*) FROM RIDGE_RUN"), "1");
    auto unwritable = shell("exit 0");
    unwritable.output = "/proc/nowhere/t.sqlite";
    outcome = record(unwritable);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().code, ErrorCode::kBadInput);
    EXPECT_EQ(outcome.error().message.find(".spool"), std::string::npos) << outcome.error().message;
}

TEST_F(RecordTest, ADetachedChildDoesNotHoldUs) {
    const std::int64_t begin = monotonicNs();
    const auto outcome = record(shell("setsid sleep 30 >/dev/null 2>&1 & exit 0"));
    ASSERT_TRUE(outcome.ok());
    EXPECT_LT(monotonicNs() - begin, 15'000'000'000);
}

TEST_F(RecordTest, CountersClocksAndSourcesAreThere) {
    const auto outcome = record(shell("sleep 0.7"));
    ASSERT_TRUE(outcome.ok());
    EXPECT_GE(std::stoi(sql("SELECT count(*) FROM RIDGE_CLOCK WHERE kind <> 'cupti'")), 2);
    EXPECT_GE(std::stoi(sql("SELECT count(*) FROM RIDGE_COUNTER_SAMPLE JOIN RIDGE_COUNTER ON id = counterId WHERE name = 'process.rss'")), 3);
    EXPECT_GE(std::stoi(sql("SELECT count(DISTINCT deviceId) FROM RIDGE_COUNTER WHERE name = 'cpu.busy'")), 1);
    EXPECT_EQ(sql("SELECT count(*) FROM RIDGE_SOURCE WHERE name IN ('nvtx','cuda','io','nvml','system','preemption')"), "6");
    EXPECT_LT(std::stoll(sql("SELECT clockErrorNs FROM RIDGE_RUN")), 1'000'000);
    EXPECT_NE(sql("SELECT value FROM RIDGE_ENVIRONMENT WHERE name = 'environment.key'").size(), 0U);
    std::printf("%s\n", sql("SELECT text FROM DIAGNOSTIC_EVENT WHERE text LIKE '%preemption%'").c_str());
}

TEST_F(RecordTest, NoSecretReachesTheFile) {
    const std::string secret = "s3cr3t-value-93417";
    for (const char* name : {"AWS_SECRET_ACCESS_KEY", "CUDA_API_KEY", "NCCL_TOKEN", "NCCL_CRED", "NCCL_PWD", "NCCL_SECRETJ", "MY_PASSWORD", "HF_HOME"})
        setenv(name, secret.c_str(), 1);
    setenv("OMP_NUM_THREADS", "3", 1);
    setenv("NCCL_IB_HCA", ("token=" + secret).c_str(), 1);
    const auto outcome = record(shell("exit 0"));
    for (const char* name : {"AWS_SECRET_ACCESS_KEY", "CUDA_API_KEY", "NCCL_TOKEN", "NCCL_CRED", "NCCL_PWD", "NCCL_SECRETJ", "MY_PASSWORD", "HF_HOME", "OMP_NUM_THREADS", "NCCL_IB_HCA"})
        unsetenv(name);
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(readFile(m_output)->find(secret), std::string::npos);
    // The key hashes settings, so that one changed makes another key.
    EXPECT_EQ(sql("SELECT value FROM RIDGE_ENVIRONMENT WHERE name = 'env.OMP_NUM_THREADS'"), "3");
}

TEST(Environment, KeyDependsOnKeyFieldsOnly) {
    const std::vector<EnvironmentEntry> a = {{"cpu.model", "key", "x"}, {"os.load", "volatile", "1"}};
    const std::vector<EnvironmentEntry> b = {{"cpu.model", "key", "x"}, {"os.load", "volatile", "2"}};
    const std::vector<EnvironmentEntry> c = {{"cpu.model", "key", "y"}};
    EXPECT_EQ(environmentKey(a), environmentKey(b));
    EXPECT_NE(environmentKey(a), environmentKey(c));
    EXPECT_EQ(environmentKey(a).size(), 64U);
}

// The recorder is killed with kill -9; what it had drained and what was still in rings is recovered.
TEST_F(RecordTest, AKilledRecorderCanBeRecovered) {
    const pid_t recorderPid = fork();
    ASSERT_GE(recorderPid, 0);
    if (recorderPid == 0) {
        auto o = shell("exec sleep 20 >/dev/null 2>&1");  // outlives us, and must hold nobody's pipe
        o.detectPreemption = false;
        _exit(record(o).ok() ? 0 : 1);
    }
    const std::string spool = m_output + ".spool";
    for (int i = 0; i < 200 && !fs::exists(spool + "/session.json"); ++i) usleep(20'000);
    usleep(300'000);
    auto session = readSession(spool);
    ASSERT_TRUE(session.ok());
    test::FakeRing ring(4242, 4242);
    ring.header().anchorMonotonicNs = session->startMonotonicNs;
    ring.name(1, "r");
    for (std::uint64_t i = 0; i < 500; ++i)
        ring.range(1, static_cast<std::uint64_t>(session->startMonotonicNs) + i, static_cast<std::uint64_t>(session->startMonotonicNs) + i + 5);
    ring.saveRing(spool, session->ringDir, "4242-7-agent-0", 1616);
    auto second = shell("exit 0");
    const auto alsoThere = record(second);
    ASSERT_FALSE(alsoThere.ok());
    EXPECT_NE(alsoThere.error().message.find(fmt::format("process {}", recorderPid)), std::string::npos) << alsoThere.error().message;
    EXPECT_EQ(alsoThere.error().message.find("remove"), std::string::npos) << alsoThere.error().message;
    second.force = true;
    EXPECT_FALSE(record(second).ok()) << "nor with --force";
    const auto refused = recover(spool, m_output, false);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("still recording"), std::string::npos);
    kill(recorderPid, SIGKILL);
    waitpid(recorderPid, nullptr, 0);
    const auto outcome = recover(spool, m_output, false);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->events, 500U);
    EXPECT_EQ(outcome->lost, 0U);
    EXPECT_EQ(sql("SELECT outcome FROM RIDGE_RUN"), "recovered");
    EXPECT_EQ(sql("SELECT count(*) FROM NVTX_EVENTS WHERE eventType = 59 AND end = start + 5"), "500");
    EXPECT_FALSE(fs::exists(spool));
    EXPECT_FALSE(fs::exists(session->ringDir));
}

// SIGQUIT is an end like the others: the program gets it, and the file is made.
TEST_F(RecordTest, QuitIsForwardedAndFlushed) {
    const pid_t recorderPid = fork();
    ASSERT_GE(recorderPid, 0);
    if (recorderPid == 0) {
        auto o = shell("ulimit -c 0; exec sleep 20 >/dev/null 2>&1");
        o.detectPreemption = false;
        const auto outcome = record(o);
        _exit(outcome.ok() && outcome->interruptedBy == SIGQUIT ? outcome->programStatus : 1);
    }
    const std::string spool = m_output + ".spool";
    for (int i = 0; i < 500 && !fs::exists(spool + "/session.json"); ++i) usleep(20'000);
    usleep(300'000);
    kill(recorderPid, SIGQUIT);
    int status = 0;
    waitpid(recorderPid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 128 + SIGQUIT);
    EXPECT_EQ(sql("SELECT exitStatus FROM RIDGE_RUN"), "131");
    EXPECT_FALSE(fs::exists(spool));
}

TEST_F(RecordTest, FoldersThatAreNoRecording) {
    const auto message = [&](const std::string& folder) {
        const auto outcome = recover(folder, m_output, false);
        return outcome.ok() ? std::string("ok") : outcome.error().message;
    };
    EXPECT_NE(message("").find("no folder was named"), std::string::npos);
    EXPECT_NE(message(m_output + ".none").find("is no folder"), std::string::npos);
    EXPECT_NE(message(m_dir.path().string()).find("no recording in this folder"), std::string::npos);
    std::ofstream(m_dir.path() / "control") << "x";  // cut off before it had begun
    EXPECT_NE(message(m_dir.path().string()).find("nothing was recorded; remove"), std::string::npos);
    for (const char* text : {"", "{", "[1]", "{\"format\": 3}", "{\"format\": \"ridge-session-1\", \"command\": 7}", "\xff\xfe"}) {
        std::ofstream(m_dir.path() / "session.json") << text;
        const std::string said = message(m_dir.path().string());
        EXPECT_NE(said.find("session.json: "), std::string::npos) << said;
        EXPECT_EQ(said.find("exception"), std::string::npos) << said;
        EXPECT_EQ(said.find("json."), said.find("json.exception")) << said;
    }
}

// The output's disk is full: the program is unharmed, the spool stays, and recovering elsewhere works.
TEST_F(RecordTest, ADiskThatIsFullKeepsTheSpool) {
    const fs::path mountPoint = m_dir.path() / "small";
    fs::create_directory(mountPoint);
    if (geteuid() != 0 || mount("ridge", mountPoint.c_str(), "tmpfs", 0, "size=192k") != 0)
        GTEST_SKIP() << "a small file system cannot be mounted here";
    auto o = shell("sleep 0.3; exit 5");
    o.output = (mountPoint / "t.sqlite").string();
    o.spoolDir = (m_dir.path() / "spool").string();
    const auto outcome = record(o);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().code, ErrorCode::kMeasurement);
    EXPECT_NE(outcome.error().message.find("--recover"), std::string::npos);
    EXPECT_FALSE(fs::exists(o.output));
    const auto recovered = recover(o.spoolDir, m_output, false);
    umount(mountPoint.c_str());
    ASSERT_TRUE(recovered.ok()) << recovered.error().message;
    EXPECT_EQ(recovered->programStatus, 5);
    EXPECT_EQ(sql("SELECT outcome FROM RIDGE_RUN"), "complete");
}

// A limit that the recorder's first files meet already is an error of its own, said in words.
TEST_F(RecordTest, ALimitOnFileSizesIsAnError) {
    const pid_t recorderPid = fork();
    ASSERT_GE(recorderPid, 0);
    if (recorderPid == 0) {
        signal(SIGXFSZ, SIG_DFL);  // as a shell has it, whatever ran before in this program
        const rlimit limit{1024, 1024};
        setrlimit(RLIMIT_FSIZE, &limit);
        const auto outcome = record(shell("exit 0"));
        _exit(!outcome.ok() && outcome.error().code == ErrorCode::kIo ? 0 : 1);
    }
    int status = 0;
    waitpid(recorderPid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_FALSE(fs::exists(m_output + ".spool"));
}

// Killed before its program was started, a recorder leaves a folder with nothing in it: no obstacle.
TEST_F(RecordTest, WhatWasCutOffBeforeItsProgramStartedMakesRoom) {
    const fs::path session = m_output + ".spool";
    const fs::path rings = "/dev/shm/ridge-" + makeRunId();
    const auto leave = [&] {
        fs::create_directory(session);
        std::ofstream(session / "recorder.spool") << "spool";
        Control control;
        ASSERT_TRUE(control.map((session / "control").string(), true).ok());
        std::strcpy(control.block()->ringDir, rings.c_str());
        control.block()->recorderPid = 1;  // lives, and has no heartbeat
        fs::create_directory(rings);
    };
    leave();
    const auto outcome = record(shell("exit 3"));
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->programStatus, 3);
    EXPECT_FALSE(fs::exists(session));
    EXPECT_FALSE(fs::exists(rings));

    fs::remove(m_output);
    leave();
    {
        FolderClaim begun;  // another begins it now
        ASSERT_EQ(begun.take(session.string()), FolderClaim::Taken::kYes);
        EXPECT_FALSE(record(shell("exit 0")).ok());
    }
    std::ofstream(session / "1-1.spool") << "of a program";
    EXPECT_FALSE(record(shell("exit 0")).ok());
    EXPECT_TRUE(fs::exists(session / "1-1.spool"));
    EXPECT_TRUE(fs::exists(session / "recorder.spool"));
    fs::remove(rings);
}

// One that was begun with our output's name keeps it, whoever made the folder.
TEST_F(RecordTest, OneRecordingClaimsAFolder) {
    const std::string session = (m_dir.path() / "claimed").string();
    fs::create_directory(session);
    FolderClaim first, second;
    EXPECT_EQ(first.take(session), FolderClaim::Taken::kYes);
    EXPECT_EQ(second.take(session), FolderClaim::Taken::kByAnother);
    EXPECT_FALSE(removeUnbegun(session));
    first.release();
    EXPECT_TRUE(removeUnbegun(session));
    EXPECT_FALSE(fs::exists(session));
    EXPECT_EQ(second.take(session), FolderClaim::Taken::kByAnother) << "nothing is there to be had";
}

// Gaps of a spool on a full tmpfs: reading a mapped one would be a SIGBUS.
TEST_F(RecordTest, HolesOfAFullMemoryFileSystemAreRead) {
    const fs::path mountPoint = m_dir.path() / "small";
    fs::create_directory(mountPoint);
    if (geteuid() != 0 || mount("ridge", mountPoint.c_str(), "tmpfs", 0, "size=64k") != 0)
        GTEST_SKIP() << "a small file system cannot be mounted here";
    constexpr std::size_t kBytes = 1000000;
    const std::string path = (mountPoint / "a.spool").string();
    {
        std::ofstream out(path, std::ios::binary);
        out << "begin";
        out.seekp(500000);
        out << "middle";
        out.seekp(kBytes - 3);
        out << "end";
    }
    std::ofstream(mountPoint / "fill") << std::string(100000, 'x');
    ASSERT_EXIT(
        {
            const MappedFile file = MappedFile::open(path);
            const auto bytes = file.bytes();
            const std::string all(bytes.begin(), bytes.end());
            std::string expected(kBytes, '\0');
            expected.replace(0, 5, "begin").replace(500000, 6, "middle").replace(kBytes - 3, 3, "end");
            _exit(all == expected ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
    umount(mountPoint.c_str());
}

// Who records into a session or makes its file holds its lock; it goes with the process, however that ends.
TEST_F(RecordTest, ASessionHasOneWorkerAtATime) {
    const std::string session = m_dir.path().string();
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t worker = fork();
    if (worker == 0) {
        Control control;
        const bool locked = control.map(session + "/control", true).ok() && control.lock();
        control.block()->recorderPid = getpid();  // and no heartbeat at all
        [[maybe_unused]] const ssize_t told = write(ready[1], locked ? "1" : "0", 1);
        pause();
        _exit(0);
    }
    char locked = '?';
    ASSERT_EQ(read(ready[0], &locked, 1), 1);
    EXPECT_EQ(locked, '1');
    EXPECT_EQ(liveRecorder(session), worker);
    Control second;
    ASSERT_TRUE(second.map(session + "/control", false).ok());
    EXPECT_FALSE(second.lock());
    kill(worker, SIGKILL);
    waitpid(worker, nullptr, 0);
    EXPECT_EQ(liveRecorder(session), 0);
    EXPECT_TRUE(second.lock());
    close(ready[0]);
    close(ready[1]);
}

// Each generation lives for milliseconds and ends as soon as it has a child, as one that becomes a
// daemon does: a look that reads the list of processes once finds nobody now and then.
TEST_F(RecordTest, ProcessesAreFoundWhileTheyComeAndGo) {
    const std::string session = m_output + ".spool";
    const fs::path done = m_dir.path() / "done", stop = m_dir.path() / "stop";
    const std::string script = fmt::format(
        "busy() {{ i=0; while [ $i -lt 1500 ]; do i=$((i+1)); done; }}\n"
        "step() {{ ( busy; if [ $1 -gt 0 ]; then step $(($1-1)); else : > {}; while [ ! -e {} ]; do busy; done; fi ) & }}\n"
        "step 300",
        done.string(), stop.string());
    const std::string variable = fmt::format("{}={}", spool::kSessionVariable, session);
    const pid_t first = fork();
    ASSERT_GE(first, 0);
    if (first == 0) {
        execl("/usr/bin/env", "env", variable.c_str(), "/bin/sh", "-c", script.c_str(), nullptr);
        _exit(127);
    }
    const std::int64_t until = monotonicNs() + 60'000'000'000;
    while (processesOfSession(session).empty() && monotonicNs() < until) {
    }
    int looks = 0, missed = 0;
    for (; !fs::exists(done) && monotonicNs() < until; ++looks)
        missed += processesOfSession(session).empty();
    EXPECT_TRUE(fs::exists(done));
    std::ofstream(stop) << "now";
    EXPECT_GT(looks, 3);
    EXPECT_EQ(missed, 0) << "of " << looks;
    waitpid(first, nullptr, 0);
    while (!processesOfSession(session).empty() && monotonicNs() < until) usleep(10'000);
}

TEST(OutputName, PatternsAreCheckedWithoutTheirVariables) {
    unsetenv("RIDGE_TEST_RANK");
    EXPECT_TRUE(checkOutputPattern("a-%q{RIDGE_TEST_RANK}-%p-%h-%n-%%.sqlite").ok());
    EXPECT_FALSE(expandOutput("a-%q{RIDGE_TEST_RANK}", 1, 1).ok());
    for (const char* wrong : {"a-%z", "a-%", "a-%q", "a-%q{RANK"}) EXPECT_FALSE(checkOutputPattern(wrong).ok()) << wrong;
    setenv("RIDGE_TEST_RANK", "7", 1);
    EXPECT_EQ(*expandOutput("a-%q{RIDGE_TEST_RANK}-%p-%n-%%", 12, 3), "a-7-12-3-%");
    setenv("RIDGE_TEST_RANK", "7/..", 1);
    EXPECT_FALSE(expandOutput("a-%q{RIDGE_TEST_RANK}", 1, 1).ok()) << "a slash would lead elsewhere";
    unsetenv("RIDGE_TEST_RANK");
}

}  // namespace
}  // namespace ridge::recorder
