// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the two storage findings share: cost, bytes, bandwidth and the bound of hiding the I/O behind the
// rest of the step. The rule adds its claim and its cure.

#include "analyzer/findings/registry.h"

namespace ridge::analyzer::rules {

// wallClass is kIoInput or kIoCheckpoint. saving: high = all of it hidden, low = what fits behind the rest.
Finding ioStall(const RuleInput& input, WallClass wallClass, Cause cause);

}  // namespace ridge::analyzer::rules
