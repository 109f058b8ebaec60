// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A session folder (schemas/spool/control_block.h) -> a timeline file (schemas/timeline.sql). Reads the
// spools, what still lies in live rings, and the ranges that are open; writes beside the output and
// renames at the end, so that the output is whole or not there. The session itself is only added
// to, never removed.

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ridge::recorder {

struct ConvertOutcome {
    std::uint64_t events = 0;         // ranges, marks, calls, kernels, copies, samples: rows of the timeline
    std::uint64_t lost = 0;           // records, as far as their number is known
    std::vector<std::string> damage;  // one line per file of the session that is missing or cut
    std::vector<std::string> notes;   // what else the user is to know, one line each
    std::uint64_t processes = 0;
    std::int64_t durationNs = 0;
};

// isToStop: asked after some ten thousand records each; true gives the file up. Errors: no session
// there (kBadInput), output not writable or disk full (kIo), given up (kMeasurement).
Result<ConvertOutcome> convert(const std::string& sessionFolder, const std::string& output,
                               const std::function<bool()>& isToStop = {});

}  // namespace ridge::recorder
