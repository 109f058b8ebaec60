// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/outer_pids.h"

#include "collector/recorder/processes.h"

#include <algorithm>

namespace ridge::recorder {

bool OuterPids::isInner(const spool::RingHeader& header) const {
    return m_own != 0 && header.pidNamespace != 0 && header.pidNamespace != m_own;
}

OuterPids::Image OuterPids::imageOf(const spool::RingHeader& header) {
    return {header.pidNamespace, header.pid, header.imageId,
            static_cast<std::uint32_t>(header.agent)};
}

void OuterPids::note(const spool::RingHeader& header) {
    if (!isInner(header) || header.outerPid == 0) return;
    m_images[imageOf(header)] = {header.outerPid, header.outerParentPid};
    m_pids[{header.pidNamespace, header.pid}] = header.outerPid;
    if (header.outerPid >= m_next) m_next = header.outerPid + 1;
}

void OuterPids::translate(spool::RingHeader& header) {
    if (!isInner(header) || header.outerPid != 0) return;
    const auto [image, isNew] = m_images.try_emplace(imageOf(header));
    if (isNew) {
        const Inner inner{header.pidNamespace, header.pid};
        auto& [pid, parent] = image->second;
        if (m_mayLook) pid = processInNamespace(header.pidNamespace, header.pid);
        if (pid != 0) {
            parent = parentOf(pid);
        } else if (const auto known = m_pids.find(inner); known != m_pids.end()) {
            pid = known->second;
        } else {
            pid = m_next++;
        }
        const auto above = m_pids.find({header.pidNamespace, header.parentPid});
        if (parent == 0 && above != m_pids.end()) parent = above->second;
        m_pids[inner] = pid;
    }
    header.outerParentPid = image->second.second;
    header.outerPid = image->second.first;
}

}  // namespace ridge::recorder
