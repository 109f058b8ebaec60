// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How the agents come into a program: through its environment.

#include "collector/recorder/record.h"

#include <map>
#include <string>
#include <vector>

namespace ridge::recorder {

struct Injection {
    bool agent = false, io = false;  // the libraries are there
    std::map<std::string, std::string> variables;
    std::string preload;  // put before what LD_PRELOAD holds
};

// For a program of the session in this folder.
Injection injectionFor(const RecordOptions& options, const std::string& session);

// Our own environment, with these variables.
std::vector<std::string> childEnvironment(const Injection& injection);
// For execve; valid as long as the strings are.
std::vector<char*> pointersTo(std::vector<std::string>& strings);

// The folder that holds libridge_agent.so; empty: not found. given: looked at alone when not empty.
std::string findAgentDir(const std::string& given);

}  // namespace ridge::recorder
