// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The end of a recording, of one that went well and of one that is recovered alike.

#include "collector/recorder/record.h"

#include <functional>
#include <string>

namespace ridge::recorder {

// Makes the file from the session and removes the session only then. isToStop: asked again and again;
// true gives it up.
Result<RecordOutcome> finish(const std::string& session, const std::string& ringDir,
                             const std::string& output, const std::function<bool()>& isToStop = {});

// What somebody types to make the file later.
std::string recoverCommand(const std::string& session, const std::string& output);

}  // namespace ridge::recorder
