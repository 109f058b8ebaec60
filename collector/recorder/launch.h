// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Starts the program with the agents in its environment.

#include "base/result.h"

#include <functional>
#include <map>
#include <signal.h>
#include <string>
#include <sys/types.h>
#include <vector>

namespace ridge::recorder {

struct Launched {
    pid_t pid = -1;
    int execError =
        0;  // errno of exec when the program could not be started; the child is reaped then
};

// The variables that the agents need, on top of our own environment. preload is put before
// LD_PRELOAD. mask: the signal mask that the program starts with. beforeExec: called between fork
// and exec, with the process that waits for it. Errors: no process could be made.
Result<Launched> launch(const std::vector<std::string>& command,
                        const std::map<std::string, std::string>& variables,
                        const std::string& preload, const sigset_t& mask,
                        const std::function<void(pid_t)>& beforeExec = {});

// Why no program can use CUDA here: the driver's library cannot be loaded; empty: it can.
std::string cudaDriverTrouble();

// The folder that holds libridge_agent.so; empty: not found. given: looked at alone when not empty.
// Errors: a program that the system runs with other rights than ours (set-uid, file capabilities):
// it drops the variables by which agents come in.
Status mayBeRecorded(const std::string& program);

std::string findAgentDir(const std::string& given);

}  // namespace ridge::recorder
