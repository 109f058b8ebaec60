// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a recording waits for: signals to the recorder, and ends of the processes that it records.
// One thread. The signals are blocked while the object lives, and the process's own again
// afterwards. A process that was killed is noticed as any other, within the time that the caller
// takes to come back; where the kernel has no pidfd (before 5.3) or no descriptor is left, by
// looking at each wait.

#include <cstdint>
#include <map>
#include <signal.h>
#include <sys/types.h>
#include <vector>

namespace ridge::recorder {

struct EndedProcess {
    std::int32_t pid;
    std::int64_t monotonicNs;
};

// SIGINT, SIGTERM, SIGHUP and SIGQUIT: each ends a recording that nobody handles otherwise.
bool isEndingSignal(int signal);

class Wait {
public:
    Wait();
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    [[nodiscard]] const sigset_t& maskBefore() const { return m_before; }

    // Tells of this process's end from now on. One that is no more has ended by now.
    void watch(std::int32_t pid);

    // Until a signal comes, a watched process ends, or ns have passed. Returns the ending signal
    // that came, or 0; SIGUSR1 and SIGUSR2 only go on. What somebody sent to us alone goes on to the program; what the terminal
    // sent has reached it already, as it is in the same foreground group.
    int forSignal(std::int64_t ns, pid_t program);

    // Who has ended since the last call.
    std::vector<EndedProcess> takeEnded();

private:
    void lookAtProcesses();
    sigset_t m_taken{};
    sigset_t m_before{};
    int m_signals = -1;                     // signalfd: wakes us
    int m_epoll = -1;                       // the pidfds
    std::map<std::int32_t, int> m_watched;  // pid -> pidfd; -1: looked at with kill(pid, 0)
    std::size_t m_withoutFd = 0;
    std::vector<EndedProcess> m_ended;
};

}  // namespace ridge::recorder
