// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What NCCL says of itself, to its profiler plugin.

#include "schemas/spool/record.h"

#include <stdint.h>

namespace ridge::spool {

struct NcclCommunicator {
    RecordHeader header;  // id = name id
    uint64_t time;
    uint64_t communicator;  // equal on all its ranks
    int32_t rank, ranks, nodes, reserved;
};

// Something of NCCL's began; it ends with the RangeClose of its id. Kinds: bits of NCCL's mask.
struct NcclEvent {
    RecordHeader header;    // id = name id of the function
    uint64_t start;
    uint64_t eventId, parentId;  // 0: none
    uint64_t communicator;
    uint64_t sequence;      // of a collective in its communicator; number of a proxy's step
    uint64_t count;         // elements; steps of a proxy operation
    uint64_t value;         // %globaltimer of a channel's start; chunk size of a proxy operation
    uint32_t kind;
    int32_t rank;
    int32_t peer;           // or root; -1: none
    uint32_t channels;      // how many; which one for channels and proxy operations
    uint32_t datatypeNameId, algorithmNameId, protocolNameId, reserved;
};

struct NcclState {
    RecordHeader header;    // id = NCCL's number of the state
    uint64_t time;
    uint64_t eventId;
    uint64_t value;         // bytes moved so far; %globaltimer of a channel's end
};

static_assert(sizeof(NcclEvent) % 8 == 0 && sizeof(NcclCommunicator) % 8 == 0 && sizeof(NcclState) % 8 == 0);

}  // namespace ridge::spool
