// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/trace/tracks.h"

#include <set>

namespace ridge::reports {

TraceIds::TraceIds(const analyzer::Timeline& t) {
    std::set<std::int64_t> taken;
    std::int64_t next = kOtherPids;
    const auto own = [&](std::int64_t wanted) {
        if (wanted > 0 && wanted < kGapPid && taken.insert(wanted).second) return wanted;
        while (!taken.insert(next).second) ++next;
        return next;
    };
    for (const auto& process : t.processes) processes.push_back(own(process.pid));
    std::map<std::int64_t, int> ids;
    for (const auto& device : t.devices) ++ids[device.id];
    for (std::size_t i = 0; i < t.devices.size(); ++i) devices.push_back(own(-1));
    for (std::size_t i = 0; i < t.devices.size(); ++i) {
        const std::int64_t id = t.devices[i].id;
        deviceIds.push_back(id >= 0 && ids[id] == 1 ? id : devices[i]);
    }
}

std::size_t Lanes::place(analyzer::Ns start, analyzer::Ns end) {
    for (std::size_t lane = 0;; ++lane) {
        if (lane == m_open.size()) m_open.emplace_back();
        auto& open = m_open[lane];
        while (!open.empty() && open.back() <= start) open.pop_back();
        if (!open.empty() && open.back() < end) continue;
        open.push_back(end);
        return lane;
    }
}

std::int64_t TrackTable::tid(std::int64_t pid, std::int64_t track, std::size_t lane, const std::string& name) {
    const auto [at, isNew] = m_tids.try_emplace({pid, track, lane}, track);
    if (!isNew) return at->second;
    if (lane > 0 || track < 0 || track >= kFirstLane) at->second = kFirstLane + static_cast<std::int64_t>(m_tids.size());
    m_named.push_back({pid, at->second, static_cast<std::int64_t>(m_named.size()), lane == 0 ? name : name + " (" + std::to_string(lane + 1) + ")"});
    return at->second;
}

}  // namespace ridge::reports
