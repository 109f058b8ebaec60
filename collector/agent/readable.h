// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Whether memory that a program's data point to may be read: asked of the kernel, since a wild
// pointer would end the program. Cost: one system call for each page that is looked at. Any thread,
// signal handlers too. Memory that another thread unmaps meanwhile is not guarded against.

#include "collector/agent/raw.h"

#include <errno.h>
#include <string.h>

namespace ridge::agent {

// From one address on, found out as far as is asked for.
class ReadableMemory {
public:
    explicit ReadableMemory(const void* from) : m_from(reinterpret_cast<uintptr_t>(from)) {}

    // Whether that many bytes may be read.
    bool has(uint64_t bytes) {
        while (m_known < bytes) {
            const uintptr_t at = m_from + m_known;
            if (at < m_from || !mayRead(at)) return false;
            m_known = (at | (kSmallestPage - 1)) + 1 - m_from;
        }
        return true;
    }

    // Bytes before the first character of zeros; `most` where there is none so far. kUnreadable:
    // the memory ends first.
    uint64_t textBytes(uint32_t character, uint64_t most) {
        static constexpr uint8_t kZeros[16] = {};
        const auto* text = reinterpret_cast<const uint8_t*>(m_from);
        for (uint64_t bytes = 0; bytes < most; bytes += character) {
            if (!has(bytes + character)) return kUnreadable;
            if (memcmp(text + bytes, kZeros, character) == 0) return bytes;
        }
        return most;
    }

    static constexpr uint64_t kUnreadable = ~uint64_t{0};

private:
    static constexpr uintptr_t kSmallestPage = 4096;

    // The set of signals is read before it is noticed that nothing is to be done with it.
    static bool mayRead(uintptr_t at) {
        constexpr long kNoSuchHow = 99;
        return raw::call(SYS_rt_sigprocmask, kNoSuchHow, static_cast<long>(at & ~uintptr_t{7}), 0,
                         8) != -EFAULT;
    }

    uintptr_t m_from;
    uint64_t m_known = 0;
};

}  // namespace ridge::agent
