// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Who is ended with a program: all that it started, also what it starts while it is looked for.
#include "collector/recorder/ending.h"

#include "base/file.h"
#include "collector/recorder/processes.h"
#include "collector/recorder/record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace ridge::recorder {
namespace {

// Of a group of processes, those that have not ended.
int runningInGroup(pid_t group) {
    int running = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const int pid = std::atoi(entry.path().filename().c_str());
        running += pid > 0 && getpgid(pid) == group && isRunning(pid) ? 1 : 0;
    }
    return running;
}

// As many children as that, as fast as it can; each waits for its end.
[[noreturn]] void startOthers(int count) {
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < count; ++i)
        if (fork() == 0) {
            alarm(60);
            for (;;) pause();
        }
    for (;;) pause();
}

TEST(Ending, WhoIsStartedWhileOthersAreKilledIsKilledToo) {
    const pid_t program = fork();
    if (program == 0) {
        setpgid(0, 0);
        alarm(60);
        // Two levels: a child that starts others is itself found only by a look.
        if (fork() == 0) startOthers(150);
        startOthers(150);
    }
    setpgid(program, program);
    while (runningInGroup(program) < 10) usleep(1000);
    EXPECT_GE(signalTrees({program}, SIGKILL).size(), 10U);
    ASSERT_EQ(waitpid(program, nullptr, 0), program);
    for (int i = 0; i < 500 && runningInGroup(program) > 0; ++i) usleep(10'000);
    EXPECT_EQ(runningInGroup(program), 0);
    kill(-program, SIGKILL);
}

TEST(Ending, AProgramThatStartsOthersUntilItsTimeIsUpLeavesNobody) {
    auto folder = TempDir::create("ridge-ending");
    ASSERT_TRUE(folder.ok());
    RecordOptions options;
    options.output = (folder->path() / "t.sqlite").string();
    options.quiet = true;
    options.timeoutSeconds = 0.15;
    options.command = {"/bin/sh", "-c",
                       "i=0; while [ $i -lt 400 ]; do sleep 60 & i=$((i+1)); done; wait"};
    const auto outcome = record(options);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_TRUE(outcome->timedOut);
    for (int i = 0; i < 100 && !processesOfSession(options.output + ".spool").empty(); ++i)
        usleep(20'000);
    const std::set<std::int32_t> left = processesOfSession(options.output + ".spool");
    EXPECT_TRUE(left.empty()) << left.size();
    signalTrees(left, SIGKILL);
}

TEST(Ending, WhoHasLostItsParentIsEndedUnlessItLeftTheGroup) {
    auto folder = TempDir::create("ridge-ending");
    ASSERT_TRUE(folder.ok());
    const std::string pids = (folder->path() / "pids").string();
    RecordOptions options;
    options.output = (folder->path() / "t.sqlite").string();
    options.quiet = true;
    options.timeoutSeconds = 0.5;
    // The first is an orphan at once, the second a daemon.
    options.command = {
        "/bin/sh", "-c",
        fmt::format("(sleep 60 & echo $! > {0}); (setsid sleep 61 & echo $! >> {0}); sleep 62",
                    pids)};
    const auto outcome = record(options);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_TRUE(outcome->timedOut);
    std::ifstream file(pids);
    int orphan = 0, daemon = 0;
    ASSERT_TRUE(file >> orphan >> daemon);
    for (int i = 0; i < 100 && isRunning(orphan); ++i) usleep(20'000);
    EXPECT_FALSE(isRunning(orphan));
    EXPECT_TRUE(isRunning(daemon));
    kill(daemon, SIGKILL);
    kill(orphan, SIGKILL);
}

}  // namespace
}  // namespace ridge::recorder
