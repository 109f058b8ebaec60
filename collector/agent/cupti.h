// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// CUPTI activity, out of a library that is found at run time. Does nothing where RIDGE_HAVE_CUDA is
// off.

namespace ridge::agent {

// Starts CUPTI when the process has the CUDA driver mapped already. Any thread, any number of
// times.
void startCuptiIfDriverLoaded();

}  // namespace ridge::agent
