// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/wait.h"

#include "base/clock.h"

#include <cerrno>
#include <iterator>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace ridge::recorder {
namespace {

constexpr int kEndingSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
// Job managers announce the end of the time with these; they are the program's to answer.
constexpr int kMessages[] = {SIGUSR1, SIGUSR2};

int openPidFd(std::int32_t pid) {
    return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

}  // namespace

bool isEndingSignal(int signal) {
    for (const int ending : kEndingSignals)
        if (signal == ending) return true;
    return false;
}

Wait::Wait() {
    sigemptyset(&m_taken);
    for (const int signal : kEndingSignals) sigaddset(&m_taken, signal);
    for (const int signal : kMessages) sigaddset(&m_taken, signal);
    sigaddset(&m_taken, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &m_taken, &m_before);
    m_signals = signalfd(-1, &m_taken, SFD_CLOEXEC | SFD_NONBLOCK);
    m_epoll = epoll_create1(EPOLL_CLOEXEC);
}

Wait::~Wait() {
    for (const auto& [pid, fd] : m_watched)
        if (fd >= 0) close(fd);
    if (m_epoll >= 0) close(m_epoll);
    if (m_signals >= 0) close(m_signals);
    pthread_sigmask(SIG_SETMASK, &m_before, nullptr);
}

void Wait::watch(std::int32_t pid) {
    if (pid <= 0 || m_watched.contains(pid)) return;
    int fd = openPidFd(pid);
    if (fd < 0 && errno == ESRCH) {
        m_ended.push_back({pid, monotonicNs()});
        return;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(pid);
    if (fd >= 0 && epoll_ctl(m_epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        close(fd);
        fd = -1;
    }
    m_watched.emplace(pid, fd);
    m_withoutFd += fd < 0 ? 1 : 0;
}

void Wait::lookAtProcesses() {
    epoll_event events[64];
    for (;;) {
        const int count = epoll_wait(m_epoll, events, static_cast<int>(std::size(events)), 0);
        const std::int64_t now = monotonicNs();
        for (int i = 0; i < count; ++i) {
            const auto found = m_watched.find(static_cast<std::int32_t>(events[i].data.u64));
            if (found == m_watched.end()) continue;
            m_ended.push_back({found->first, now});
            close(found->second);
            m_watched.erase(found);
        }
        if (count < static_cast<int>(std::size(events))) break;
    }
    if (m_withoutFd == 0) return;
    for (auto at = m_watched.begin(); at != m_watched.end();) {
        const bool ended = at->second < 0 && kill(at->first, 0) != 0 && errno == ESRCH;
        if (ended) {
            m_ended.push_back({at->first, monotonicNs()});
            --m_withoutFd;
        }
        at = ended ? m_watched.erase(at) : std::next(at);
    }
}

int Wait::forSignal(std::int64_t ns, pid_t program) {
    const timespec timeout{ns / 1'000'000'000, ns % 1'000'000'000};
    pollfd fds[2] = {{m_signals, POLLIN, 0}, {m_epoll, POLLIN, 0}};
    ppoll(fds, 2, &timeout, nullptr);
    lookAtProcesses();
    const timespec now{};
    siginfo_t info{};
    for (;;) {  // SIGCHLD only wakes us: the caller looks for itself
        const int signal = sigtimedwait(&m_taken, &info, &now);
        if (signal < 0) return 0;
        if (signal == SIGCHLD) continue;
        if (info.si_code <= 0 && program > 0) kill(program, signal);
        if (isEndingSignal(signal)) return signal;
    }
}

std::vector<EndedProcess> Wait::takeEnded() {
    lookAtProcesses();
    return std::exchange(m_ended, {});
}

}  // namespace ridge::recorder
