// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// CUPTI activity, out of a library that is found at run time. Does nothing where RIDGE_HAVE_CUDA is
// off.

#include "schemas/spool/cuda_records.h"

namespace ridge::agent {

// Starts CUPTI when the process has the CUDA driver mapped already. Any thread, any number of
// times.
void startCuptiIfDriverLoaded();

// The program names one of its devices (by number), contexts, streams or events (by address).
void nameCudaObject(spool::CudaObject kind, uint64_t handle, const char* text);

}  // namespace ridge::agent
