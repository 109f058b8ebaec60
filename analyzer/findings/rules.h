// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The rules of registry.cpp, one file each, named as the function in snake case.

#include "analyzer/findings/registry.h"

namespace ridge::analyzer::rules {

std::vector<Finding> computeBound(const RuleInput& input);
std::vector<Finding> memoryWall(const RuleInput& input);
std::vector<Finding> latencyBound(const RuleInput& input);
std::vector<Finding> exposedCommunication(const RuleInput& input);
std::vector<Finding> waitForPeers(const RuleInput& input);
std::vector<Finding> pipelineBubble(const RuleInput& input);
std::vector<Finding> inputIo(const RuleInput& input);
std::vector<Finding> checkpointStall(const RuleInput& input);
std::vector<Finding> hostPreemption(const RuleInput& input);
std::vector<Finding> hostTime(const RuleInput& input);
std::vector<Finding> launchBound(const RuleInput& input);
std::vector<Finding> synchronousCalls(const RuleInput& input);
std::vector<Finding> pageableCopies(const RuleInput& input);
std::vector<Finding> exposedCopies(const RuleInput& input);
std::vector<Finding> gpuGaps(const RuleInput& input);
std::vector<Finding> synchronousCopies(const RuleInput& input);
std::vector<Finding> smallGrids(const RuleInput& input);
std::vector<Finding> lowUtilisation(const RuleInput& input);
std::vector<Finding> idleTensorCores(const RuleInput& input);
std::vector<Finding> clockThrottle(const RuleInput& input);
std::vector<Finding> decodeBandwidth(const RuleInput& input);

}  // namespace ridge::analyzer::rules
