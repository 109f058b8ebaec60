// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// session.json: what was started, where the rings are, and how it ended. Written when the recording
// begins and again when it ends, so that a session whose recorder was killed can be converted all
// the same.

#include "base/result.h"
#include "collector/recorder/environment.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ridge::recorder {

struct SourceState {
    std::string name;  // 'nvtx', 'cuda', 'io', 'nvml', 'preemption', ...
    bool on = false;
    std::string reason;  // why it is off
};

struct SessionInfo {
    std::string runId;
    std::vector<std::string> command;
    std::string workingDirectory;
    std::string toolVersion;
    std::string ringDir;
    std::string output;
    std::int32_t programPid = 0;        // 0: not known
    std::int64_t recorderBytes = 0;     // of recorder.spool when this was written; 0: not known
    std::uint64_t recorderLost = 0;     // its own records that could not be written
    std::int64_t startMonotonicNs = 0;  // t = 0
    std::int64_t startUtcNs = 0;
    std::int64_t endMonotonicNs = 0;  // 0: not known
    double nsPerTick = 0;             // first estimate of the cycle counter's rate; 0: none taken
    std::string cudaTrouble;          // why no program could use CUDA; empty: none known
    std::optional<int> exitStatus;
    std::string outcome = "recovered";  // until record() itself has ended well
    std::vector<SourceState> sources;
    std::vector<EnvironmentEntry> environment;
    std::vector<std::pair<std::string, std::string>> ioClasses;  // class, pattern
    std::vector<std::string> notes;
    std::vector<std::pair<std::string, std::uint64_t>> losses;  // of the recorder's own sources, for RIDGE_LOSS
};

Status writeSession(const std::string& folder, const SessionInfo& info);
// Errors: no session.json, or one that is not ours. Missing fields keep their defaults.
Result<SessionInfo> readSession(const std::string& folder);

}  // namespace ridge::recorder
