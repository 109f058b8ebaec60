// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The one symbol of libridge_cuda.so, which ridge-workloads loads at run time, so that it starts on
// a machine with no CUDA libraries. Both sides are built together: the object crosses as it is.

#include "workloads/ops/operators.h"

#include <cstddef>

#define RIDGE_CUDA_SYMBOL "ridgeCudaOperators"

// 0 and an object that the caller deletes; else the reason, cut to `room` bytes.
extern "C" __attribute__((visibility("default"))) int ridgeCudaOperators(
    ridge::workloads::Operators** operators, char* reason, std::size_t room);

using ridge_cuda_function = int (*)(ridge::workloads::Operators**, char*, std::size_t);
