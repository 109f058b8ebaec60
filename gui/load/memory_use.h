// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Device memory in use over time, from its allocations and releases: one counter per process, device and
// kind of memory. A release of what was allocated before the recording is counted, not drawn.

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "gui/load/assembly.h"

namespace ridge::gui {

class MemoryUse {
public:
    // kind: ENUM_CUDA_MEM_KIND.
    void add(std::int64_t process, std::int64_t device, int kind, Ns time, std::int64_t address, std::int64_t bytes, bool frees) {
        m_events[{process, device, kind}].push_back({time, address, bytes, frees});
    }
    void finish(Assembly& assembly);

private:
    struct Event {
        Ns time;
        std::int64_t address, bytes;
        bool frees;
    };
    std::map<std::tuple<std::int64_t, std::int64_t, int>, std::vector<Event>> m_events;
};

}  // namespace ridge::gui
