// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/memory/allocations.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "base/text.h"

namespace ridge::analyzer {
namespace {

constexpr std::array<const char*, 8> kKinds{"pageable", "pinned", "device", "array", "managed", "device static", "managed static", "unknown"};
constexpr std::size_t kDrawnSamples = 500;
constexpr std::int64_t kLinkCopyBytes = 1 << 20;
constexpr std::uint8_t kToDevice = 1, kToHost = 2;

using OwnerKey = std::pair<std::uint32_t, std::uint8_t>;  // name, kind

// Sums wrap around instead of overflowing: a hostile file may claim any number of bytes.
std::int64_t shown(std::uint64_t bytes) { return static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, std::numeric_limits<std::int64_t>::max())); }

struct Held {
    std::uint64_t now = 0;
    std::int64_t peak = 0, allocations = 0;
};

// One device's memory while the events are played.
class Player {
public:
    void play(const MemoryEvent& event) {
        const auto address = std::pair{event.process, event.address};
        const auto it = m_live.find(address);
        if (it != m_live.end()) {  // given back, or allocated anew and its release was not seen
            m_total -= it->second.first;
            m_owners[it->second.second].now -= it->second.first;
            m_live.erase(it);
            if (!event.frees) ++unmatched;
        } else if (event.frees) {
            ++unmatched;
        }
        ++(event.frees ? releases : allocations);
        if (event.frees) return;
        const OwnerKey key{event.owner.value, event.kind};
        const auto bytes = static_cast<std::uint64_t>(event.bytes);
        m_live[address] = {bytes, key};
        m_total += bytes;
        Held& owner = m_owners[key];
        owner.now += bytes;
        owner.peak = std::max(owner.peak, shown(owner.now));
        ++owner.allocations;
    }
    [[nodiscard]] std::int64_t total() const { return shown(m_total); }
    [[nodiscard]] const std::map<OwnerKey, Held>& owners() const { return m_owners; }
    std::int64_t allocations = 0, releases = 0, unmatched = 0;

private:
    std::map<std::pair<std::int32_t, std::int64_t>, std::pair<std::uint64_t, OwnerKey>> m_live;
    std::map<OwnerKey, Held> m_owners;
    std::uint64_t m_total = 0;
};

// The slower direction; nothing without a copy that is large enough.
std::optional<double> linkBandwidth(const Timeline& timeline, std::int32_t device) {
    std::array<std::pair<double, double>, 2> sums{};  // bytes, seconds
    for (const GpuRow& row : timeline.gpu) {
        if (row.kind != GpuKind::kCopy || row.device != device || row.bytes < kLinkCopyBytes || row.end <= row.start) continue;
        if (row.copyKind != kToDevice && row.copyKind != kToHost) continue;
        auto& [bytes, seconds] = sums[row.copyKind == kToDevice ? 0 : 1];
        bytes += static_cast<double>(row.bytes);
        seconds += static_cast<double>(row.end - row.start) / 1e9;
    }
    std::optional<double> slowest;
    for (const auto& [bytes, seconds] : sums)
        if (seconds > 0) slowest = std::min(slowest.value_or(bytes / seconds), bytes / seconds);
    return slowest;
}

std::optional<Ns> forwardTime(const Analysis& answer) {
    for (const RangeSummary& range : answer.ranges)
        if (range.name == "forward" && range.count > 0 && range.deviceNs > 0) return range.deviceNs / range.count;
    return std::nullopt;
}

bool has(const std::string& name, const char* word) {
    std::string text;
    for (const char c : name) text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text.find(word) != std::string::npos;
}

void addOwners(const Context& context, const Analysis& answer, const std::map<OwnerKey, Held>& atPeak, const std::map<OwnerKey, Held>& atEnd, DeviceFootprint& footprint) {
    for (const auto& [key, held] : atEnd) {
        MemoryOwner owner;
        owner.name = toValidUtf8(context.timeline.names.text(NameId{key.first}));
        owner.kind = kKinds[std::min<std::size_t>(key.second, kKinds.size() - 1)];
        owner.peakBytes = held.peak;
        owner.allocations = held.allocations;
        if (const auto it = atPeak.find(key); it != atPeak.end()) owner.atPeakBytes = shown(it->second.now);
        const bool activations = has(owner.name, "activation");
        if ((activations || has(owner.name, "optim")) && footprint.linkBandwidth)
            owner.offloadNs = static_cast<Ns>(std::min(2 * static_cast<double>(owner.atPeakBytes) / *footprint.linkBandwidth * 1e9, 9e18));
        if (activations) owner.recomputeNs = forwardTime(answer);
        footprint.owners.push_back(std::move(owner));
    }
    std::stable_sort(footprint.owners.begin(), footprint.owners.end(), [](const MemoryOwner& a, const MemoryOwner& b) {
        return std::tie(a.atPeakBytes, a.peakBytes) > std::tie(b.atPeakBytes, b.peakBytes);
    });
}

