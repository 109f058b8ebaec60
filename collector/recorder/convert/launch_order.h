// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How many kernels begin before the call that launched them: by so much at least the clocks of host
// and GPU are apart. One per process; bounded: a kernel and its call are matched while no more than
// 65,536 correlation ids lie between their records, and only pairs that met are counted. Times: ns.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace ridge::recorder {

class LaunchOrder {
public:
    void call(std::uint32_t correlation, std::int64_t start) {
        Slot& slot = at(correlation);
        slot.callId = correlation;
        slot.call = start;
        if (slot.kernelId != correlation || slot.kernels == 0) return;
        m_pairs += slot.kernels - 1;
        judge(start, slot.kernel);
        slot.kernels = 0;
    }
    void kernel(std::uint32_t correlation, std::int64_t start) {
        if (correlation == 0) return;
        Slot& slot = at(correlation);
        if (slot.callId == correlation) return judge(slot.call, start);
        if (slot.kernelId != correlation || slot.kernels == 0) {
            slot.kernelId = correlation;
            slot.kernels = 0;
            slot.kernel = start;
        }
        slot.kernel = std::min(slot.kernel, start);
        ++slot.kernels;
    }
    [[nodiscard]] std::uint64_t pairs() const { return m_pairs; }
    [[nodiscard]] std::uint64_t early() const { return m_early; }
    [[nodiscard]] std::int64_t largestNs() const { return m_largest; }

private:
    struct Slot {
        std::uint32_t callId = 0;
        std::uint32_t kernelId = 0;
        std::uint32_t kernels = 0;  // that came before their call, the earliest's start beside it
        std::int64_t call = 0;
        std::int64_t kernel = 0;
    };
    static constexpr std::uint32_t kSlots = 1U << 16;

    Slot& at(std::uint32_t correlation) {
        if (m_slots.empty()) m_slots.resize(kSlots);
        return m_slots[correlation & (kSlots - 1)];
    }
    void judge(std::int64_t call, std::int64_t kernel) {
        ++m_pairs;
        if (kernel >= call) return;
        ++m_early;
        m_largest = std::max(m_largest, call - kernel);
    }

    std::vector<Slot> m_slots;
    std::uint64_t m_pairs = 0;
    std::uint64_t m_early = 0;
    std::int64_t m_largest = 0;
};

}  // namespace ridge::recorder
