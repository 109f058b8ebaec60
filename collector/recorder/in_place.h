// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Recording a program that a launcher started, in the process that it started (schemas/spool/start.h).
// The program runs whatever becomes of the recording: what cannot be recorded is executed as it was
// meant to be, with one line on stderr. Where several processes of a host have the same output, the
// first records and the others join its session. When its program has ended it waits some seconds
// for them, and then goes: its exit status is not withheld for longer (--wait all: until the last).

#include "collector/recorder/record.h"

#include <cstdint>
#include <set>
#include <string>

namespace ridge::recorder {

// As record(), with options.executable and the program's own arguments. Does not return where the
// program has joined another recording or cannot be recorded. Errors: the file could not be made (as
// record()), or the program could not be executed (kUnsupported).
Result<RecordOutcome> recordInPlace(RecordOptions options);

// Executes the program without a recording; why: for stderr. Returns only where that fails.
Error executeUnrecorded(const RecordOptions& options, const std::string& why);

// What a job script evaluates so that a launcher's processes are recorded. settings: names and values
// of RIDGE_RECORD_<OPTION>, the output among them. Errors: libridge_start.so is not there.
Result<std::string> startVariables(const std::string& agentLibDir, const std::string& ridge,
                                   const std::map<std::string, std::string>& settings);

// Processes that joined the session in this folder and have not ended.
std::set<std::int32_t> joinedAndRunning(const std::string& session);

}  // namespace ridge::recorder
