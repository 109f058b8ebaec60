// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// First pass over all spools: everything that other records refer to (names, domains, schemas,
// files, clocks, ends of start/end ranges) and everything that is rare. The second pass then
// streams the rows. Memory: the distinct names, one entry per start/end range that ended, and the
// small lists below.

#include "collector/recorder/convert/clock_map.h"
#include "collector/recorder/convert/record_walk.h"
#include "collector/recorder/convert/ring_file.h"
#include "collector/recorder/convert/stepped_clock.h"
#include "collector/recorder/convert/string_table.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ridge::recorder {

inline std::int64_t globalTid(std::uint32_t pid, std::uint32_t tid) {
    return static_cast<std::int64_t>(pid & 0xffffff) << 24 |
           static_cast<std::int64_t>(tid & 0xffffff);
}

// Ids of a process image -> StringIds. Dense and small as the agents give them, but not trusted to
// be.
class NameMap {
public:
    void set(std::uint32_t id, std::int64_t stringId);
    // 0: no such name.
    [[nodiscard]] std::int64_t get(std::uint32_t id) const {
        if (id < m_dense.size()) return m_dense[id];
        const auto found = m_sparse.find(id);
        return found == m_sparse.end() ? 0 : found->second;
    }

private:
    std::vector<std::uint32_t> m_dense;
    std::unordered_map<std::uint32_t, std::uint32_t> m_sparse;
};

struct SchemaDefinition {
    spool::Schema record{};
    std::vector<spool::SchemaEntry> entries;
    std::vector<std::uint32_t> namesakes;  // of entry i: earlier ones of its name; empty: all 0

    [[nodiscard]] std::uint32_t placeAmongNamesakes(std::uint32_t entry) const {
        return entry < namesakes.size() ? namesakes[entry] : 0;
    }
};

struct EnumDefinition {
    spool::PayloadEnum record{};
    std::vector<spool::PayloadEnumerator> entries;
};

// Where a start/end range ended. Sorted by rangeId after the pass.
struct RangeEnd {
    std::uint64_t rangeId;
    std::uint64_t ticks;
    std::uint64_t offset;  // of the record in its ring's stream
    std::uint32_t ring;
    std::uint32_t tid;
};

struct FileEntry {
    std::int64_t globalId = 0;
    std::uint32_t pathNameId = 0;
    std::uint64_t openedTicks = 0;
    std::uint64_t closedTicks = 0;
};

// What one agent in one process image said.
struct Source {
    std::uint32_t pid = 0;
    std::uint32_t parentPid = 0;
    std::uint64_t imageId = 0;
    spool::AgentKind agent = spool::AgentKind::kAgent;
    std::uint32_t tid = 0;    // of its first ring, for rows that belong to no thread
    bool ticksAreNs = false;  // CLOCK_MONOTONIC instead of a cycle counter
    std::int64_t domainBase =
        0;  // added to domain ids, so that a second image of a pid gets its own
    std::uint32_t maxDomain = 0;
    bool hasProcess = false;
    spool::Process process{};
    NameMap names;
    std::map<std::uint32_t, spool::Domain> domains;
    std::vector<spool::Category> categories;
    std::map<std::uint32_t, SchemaDefinition> schemas;
    std::map<std::uint32_t, EnumDefinition> enums;
    std::vector<spool::MemoryRegion> regions;                  // in the order of their times
    std::unordered_map<std::uint32_t, std::int64_t> counters;  // its ids -> RIDGE_COUNTER(id)
    std::map<std::uint32_t, spool::ThreadName> threadNames;    // by tid
    std::unordered_map<std::uint32_t, FileEntry> files;
    std::vector<RangeEnd> rangeEnds;
    std::vector<spool::Diagnostic> diagnostics;
    std::vector<spool::CudaDevice> devices;
    std::vector<spool::CudaContext> contexts;
    std::vector<spool::CudaStream> streams;
    std::map<std::uint32_t, spool::CudaContextPart> contextParts;
    std::vector<spool::CudaName> cudaNames;
    // Where kernels were counted: (context << 32 | index) -> correlation id.
    std::unordered_map<std::uint64_t, std::uint32_t> launches;
    std::unique_ptr<SteppedClock> cupti;
    bool cudaRecords = false;
    std::uint64_t records = 0;
    std::int64_t lastTime = 0;  // of its rows, ns since session start; set by the second pass

    std::map<std::uint32_t, std::uint32_t> outerTids;  // of a process of another pid namespace
    // Of a thread of the process, whose number is the process's own.
    [[nodiscard]] std::int64_t globalThread(std::uint32_t ownTid) const {
        const auto found = outerTids.find(ownTid);
        return globalTid(pid, found == outerTids.end() ? ownTid : found->second);
    }
    // nullptr: not registered in that domain.
    [[nodiscard]] const EnumDefinition* findEnum(std::uint64_t id, std::uint32_t domainId) const;
};

struct ClockRow {
    std::uint32_t source;
    bool recorder;
    spool::ClockKind clock;
    spool::ClockSample sample;
};

struct CounterEntry {
    std::uint32_t source;
    spool::Counter record;
};

struct LossRow {
    std::string source;
    std::int64_t globalPid = 0;
    std::uint64_t count = 0;
    std::string detail;
};

struct Catalogue {
    std::vector<std::unique_ptr<Source>> sources;  // [0]: the recorder
    std::vector<std::uint32_t> sourceOfRing;
    StringTable strings;
    ClockMap ticks;  // cycle counter -> CLOCK_MONOTONIC
    std::vector<ClockRow> clocks;
    std::vector<CounterEntry> counters;          // by their ids in the file, from 1
    std::vector<std::pair<spool::CodeMap, std::int64_t>> codeMaps;  // with the file's StringIds
    std::vector<spool::ProcessEnd> processEnds;  // in the order of their times
    std::vector<LossRow> losses;
    std::uint64_t lost = 0;           // records
    std::vector<std::string> damage;  // one line per file of the session that is not whole
    std::int64_t firstMonotonicNs = 0;
    std::int64_t firstRealtimeNs = 0;

    // One row per source and process; the first detail stands for all.
    void addLoss(const std::string& source, std::int64_t globalPid, std::uint64_t count,
                 const std::string& detail);
    [[nodiscard]] std::int64_t toMonotonic(const Source& source, std::uint64_t time,
                                           std::size_t& hint) const {
        return source.ticksAreNs ? static_cast<std::int64_t>(time) : ticks.toMonotonic(time, hint);
    }
};

struct CatalogueHints {
    double nsPerTick = 0;             // estimate for when there are too few clock readings; 0: none
    std::uint64_t recorderBytes = 0;  // what recorder.spool has at least; 0: not known
    std::uint64_t recorderLost = 0;   // the recorder's own records, as it counted them
    std::uint64_t lostWithoutRing = 0;  // events that no ring could count
};
Catalogue buildCatalogue(const std::vector<RingFile>& rings, const CatalogueHints& hints);

}  // namespace ridge::recorder
