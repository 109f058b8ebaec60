// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What was done to files, at the level of Darshan's counters: calls, bytes and time of reading, writing,
// syncing and everything else, by file and by class; histograms of sizes and offsets.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "analyzer/stats/aggregate.h"
#include "analyzer/stats/reports.h"
#include "schemas/spool/io_records.h"

namespace ridge::analyzer::stats {
namespace {

using spool::IoOp;

enum Does : std::size_t { kReads, kWrites, kSyncs, kManages, kDoes };  // open, close, map: kManages

Does doesOf(std::int64_t op) {
    switch (static_cast<IoOp>(op)) {
        case IoOp::kRead:
        case IoOp::kPread:
        case IoOp::kReadv:
        case IoOp::kPreadv:
        case IoOp::kFread:
        case IoOp::kTransferIn:
        case IoOp::kUringRead:
            return kReads;
        case IoOp::kWrite:
        case IoOp::kPwrite:
        case IoOp::kWritev:
        case IoOp::kPwritev:
        case IoOp::kFwrite:
        case IoOp::kTransferOut:
        case IoOp::kUringWrite:
            return kWrites;
        case IoOp::kFsync:
        case IoOp::kFdatasync:
        case IoOp::kSync:
        case IoOp::kFflush:
        case IoOp::kMsync:
        case IoOp::kUringSync:
            return kSyncs;
        default:
            return kManages;
    }
}

// What an io_uring moved is told to the program's memory only; the file has 0 for it, which is no number of bytes.
bool isMovedKnown(const FileCall& call) { return static_cast<IoOp>(call.op) != IoOp::kUringRead && static_cast<IoOp>(call.op) != IoOp::kUringWrite; }

bool maps(const FileCall& call) { return static_cast<IoOp>(call.op) == IoOp::kMmap || static_cast<IoOp>(call.op) == IoOp::kMmapStores; }

bool opens(std::int64_t op) { return static_cast<IoOp>(op) == IoOp::kOpen || static_cast<IoOp>(op) == IoOp::kFopen; }

struct Sum {
    std::array<std::int64_t, kDoes> calls{}, ns{}, bytes{}, unknown{};  // unknown: calls of which nobody knows what they moved
    std::int64_t opens = 0, errors = 0, extent = 0;
    std::int64_t mapped = 0, mappedForStores = 0;  // bytes: what is loaded and stored there is no call
    bool hasUnplaced = false;  // bytes of which nobody knows where in the file they lie
    std::int64_t followers = 0, inOrder = 0;  // calls with an offset after another one; at or behind its end

    // Of a file that was mapped, nothing read means nothing known.
    [[nodiscard]] bool isKnown(Does does) const {
        const std::int64_t unseen = does == kReads ? mapped : mappedForStores;
        return unknown[does] == 0 && (unseen == 0 || bytes[does] != 0);
    }
    [[nodiscard]] std::int64_t totalNs() const { return ns[kReads] + ns[kWrites] + ns[kSyncs] + ns[kManages]; }
    [[nodiscard]] std::int64_t totalCalls() const { return calls[kReads] + calls[kWrites] + calls[kSyncs] + calls[kManages]; }
};

StatsCell megabytes(std::int64_t bytes, bool isKnown) { return isKnown ? StatsCell(std::round(static_cast<double>(bytes) / 1e3) / 1e3) : StatsCell(); }
StatsCell average(std::int64_t bytes, std::int64_t calls, bool isKnown) {
    return calls && isKnown ? StatsCell(tenths(static_cast<double>(bytes) / static_cast<double>(calls))) : StatsCell();
}
// A file that --io-class says nothing of has no class: null in JSON, and no name that a class could have.
StatsCell told(const std::string& part) { return part.empty() ? StatsCell() : StatsCell(part); }
double percent(std::int64_t part, std::int64_t whole) { return tenths(100 * static_cast<double>(part) / static_cast<double>(whole)); }

// Sums by key, filled in the order of the calls' starts.
class Sums {
public:
    void add(const std::vector<std::string>& key, const FileCall& call) {
        Sum& sum = m_sums[key];
        const Does does = doesOf(call.op);
        ++sum.calls[does];
        sum.ns[does] += call.end - call.start;
        sum.opens += opens(call.op);
        sum.errors += call.failed;
        if (maps(call) && !call.failed) {
            sum.mapped += call.requested;
            if (static_cast<IoOp>(call.op) == IoOp::kMmapStores) sum.mappedForStores += call.requested;
        }
        if (does != kReads && does != kWrites) return;
        sum.bytes[does] += call.bytes;
        if (!isMovedKnown(call)) {
            sum.unknown[does] += !call.failed;
            return;
        }
        sum.hasUnplaced = sum.hasUnplaced || (!call.offset && !call.failed && call.bytes > 0);
        if (!call.offset || call.failed) return;
        sum.extent = std::max(sum.extent, *call.offset + call.bytes);
        const auto [last, isFirst] = m_ends.try_emplace({key, call.file, does}, 0);
        if (!isFirst) {
            ++sum.followers;
            sum.inOrder += *call.offset >= last->second;
        }
        last->second = *call.offset + call.bytes;
    }

