// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Listens as an NVTX tool inside the test program: what a profiler would be told of a range, with
// its nesting. Only domain "ridge" and its push/pop ranges; one thread.

#include <cstdint>
#include <ridge/work.h>
#include <string>
#include <vector>

namespace ridge::test {

struct CapturedRange {
    std::string name;
    bool hasWork = false;
    Work work{};
    int depth = 0;  // 0 = outermost
};

// Forgets what was captured before, and captures from now on.
void startCapture();
// In order of their pushes; stops capturing.
[[nodiscard]] std::vector<CapturedRange> stopCapture();
// Open ranges of this thread; 0 when pushes and pops balance.
[[nodiscard]] int openRanges();

}  // namespace ridge::test
