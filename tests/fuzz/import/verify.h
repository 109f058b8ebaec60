// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What must hold for every input; what does not hold ends the process, which is what a fuzzer sees.

#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "analyzer/analyze.h"
#include "analyzer/timeline/timeline.h"

namespace ridge::test {

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

inline void verifyError(const Error& error) {
    require(error.code != ErrorCode::kInternal, "no internal error");
    require(!error.message.empty() && error.message.find('\n') == std::string::npos, "an error is one line");
}

// The invariants of timeline.h.
inline void verifyTimeline(const analyzer::Timeline& t) {
    const auto index = [](std::int32_t i, std::size_t size) { return i == analyzer::kNoIndex || (i >= 0 && static_cast<std::size_t>(i) < size); };
    const auto times = [](analyzer::Ns start, analyzer::Ns end) {
        require(start <= end && start > -analyzer::kMaxTime * 2 && end < analyzer::kMaxTime * 2, "rows have times");
    };
    analyzer::Ns last = -analyzer::kMaxTime * 2;
    for (const auto& row : t.gpu) {
        times(row.start, row.end);
        require(row.start >= last, "rows are sorted");
        last = row.start;
        require(row.device >= 0 && index(row.device, t.devices.size()) && index(row.process, t.processes.size()) &&
                    index(row.launch, t.calls.size()) && index(row.op, t.ranges.size()) &&
                    index(row.collective, t.collectives.size()) && row.name.value < t.names.size(),
                "GPU rows point at rows");
    }
    for (const auto& row : t.calls) {
        times(row.start, row.end);
        require(row.thread >= 0 && index(row.thread, t.threads.size()), "calls have threads");
    }
    for (const auto& row : t.ranges) {
        times(row.start, row.end);
        require(row.thread >= 0 && index(row.thread, t.threads.size()) && index(row.work, t.works.size()), "ranges have threads");
    }
    for (const auto& row : t.syncs) {
        times(row.start, row.end);
        require(index(row.device, t.devices.size()) && index(row.process, t.processes.size()) && index(row.launch, t.calls.size()),
                "waits point at rows");
    }
    for (const auto& row : t.flows)
        require(row.fromThread >= 0 && row.toThread >= 0 && index(row.fromThread, t.threads.size()) && index(row.toThread, t.threads.size()),
                "hand-offs have threads");
    for (const auto& thread : t.threads) require(thread.process >= 0 && index(thread.process, t.processes.size()), "threads have processes");
}

inline void verifyAnswer(const Result<analyzer::Analysis>& answer) {
    if (!answer.ok()) return verifyError(answer.error());
    for (const auto& step : answer->steps)
        require(std::accumulate(step.classes.begin(), step.classes.end(), analyzer::Ns{0}) == step.endNs - step.startNs, "classes add up");
    for (const auto& device : answer->devices)
        require(device.spanNs == device.busyNs + device.idleNs && device.idleNs >= 0, "a device's times add up");
    for (const auto& f : answer->findings)
        require(f.savingHighNs <= f.costNs && f.savingLowNs <= f.savingHighNs && !f.evidence.empty(), "findings have measure");
}

}  // namespace ridge::test
