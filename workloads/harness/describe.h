// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// --describe: the selected variants as a JSON array, the contract between ridge-workloads and
// `ridge run`. --list: the same to read, by family with its formula.

#include "workloads/harness/workload.h"

#include <string>
#include <vector>

namespace ridge::workloads {

// The name up to the first '/': "io.train".
std::string familyOf(const std::string& name);

// The listing's steps are those of a brief run, if it is asked for; the JSON has both.
std::string describe(const std::vector<WorkloadSpec>& specs,
                     const std::vector<std::size_t>& selected);
std::string listing(const std::vector<WorkloadSpec>& specs,
                    const std::vector<std::size_t>& selected, bool brief = false);

}  // namespace ridge::workloads
