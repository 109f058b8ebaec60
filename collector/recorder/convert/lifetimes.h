// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// When each process image began and ended: the rows of RIDGE_PROCESS, which tell a reader where a
// range that never ended is to be closed. Times are ns since the start of the session. What the
// recorder did not see is bounded from below by what is certain: the last row of the process, and
// the recorder's last heartbeat, at which a process that had begun and not ended was alive.

#include "collector/recorder/convert/catalogue.h"
#include "collector/recorder/session.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ridge::recorder {

struct Lifetime {
    std::uint32_t pid = 0;
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::string kind;  // 'ended', 'exec', 'running', 'last_seen'
    std::optional<int> exitStatus;
};

// After the second pass. heartbeatNs: CLOCK_MONOTONIC, 0: not known. Sorted by pid and start.
std::vector<Lifetime> lifetimes(const SessionInfo& session, const Catalogue& catalogue,
                                std::int64_t heartbeatNs);

// The recorder's last sign of life, from the session's control block; 0: there is none.
std::int64_t lastHeartbeat(const std::string& sessionFolder);

}  // namespace ridge::recorder
