// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the control block and the definitions tell of a whole recording, and the user is to know:
// one line each, for the summary and for DIAGNOSTIC_EVENT. The same for a recording that ended well
// and for one that is recovered.

#include "collector/recorder/convert/catalogue.h"
#include "schemas/spool/control_block.h"

#include <string>
#include <vector>

namespace ridge::recorder {

std::vector<std::string> sessionNotes(const spool::ControlBlock& control,
                                      const Catalogue& catalogue);

}  // namespace ridge::recorder