    StatsTable table(const std::vector<std::string>& keyTitles) {
        StatsTable table;
        for (const char* title : {"Time (%)", "Total Time (ns)", "Calls", "Read Time (ns)", "Write Time (ns)", "Sync Time (ns)", "Meta Time (ns)", "Reads", "Read (MB)",
                                  "Avg Read (B)", "Writes", "Written (MB)", "Avg Write (B)", "Syncs", "Opens", "Errors", "Extent (MB)", "Sequential (%)", "Mapped (MB)"})
            table.columns.push_back({title});
        for (const auto& title : keyTitles) table.columns.push_back({title, true});
        std::vector<std::pair<const std::vector<std::string>*, const Sum*>> ranked;
        std::int64_t all = 0;
        for (const auto& [key, sum] : m_sums) {
            ranked.emplace_back(&key, &sum);
            all += sum.totalNs();
        }
        std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.second->totalNs() > b.second->totalNs(); });
        for (const auto& [key, s] : ranked) {
            const bool readKnown = s->isKnown(kReads), writtenKnown = s->isKnown(kWrites);
            std::vector<StatsCell> row{all ? percent(s->totalNs(), all) : 0.0, s->totalNs(), s->totalCalls(), s->ns[kReads], s->ns[kWrites], s->ns[kSyncs], s->ns[kManages],
                                       s->calls[kReads], megabytes(s->bytes[kReads], readKnown), average(s->bytes[kReads], s->calls[kReads], readKnown), s->calls[kWrites],
                                       megabytes(s->bytes[kWrites], writtenKnown), average(s->bytes[kWrites], s->calls[kWrites], writtenKnown), s->calls[kSyncs], s->opens, s->errors,
                                       megabytes(s->extent, readKnown && writtenKnown && !s->hasUnplaced), s->followers ? StatsCell(percent(s->inOrder, s->followers)) : StatsCell(), megabytes(s->mapped, true)};
            for (const auto& part : *key) row.push_back(told(part));
            table.rows.push_back(std::move(row));
        }
        if (std::any_of(ranked.begin(), ranked.end(), [](const auto& one) { return one.second->mapped > 0; }))
            table.notes.emplace_back("what the program reads and writes through mappings (Mapped) is no call, so Read and Written are without it");
        return table;
    }

private:
    std::map<std::vector<std::string>, Sum> m_sums;
    std::map<std::tuple<std::vector<std::string>, std::int64_t, Does>, std::int64_t> m_ends;
};

struct Bin {
    std::int64_t below;
    const char* name;
};

