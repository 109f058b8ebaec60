// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/memory_regions.h"

#include <unordered_map>

namespace ridge::recorder {
namespace {

using namespace spool;

class Player {
public:
    Player(const Source& source, const StringTable& strings)
        : m_source(source), m_strings(strings) {}

    void play(const MemoryRegion& event) {
        switch (event.op) {
            case RegionOp::kHeap:
            case RegionOp::kRegion:
                begin(event);
                break;
            case RegionOp::kHeapGone:
                endRegionsOf(event.regionId, event.time);
                [[fallthrough]];
            case RegionOp::kRegionGone:
                if (RegionRow* row = find(event)) end(*row, event.time);
                break;
            case RegionOp::kHeapReset:
                endRegionsOf(event.regionId, event.time);
                break;
            case RegionOp::kRegionResized:
                if (RegionRow* row = find(event)) row->bytes = event.bytes;
                break;
            case RegionOp::kName:
                if (RegionRow* row = find(event)) row->name = text(event.header.id);
                break;
        }
    }
    std::vector<RegionRow> take() { return std::move(m_rows); }

private:
    std::string text(std::uint32_t nameId) const {
        const std::int64_t id = m_source.names.get(nameId);
        return id ? m_strings.text(id) : std::string();
    }

    void begin(const MemoryRegion& event) {
        RegionRow row;
        row.start = event.time;
        row.regionId = event.regionId;
        row.heapId = event.heapId;
        row.address = event.address;
        row.bytes = event.bytes;
        row.domainId = event.domainId;
        row.isHeap = event.op == RegionOp::kHeap;
        row.name = text(event.header.id);
        m_byId[row.regionId] = m_rows.size();
        if (!row.isHeap) {
            m_byAddress[row.address] = m_rows.size();
            if (row.heapId) m_ofHeap[row.heapId].push_back(m_rows.size());
        }
        m_rows.push_back(std::move(row));
    }

    RegionRow* find(const MemoryRegion& event) {
        const auto& map = event.regionId ? m_byId : m_byAddress;
        const auto found = map.find(event.regionId ? event.regionId : event.address);
        return found == map.end() ? nullptr : &m_rows[found->second];
    }

    void end(RegionRow& row, std::uint64_t time) {
        if (row.end == 0) row.end = time;
        m_byId.erase(row.regionId);
        const auto there = m_byAddress.find(row.address);
        if (there != m_byAddress.end() && m_rows[there->second].regionId == row.regionId)
            m_byAddress.erase(there);
    }

    void endRegionsOf(std::uint64_t heapId, std::uint64_t time) {
        const auto found = m_ofHeap.find(heapId);
        if (found == m_ofHeap.end()) return;
        for (const std::size_t index : found->second) end(m_rows[index], time);
        m_ofHeap.erase(found);
    }

    const Source& m_source;
    const StringTable& m_strings;
    std::vector<RegionRow> m_rows;
    std::unordered_map<std::uint64_t, std::size_t> m_byId, m_byAddress;
    std::unordered_map<std::uint64_t, std::vector<std::size_t>> m_ofHeap;
};

}  // namespace

std::vector<RegionRow> memoryRegions(const Source& source, const StringTable& strings) {
    Player player(source, strings);
    for (const MemoryRegion& event : source.regions) player.play(event);
    return player.take();
}

}  // namespace ridge::recorder
