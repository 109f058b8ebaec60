// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What NCCL says of its calls in its own NVTX domain (communicator, message size), laid on the
// kernels that they launched: the rows of RIDGE_COLLECTIVE. A kernel belongs to the call within
// which, on the same thread, its launch began; kernels of grouped calls are launched by
// ncclGroupEnd, which says nothing, and get no row.

#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ridge::recorder {

struct NcclCall {
    std::int64_t globalTid = 0;
    std::int64_t start = 0, end = 0;  // ns since session start
    std::uint64_t communicator = 0;
    std::int64_t bytes = 0;
    std::string name;          // 'allreduce'
    std::int64_t nameId = 0;   // StringIds
    std::int64_t groupId = 0;  // StringIds
    std::int64_t ranks = 0;    // 0: not known
};

// "ncclAllReduce" -> "allreduce"; empty: none of NCCL's functions.
std::string collectiveName(const std::string& function);

// Of a finished timeline file. emptyId: StringIds of "".
Status linkNcclCalls(const std::string& path, const std::vector<NcclCall>& calls,
                     std::int64_t emptyId);

}  // namespace ridge::recorder
