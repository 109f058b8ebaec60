// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The steps of a trace, as the host saw them.
//
// In this order: frame ranges "step" of domain ridge (outside warmup; the enclosing frame "workload" of
// the thread names the workload), ranges called as --step says, ProfilerStep#N, the repetition of the kernel sequence (periodicity.h;
// a step then runs from the launch of its first kernel to that of the next step's). None: source is "whole
// trace" and steps is empty; the partition then takes one window per device.

#include <cstdint>
#include <string>
#include <vector>

#include "analyzer/timeline/timeline.h"

namespace ridge::analyzer {

struct HostStep {
    Ns start = 0, end = 0;
    std::uint64_t index = 0;
    std::int32_t workload = 0;  // into StepSet::workloads
    std::int32_t thread = kNoIndex, process = kNoIndex;
    bool open = false;
};

struct StepSet {
    std::string source;
    std::vector<std::string> workloads;
    std::vector<HostStep> steps;                      // sorted by start
    std::vector<std::vector<std::int32_t>> ofProcess; // indices into steps, by process

    // The step that holds the instant in this process; that of the thread first. kNoIndex: none.
    [[nodiscard]] std::int32_t at(std::int32_t process, std::int32_t thread, Ns instant) const;
    [[nodiscard]] bool whole() const { return steps.empty(); }
};

// StepSet::at() for instants of a process and thread that mostly rise: remembers how long its last
// answer holds.
class StepCursor {
public:
    explicit StepCursor(const StepSet& steps) : m_steps(&steps) {}
    std::int32_t at(std::int32_t process, std::int32_t thread, Ns instant);

private:
    struct Last {
        Ns from = 0, until = 0;
        std::int32_t step = kNoIndex, process = kNoIndex;
    };
    const StepSet* m_steps;
    std::vector<Last> m_last;  // per thread
};

StepSet findSteps(const Timeline& timeline, const std::string& stepName);

}  // namespace ridge::analyzer