// The largest of each bucket, so that thinning never hides the peak.
std::vector<std::pair<Ns, double>> thinned(const std::vector<std::pair<Ns, double>>& samples) {
    std::vector<std::pair<Ns, double>> drawn;
    const std::size_t bucket = std::max<std::size_t>(1, (samples.size() + kDrawnSamples - 1) / kDrawnSamples);
    for (std::size_t i = 0; i < samples.size(); i += bucket) {
        const auto end = samples.begin() + static_cast<std::ptrdiff_t>(std::min(i + bucket, samples.size()));
        drawn.push_back(*std::max_element(samples.begin() + static_cast<std::ptrdiff_t>(i), end, [](const auto& a, const auto& b) { return a.second < b.second; }));
    }
    return drawn;
}

void addDevice(const Context& context, std::int32_t device, const std::vector<const MemoryEvent*>& events, Analysis& answer) {
    const Timeline& timeline = context.timeline;
    DeviceFootprint footprint;
    footprint.device = timeline.devices[static_cast<std::size_t>(device)].id;
    if (const std::int32_t process = events.front()->process; process != kNoIndex) footprint.rank = timeline.processes[static_cast<std::size_t>(process)].rank;
    Player player;
    std::size_t peak = 0;
    std::vector<std::pair<Ns, double>> samples;
    for (std::size_t i = 0; i < events.size(); ++i) {
        player.play(*events[i]);
        samples.emplace_back(events[i]->time, static_cast<double>(player.total()));
        if (player.total() <= footprint.peakBytes) continue;
        footprint.peakBytes = player.total();
        footprint.peakTimeNs = events[i]->time;
        peak = i;
    }
    Player again;  // up to the peak: who held it
    for (std::size_t i = 0; i <= peak; ++i) again.play(*events[i]);
    footprint.lastBytes = player.total();
    footprint.allocations = player.allocations;
    footprint.releases = player.releases;
    footprint.unmatchedReleases = player.unmatched;
    footprint.samples = thinned(samples);
    footprint.linkBandwidth = linkBandwidth(timeline, device);
    addOwners(context, answer, again.owners(), player.owners(), footprint);
    answer.memory.devices.push_back(std::move(footprint));
}

void addCaches(const Timeline& timeline, Analysis& answer) {
    for (const CounterSeries& series : timeline.counters) {
        if (series.name.find("kv_cache") == std::string::npos || series.samples.empty()) continue;
        CacheOccupancy cache;
        cache.name = toValidUtf8(series.name);
        cache.unit = series.unit;
        if (series.process != kNoIndex) cache.rank = timeline.processes[static_cast<std::size_t>(series.process)].rank;
        auto samples = series.samples;
        std::stable_sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        double area = 0;
        for (std::size_t i = 0; i < samples.size(); ++i) {
            cache.peak = std::max(cache.peak, samples[i].second);
            if (i + 1 < samples.size()) area += samples[i].second * static_cast<double>(samples[i + 1].first - samples[i].first);
        }
        const double span = static_cast<double>(samples.back().first - samples.front().first);
        cache.mean = span > 0 ? area / span : samples.front().second;
        answer.memory.kvCache.push_back(std::move(cache));
    }
}

}  // namespace

void addAllocations(const Context& context, Analysis& answer) {
    std::map<std::int32_t, std::vector<const MemoryEvent*>> ofDevice;
    for (const MemoryEvent& event : context.timeline.memoryEvents) {
        const bool host = event.kind < 2;
        if (!host && event.device != kNoIndex) ofDevice[event.device].push_back(&event);
    }
    for (const auto& [device, events] : ofDevice) addDevice(context, device, events, answer);
    if (!answer.memory.deviceBytesPeak)
        for (const DeviceFootprint& d : answer.memory.devices)
            answer.memory.deviceBytesPeak = std::max(answer.memory.deviceBytesPeak.value_or(0), d.peakBytes);
    addCaches(context.timeline, answer);
}

}  // namespace ridge::analyzer
