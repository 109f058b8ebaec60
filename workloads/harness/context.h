// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the harness gives to every workload of a process: the folder for data, the communicator, the
// number of compute threads. Set once by main before the first workload is created and never
// changed afterwards; read from any thread.

#include "workloads/harness/data_folder.h"

#include <filesystem>

namespace ridge::workloads {

class Communicator;

struct RunContext {
    DataFolder* data = nullptr;            // null: the system's temporary folder
    Communicator* communicator = nullptr;  // null in a single process
    int threads = 1;                       // compute threads of the libraries
};

const RunContext& runContext();
// Exists and is writable; storage workloads make their own folders in it. Empty without a
// DataFolder. Errors: it cannot be made.
[[nodiscard]] Result<std::filesystem::path> dataFolder();
void setRunContext(RunContext context);

}  // namespace ridge::workloads
