// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/assembly.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "gui/load/parallel.h"
#include "gui/model/colours.h"
#include "schemas/timeline/ids.h"

namespace ridge::gui {
namespace {

using timeline::tidOf;

constexpr std::int64_t machineOf(std::int64_t process) { return process >> 48; }
// What belongs to no process has the id 0 in its file.
constexpr bool isMachine(std::int64_t process) { return (static_cast<std::uint64_t>(process) << 8) == 0; }

const char* kindKey(TrackKind kind) {
    switch (kind) {
        case TrackKind::kSteps: return "steps";
        case TrackKind::kRanges: return "ranges";
        case TrackKind::kFreeRanges: return "free";
        case TrackKind::kOps: return "ops";
        case TrackKind::kApi: return "api";
        case TrackKind::kIo: return "io";
        case TrackKind::kSamples: return "samples";
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
        case TrackKind::kSamples: return "call stacks (samples)";
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
        case TrackKind::kSamples:
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
        it->second.file = m_file;
    }
    return it->second;
}

void Assembly::nameThread(std::int64_t process, std::int64_t thread, std::string_view name) {
    if (!name.empty()) m_threadNames[{process, thread}] = toValidUtf8(name);
}
void Assembly::nameDevice(std::int64_t process, std::int64_t device, std::string_view name) {
    if (!name.empty()) m_deviceNames.try_emplace({machineOf(process), device}, toValidUtf8(name));
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
    const auto hash = static_cast<std::uint64_t>(place.process ^ (place.owner << 3) ^ (place.device << 17)) + static_cast<std::uint64_t>(place.kind) * 31;
    Recent& recent = m_recent[(hash * 0x9E3779B97F4A7C15ULL) >> 56];
    if (recent.lanes && recent.place == place) return recent.lanes;
    auto it = m_tracks.find(place);
    if (it == m_tracks.end()) {
        if (m_tracks.size() >= kMostTracks) {
            ++m_beyond;
            return nullptr;
        }
        process(place.process);
        it = m_tracks.try_emplace(place, layoutOf(place.kind), std::string(table)).first;
    }
    recent = {place, &it->second.lanes};
    return recent.lanes;
}

Counter* Assembly::counter(std::int64_t processId, std::int64_t device, std::string_view name, std::string_view unit,
                           std::int64_t key) {
    const auto [it, isNew] = m_counters.try_emplace({processId, device, key});
    if (isNew) {
        process(processId);
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
void Assembly::lost(const std::string& line) {
    m_lines.push_back(line);
    m_damage.push_back(line);
}

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

void Assembly::buildTracks(bool complete) {
    std::vector<std::shared_ptr<Lane>> fresh;
    for (auto& [place, builder] : m_tracks) {
        if (builder.everBuilt && !builder.lanes.grown() && !complete) continue;
        if (stopped()) return;
        builder.built = builder.lanes.layOut(m_last == INT64_MIN ? 0 : m_last, complete);
        builder.everBuilt = true;
        fresh.insert(fresh.end(), builder.built.lanes.begin(), builder.built.lanes.end());
    }
    // Two jobs a lane, the long ones first.
    std::sort(fresh.begin(), fresh.end(), [](const auto& a, const auto& b) { return a->size() > b->size(); });
    parallelFor(fresh.size() * 2, [&](std::size_t i) {
        if (stopped()) return;
        Lane& lane = *fresh[i / 2];
        if (i % 2 == 0) lane.buildPyramid(m_published->colours, m_stop);
        else lane.buildIndex(m_stop);
    });
    parallelFor(fresh.size(), [&](std::size_t i) {
        if (!stopped()) fresh[i]->shrink();
    });
}

std::string Assembly::threadTitle(std::int64_t processId, std::int64_t thread) const {
    const auto it = m_threadNames.find({processId, thread});
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
    track.derived = builder.derived;
    track.file = parent == kNoTrack ? 0 : snapshot.tracks[static_cast<std::size_t>(parent)].file;
    track.lanes.assign(builder.built.lanes.begin(), builder.built.lanes.end());
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
            track.file = info.file;
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
            const auto name = m_deviceNames.find({machineOf(processId), device});
            track.key = fmt::format("p{}/g{}", info.id, device);
            track.title = name == m_deviceNames.end() ? fmt::format("GPU {}", device)
                                                      : fmt::format("GPU {} · {}", device, name->second);
            track.kind = TrackKind::kGpu;
            track.parent = parent;
            track.level = snapshot.tracks[static_cast<std::size_t>(parent)].level + 1;
            track.rank = info.rank;
            track.file = info.file;
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
        if (it->second.published->size() == 0) continue;
        Track track;
        track.key = fmt::format("p{}/c{}/{}", processId, device, std::get<2>(it->first));
        track.title = it->second.name;
        track.kind = TrackKind::kCounter;
        track.parent = parent;
        track.level = snapshot.tracks[static_cast<std::size_t>(parent)].level + 1;
        track.rank = snapshot.tracks[static_cast<std::size_t>(parent)].rank;
        track.device = device;
        track.file = snapshot.tracks[static_cast<std::size_t>(parent)].file;
        track.counter = it->second.published;
        snapshot.tracks.push_back(std::move(track));
    }
}

void Assembly::addProcess(Snapshot& snapshot, std::int64_t id) const {
    const ProcessInfo& info = m_processes.at(id);
    Track track;
    track.key = fmt::format("p{}", id);
    track.file = info.file;
    if (isMachine(id)) {
        track.title = m_paths.size() > 1 ? fmt::format("machine of file {}", info.file + 1) : std::string("machine");
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
    // Counters of the process, and of devices and CPUs that have no rows of their own.
    std::vector<std::int64_t> devices;
    for (auto it = m_counters.lower_bound({id, INT64_MIN, INT64_MIN}); it != m_counters.end() && std::get<0>(it->first) == id; ++it)
        if (devices.empty() || devices.back() != std::get<1>(it->first)) devices.push_back(std::get<1>(it->first));
    for (const std::int64_t device : devices) {
        const auto rows = m_tracks.lower_bound({id, device, INT64_MIN, TrackKind::kProcess});
        const bool shownAtDevice = device >= 0 && rows != m_tracks.end() && rows->first.process == id && rows->first.device == device;
        if (!shownAtDevice) addCounters(snapshot, id, device, self);
    }
    if (snapshot.tracks.size() == static_cast<std::size_t>(self) + 1) snapshot.tracks.pop_back();  // nothing in it
}

namespace {

// A file that looks empty and is not: it is said why.
bool allHairlines(const Snapshot& snapshot) {
    if (snapshot.slices == 0) return false;
    for (const Track& track : snapshot.tracks) {
        if (track.counter && !track.derived) return false;
        for (const auto& lane : track.lanes)
            if (!lane->empty() && lane->index().busy(*lane, 0, lane->size()) > 0) return false;
    }
    return true;
}

}  // namespace

SnapshotPtr Assembly::publish(bool complete, double progress) {
    refreshNames();
    buildTracks(complete);
    if (complete && !stopped()) {
        findCalls();
        linkLaunches();
        linkWaits();
        linkHandOffs();
        deriveQueues();
        deriveGraphs();
        refreshNames();
        buildTracks(false);
    }
    for (auto& [key, entry] : m_counters) {
        // Published counters are read by others: what still grows is copied.
        entry.published = complete ? entry.counter : std::make_shared<Counter>(*entry.counter);
        entry.published->build();
    }
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->number = ++m_number;
    snapshot->path = m_paths.empty() ? std::string() : m_paths.front();
    snapshot->paths = m_paths;
    snapshot->complete = complete;
    snapshot->progress = progress;
    snapshot->names = m_published;
    std::vector<std::pair<std::tuple<int, std::int64_t, std::int64_t>, std::int64_t>> order;
    for (const auto& [id, info] : m_processes)
        order.push_back({{isMachine(id) ? 2 : info.rank >= 0 ? 0 : 1, info.rank, info.pid}, id});
    std::sort(order.begin(), order.end());
    for (const auto& [rank, id] : order) addProcess(*snapshot, id);
    snapshot->numberLanes();
    snapshot->first = m_first == INT64_MAX ? 0 : m_first;
    snapshot->last = m_last == INT64_MIN ? 0 : m_last;
    if (complete) {
        numberFlows(*snapshot);
        std::int64_t dropped = m_beyond;
        for (auto& [place, builder] : m_tracks) dropped += static_cast<std::int64_t>(builder.lanes.dropped());
        warn("rows are not drawn: they nest deeper than 64 levels, or there are more than 4096 tracks", dropped);
        for (const auto& [what, count] : m_warnings) snapshot->warnings.push_back(fmt::format("{} {}", count, what));
        snapshot->warnings.insert(snapshot->warnings.end(), m_lines.begin(), m_lines.end());
        if (allHairlines(*snapshot)) snapshot->warnings.insert(snapshot->warnings.begin(), fmt::format("each of the {} events has a length of zero: they are hairlines, and take no time", snapshot->slices));
        snapshot->damage = m_damage;
    }
    return snapshot;
}

}  // namespace ridge::gui
