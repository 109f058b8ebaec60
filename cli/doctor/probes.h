// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What can be recorded on this machine. Every probe tries the thing itself (opens the event, maps the
// memory, loads the library) rather than asking for a version.

#include <string>
#include <vector>

namespace ridge::cli {

struct Probe {
    std::string name;    // "perf_events"
    std::string state;   // "on", "limited", "off"
    std::string detail;  // what was found
    std::string cure;    // what to do when it is not on; empty: nothing can be done, or nothing needs to be
};

// In the order of printing. Takes well under a second.
std::vector<Probe> runProbes();

// By topic; runProbes() joins them.
std::vector<Probe> installationProbes();
std::vector<Probe> gpuProbes();
std::vector<Probe> cpuProbes();
std::vector<Probe> systemProbes();

}  // namespace ridge::cli
