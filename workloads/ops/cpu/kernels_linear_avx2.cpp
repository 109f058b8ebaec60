// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/cpu/kernels_linear_impl.h"

namespace ridge::workloads::cpu {

const LinearKernels& linearKernelsAvx2() {
    return kTable;
}

}  // namespace ridge::workloads::cpu
