// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/app/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "cli/app/app.h"

extern char** environ;

namespace ridge::cli {
namespace {

constexpr std::size_t kMostOutput = std::size_t{64} << 20;
constexpr std::int64_t kPatienceNs = 200'000'000;
// Between asking to end, so that folders are removed, and killing; with the patience less than the least reserve of a
// budget (health/budget.cpp).
constexpr std::int64_t kGraceNs = 400'000'000;

int exitCodeOf(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

// Reads what is there; false at the end of the stream.
bool drain(int fd, std::string& into) {
    char buffer[1 << 14];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    if (into.size() < kMostOutput) into.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
}

bool hasEnded(pid_t pid) {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

// Asks the group of a process to end, and kills what is left of it when the grace is over or the process has ended.
class Ending {
public:
    explicit Ending(pid_t pid) : m_pid(pid) {}
    // True where it killed.
    bool press() {
        if (m_killed) return false;
        if (m_toldNs == 0) {
            kill(-m_pid, SIGTERM);
            m_toldNs = monotonicNs();
            return false;
        }
        if (monotonicNs() - m_toldNs <= kGraceNs && !hasEnded(m_pid)) return false;
        kill(-m_pid, SIGKILL);
        return m_killed = true;
    }

private:
    pid_t m_pid;
    std::int64_t m_toldNs = 0;
    bool m_killed = false;
};

void collect(Ending& ending, std::array<int, 2> fds, std::int64_t deadline, ProcessResult& result) {
    std::int64_t patience = INT64_MAX;  // with a grandchild in a session of its own, which no signal reached, and which holds the pipe
    while ((fds[0] >= 0 || fds[1] >= 0) && monotonicNs() < patience) {
        std::array<pollfd, 2> polls{pollfd{fds[0], POLLIN, 0}, pollfd{fds[1], POLLIN, 0}};
        poll(polls.data(), polls.size(), 100);
        for (std::size_t i = 0; i < 2; ++i)
            if (polls[i].revents && !drain(fds[i], i == 0 ? result.output : result.messages)) {
                close(fds[i]);
                fds[i] = -1;
            }
        result.timedOut = result.timedOut || monotonicNs() > deadline;
        if ((result.timedOut || interruptedBy()) && ending.press()) patience = monotonicNs() + kPatienceNs;
    }
    for (const int fd : fds)
        if (fd >= 0) close(fd);
}

// One that has closed its output may still run.
int waitForEnd(pid_t pid, Ending& ending, std::int64_t deadline, ProcessResult& result) {
    constexpr int kLookMs = 5;
    int status = 0;
    for (;;) {
        const pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR)) return status;
        const bool late = monotonicNs() > deadline;
        if (late || interruptedBy()) ending.press();
        result.timedOut = result.timedOut || late;
        poll(nullptr, 0, kLookMs);
    }
}

}  // namespace

Result<ProcessResult> runProcess(const std::vector<std::string>& command, double limitSeconds) {
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) != 0) return Error{ErrorCode::kIo, fmt::format("cannot make a pipe: {}", std::strerror(errno))};
    if (pipe2(err, O_CLOEXEC) != 0) {
        close(out[0]), close(out[1]);
        return Error{ErrorCode::kIo, fmt::format("cannot make a pipe: {}", std::strerror(errno))};
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // so that all of it can be killed
    posix_spawnattr_setpgroup(&attributes, 0);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int error = posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(out[1]), close(err[1]);
    if (error != 0) {
        close(out[0]), close(err[0]);
        return Error{ErrorCode::kIo, fmt::format("cannot start {}: {}", command[0], std::strerror(error))};
    }
    ProcessResult result;
    const std::int64_t deadline = monotonicNs() + static_cast<std::int64_t>(limitSeconds * 1e9);
    Ending ending(pid);
    collect(ending, {out[0], err[0]}, deadline, result);
    result.status = exitCodeOf(waitForEnd(pid, ending, deadline, result));
    return result;
}

OutputToFile::OutputToFile(const std::string& path) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) return;
    std::fflush(nullptr);
    m_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    m_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    close(file);
}

OutputToFile::~OutputToFile() {
    std::fflush(nullptr);
    if (m_stdout >= 0) dup2(m_stdout, STDOUT_FILENO), close(m_stdout);
    if (m_stderr >= 0) dup2(m_stderr, STDERR_FILENO), close(m_stderr);
}

struct ProgressLine::State {
    std::mutex mutex;
    std::condition_variable wake;
    bool done = false;
    int terminal = -1;
    std::thread thread;
};

ProgressLine::ProgressLine(bool enabled, std::string text) {
    if (!enabled || !isatty(STDERR_FILENO) || std::getenv("CI")) return;
    m_state = new State;
    m_state->terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);  // stays the terminal when stderr is redirected
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the threads that wait for them
    m_state->thread = std::thread([state = m_state, text = std::move(text)] {
        const std::int64_t start = monotonicNs();
        std::unique_lock lock(state->mutex);
        bool shown = false;
        while (!state->wake.wait_for(lock, std::chrono::milliseconds(1000), [&] { return state->done; })) {
            const std::string line = fmt::format("\r\x1b[K{} ({} s)", text, (monotonicNs() - start) / 1'000'000'000);
            shown = write(state->terminal, line.data(), line.size()) > 0 || shown;
        }
        if (shown && write(state->terminal, "\r\x1b[K", 4) < 0) return;
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ProgressLine::~ProgressLine() {
    if (!m_state) return;
    {
        const std::lock_guard lock(m_state->mutex);
        m_state->done = true;
    }
    m_state->wake.notify_all();
    m_state->thread.join();
    close(m_state->terminal);
    delete m_state;
}

}  // namespace ridge::cli
