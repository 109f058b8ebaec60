// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Collects the rows of a trace, from whatever source, into tracks and publishes snapshots. Lives on the
// loader's thread; what it publishes is immutable.
//
// A track is named by process, thread or stream, and kind. At most kMostTracks; rows beyond are counted
// in the warnings, as is everything else that is left out.

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
    explicit Assembly(std::string path) : m_path(std::move(path)) {}

    struct ProcessInfo {
        std::int64_t id = 0;   // unique in the trace: globalPid
        std::int64_t pid = 0;
        std::int64_t rank = -1;
        std::string name, host;
    };
    ProcessInfo& process(std::int64_t id);
    void nameThread(std::int64_t thread, std::string_view name);
    void nameDevice(std::int64_t device, std::string_view name);

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
    Counter* counter(std::int64_t process, std::int64_t device, std::string_view name, std::string_view unit,
                     std::int64_t key);

    void seen(Ns start, Ns end);
    [[nodiscard]] Ns last() const { return m_last; }
    void warn(std::string_view what, std::int64_t count);
    void warn(const std::string& line);

    // Flows are linked through (process, correlation) when the last snapshot is made.
    void addWait(std::int64_t process, std::uint32_t recordCorrelation, std::uint32_t waitCorrelation);

    SnapshotPtr publish(bool complete, double progress);
    [[nodiscard]] std::size_t rows() const { return m_rows; }

private:
    static constexpr ColourId kUncoloured = 255;
    struct Builder {
        Builder(Layout layout, std::string source) : lanes(layout), table(std::move(source)) {}
        LaneBuilder lanes;
        std::string table;
        LaneBuilder::Built built;
        bool everBuilt = false;
    };
    struct CounterBuilder {
        std::string name;
        std::shared_ptr<Counter> counter;
    };
    void buildTrack(Builder& builder, bool complete);
    void refreshNames();
    void addProcess(Snapshot& snapshot, std::int64_t id) const;
    void addThreads(Snapshot& snapshot, std::int64_t process, std::int32_t parent) const;
    void addDevices(Snapshot& snapshot, std::int64_t process, std::int32_t parent) const;
    void addCounters(Snapshot& snapshot, std::int64_t process, std::int64_t device, std::int32_t parent) const;
    void addLeaf(Snapshot& snapshot, const Place& place, const Builder& builder, std::int32_t parent, std::string title,
                 std::string key) const;
    [[nodiscard]] std::string threadTitle(std::int64_t process, std::int64_t thread) const;
    void linkFlows(Snapshot& snapshot);

    std::string m_path;
    std::map<std::int64_t, ProcessInfo> m_processes;
    std::map<std::int64_t, std::string> m_threadNames, m_deviceNames;
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
    std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, CounterBuilder> m_counters;  // process, device, key
    std::map<std::string, std::int64_t> m_warnings;
    std::vector<std::string> m_lines;
    struct Wait {
        std::int64_t process;
        std::uint32_t record, wait;
    };
    std::vector<Wait> m_waits;
    Ns m_first = INT64_MAX, m_last = INT64_MIN;
    std::size_t m_rows = 0;
    std::uint64_t m_number = 0;
    std::int64_t m_beyond = 0;
};

}  // namespace ridge::gui
