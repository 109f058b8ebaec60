// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Puts the answer's steps and their classes into the timeline itself (RIDGE_STEP, RIDGE_ATTRIBUTION, view
// v_attribution), so that SQL can ask where the time went. An earlier answer is replaced, in one transaction.
//
// Only files of ours are written; an export of another tool is refused (kBadInput) and stays as it is.

#include <string>

#include "analyzer/model/analysis.h"
#include "base/result.h"

namespace ridge::analyzer {

Status storeAttribution(const std::string& tracePath, const Analysis& analysis);

}  // namespace ridge::analyzer
