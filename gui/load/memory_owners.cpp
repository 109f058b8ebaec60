// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/memory_owners.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "base/text.h"
#include "gui/load/trace_loader.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/ids.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {
namespace {

using timeline::TableScan;

constexpr std::array<const char*, 8> kKinds{"pageable", "pinned", "device", "array", "managed", "device static", "managed static", "unknown"};
constexpr std::int64_t kLookEvery = 4096, kMostBytes = std::int64_t{1} << 50;
constexpr Ns kMaxTime = Ns{1} << 55;

struct Event {
    Ns time;
    std::int64_t process, address, bytes;
    std::uint32_t owner;
    bool frees;
};

struct Owners {
    std::vector<std::pair<std::string, std::string>> names;  // name, kind
    std::map<std::pair<std::string, std::string>, std::uint32_t> ids;
    std::uint32_t of(std::string name, std::string kind) {
        const auto [it, isNew] = ids.try_emplace({name, kind}, static_cast<std::uint32_t>(names.size()));
        if (isNew) names.emplace_back(std::move(name), std::move(kind));
        return it->second;
    }
};

// What is allocated while the events are played; sums wrap around instead of overflowing.
class Player {
public:
    explicit Player(std::size_t owners) : held(owners, 0) {}
    void play(const Event& e) {
        const auto address = std::pair{e.process, e.address};
        if (const auto it = m_live.find(address); it != m_live.end()) {
            total -= it->second.first;
            held[it->second.second] -= it->second.first;
            m_live.erase(it);
        }
        if (e.frees) return;
        const auto bytes = static_cast<std::uint64_t>(e.bytes);
        m_live[address] = {bytes, e.owner};
        total += bytes;
        held[e.owner] += bytes;
    }
    std::uint64_t total = 0;
    std::vector<std::uint64_t> held;

private:
    std::map<std::pair<std::int64_t, std::int64_t>, std::pair<std::uint64_t, std::uint32_t>> m_live;
};

DeviceMemory curvesOf(std::int64_t pid, std::int64_t device, std::vector<Event> events, const Owners& owners) {
    std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
    DeviceMemory memory;
    memory.device = device;
    memory.pid = pid;
    Player first(owners.names.size());
    const std::size_t bucket = (events.size() + kOwnerSamples - 1) / kOwnerSamples;
    std::vector<std::size_t> drawn;
    std::uint64_t most = 0, peak = 0;
    std::vector<std::uint64_t> atPeak(owners.names.size(), 0);
    for (std::size_t i = 0; i < events.size(); ++i) {
        first.play(events[i]);
        if (i % bucket == 0) drawn.push_back(i), most = first.total;
        else if (first.total > most) drawn.back() = i, most = first.total;
        if (first.total > peak) peak = first.total, atPeak = first.held;
    }
    std::vector<std::uint32_t> order;
    for (std::uint32_t o = 0; o < owners.names.size(); ++o)
        if (atPeak[o] > 0) order.push_back(o);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return atPeak[a] > atPeak[b]; });
    order.resize(std::min(kMostOwners, order.size()));
    for (const std::uint32_t o : order) memory.owners.push_back({owners.names[o].first, owners.names[o].second, {}});
    Player again(owners.names.size());
    std::size_t played = 0;
    for (const std::size_t at : drawn) {
        for (; played <= at; ++played) again.play(events[played]);
        memory.times.push_back(events[at].time);
        memory.total.push_back(static_cast<double>(again.total));
        for (std::size_t o = 0; o < order.size(); ++o) memory.owners[o].bytes.push_back(static_cast<double>(again.held[order[o]]));
    }
    return memory;
}

}  // namespace

Result<std::vector<DeviceMemory>> memoryByOwner(const std::string& path, const std::atomic<bool>& stop) {
    std::vector<DeviceMemory> answer;
    if (!looksLikeSqlite(path)) return answer;
    RIDGE_TRY(Database db, Database::openForReading(path));
    TableScan scan(db, "CUDA_GPU_MEMORY_USAGE_EVENTS", {"start", "globalPid", "deviceId", "address", "bytes", "memKind", "memoryOperationType", "name"});
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Event>> ofDevice;
    Owners owners;
    for (std::int64_t n = 0; scan.next(); ++n) {
        if (n % kLookEvery == 0 && stop) return answer;
        std::int64_t kind = scan.integerOr(5, 7);
        if (kind < 0 || kind > 7) kind = 7;
        const auto time = scan.integer(0), bytes = scan.integer(4), operation = scan.integer(6);
        if (kind < 2 || !time || *time <= -kMaxTime || *time >= kMaxTime || !bytes || *bytes < 0 || *bytes > kMostBytes || !operation || (*operation != 0 && *operation != 1)) continue;
        const std::int64_t process = timeline::globalPidOf(scan.integerOr(1, 0));
        ofDevice[{process, scan.integerOr(2, 0)}].push_back(
            {*time, process, scan.integerOr(3, 0), *bytes, owners.of(toValidUtf8(scan.text(7)), kKinds[static_cast<std::size_t>(kind)]), *operation == 1});
    }
    for (auto& [where, events] : ofDevice)
        if (!stop) answer.push_back(curvesOf(timeline::pidOf(where.first), where.second, std::move(events), owners));
    return answer;
}

}  // namespace ridge::gui
