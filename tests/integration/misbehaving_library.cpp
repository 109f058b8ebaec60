// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A library with ranges, for programs that unload it.

#include <nvtx3/nvToolsExt.h>

extern "C" __attribute__((visibility("default"))) void makeRanges(int count);

void makeRanges(int count) {
    for (int i = 0; i < count; ++i) {
        nvtxRangePushA("of the library");
        nvtxRangePop();
    }
}
