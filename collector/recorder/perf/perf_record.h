// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Records of the kernel's perf rings, taken apart (perf_event_open(2), "MMAP layout"). One layout is known: that of the
// events which PerfEvents opens (kSampleType, sample_id_all). Nothing is trusted: a record whose lengths do not add up is
// none (kBroken). No allocation but for the addresses of a call chain, whose buffer is kept.

#include <linux/perf_event.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ridge::recorder::perf {

inline constexpr std::uint64_t kSampleType =
    PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN;

enum class Kind : std::uint8_t { kOther, kBroken, kSample, kMap, kExec, kFork, kLost, kSwitch, kThrottle };

struct Record {
    Kind kind = Kind::kOther;
    std::uint32_t pid = 0, tid = 0, cpu = 0;
    std::uint64_t time = 0;            // CLOCK_MONOTONIC ns
    // kSample
    std::uint64_t period = 0;
    bool inKernel = false;             // the first address is the kernel's
    std::vector<std::uint64_t> addresses;  // the innermost first; no markers
    // kMap
    std::uint64_t start = 0, length = 0, fileOffset = 0, inode = 0;
    std::string_view path;             // into the bytes that were given
    std::uint32_t parentPid = 0;       // kFork: a thread has the pid of its process there
    std::uint64_t lost = 0;            // kLost
    bool out = false, preempted = false;  // kSwitch
};

// bytes: one whole record, its header included, in one piece. record is overwritten.
void decode(std::span<const std::uint8_t> bytes, Record& record);

// Reads what is between tail and head of a ring and hands each whole record on, in one piece. Returns the new tail; a
// record that cannot be is followed by none (broken is raised, and the rest of the ring is given up).
template <typename Visit>
std::uint64_t readRing(std::span<const std::uint8_t> ring, std::uint64_t head, std::uint64_t tail,
                       std::vector<std::uint8_t>& scratch, std::uint64_t& broken, Visit&& visit) {
    const std::uint64_t mask = ring.size() - 1;  // a power of two, as the kernel has it
    while (head - tail >= sizeof(perf_event_header) && head - tail <= ring.size()) {
        perf_event_header header;
        std::uint8_t* const to = reinterpret_cast<std::uint8_t*>(&header);
        for (std::size_t i = 0; i < sizeof header; ++i) to[i] = ring[(tail + i) & mask];
        if (header.size < sizeof header || header.size > head - tail) {
            ++broken;
            return head;
        }
        const std::size_t at = tail & mask;
        if (at + header.size <= ring.size()) {
            visit(ring.subspan(at, header.size));
        } else {
            scratch.resize(header.size);
            for (std::size_t i = 0; i < header.size; ++i) scratch[i] = ring[(tail + i) & mask];
            visit(std::span<const std::uint8_t>(scratch));
        }
        tail += header.size;
    }
    return tail;
}

}  // namespace ridge::recorder::perf