// Darshan's, in bytes.
constexpr std::array<Bin, 10> kSizes{{{101, "0-100"}, {1025, "101-1Ki"}, {10'241, "1Ki-10Ki"}, {102'401, "10Ki-100Ki"}, {1'048'577, "100Ki-1Mi"}, {4'194'305, "1Mi-4Mi"},
                                      {10'485'761, "4Mi-10Mi"}, {104'857'601, "10Mi-100Mi"}, {1'073'741'825, "100Mi-1Gi"}, {INT64_MAX, "1Gi+"}}};
constexpr std::array<Bin, 6> kOffsets{{{std::int64_t{1} << 20, "0-1Mi"}, {std::int64_t{1} << 24, "1Mi-16Mi"}, {std::int64_t{1} << 28, "16Mi-256Mi"},
                                       {std::int64_t{1} << 32, "256Mi-4Gi"}, {std::int64_t{1} << 36, "4Gi-64Gi"}, {INT64_MAX, "64Gi+"}}};

template <std::size_t N>
std::size_t binOf(const std::array<Bin, N>& bins, std::int64_t value) {
    for (std::size_t i = 0; i + 1 < N; ++i)
        if (value < bins[i].below) return i;
    return N - 1;
}

struct Count {
    std::int64_t calls = 0, bytes = 0, ns = 0, unknown = 0;
};

// Reads and writes, by class and path (where that is asked for), operation and bin; in this order.
class Histogram {
public:
    void add(std::vector<std::string> key, bool writes, std::size_t bin, const FileCall& call) {
        Count& count = m_counts[{std::move(key), writes, bin}];
        ++count.calls;
        count.bytes += call.bytes;
        count.unknown += !isMovedKnown(call);
        count.ns += call.end - call.start;
    }

    template <typename NameOf>
    StatsTable table(const char* binTitle, const std::vector<std::string>& keyTitles, NameOf nameOf) const {
        StatsTable table;
        table.columns = {{"Operation", true}, {binTitle, true}, {"Calls"}, {"Total (MB)"}, {"Time (ns)"}};
        for (const auto& title : keyTitles) table.columns.push_back({title, true});
        for (const auto& [key, count] : m_counts) {
            const auto& [names, writes, bin] = key;
            std::vector<StatsCell> row{std::string(writes ? "write" : "read"), std::string(nameOf(bin)), count.calls, megabytes(count.bytes, count.unknown == 0), count.ns};
            for (const auto& name : names) row.push_back(told(name));
            table.rows.push_back(std::move(row));
        }
        return table;
    }

private:
    std::map<std::tuple<std::vector<std::string>, bool, std::size_t>, Count> m_counts;
};

}  // namespace

StatsTable fileAccessSum(Rows& rows) {
    Sums sums;
    for (const FileCall& call : rows.fileCalls()) sums.add({rows.file(call.file).kind, rows.file(call.file).path}, call);
    return sums.table({"Class", "Path"});
}

StatsTable fileClassSum(Rows& rows) {
    Sums sums;
    for (const FileCall& call : rows.fileCalls()) sums.add({rows.file(call.file).kind}, call);
    return sums.table({"Class"});
}

StatsTable fileSizeHist(Rows& rows) {
    Histogram histogram;
    for (const FileCall& call : rows.fileCalls()) {
        const Does does = doesOf(call.op);
        if (call.failed || (does != kReads && does != kWrites)) continue;
        histogram.add({rows.file(call.file).kind, rows.file(call.file).path}, does == kWrites, isMovedKnown(call) ? 1 + binOf(kSizes, call.bytes) : 0, call);
    }
    return histogram.table("Size (B)", {"Class", "Path"}, [](std::size_t bin) { return bin == 0 ? "not known" : kSizes[bin - 1].name; });
}

StatsTable fileOffsetHist(Rows& rows) {
    Histogram histogram;
    for (const FileCall& call : rows.fileCalls()) {
        const Does does = doesOf(call.op);
        if (call.failed || (does != kReads && does != kWrites)) continue;
        histogram.add({rows.file(call.file).kind, rows.file(call.file).path}, does == kWrites, call.offset ? 1 + binOf(kOffsets, *call.offset) : 0, call);
    }
    return histogram.table("Offset (B)", {"Class", "Path"}, [](std::size_t bin) { return bin == 0 ? "where it stood" : kOffsets[bin - 1].name; });
}

}  // namespace ridge::analyzer::stats
