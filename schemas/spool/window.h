// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// When a session records: windows that the recorder (a delay, a duration, a command) or an agent (a
// range to capture) opens and closes. Whoever comes first does it, the others find it done. Any
// thread and process that has the control block mapped for writing. Times: CLOCK_MONOTONIC ns.

#include "schemas/spool/control_block.h"

namespace ridge::spool {

// False: recording already, or no window may begin any more.
inline bool beginWindow(ControlBlock& control, uint64_t nowNs) {
    uint32_t paused = kPaused;
    if (__atomic_load_n(&control.windowsLeft, __ATOMIC_ACQUIRE) == 0) return false;
    if (!__atomic_compare_exchange_n(&control.stopped, &paused, kSwitching, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return false;
    const uint32_t index = control.windows;
    if (index < kMaxWindows)
        control.window[index] = {nowNs, 0};
    else
        control.window[kMaxWindows - 1].endNs = 0;  // the last one stands for all that follow
    __atomic_store_n(&control.windows, index + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&control.stopped, kRecording, __ATOMIC_RELEASE);
    return true;
}

// False: not recording now. last: no other window is to begin.
inline bool endWindow(ControlBlock& control, uint64_t nowNs, bool last) {
    uint32_t recording = kRecording;
    const bool ended = __atomic_compare_exchange_n(&control.stopped, &recording, kSwitching, false,
                                                   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    if (ended && control.windows > 0) {
        const uint32_t index =
            control.windows < kMaxWindows ? control.windows - 1 : kMaxWindows - 1;
        control.window[index].endNs = nowNs;
    }
    const uint32_t left = __atomic_load_n(&control.windowsLeft, __ATOMIC_ACQUIRE);
    const bool counts = left != kWindowsWithoutEnd && left != 0 && ended;
    if (last || counts)
        __atomic_store_n(&control.windowsLeft, last ? 0 : left - 1, __ATOMIC_RELEASE);
    if (ended) __atomic_store_n(&control.stopped, kPaused, __ATOMIC_RELEASE);
    return ended;
}

}  // namespace ridge::spool
