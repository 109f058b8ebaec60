// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a process of another pid namespace (unshare -p, a container) is known by: its number in ours
// while it lives. One that has ended before we saw it gets a number above the largest that Linux
// gives, the same for all its rings, so that neither two namespaces nor a stranger here are taken
// for it. Two processes that had the same number in one namespace, both gone unseen, are one.

#include "schemas/spool/ring_header.h"

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

namespace ridge::recorder {

class OuterPids {
public:
    inline static constexpr std::int32_t kFirstUnseen = 1 << 22;  // Linux: PID_MAX_LIMIT

    // own: our namespace; 0: nothing is translated. mayLook: in /proc, where the processes still
    // live.
    OuterPids(std::uint32_t own, bool mayLook) : m_own(own), m_mayLook(mayLook) {}
    // Learns from a header that was translated before.
    void note(const spool::RingHeader& header);
    // Writes outerPid and outerParentPid of a header of another namespace.
    void translate(spool::RingHeader& header);

private:
    using Inner = std::pair<std::uint32_t, std::int32_t>;  // namespace, pid
    using Image = std::tuple<std::uint32_t, std::int32_t, std::uint64_t, std::uint32_t>;
    static Image imageOf(const spool::RingHeader& header);
    [[nodiscard]] bool isInner(const spool::RingHeader& header) const;

    std::uint32_t m_own;
    bool m_mayLook;
    std::map<Image, std::pair<std::int32_t, std::int32_t>> m_images;  // pid, parent
    std::map<Inner, std::int32_t> m_pids;                             // the latest
    std::int32_t m_next = kFirstUnseen;
};

}  // namespace ridge::recorder
