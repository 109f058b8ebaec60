// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/drain.h"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <iterator>
#include <signal.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace ridge::recorder {
namespace {

constexpr std::uint32_t kRetireEvery = 64;  // rounds between looks for dead processes

bool processGone(std::int32_t pid) {
    return pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH);
}

}  // namespace

void Drain::scan() {
    struct stat info {};
    if (stat(m_ringDir.c_str(), &info) != 0) return;
    const std::int64_t changed = info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec;
    // The folder's time is coarse: look again for a while even if it seems unchanged.
    if (changed == m_folderTime && m_rounds % 16 != 0) return;
    m_folderTime = changed;
    DIR* dir = opendir(m_ringDir.c_str());
    if (!dir) return;
    while (const dirent* entry = readdir(dir)) {
        const std::string_view name = entry->d_name;
        if (!name.ends_with(".ring")) continue;
        const std::string stem(name.substr(0, name.size() - 5));
        if (m_live.contains(stem)) continue;
        auto ring = RingMapping::open(m_ringDir + "/" + std::string(name));
        if (!ring.ok()) continue;  // being made, or not ours: looked at again
        ++m_seen;
        m_outer.translate(ring->header());
        const std::int32_t pid = spool::processOf(ring->header());
        m_pids.insert(pid);
        m_newPids.push_back(pid);
        Live live{std::move(*ring), m_folder + "/" + stem + ".spool",
                  m_folder + "/" + stem + ".head"};
        findThread(live);
        m_live.emplace(stem, std::move(live));
    }
    closedir(dir);
}

// A thread of another namespace by the number that it has here: as long as it lives, /proc knows.
void Drain::findThread(Live& live) {
    const spool::RingHeader& header = live.ring.header();
    const std::int32_t inner = header.tid;
    if (header.outerPid == 0 || header.outerPid >= OuterPids::kFirstUnseen || inner == live.thread)
        return;
    live.thread = inner;
    if (const std::int32_t tid = threadOf(header.outerPid, inner); tid != 0)
        m_newThreads.push_back({header.outerPid, tid, inner});
}

std::uint64_t Drain::drainOne(Live& live) {
    const spool::RingHeader& header = live.ring.header();
    const std::uint64_t before = __atomic_load_n(&header.tail, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&header.head, __ATOMIC_ACQUIRE) == before) return 0;
    findThread(live);
    const int fd = ::open(live.spoolPath.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        if (m_trouble.empty()) m_trouble = live.spoolPath + ": " + std::strerror(errno);
        return 0;
    }
    const auto moved = drainRing(live.ring, fd, live.spoolPath);
    ::close(fd);
    if (!moved.ok() && m_trouble.empty()) m_trouble = moved.error().message;
    if (!moved.ok() || !*moved) return 0;
    const std::uint64_t bytes = __atomic_load_n(&header.tail, __ATOMIC_ACQUIRE) - before;
    m_bytes += bytes;
    return bytes;
}

// Nobody writes this ring any more: its memory goes back, its header stays for the conversion.
bool Drain::retire(Live& live, const std::string& stem) {
    const spool::RingHeader& header = live.ring.header();
    if (!processGone(spool::processOf(header))) return false;
    drainOne(live);
    if (__atomic_load_n(&header.head, __ATOMIC_ACQUIRE) !=
        __atomic_load_n(&header.tail, __ATOMIC_ACQUIRE))
        return false;
    if (!saveHeader(live.ring, live.headPath).ok()) return false;
    unlink((m_ringDir + "/" + stem + ".ring").c_str());
    return true;
}

std::uint64_t Drain::round() {
    scan();
    std::uint64_t moved = 0;
    for (auto& [stem, live] : m_live) moved += drainOne(live);
    if (++m_rounds % kRetireEvery == 0)
        for (auto at = m_live.begin(); at != m_live.end();)
            at = retire(at->second, at->first) ? m_live.erase(at) : std::next(at);
    return moved;
}

}  // namespace ridge::recorder
