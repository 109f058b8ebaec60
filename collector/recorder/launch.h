// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Starts the program with the agents in its environment.

#include "base/result.h"
#include "collector/recorder/injection.h"

#include <functional>
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

struct Program {
    std::vector<std::string> command;
    std::string file;               // what to execute; empty: command[0], searched as a shell does
    bool endsWithRecorder = false;  // killed when we are
};

// A limit on file sizes is an error of the write that meets it from now on, not the end of this
// process (SIGXFSZ). An ignored signal stays ignored across exec: whoever becomes a program gives it
// back first, as it was before the first call. The second is safe in the child of a fork.
void ignoreFileSizeSignal();
void giveFileSizeSignalBack();

// mask: the signal mask that the program starts with. beforeExec: called between fork and exec, with
// the process that waits for it. Errors: no process could be made.
Result<Launched> launch(const Program& program, const Injection& injection, const sigset_t& mask,
                        const std::function<void(pid_t)>& beforeExec = {});

// Why no program can use CUDA here: the driver's library cannot be loaded; empty: it can.
std::string cudaDriverTrouble();

// Errors: a program that the system runs with other rights than ours (set-uid, file capabilities):
// it drops the variables by which agents come in.
Status mayBeRecorded(const std::string& program);

}  // namespace ridge::recorder
