// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Kineto (PyTorch profiler) traces, JSON plain or gzipped, into a Timeline.
//
// All three time conventions (integer us since the epoch; fractional us; fractional us after
// baseTimeNanoseconds) become integer ns since the first row of the file, parsed from the decimal text.
// Old and new names of categories, NVIDIA and AMD. A GPU row is a kernel, copy or set by its category;
// its process is that of the call with its correlation id. Rows that cannot be are counted in
// Timeline::tables, by category; what breaks the text off stands there too (table "traceEvents"), with
// the rows before it kept. An error only when there is no trace at all.

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/timeline/timeline.h"
#include "base/result.h"

namespace ridge::analyzer {

// Tables of what no analysis reads.
inline constexpr std::string_view kOtherCategories = "other categories", kNoCategory = "events without a category";

struct KinetoTrace {
    Timeline timeline;          // times since the first row; processes, threads, devices of file `file`
    std::int64_t utcOfZero = 0; // ns since the epoch, as far as the trace says it
    std::uint64_t events = 0, bytes = 0;
};

// Reads one file. file: its number among the sources. When stop rises, reading ends within a block of input, with an error.
Result<KinetoTrace> readKineto(const std::string& path, std::int32_t file, const std::atomic<bool>* stop = nullptr);
// The same from memory, where nothing is compressed.
Result<KinetoTrace> readKinetoText(std::string_view text, std::int32_t file);
// Processes and devices of different files are different, whatever their numbers: these bits of globalPid tell them apart.
inline std::int64_t kinetoMachine(std::int32_t file) { return std::int64_t{file % 0x7FFE} + 1; }
// Makes it a trace of another file number.
void setFile(KinetoTrace& trace, std::int32_t file);
// Several files, on as many threads as the machine has; the first error in order of the files.
Result<std::vector<KinetoTrace>> readKinetoFiles(const std::vector<std::string>& paths, const std::vector<std::int32_t>& files,
                                                 const std::atomic<bool>* stop = nullptr);

}  // namespace ridge::analyzer
