// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/assembly.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "gui/model/colours.h"
#include "schemas/timeline/ids.h"

namespace ridge::gui {
namespace {

using timeline::tidOf;

const char* kindKey(TrackKind kind) {
    switch (kind) {
        case TrackKind::kSteps: return "steps";
        case TrackKind::kRanges: return "ranges";
        case TrackKind::kFreeRanges: return "free";
        case TrackKind::kOps: return "ops";
        case TrackKind::kApi: return "api";
        case TrackKind::kIo: return "io";
        case TrackKind::kKernels: return "kernels";
        case TrackKind::kCopies: return "memory";
        case TrackKind::kGraphs: return "graphs";
        case TrackKind::kSyncs: return "syncs";
        case TrackKind::kPreemption: return "preemption";
        default: return "group";
    }
}

const char* kindTitle(TrackKind kind) {
    switch (kind) {
        case TrackKind::kRanges: return "ranges";
        case TrackKind::kFreeRanges: return "start/end ranges";
        case TrackKind::kOps: return "framework ops";
        case TrackKind::kApi: return "CUDA API";
        case TrackKind::kIo: return "I/O and OS calls";
        case TrackKind::kKernels: return "kernels";
        case TrackKind::kCopies: return "memory";
        case TrackKind::kGraphs: return "graphs";
        case TrackKind::kSyncs: return "waits";
        case TrackKind::kPreemption: return "preempted";
        default: return "";
    }
}

Layout layoutOf(TrackKind kind) {
    switch (kind) {
        case TrackKind::kRanges:
        case TrackKind::kOps:
        case TrackKind::kApi:
        case TrackKind::kIo: return Layout::kNested;
        default: return Layout::kFirstFit;
    }
}

}  // namespace

Assembly::ProcessInfo& Assembly::process(std::int64_t id) {
    const auto [it, isNew] = m_processes.try_emplace(id);
    if (isNew) {
        it->second.id = id;
        it->second.pid = timeline::pidOf(id);
    }
    return it->second;
}

void Assembly::nameThread(std::int64_t thread, std::string_view name) {
    if (!name.empty()) m_threadNames[thread] = toValidUtf8(name);
}
void Assembly::nameDevice(std::int64_t device, std::string_view name) {
    if (!name.empty()) m_deviceNames.try_emplace(device, toValidUtf8(name));
}

std::uint32_t Assembly::intern(std::string_view text) {
    if (const auto it = m_ids.find(text); it != m_ids.end()) return it->second;
    const auto id = static_cast<std::uint32_t>(m_texts.size());
    m_ids.emplace(std::string(text), id);
    m_texts.push_back(toValidUtf8(text));
    m_colours.push_back(kUncoloured);
    m_namesChanged = true;
    return id;
}

void Assembly::colour(std::uint32_t name, ColourId colour) {
    if (m_colours[name] != kUncoloured) return;
    m_colours[name] = colour;
    m_namesChanged = true;
}

LaneBuilder* Assembly::track(const Place& place, std::string_view table) {
    ++m_rows;
    if (const auto it = m_tracks.find(place); it != m_tracks.end()) return &it->second.lanes;
    if (m_tracks.size() >= kMostTracks) {
        ++m_beyond;
        return nullptr;
    }
    process(place.process);
    return &m_tracks.try_emplace(place, layoutOf(place.kind), std::string(table)).first->second.lanes;
}

Counter* Assembly::counter(std::int64_t processId, std::int64_t device, std::string_view name, std::string_view unit,
                           std::int64_t key) {
    const auto [it, isNew] = m_counters.try_emplace({processId, device, key});
    if (isNew) {
        it->second.name = toValidUtf8(name);
        it->second.counter = std::make_shared<Counter>();
        it->second.counter->unit = toValidUtf8(unit);
    }
    return it->second.counter.get();
}

void Assembly::seen(Ns start, Ns end) {
    m_first = std::min(m_first, start);
    m_last = std::max(m_last, std::max(start, end));
}

void Assembly::warn(std::string_view what, std::int64_t count) {
    if (count > 0) m_warnings[std::string(what)] += count;
}
void Assembly::warn(const std::string& line) { m_lines.push_back(line); }

void Assembly::addWait(std::int64_t processId, std::uint32_t record, std::uint32_t wait) {
    if (record != 0 && wait != 0) m_waits.push_back({processId, record, wait});
}

void Assembly::refreshNames() {
    if (m_published && !m_namesChanged) return;
    auto names = std::make_shared<Names>();
    names->texts = m_texts;
    names->colours = m_colours;
    for (std::size_t i = 0; i < names->colours.size(); ++i)
        if (names->colours[i] == kUncoloured) names->colours[i] = shadeOf(names->texts[i]);
    m_published = std::move(names);
    m_namesChanged = false;
}

void Assembly::buildTrack(Builder& builder, bool complete) {
    if (builder.everBuilt && !builder.lanes.grown() && !complete) return;
    builder.built = builder.lanes.build(m_published->colours, m_last == INT64_MIN ? 0 : m_last, complete);
    builder.everBuilt = true;
}

std::string Assembly::threadTitle(std::int64_t processId, std::int64_t thread) const {
    const auto it = m_threadNames.find(thread);
    const std::int64_t tid = tidOf(thread);
    if (it != m_threadNames.end()) return fmt::format("{} {}", it->second, tid);
    const auto process = m_processes.find(processId);
    const bool main = process != m_processes.end() && process->second.pid == tid;
    return fmt::format("{} {}", main ? "main thread" : "thread", tid);
}

void Assembly::addLeaf(Snapshot& snapshot, const Place& place, const Builder& builder, std::int32_t parent,
                       std::string title, std::string key) const {
    Track track;
    track.key = std::move(key);
    track.title = std::move(title);
    track.table = builder.table;
    track.kind = place.kind;
    track.parent = parent;
    track.level = parent == kNoTrack ? 0 : snapshot.tracks[static_cast<std::size_t>(parent)].level + 1;
    track.rank = parent == kNoTrack ? -1 : snapshot.tracks[static_cast<std::size_t>(parent)].rank;
    track.device = place.device;
    track.lanes = builder.built.lanes;
    snapshot.tracks.push_back(std::move(track));
}

void Assembly::addThreads(Snapshot& snapshot, std::int64_t processId, std::int32_t parent) const {
    const ProcessInfo& info = m_processes.at(processId);
    std::map<std::tuple<int, std::int64_t>, std::vector<const std::pair<const Place, Builder>*>> threads;
    for (auto it = m_tracks.lower_bound({processId, -1, INT64_MIN, TrackKind::kProcess});
         it != m_tracks.end() && it->first.process == processId && it->first.device == -1; ++it)
        threads[{0, it->first.owner}].push_back(&*it);
    // The main thread first, then those that say what they do, then the others.
    std::vector<std::pair<std::tuple<int, std::int64_t>, const std::vector<const std::pair<const Place, Builder>*>*>> order;
    for (const auto& [key, list] : threads) {
        const std::int64_t thread = std::get<1>(key);
        const bool speaks = std::any_of(list.begin(), list.end(), [](const auto* entry) { return entry->first.kind != TrackKind::kIo; });
        order.push_back({{tidOf(thread) == info.pid ? 0 : speaks ? 1 : 2, thread}, &list});
    }
    std::sort(order.begin(), order.end());
    for (const auto& [rank, list] : order) {
        const std::int64_t thread = std::get<1>(rank);
        const std::string key = fmt::format("p{}/t{}", info.id, thread);
        std::int32_t group = parent;
        if (list->size() > 1) {
            Track track;
            track.key = key;
            track.title = threadTitle(processId, thread);
            track.kind = TrackKind::kThread;
            track.parent = parent;
            track.level = snapshot.tracks[static_cast<std::size_t>(parent)].level + 1;
            track.rank = info.rank;
            group = static_cast<std::int32_t>(snapshot.tracks.size());
            snapshot.tracks.push_back(std::move(track));
        }
        for (const auto* entry : *list) {
            const TrackKind kind = entry->first.kind;
            std::string title = kindTitle(kind);
            if (list->size() == 1) title = threadTitle(processId, thread) + " · " + title;
            if (kind == TrackKind::kPreemption) title = fmt::format("CPU {} preempted", thread);
            addLeaf(snapshot, entry->first, entry->second, group, title, key + "/" + kindKey(kind));
        }
    }
}

void Assembly::addDevices(Snapshot& snapshot, std::int64_t processId, std::int32_t parent) const {
    const ProcessInfo& info = m_processes.at(processId);
    auto it = m_tracks.lower_bound({processId, 0, INT64_MIN, TrackKind::kProcess});
    std::int64_t device = -1;
    std::int32_t group = parent;
    for (; it != m_tracks.end() && it->first.process == processId; ++it) {
        const Place& place = it->first;
        if (place.device != device) {
            device = place.device;
            Track track;
            const auto name = m_deviceNames.find(device);
            track.key = fmt::format("p{}/g{}", info.id, device);
            track.title = name == m_deviceNames.end() ? fmt::format("GPU {}", device)
                                                      : fmt::format("GPU {} · {}", device, name->second);
            track.kind = TrackKind::kGpu;
            track.parent = parent;
            track.level = snapshot.tracks[static_cast<std::size_t>(parent)].level + 1;
            track.rank = info.rank;
            track.device = device;
            group = static_cast<std::int32_t>(snapshot.tracks.size());
            snapshot.tracks.push_back(std::move(track));
            addCounters(snapshot, processId, device, group);
        }
        addLeaf(snapshot, place, it->second, group, fmt::format("stream {} · {}", place.owner, kindTitle(place.kind)),
                fmt::format("p{}/g{}/s{}/{}", info.id, device, place.owner, kindKey(place.kind)));
    }
}

void Assembly::addCounters(Snapshot& snapshot, std::int64_t processId, std::int64_t device, std::int32_t parent) const {
    for (auto it = m_counters.lower_bound({processId, device, INT64_MIN});
         it != m_counters.end() && std::get<0>(it->first) == processId && std::get<1>(it->first) == device; ++it) {
        if (it->second.counter->size() == 0) continue;
        Track track;
        track.key = fmt::format("p{}/c{}/{}", processId, device, std::get<2>(it->first));
        track.title = it->second.name;
        track.kind = TrackKind::kCounter;
        track.parent = parent;
        track.level = snapshot.tracks[static_cast<std::size_t>(parent)].level + 1;
        track.rank = snapshot.tracks[static_cast<std::size_t>(parent)].rank;
        track.device = device;
        track.counter = it->second.counter;
        snapshot.tracks.push_back(std::move(track));
    }
}

void Assembly::addProcess(Snapshot& snapshot, std::int64_t id) const {
    const ProcessInfo& info = m_processes.at(id);
    Track track;
    track.key = fmt::format("p{}", id);
    if (id == 0) {
        track.title = "machine";
        track.kind = TrackKind::kMachine;
    } else {
        track.title = info.name.empty() ? fmt::format("process {}", info.pid) : fmt::format("{} {}", info.name, info.pid);
        if (info.rank >= 0) track.title = fmt::format("rank {} · {}", info.rank, track.title);
        track.kind = TrackKind::kProcess;
        track.pid = info.pid;
        track.rank = info.rank;
    }
    const auto self = static_cast<std::int32_t>(snapshot.tracks.size());
    snapshot.tracks.push_back(std::move(track));
    addDevices(snapshot, id, self);
    addThreads(snapshot, id, self);
    // Counters of the process; of the machine also those of single CPUs.
    std::vector<std::int64_t> devices{-1};
    if (id == 0)
        for (const auto& [key, counter] : m_counters)
            if (std::get<0>(key) == 0 && std::get<1>(key) >= 0 && std::get<1>(key) != devices.back())
                devices.push_back(std::get<1>(key));
    for (const std::int64_t device : devices) {
        const bool shownAtDevice = device >= 0 && m_tracks.contains({id, device, 0, TrackKind::kKernels});
        if (!shownAtDevice) addCounters(snapshot, id, device, self);
    }
    if (snapshot.tracks.size() == static_cast<std::size_t>(self) + 1) snapshot.tracks.pop_back();  // nothing in it
}

void Assembly::linkFlows(Snapshot& snapshot) {
    struct Key {
        std::int64_t process;
        std::uint32_t correlation;
        Ns start;
        SliceRef ref;
    };
    const auto less = [](const Key& a, const Key& b) {
        return std::tie(a.process, a.correlation, a.start, a.ref) < std::tie(b.process, b.correlation, b.start, b.ref);
    };
    std::vector<Key> calls;
    std::map<const Lane*, std::uint32_t> numberOf;
    for (const Track& track : snapshot.tracks)
        for (std::size_t d = 0; d < track.lanes.size(); ++d)
            numberOf[track.lanes[d].get()] = track.firstLane + static_cast<std::uint32_t>(d);
    const auto visit = [&](bool api, const auto& take) {
        for (const auto& [place, builder] : m_tracks) {
            if ((place.kind == TrackKind::kApi) != api) continue;
            for (std::size_t d = 0; d < builder.built.correlations.size(); ++d) {
                const Lane& lane = *builder.built.lanes[d];
                const auto& correlations = builder.built.correlations[d];
                for (std::size_t i = 0; i < correlations.size(); ++i)
                    if (correlations[i] != 0)
                        take(Key{place.process, correlations[i], lane.start(i),
                                 {numberOf[&lane], static_cast<std::uint32_t>(i)}});
            }
        }
    };
    visit(true, [&](const Key& key) { calls.push_back(key); });
    std::sort(calls.begin(), calls.end(), less);
    // Of several calls with one id (a runtime call and the driver call in it) the earliest is the launch.
    const auto find = [&](std::int64_t processId, std::uint32_t correlation) -> const Key* {
        const auto it = std::lower_bound(calls.begin(), calls.end(), Key{processId, correlation, INT64_MIN, {0, 0}}, less);
        return it != calls.end() && it->process == processId && it->correlation == correlation ? &*it : nullptr;
    };
    std::vector<Flow> flows;
    visit(false, [&](const Key& key) {
        if (const Key* call = find(key.process, key.correlation)) flows.push_back({call->ref, key.ref, FlowKind::kLaunch});
    });
    for (const Wait& wait : m_waits) {
        const Key* from = find(wait.process, wait.record);
        const Key* to = find(wait.process, wait.wait);
        if (from && to) flows.push_back({from->ref, to->ref, FlowKind::kWait});
    }
    auto built = std::make_shared<Flows>();
    built->build(std::move(flows));
    snapshot.flows = std::move(built);
}

SnapshotPtr Assembly::publish(bool complete, double progress) {
    refreshNames();
    for (auto& [place, builder] : m_tracks) buildTrack(builder, complete);
    for (auto& [key, entry] : m_counters) {
        // Published counters are read by others: the next samples go into a copy.
        entry.counter->build();
    }
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->number = ++m_number;
    snapshot->path = m_path;
    snapshot->complete = complete;
    snapshot->progress = progress;
    snapshot->names = m_published;
    std::vector<std::pair<std::tuple<int, std::int64_t, std::int64_t>, std::int64_t>> order;
    for (const auto& [id, info] : m_processes)
        order.push_back({{id == 0 ? 2 : info.rank >= 0 ? 0 : 1, info.rank, info.pid}, id});
    std::sort(order.begin(), order.end());
    for (const auto& [rank, id] : order) addProcess(*snapshot, id);
    snapshot->numberLanes();
    snapshot->first = m_first == INT64_MAX ? 0 : m_first;
    snapshot->last = m_last == INT64_MIN ? 0 : m_last;
    if (complete) {
        linkFlows(*snapshot);
        std::int64_t dropped = m_beyond;
        for (auto& [place, builder] : m_tracks) {
            dropped += static_cast<std::int64_t>(builder.lanes.dropped());
            std::vector<std::vector<std::uint32_t>>().swap(builder.built.correlations);
        }
        warn("rows are not drawn: they nest deeper than 64 levels, or there are more than 4096 tracks", dropped);
        for (const auto& [what, count] : m_warnings) snapshot->warnings.push_back(fmt::format("{} {}", count, what));
        snapshot->warnings.insert(snapshot->warnings.end(), m_lines.begin(), m_lines.end());
    } else {
        for (auto& [key, entry] : m_counters) entry.counter = std::make_shared<Counter>(*entry.counter);
    }
    return snapshot;
}

}  // namespace ridge::gui
