// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Moves bytes from the rings to their spool files, from one thread, and forgets rings whose process
// has died (their header is kept as <stem>.head). Looks for new rings when the ring folder has
// changed. Open files are bounded: a spool is opened for each write. Disk full: the bytes stay in
// the ring, the producer counts what it loses, and the trouble is remembered.

#include "collector/recorder/convert/ring_file.h"
#include "collector/recorder/outer_pids.h"
#include "collector/recorder/processes.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ridge::recorder {

struct InnerThread {
    std::int32_t pid, tid;  // in our namespace
    std::int32_t innerTid;
};

class Drain {
public:
    Drain(std::string sessionFolder, std::string ringDir)
        : m_folder(std::move(sessionFolder)), m_ringDir(std::move(ringDir)) {}

    // One look at every ring; returns the bytes moved.
    std::uint64_t round();
    // The next round looks for rings whatever the folder's coarse time says.
    void lookAgain() { m_folderTime = -1; }
    [[nodiscard]] std::uint64_t bytes() const { return m_bytes; }
    [[nodiscard]] std::uint64_t rings() const { return m_seen; }
    [[nodiscard]] const std::string& trouble() const { return m_trouble; }  // first error, one line
    [[nodiscard]] const std::set<std::int32_t>& pids() const { return m_pids; }
    // Threads of other pid namespaces that were found since the last call.
    std::vector<InnerThread> takeNewThreads() { return std::exchange(m_newThreads, {}); }
    // Whose rings were found since the last call; a pid may come twice.
    std::vector<std::int32_t> takeNewPids() { return std::exchange(m_newPids, {}); }

private:
    struct Live {
        RingMapping ring;
        std::string spoolPath;
        std::string headPath;
        std::int32_t thread = 0;  // innerTid of the one that was looked for last
    };
    void scan();
    std::uint64_t drainOne(Live& live);
    void findThread(Live& live);
    bool retire(Live& live, const std::string& stem);

    std::string m_folder;
    std::string m_ringDir;
    std::map<std::string, Live> m_live;
    std::set<std::int32_t> m_pids;
    OuterPids m_outer{ownPidNamespace(), true};
    std::vector<std::int32_t> m_newPids;
    std::vector<InnerThread> m_newThreads;
    std::string m_trouble;
    std::uint64_t m_bytes = 0;
    std::uint64_t m_seen = 0;
    std::uint32_t m_rounds = 0;
    std::int64_t m_folderTime = -1;
};

}  // namespace ridge::recorder
