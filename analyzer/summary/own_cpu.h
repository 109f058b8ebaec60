// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How much of their time a workload's compute ops were on a CPU (CpuShare::undisturbed of attribution/ops.h),
// as a metric of its summary where it is less than all of it: other load had the CPU, and times are
// longer by that.

#include "analyzer/model/analysis.h"

#include <optional>
#include <string_view>

namespace ridge::analyzer {

inline constexpr std::string_view kCpuShareMetric = "cpu_share";  // unit "share", direction "none"
inline constexpr double kOwnCpu = 0.9;  // below it the measurement was starved

// The share where the workload was starved, else nothing.
inline std::optional<double> starvedShare(const WorkloadSummary& workload) {
    for (const WorkloadMetric& m : workload.metrics)
        if (m.name == kCpuShareMetric && m.value && *m.value < kOwnCpu) return m.value;
    return std::nullopt;
}

}  // namespace ridge::analyzer
