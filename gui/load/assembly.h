// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Collects the rows of a trace (or of the traces of several ranks), from whatever source, into tracks and
// publishes snapshots. Lives on the loader's thread, takes others to build indexes; what it publishes is
// immutable.
//
// A track is named by process, thread or stream, and kind. At most kMostTracks; rows beyond are counted
// in the warnings, as is everything else that is left out.
//
// What only the whole trace tells is made for the last snapshot (assembly_links.cpp): arrows from launches,
// waits and hand-offs; CUDA graphs as the span of the kernels that one graph launch started; per GPU how
// many launches were on their way (+1 when the call begins, -1 when its work starts).

#include <array>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "gui/model/lane_builder.h"
#include "gui/model/snapshot.h"

namespace ridge::gui {

inline constexpr std::size_t kMostTracks = 4096;

class Assembly {
public:
    // stop: publish() then returns early, with nothing that is worth showing.
    explicit Assembly(std::vector<std::string> paths, const std::atomic<bool>* stop = nullptr)
        : m_paths(std::move(paths)), m_stop(stop) {}
    explicit Assembly(const std::string& path) : Assembly(std::vector<std::string>{path}) {}

    struct ProcessInfo {
        std::int64_t id = 0;   // unique in the trace: inFile(file, globalPid)
        std::int64_t pid = 0;
        std::int64_t rank = -1;
        std::uint32_t file = 0;
        std::string name, host;
    };
    // Processes of several files must not meet: the file stands in the byte of the hardware id.
    static std::int64_t inFile(std::uint32_t file, std::int64_t globalPid) {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(globalPid) ^ (std::uint64_t{file} << 56));
    }
    // New processes are of this file.
    void beginFile(std::uint32_t file) { m_file = file; }
    ProcessInfo& process(std::int64_t id);
    void nameThread(std::int64_t process, std::int64_t thread, std::string_view name);
    // Devices are numbered within a machine: the upper 16 bits of the process ids on it.
    void nameDevice(std::int64_t process, std::int64_t device, std::string_view name);

    // Interns valid UTF-8; the first colour that is not kColourNone stays.
    std::uint32_t intern(std::string_view text);
    void colour(std::uint32_t name, ColourId colour);
    [[nodiscard]] bool hasColour(std::uint32_t name) const { return m_colours[name] != kUncoloured; }
    [[nodiscard]] const std::string& text(std::uint32_t name) const { return m_texts[name]; }

    // A row of lanes. owner: thread id, or stream; device: -1 for the host.
    struct Place {
        std::int64_t process = 0, device = -1, owner = 0;
        TrackKind kind = TrackKind::kRanges;
        friend auto operator<=>(const Place&, const Place&) = default;
    };
    // nullptr: there are too many tracks; the row is counted.
    LaneBuilder* track(const Place& place, std::string_view table);
    // Stays where it is until the last snapshot.
    Counter* counter(std::int64_t process, std::int64_t device, std::string_view name, std::string_view unit,
                     std::int64_t key);

    void seen(Ns start, Ns end);
    [[nodiscard]] Ns last() const { return m_last; }
    void warn(std::string_view what, std::int64_t count);
    void warn(const std::string& line);
    // A warning that also says that the file is damaged: reading ended before its end.
    void lost(const std::string& line);

    // Flows are linked through (process, correlation) when the last snapshot is made.
    void addWait(std::int64_t process, std::uint32_t recordCorrelation, std::uint32_t waitCorrelation);
    // From the slice of a thread that covers a time to one of another.
    struct End {
        std::int64_t process = 0, thread = 0;
        Ns time = 0;
    };
    void addHandOff(const End& from, const End& to) { m_handOffs.emplace_back(from, to); }

    SnapshotPtr publish(bool complete, double progress);
    [[nodiscard]] std::size_t rows() const { return m_rows; }

private:
    static constexpr ColourId kUncoloured = 255;
    struct Builder {
        Builder(Layout layout, std::string source) : lanes(layout), table(std::move(source)) {}
        LaneBuilder lanes;
        std::string table;
        LaneBuilder::LaidOut built;
        bool everBuilt = false, derived = false;
    };
    struct CounterBuilder {
        std::string name;
        std::shared_ptr<Counter> counter, published;
    };
    // A slice before lanes have numbers: which of m_linked, which slice of it.
    struct Spot {
        std::uint32_t lane = kNoSlice, slice = 0;
        friend bool operator==(const Spot&, const Spot&) = default;
    };
    struct Link {
        Spot from, to;
        FlowKind kind = FlowKind::kLaunch;
    };
    struct LinkedLane {
        const Place* place = nullptr;
        std::shared_ptr<const Lane> lane;
    };
    struct Call {
        std::uint32_t correlation = 0;
        Spot spot;
    };

    [[nodiscard]] bool stopped() const { return m_stop && m_stop->load(std::memory_order_relaxed); }
    void buildTracks(bool complete);
    void refreshNames();
    void addProcess(Snapshot& snapshot, std::int64_t id) const;
    void addThreads(Snapshot& snapshot, std::int64_t process, std::int32_t parent) const;
    void addDevices(Snapshot& snapshot, std::int64_t process, std::int32_t parent) const;
    void addCounters(Snapshot& snapshot, std::int64_t process, std::int64_t device, std::int32_t parent) const;
    void addLeaf(Snapshot& snapshot, const Place& place, const Builder& builder, std::int32_t parent, std::string title,
                 std::string key) const;
    [[nodiscard]] std::string threadTitle(std::int64_t process, std::int64_t thread) const;
    // Of the last snapshot, in this order.
    void findCalls();
    [[nodiscard]] const Call* findCall(std::int64_t process, std::uint32_t correlation) const;
    void linkLaunches();
    void linkWaits();
    void linkHandOffs();
    [[nodiscard]] Spot coveringSlice(const End& end) const;
    void deriveQueues();
    void deriveGraphs();
    void numberFlows(Snapshot& snapshot);

    std::vector<std::string> m_paths;
    const std::atomic<bool>* m_stop;
    std::uint32_t m_file = 0;
    std::map<std::int64_t, ProcessInfo> m_processes;
    std::map<std::pair<std::int64_t, std::int64_t>, std::string> m_threadNames, m_deviceNames;
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };
    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> m_ids;
    std::vector<std::string> m_texts;
    std::vector<ColourId> m_colours;
    std::shared_ptr<const Names> m_published;
    bool m_namesChanged = true;
    std::map<Place, Builder> m_tracks;
    struct Recent {
        Place place;
        LaneBuilder* lanes = nullptr;
    };
    std::array<Recent, 256> m_recent{};  // of track(), by a hash of the place
    std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, CounterBuilder> m_counters;  // process, device, key
    std::map<std::string, std::int64_t> m_warnings;
    std::vector<std::string> m_lines, m_damage;
    struct Wait {
        std::int64_t process;
        std::uint32_t record, wait;
    };
    std::vector<Wait> m_waits;
    std::vector<std::pair<End, End>> m_handOffs;
    std::vector<LinkedLane> m_linked;
    std::unordered_map<const Lane*, std::uint32_t> m_numberOf;  // into m_linked, while hand-offs are looked up
    std::map<std::int64_t, std::vector<Call>> m_calls;  // by process; by correlation, then by start
    std::vector<Link> m_links;
    Ns m_first = INT64_MAX, m_last = INT64_MIN;
    std::size_t m_rows = 0;
    std::uint64_t m_number = 0;
    std::int64_t m_beyond = 0;
};

}  // namespace ridge::gui
