// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Starts a helper program of ours, waits for it with a time limit, and keeps what it printed.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace ridge::cli {

struct ProcessResult {
    int status = 0;        // exit code; 128 + n: ended by signal n
    std::string output;    // stdout
    std::string messages;  // stderr
    bool timedOut = false;
};

// The program is asked to end when the limit is over or an interrupt came in, and killed 0.4 s later. Errors: it cannot be started.
Result<ProcessResult> runProcess(const std::vector<std::string>& command, double limitSeconds);

// While it lives, stdout and stderr of this process (and of what it starts) go to the file.
class OutputToFile {
public:
    explicit OutputToFile(const std::string& path);
    ~OutputToFile();
    OutputToFile(const OutputToFile&) = delete;
    OutputToFile& operator=(const OutputToFile&) = delete;

private:
    int m_stdout = -1, m_stderr = -1;
};

// A line on the terminal that says what is going on, from one second on; nothing when stderr is no
// terminal, under CI, or with -q. Removed when the object goes.
class ProgressLine {
public:
    ProgressLine(bool enabled, std::string text);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

private:
    struct State;
    State* m_state = nullptr;
};

}  // namespace ridge::cli
