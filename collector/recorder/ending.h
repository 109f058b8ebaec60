// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How a recorded program is ended, and with it all that it has started: by a signal, and by SIGKILL
// who does not end by that in time. Times: CLOCK_MONOTONIC ns. One thread.

#include "collector/recorder/record.h"

#include <cstdint>
#include <set>
#include <string>
#include <sys/types.h>

namespace ridge::recorder {

// Sends it, once each, to these processes and their descendants, those included that they start
// while it is done: looks until one finds nobody new. For SIGKILL each is stopped first, so that
// nobody can start another between the look that found it and its end; who ends by another signal
// may. Returns whom it was sent to.
std::set<std::int32_t> signalTrees(const std::set<std::int32_t>& roots, int signal);

class Ending {
public:
    // session: the folder. What was started in it, is in the program's process group and has lost
    // its parent is ended with the program; a daemon is not, since it has left the group, nor what
    // others have started who joined the recording. Both outlive this object.
    Ending(const RecordOptions& options, const std::string& session);

    void tell(pid_t program, int signal, std::int64_t now);
    // The program has got a signal from elsewhere, by which it is to end.
    void wasTold(std::int64_t now);
    // To be called every now and then while the program runs.
    void keepTime(pid_t program, std::int64_t startNs, std::int64_t now);
    // Who was told to end with the program and has outlived it.
    void programEnded(pid_t program);

    bool timedOut() const { return m_timedOut; }

private:
    // Of the program's group and session, whoever their parent is.
    std::set<std::int32_t> orphans() const;
    std::set<std::int32_t> startedBy(pid_t program);

    const RecordOptions& m_options;
    const std::string& m_session;
    bool m_timedOut = false;
    std::int64_t m_toldNs = 0;  // 0: it was not
    pid_t m_group = 0;          // the program's
    std::set<std::int32_t> m_told;
};

}  // namespace ridge::recorder
