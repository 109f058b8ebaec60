// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What holds for the numbers of every finding, from the report's own steps and classes: no saving is more than the time
// of the classes that the finding names, no class is named that has no time, and the cost of a finding about one device
// is the evidence that its query gives, over the number of that device's steps.

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "analyzer/model/analysis.h"

namespace ridge::test {

// The classes that a rule's cost is of, written down here once more: where the rules mean several.
inline std::vector<WallClass> classesOf(const analyzer::Finding& f) {
    using enum WallClass;
    const std::vector<WallClass> compute{kComputeBound, kMemoryWall, kLatencyBound, kComputeUnknown};
    const std::map<std::string, std::vector<WallClass>> several{{"launch_bound", {kLaunch, kApi, kKernelGap}}, {"exposed_communication", {kCommTransfer, kCommUnsplit}},
                                                                {"synchronous_copies", {kSync, kApi, kCopy}},  {"idle_tensor_cores", compute},
                                                                {"small_grids", compute},                      {"decode_bandwidth", compute},
                                                                {"clock_throttle", compute}};
    const auto it = several.find(f.rule);
    if (it != several.end()) return it->second;
    if (f.rule == "host_time" && f.title.find("outside any op") != std::string::npos) return {kHost, kIdle};
    return {f.wallClass};
}

inline void checkCosts(const analyzer::Analysis& answer) {
    using analyzer::Ns;
    for (const analyzer::Finding& f : answer.findings) {
        SCOPED_TRACE(f.id + ": " + f.title);
        const bool ofOneDevice = f.rule == "gpu_gaps" || f.rule == "low_utilisation";
        double named = 0, covered = 0, all = 0, count = 0, median = 0;
        for (const analyzer::Step& s : answer.steps) {
            if (s.workload != f.workload || (ofOneDevice && (s.rank != f.where.front().rank || s.device != f.where.front().device))) continue;
            named += static_cast<double>(s.classes[static_cast<std::size_t>(f.wallClass)]);
            for (const WallClass c : classesOf(f)) covered += static_cast<double>(s.classes[static_cast<std::size_t>(c)]);
            all += static_cast<double>(s.endNs - s.startNs);
            count += 1;
        }
        for (const auto& w : answer.workloads)
            if (w.name == f.workload) median = static_cast<double>(w.medianStepNs);
        ASSERT_GT(count, 0);
        EXPECT_GT(named, 0) << "names a class without time";
        // Per step: of the device its own mean, of all the share of the time laid on the median step.
        const bool mean = ofOneDevice;
        if (f.rule != "slow_steps") {
            EXPECT_LE(static_cast<double>(f.savingHighNs), (mean ? covered / count : covered / all * median) + 1);
        }
        EXPECT_LE(f.share, 1 + 1e-9);
        if (f.wallClass == WallClass::kDevicePending) {
            EXPECT_TRUE(f.confidence == Confidence::kLow && f.cause == Cause::kNone);
        }
        EXPECT_FALSE(f.savingLowNs == f.savingHighNs && f.confidence == Confidence::kHigh) << "one number is no interval";
        EXPECT_EQ(f.title.find("io_"), std::string::npos);
        if (!ofOneDevice) continue;
        EXPECT_NEAR(static_cast<double>(f.costNs), f.evidence.front().value / count, 1);
        EXPECT_NEAR(f.share, f.evidence.front().value / all, 1e-9);
    }
}

}  // namespace ridge::test
