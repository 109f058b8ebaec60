// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Where the fields of a schema lie and how its payloads are copied: as they are, with a few handles
// rewritten in fixed places, or by a walk through each of them. By schemas/spool/payload_layout.h.

#include "collector/agent/payloads.h"

namespace ridge::agent {

// Fills in the offsets of the fields and, of the schema, its size where it gave none, its handles,
// its message and whether it has to be walked. What it nests has to be registered. Under the table
// lock.
void layOut(SchemaInfo& schema, SchemaField* fields);

}  // namespace ridge::agent
