// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Stored runs as RunReports: our run.json, and Google Benchmark's JSON (1.5 to 1.9, either way of naming errors).
//
// Nothing in a file is trusted: what has another type or is missing is an error with its place. Google Benchmark repeats
// inside one process, so such a file is one process of one session, however many repetitions it has.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/model/run.h"
#include "base/result.h"

namespace ridge::analyzer {

// SHA-256 of the canonical JSON (sorted keys, no spaces) of the key fields and the schema number.
std::string environmentKey(const std::map<std::string, std::string>& keyFields);

enum class RunKind { kRun, kGoogleBenchmark, kOther };
RunKind kindOf(std::string_view json);

// path is for messages and, for Google Benchmark, the session's name.
Result<RunReport> parseRun(std::string_view json, const std::string& path);
Result<RunReport> readRun(const std::string& path);

// A file; a folder with a run.json; or a folder of such folders (sorted by name). Errors: none is there.
Result<std::vector<std::string>> runFilesAt(const std::string& path);

// One value per benchmark and counter, from Google Benchmark's JSON: times in ns, rates of counters where higher is better.
Result<std::vector<RunBenchmark>> parseGoogleBenchmark(std::string_view json, const std::string& path);

}  // namespace ridge::analyzer
