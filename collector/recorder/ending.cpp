// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/ending.h"

#include "collector/recorder/processes.h"

#include <algorithm>
#include <signal.h>
#include <unistd.h>

namespace ridge::recorder {
namespace {

// Between asking the program to end and killing it.
constexpr std::int64_t kGraceNs = 5'000'000'000;
constexpr int kMostLooks = 200;
constexpr unsigned kStopPauseUs = 500;

std::set<std::int32_t> treesOf(const std::set<std::int32_t>& roots) {
    std::set<std::int32_t> all;
    for (const std::int32_t pid : roots) addProcessTree(pid, all);
    return all;
}

}  // namespace

std::set<std::int32_t> signalTrees(const std::set<std::int32_t>& roots, int signal) {
    const bool stops = signal == SIGKILL;
    std::set<std::int32_t> reached;
    for (int look = 0; look < kMostLooks; ++look) {
        // A signal takes a moment to arrive: until all have stopped, one may still start another.
        const bool still = !stops || std::none_of(reached.begin(), reached.end(), mayStartOthers);
        std::set<std::int32_t> from = roots;  // whose parent ended meanwhile hangs on no root
        from.insert(reached.begin(), reached.end());
        bool anyNew = false;
        for (const std::int32_t pid : treesOf(from)) {
            if (!reached.insert(pid).second) continue;
            kill(pid, stops ? SIGSTOP : signal);
            anyNew = true;
        }
        if (!anyNew && still) break;
        if (!still) usleep(kStopPauseUs);
    }
    if (stops)
        for (const std::int32_t pid : reached) kill(pid, SIGKILL);
    return reached;
}

Ending::Ending(const RecordOptions& options, const std::string& session)
    : m_options(options), m_session(session) {}

std::set<std::int32_t> Ending::orphans() const {
    std::set<std::int32_t> found;
    if (m_options.takenOver || m_group <= 0) return found;
    for (const std::int32_t pid : processesOfSession(m_session))
        if (getpgid(pid) == m_group) found.insert(pid);
    return found;
}

std::set<std::int32_t> Ending::startedBy(pid_t program) {
    m_group = getpgid(program);
    std::set<std::int32_t> roots = orphans();
    roots.insert(program);
    return roots;
}

void Ending::tell(pid_t program, int signal, std::int64_t now) {
    m_toldNs = now;
    m_told = signalTrees(startedBy(program), signal);
}

void Ending::wasTold(std::int64_t now) {
    if (m_toldNs == 0) m_toldNs = now;
}

void Ending::keepTime(pid_t program, std::int64_t startNs, std::int64_t now) {
    const auto limit = static_cast<std::int64_t>(m_options.timeoutSeconds * 1e9);
    if (limit > 0 && !m_timedOut && now - startNs >= limit) {
        m_timedOut = true;
        tell(program, SIGTERM, now);
    }
    if (m_toldNs != 0 && now - m_toldNs >= kGraceNs) signalTrees(startedBy(program), SIGKILL);
}

void Ending::programEnded(pid_t program) {
    if (m_told.empty()) return;
    std::set<std::int32_t> living = orphans();  // started between the look and the signal
    for (const std::int32_t pid : m_told)
        if (pid != program && isRunning(pid)) living.insert(pid);
    signalTrees(living, SIGKILL);
}

}  // namespace ridge::recorder
