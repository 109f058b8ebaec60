// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The rows that describe the session instead of its events: run, clocks, environment, processes,
// ranks, threads, domains, schemas, devices, files, counters, losses, sources, diagnostics,
// metadata.

#include "collector/recorder/convert/emitter.h"
#include "collector/recorder/convert/lifetimes.h"
#include "collector/recorder/session.h"

#include <cstdint>

namespace ridge::recorder {

// After all rings were emitted, before StringIds are written. Returns the number of processes.
std::uint64_t writeSessionTables(const SessionInfo& session, Catalogue& catalogue, Emitter& emitter,
                                 Tables& tables, const std::vector<Lifetime>& processes,
                                 std::int64_t durationNs);

}  // namespace ridge::recorder
