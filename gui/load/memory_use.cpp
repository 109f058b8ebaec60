// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/memory_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace ridge::gui {
namespace {

constexpr std::int64_t kMemoryKey = INT64_MIN + 16;  // after the queue, before the counters of the file
constexpr std::array<const char*, 8> kKinds{"pageable memory", "pinned memory", "device memory", "array memory", "managed memory",
                                            "static device memory", "static managed memory", "memory"};

}  // namespace

void MemoryUse::finish(Assembly& assembly) {
    std::int64_t unknown = 0;
    for (auto& [key, events] : m_events) {
        const auto& [process, device, kind] = key;
        std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
        const std::size_t k = kind >= 0 && kind < 8 ? static_cast<std::size_t>(kind) : 7;
        assembly.process(process);
        Counter* counter = assembly.counter(process, device, fmt::format("{} allocated", kKinds[k]), "B", kMemoryKey + kind);
        std::unordered_map<std::int64_t, std::int64_t> held;
        std::int64_t now = 0;
        for (const Event& event : events) {
            if (!event.frees) {
                auto& bytes = held[event.address];
                now += event.bytes - bytes;  // an address that is given out twice was given back unseen
                bytes = event.bytes;
            } else if (const auto it = held.find(event.address); it != held.end()) {
                now -= it->second;
                held.erase(it);
            } else {
                ++unknown;
                continue;
            }
            counter->append(event.time, static_cast<float>(now));
        }
    }
    m_events.clear();
    assembly.warn("releases are of memory that was allocated before the recording, and not drawn", unknown);
}

}  // namespace ridge::gui
