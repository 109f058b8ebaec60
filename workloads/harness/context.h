// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the harness gives to every workload of a process: the folder for data, the communicator, the
// number of compute threads. Set once by main before the first workload is created and never
// changed afterwards; read from any thread.

#include <filesystem>

namespace ridge::workloads {

class Communicator;

struct RunContext {
    std::filesystem::path
        dataDir;  // exists and is writable; storage workloads make their own folders in it
    Communicator* communicator = nullptr;  // null in a single process
    int threads = 1;                       // compute threads of the libraries
};

const RunContext& runContext();
void setRunContext(RunContext context);

}  // namespace ridge::workloads
