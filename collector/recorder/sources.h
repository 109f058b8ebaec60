// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a recording says of its sources (RIDGE_SOURCE, notes, losses): which were on, and why the
// others were not. Each is called once, when its source is over or will not come.

#include "collector/recorder/injection.h"
#include "collector/recorder/perf/perf_events.h"
#include "collector/recorder/record.h"
#include "collector/recorder/recorder_spool.h"
#include "collector/recorder/sample/preemption.h"
#include "collector/recorder/sample/sampler.h"
#include "collector/recorder/session.h"

namespace ridge::recorder {

// The agents that go into the program.
void describeAgents(const RecordOptions& options, const Injection& injection, SessionInfo& info);
// After both were stopped. What the detector cost goes into the spool.
void describeSystem(const RecordOptions& options, const Sampler& sampler,
                    const PreemptionDetector& preemption, SessionInfo& info, RecorderSpool& spool);
// Each with what is less than was asked for, and every record that did not come through.
void describePerf(const RecordOptions& options, PerfEvents& perf, SessionInfo& info);

}  // namespace ridge::recorder
