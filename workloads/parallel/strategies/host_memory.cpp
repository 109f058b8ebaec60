// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/host_memory.h"

#include <cstring>

namespace ridge::workloads {

void zeroFill(const char* name, const Tensor& tensor) {
    const auto bytes = static_cast<std::size_t>(tensor.bytes());
    const WorkRange range(name, opWork(RIDGE_OP_COPY, RIDGE_DTYPE_NONE, 0, 0, bytes));
    std::memset(tensor.data, 0, bytes);
}

}  // namespace ridge::workloads
