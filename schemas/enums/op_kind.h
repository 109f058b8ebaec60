// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The kinds of operators of a work payload by number; their names are kOpKindNames (enums.h). The
// numbers are those of schemas/include/ridge/work.h. Unscoped, as they are compared with what files
// have.

#include "schemas/enums/enums.h"

#include <cstdint>

namespace ridge {

enum OpKind : std::uint16_t {
    kOpOther, kOpGemm, kOpAttention, kOpNorm, kOpElementwise, kOpEmbedding, kOpOptimizer, kOpCopy, kOpCollective, kOpIo
};
static_assert(kOpKindNames.size() == kOpIo + 1U);

// The others move data.
constexpr bool computes(std::uint16_t opKind) { return opKind < kOpCopy; }

}  // namespace ridge
