// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Rows whose measurement was starved: other load had their CPU (analyzer/summary/own_cpu.h). A
// verdict of preemption says so itself and is not marked.

#include "analyzer/model/analysis.h"

#include <string>
#include <string_view>

namespace ridge::reports {

// Stands behind the result and the answer of such a row.
inline constexpr std::string_view kStarvedMark = "*";

bool wasStarved(const analyzer::WorkloadSummary& workload);
// Whether one of the two workloads that a prediction and a measurement were compared of was.
bool wasStarved(const analyzer::Analysis& analysis, const analyzer::WhatIf& pair);
// "on a CPU for only 26.0 % of its time"; empty for a row that was not starved.
std::string starvedText(const analyzer::WorkloadSummary& workload);
// "2 rows measured on a busy machine"; empty when there are none.
std::string starvedCount(const analyzer::Analysis& analysis);
// The same with the names: "2 rows measured on a busy machine: gemm/fp32.512 on a CPU for only 26.0
// % of its time, ..."
std::string starvedRows(const analyzer::Analysis& analysis);

}  // namespace ridge::reports
