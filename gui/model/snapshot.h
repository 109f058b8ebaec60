// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the viewer knows of a trace at one moment: tracks with their lanes, names, counters, flows.
// Published by the loader as shared_ptr<const Snapshot>; immutable, so that the GUI thread and the workers
// read it without locks while the loader builds the next one. Lanes that did not change are shared
// between snapshots.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gui/model/counter.h"
#include "gui/model/lane.h"

namespace ridge::gui {

enum class TrackKind : std::uint8_t {
    kProcess,  // group
    kGpu,      // group
    kThread,   // group
    kMachine,  // group: what belongs to no process
    kCommunicators,  // group: the collectives of all ranks, by communicator
    kSteps,
    kRanges,      // NVTX push/pop, one lane per depth
    kFreeRanges,  // NVTX start/end, which need not nest
    kOps,         // of a framework (Kineto's cpu_op)
    kApi,         // CUDA API calls
    kIo,          // calls of the C library
    kSamples,     // call stacks that were sampled: a lane per depth, from the outermost frame
    kKernels,     // of one stream
    kCopies,      // copies and sets of one stream
    kGraphs,      // whole CUDA graphs of one stream
    kSyncs,
    kPreemption,
    kCommunicator,  // collectives of one communicator on one rank
    kCounter,
};

constexpr bool isGroup(TrackKind kind) {
    return kind == TrackKind::kProcess || kind == TrackKind::kGpu || kind == TrackKind::kThread ||
           kind == TrackKind::kMachine || kind == TrackKind::kCommunicators;
}

inline constexpr std::int32_t kNoTrack = -1;

struct Track {
    std::string key;    // stable over loads of one file: "p26411/t26411/ranges"
    std::string title;  // what the row is called
    std::string table;  // where Lane::row() points; empty: nowhere
    TrackKind kind = TrackKind::kProcess;
    std::int32_t parent = kNoTrack;
    std::int32_t level = 0;  // in the tree
    std::int64_t rank = -1;
    std::int64_t pid = 0;  // of a process
    std::int64_t device = -1;
    std::uint32_t file = 0;  // into Snapshot::paths
    bool derived = false;    // its slices say again what others say: left out of sums over all rows
    std::vector<std::shared_ptr<const Lane>> lanes;  // by depth
    std::shared_ptr<const Counter> counter;
    std::uint32_t firstLane = 0;  // number of lanes[0] in Snapshot::laneTrack
    bool base = false;            // of the trace that is compared with
    std::string path = {};        // its file; empty: the snapshot's
};

struct Names {
    std::vector<std::string> texts;   // valid UTF-8
    std::vector<ColourId> colours;
};

// A slice, by the number of its lane.
struct SliceRef {
    std::uint32_t lane = kNoSlice, slice = kNoSlice;
    [[nodiscard]] bool valid() const { return lane != kNoSlice; }
    friend bool operator==(const SliceRef&, const SliceRef&) = default;
    friend auto operator<=>(const SliceRef&, const SliceRef&) = default;
};

enum class FlowKind : std::uint8_t { kLaunch, kWait, kHandOff };

struct Flow {
    SliceRef from, to;
    FlowKind kind = FlowKind::kLaunch;
};

class Flows {
public:
    void build(std::vector<Flow> flows);
    [[nodiscard]] std::size_t size() const { return m_flows.size(); }
    [[nodiscard]] const Flow& operator[](std::size_t i) const { return m_flows[i]; }
    // Flows that leave, and flows that reach the slice.
    [[nodiscard]] std::vector<const Flow*> from(SliceRef slice) const;
    [[nodiscard]] std::vector<const Flow*> to(SliceRef slice) const;
    [[nodiscard]] std::size_t bytes() const;

private:
    std::vector<Flow> m_flows;             // by from
    std::vector<std::uint32_t> m_byTo;     // into m_flows
};

struct Snapshot {
    std::uint64_t number = 0;
    std::string path;                // the first file
    std::vector<std::string> paths;  // all of them: one a rank
    bool complete = false;
    double progress = 0;                  // of 1
    std::vector<Track> tracks;            // a tree in pre-order
    std::shared_ptr<const Names> names = std::make_shared<Names>();
    std::shared_ptr<const Flows> flows = std::make_shared<Flows>();
    std::vector<std::uint32_t> laneTrack;  // track of each lane number
    Ns first = 0, last = 0;                // of everything that was read
    std::size_t slices = 0;
    std::vector<std::string> warnings;     // one line each: what was left out, and how often
    std::vector<std::string> damage;       // those of them that say that reading ended before the end of the file

    [[nodiscard]] std::string pathOf(const Track& track) const { return track.file < paths.size() ? paths[track.file] : std::string(); }
    [[nodiscard]] const Track& trackOf(SliceRef ref) const { return tracks[laneTrack[ref.lane]]; }
    [[nodiscard]] std::uint32_t depthOf(SliceRef ref) const { return ref.lane - trackOf(ref).firstLane; }
    [[nodiscard]] const Lane& lane(std::uint32_t laneNumber) const {
        const Track& track = tracks[laneTrack[laneNumber]];
        return *track.lanes[laneNumber - track.firstLane];
    }
    [[nodiscard]] bool contains(SliceRef ref) const {
        return ref.valid() && ref.lane < laneTrack.size() && ref.slice < lane(ref.lane).size();
    }
    [[nodiscard]] const std::string& nameOf(SliceRef ref) const { return names->texts[lane(ref.lane).name(ref.slice)]; }
    [[nodiscard]] std::int32_t findTrack(const std::string& key) const;
    // The innermost slice of a track that covers t.
    [[nodiscard]] SliceRef deepestAt(std::size_t track, Ns t) const;
    // Lanes, counters, flows and names.
    [[nodiscard]] std::size_t bytes() const;
    // Numbers the lanes; called once, by whoever builds the snapshot.
    void numberLanes();
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace ridge::gui
