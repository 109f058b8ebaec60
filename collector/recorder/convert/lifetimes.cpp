// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/lifetimes.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>

namespace ridge::recorder {
namespace {

struct Image {
    std::int64_t beginNs = 0;  // CLOCK_MONOTONIC
    std::int64_t lastTime = 0;
};

// Wraps instead of overflowing: spools are not trusted.
std::int64_t minus(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

// The images of each process by their NVTX agent. The agents of one image start at different times,
// so the I/O agent's serve only where a process has no other.
std::map<std::uint32_t, std::vector<Image>> imagesOf(const Catalogue& catalogue) {
    std::map<std::uint32_t, std::vector<Image>> nvtx, io;
    for (const auto& source : catalogue.sources) {
        if (source->pid == 0 || source->agent == spool::AgentKind::kRecorder) continue;
        auto& images = source->agent == spool::AgentKind::kAgent ? nvtx : io;
        images[source->pid].push_back(
            {static_cast<std::int64_t>(source->imageId), source->lastTime});
    }
    for (auto& [pid, images] : io) {
        auto& known = nvtx[pid];
        if (known.empty()) {
            known = images;
            continue;
        }
        for (const Image& image : images) {
            auto& first = *std::min_element(
                known.begin(), known.end(),
                [](const Image& a, const Image& b) { return a.beginNs < b.beginNs; });
            first.beginNs = std::min(first.beginNs, image.beginNs);
            for (Image& own : known) own.lastTime = std::max(own.lastTime, image.lastTime);
        }
    }
    for (auto& [pid, images] : nvtx)
        std::sort(images.begin(), images.end(),
                  [](const Image& a, const Image& b) { return a.beginNs < b.beginNs; });
    return nvtx;
}

}  // namespace

std::vector<Lifetime> lifetimes(const SessionInfo& session, const Catalogue& catalogue,
                                std::int64_t heartbeatNs) {
    const std::int64_t origin = session.startMonotonicNs;
    std::multimap<std::uint32_t, std::int64_t> ends;
    for (const spool::ProcessEnd& end : catalogue.processEnds)
        ends.emplace(end.header.id, static_cast<std::int64_t>(end.time));
    // The first end of this pid that lies in [from, to): a pid may be used again.
    const auto endBetween = [&](std::uint32_t pid, std::int64_t from, std::int64_t to) {
        std::int64_t best = 0;
        const auto [first, last] = ends.equal_range(pid);
        for (auto at = first; at != last; ++at)
            if (at->second >= from && at->second < to && (best == 0 || at->second < best))
                best = at->second;
        return best;
    };
    std::vector<Lifetime> rows;
    for (const auto& [pid, images] : imagesOf(catalogue)) {
        for (std::size_t i = 0; i < images.size(); ++i) {
            const bool last = i + 1 == images.size();
            const std::int64_t next =
                last ? std::numeric_limits<std::int64_t>::max() : images[i + 1].beginNs;
            const std::int64_t seen = endBetween(pid, images[i].beginNs, next);
            Lifetime row;
            row.pid = pid;
            row.start = minus(images[i].beginNs, origin);
            if (seen && (session.endMonotonicNs == 0 || seen <= session.endMonotonicNs)) {
                row.kind = "ended";
                row.end = minus(seen, origin);
            } else if (!last) {
                row.kind = "exec";
                row.end = minus(next, origin);
            } else if (session.endMonotonicNs != 0) {
                row.kind = "running";
                row.end = std::max(minus(session.endMonotonicNs, origin), images[i].lastTime);
            } else {
                row.kind = "last_seen";
                row.end = std::max(images[i].lastTime, row.start);
                if (heartbeatNs >= images[i].beginNs)
                    row.end = std::max(row.end, minus(heartbeatNs, origin));
            }
            if (last && session.programPid > 0 &&
                pid == static_cast<std::uint32_t>(session.programPid))
                row.exitStatus = session.exitStatus;
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

std::int64_t lastHeartbeat(const std::string& sessionFolder) {
    const auto block = readControl(sessionFolder);
    return block ? static_cast<std::int64_t>(block->heartbeatNs) : 0;
}

}  // namespace ridge::recorder
