// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/diagnose.h"

#include "collector/agent/names.h"
#include "collector/agent/process.h"

namespace ridge::agent {

using namespace spool;

void say(uint32_t severity, const char* text, const char* detail) {
    Ring* ring = enterAlways();
    if (ring == nullptr) return;
    char whole[600];
    Text(whole, sizeof whole).add(text).add(detail != nullptr ? detail : "");
    const NameEntry* name = internSlow(ring, whole, strlen(whole));
    emit(ring, Diagnostic{recordHeader(RecordType::kDiagnostic, sizeof(Diagnostic),
                                       idInThisImage(ring, name)),
                          now(), severity, 0});
    leaveAlways();
}

}  // namespace ridge::agent
