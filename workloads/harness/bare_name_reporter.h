// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Google Benchmark's own reporters, told the benchmark's bare name: it appends
// "/iterations:40/real_time" for a fixed count and wall time, and a name that carries a step count
// would change with it, and the history of the workload break off.

#include <benchmark/benchmark.h>

#include <memory>
#include <string>

namespace ridge::workloads {

// format: console, json or csv.
std::unique_ptr<benchmark::BenchmarkReporter> makeBareNameReporter(const std::string& format);

}  // namespace ridge::workloads
