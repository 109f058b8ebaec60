// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What others who play a part of CUDA on the host need of the host's device: NCCL
// (tests/unit/workloads/nccl_on_host) moves its memory and waits for its events, on a thread of its
// own. All live devices of the process together.

#include <cstddef>

namespace ridge::workloads::cuda {

struct HostDeviceHooks {
    bool (*contains)(const void* data, std::size_t bytes);
    // Between the two, memory is within reach.
    void (*open)();
    void (*close)();
    // What was issued before mark() gave this event is done when it returns.
    void (*await)(void* event);
};

[[nodiscard]] const HostDeviceHooks& hostDeviceHooks();

}  // namespace ridge::workloads::cuda
