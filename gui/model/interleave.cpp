// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/interleave.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <unordered_map>

namespace ridge::gui {
namespace {

using Children = std::vector<std::vector<std::uint32_t>>;  // of track + 1

Children childrenOf(const Snapshot& snapshot) {
    Children children(snapshot.tracks.size() + 1);
    for (std::uint32_t i = 0; i < snapshot.tracks.size(); ++i) children[static_cast<std::size_t>(snapshot.tracks[i].parent + 1)].push_back(i);
    return children;
}

std::string withoutNumbers(const std::string& title) {
    std::string text;
    for (const char c : title)
        if (!std::isdigit(static_cast<unsigned char>(c))) text += c;
    return text;
}

struct Merger {
    const Snapshot& trace;
    const Snapshot& base;
    Ns shift;
    const std::atomic<bool>& stop;
    Children ofTrace = childrenOf(trace), ofBase = childrenOf(base);
    std::vector<std::uint32_t> newName = {};
    std::shared_ptr<Snapshot> out = std::make_shared<Snapshot>();
    std::vector<std::optional<std::uint32_t>> partner = std::vector<std::optional<std::uint32_t>>(trace.tracks.size());  // of the trace's tracks
    std::vector<bool> used = std::vector<bool>(base.tracks.size());  // of the base's
    std::vector<std::uint32_t> laneOfTrace = {}, laneOfBase = {};  // new track of each old one, for the lanes

    // A text may be there twice, in two colours (a collective as a kernel and as a row of its communicator): the same
    // text in the same colour is one name; a text that the base has once takes the colour that it has in the trace.
    void mergeNames() {
        auto names = std::make_shared<Names>(*trace.names);
        std::map<std::pair<std::string_view, ColourId>, std::uint32_t> exact;
        std::unordered_map<std::string_view, std::uint32_t> any;
        for (std::uint32_t i = 0; i < trace.names->texts.size(); ++i) {
            exact.emplace(std::pair(std::string_view(trace.names->texts[i]), trace.names->colours[i]), i);
            any.emplace(trace.names->texts[i], i);
        }
        std::unordered_map<std::string_view, std::size_t> times;
        for (const std::string& text : base.names->texts) ++times[text];
        for (std::size_t i = 0; i < base.names->texts.size(); ++i) {
            const std::string& text = base.names->texts[i];
            const ColourId colour = base.names->colours[i];
            const auto same = exact.find({text, colour});
            const auto like = times[text] == 1 ? any.find(text) : any.end();
            if (same != exact.end() || like != any.end()) {
                newName.push_back(same != exact.end() ? same->second : like->second);
                continue;
            }
            newName.push_back(static_cast<std::uint32_t>(names->texts.size()));
            names->texts.push_back(text);
            names->colours.push_back(colour);
        }
        out->names = std::move(names);
    }

    std::int32_t add(Track track, std::int32_t parent) {
        track.parent = parent;
        track.level = parent == kNoTrack ? 0 : out->tracks[static_cast<std::size_t>(parent)].level + 1;
        out->tracks.push_back(std::move(track));
        return static_cast<std::int32_t>(out->tracks.size()) - 1;
    }
    std::int32_t addTrace(std::uint32_t t, std::int32_t parent) {
        laneOfTrace[t] = static_cast<std::uint32_t>(out->tracks.size());
        return add(trace.tracks[t], parent);
    }
    std::int32_t addBase(std::uint32_t b, std::int32_t parent) {
        laneOfBase[b] = static_cast<std::uint32_t>(out->tracks.size());
        Track track = base.tracks[b];
        track.key = "base:" + track.key;
        track.title += " · base";
        track.base = true;
        track.path = base.path;
        for (auto& lane : track.lanes) lane = movedLane(*lane, shift, newName, out->names->colours);
        if (track.counter) {
            auto moved = std::make_shared<Counter>();
            moved->unit = track.counter->unit;
            for (std::size_t i = 0; i < track.counter->size(); ++i) moved->append(track.counter->time(i) + shift, track.counter->value(i));
            moved->build();
            track.counter = std::move(moved);
        }
        return add(std::move(track), parent);
    }

    // Processes: by rank, then by title, then by title without numbers.
    void pairProcesses() {
        const auto& theirs = ofBase[0];
        const auto match = [&](const auto& same) {
            for (const std::uint32_t t : ofTrace[0])
                for (const std::uint32_t b : theirs) {
                    if (partner[t] || used[b] || trace.tracks[t].kind != base.tracks[b].kind || !same(trace.tracks[t], base.tracks[b])) continue;
                    partner[t] = b;
                    used[b] = true;
                }
        };
        const auto ranked = [](const Track& a, const Track& b) { return a.rank >= 0 && b.rank >= 0; };
        match([&](const Track& a, const Track& b) { return ranked(a, b) && a.rank == b.rank; });
        match([&](const Track& a, const Track& b) { return !ranked(a, b) && a.title == b.title; });
        match([&](const Track& a, const Track& b) { return !ranked(a, b) && withoutNumbers(a.title) == withoutNumbers(b.title); });
        for (const std::uint32_t t : ofTrace[0])
            if (partner[t]) pairBelow(t, *partner[t]);
    }

    // Rows below two processes that correspond: what they are called there, whether a group of their own or not.
    void pairBelow(std::uint32_t t, std::uint32_t b) {
        std::vector<std::uint32_t> mine, theirs;
        collect(ofTrace, t, mine);
        collect(ofBase, b, theirs);
        for (const bool exact : {true, false}) {
            std::multimap<std::string, std::uint32_t> left;
            for (const std::uint32_t other : theirs)
                if (!used[other]) left.emplace(nameOf(base, other, exact), other);
            for (const std::uint32_t row : mine) {
                if (partner[row]) continue;
                const auto it = left.find(nameOf(trace, row, exact));
                if (it == left.end()) continue;
                partner[row] = it->second;
                used[it->second] = true;
                left.erase(it);
            }
        }
    }
    static void collect(const Children& children, std::uint32_t at, std::vector<std::uint32_t>& out) {
        for (const std::uint32_t child : children[at + 1]) {
            out.push_back(child);
            collect(children, child, out);
        }
    }
    // A thread with one row has no group: its row's title says both. "main thread 7 · ranges" and "ranges" of "main thread 7"
    // are the same.
    static std::string nameOf(const Snapshot& snapshot, std::uint32_t row, bool exact) {
        const Track& track = snapshot.tracks[row];
        // Numbers of communicators differ from run to run: those of a rank are paired in their order.
        if (track.kind == TrackKind::kCommunicator && !exact) return "communicator of rank " + std::to_string(track.rank);
        std::string name = track.title;
        const Track* parent = track.parent == kNoTrack ? nullptr : &snapshot.tracks[static_cast<std::size_t>(track.parent)];
        if (parent && (parent->kind == TrackKind::kThread || parent->kind == TrackKind::kGpu)) name = parent->title + " · " + name;
        return std::to_string(static_cast<int>(track.kind)) + (exact ? name : withoutNumbers(name));
    }

    void addRow(std::uint32_t t, std::int32_t parent) {
        if (stop) return;
        const std::int32_t self = addTrace(t, parent);
        if (!isGroup(trace.tracks[t].kind)) {
            if (partner[t]) addBase(*partner[t], parent);
            return;
        }
        for (const std::uint32_t child : ofTrace[t + 1]) addRow(child, self);
        if (partner[t]) addRest(*partner[t], self);
    }
    // What has no partner, below a group that has one.
    void addRest(std::uint32_t b, std::int32_t parent) {
        for (const std::uint32_t child : ofBase[b + 1])
            if (!used[child] && anyLeft(child)) addRest(child, addBase(child, parent));
    }
    bool anyLeft(std::uint32_t b) const {
        if (!isGroup(base.tracks[b].kind)) return !used[b];
        return std::any_of(ofBase[b + 1].begin(), ofBase[b + 1].end(), [&](std::uint32_t child) { return anyLeft(child); });
    }
    void merge() {
        pairProcesses();
        for (const std::uint32_t t : ofTrace[0]) addRow(t, kNoTrack);
        for (const std::uint32_t b : ofBase[0])
            if (!used[b]) addRest(b, addBase(b, kNoTrack));
    }

    void addFlows(const Snapshot& from, const std::vector<std::uint32_t>& newTrack, std::vector<Flow>& flows) const {
        const auto moved = [&](SliceRef ref) {
            const std::uint32_t track = from.laneTrack[ref.lane];
            return SliceRef{out->tracks[newTrack[track]].firstLane + ref.lane - from.tracks[track].firstLane, ref.slice};
        };
        for (std::size_t i = 0; i < from.flows->size(); ++i) {
            const Flow& flow = (*from.flows)[i];
            flows.push_back({moved(flow.from), moved(flow.to), flow.kind});
        }
    }
};

}  // namespace

std::shared_ptr<const Lane> movedLane(const Lane& lane, Ns shift, const std::vector<std::uint32_t>& newName, std::span<const ColourId> colours) {
    auto moved = std::make_shared<Lane>();
    moved->reserve(lane.size());
    for (std::size_t i = 0; i < lane.size(); ++i) {
        const std::uint32_t name = newName.empty() ? lane.name(i) : newName[lane.name(i)];
        moved->append(lane.start(i) + shift, lane.end(i) + shift, name, lane.row(i));
    }
    moved->build(colours);
    return moved;
}

SnapshotPtr interleave(const Snapshot& trace, const Snapshot& base, Ns shift, const std::atomic<bool>& stop) {
    Merger merger{trace, base, shift, stop};
    Snapshot& out = *merger.out;
    out.number = trace.number + base.number;
    out.path = trace.path;
    out.complete = trace.complete && base.complete;
    out.progress = (trace.progress + base.progress) / 2;
    merger.mergeNames();
    merger.laneOfTrace.resize(trace.tracks.size());
    merger.laneOfBase.resize(base.tracks.size());
    merger.merge();
    if (stop) return nullptr;
    out.numberLanes();
    out.first = std::min(trace.first, base.first + shift);
    out.last = std::max(trace.last, base.last + shift);
    out.warnings = trace.warnings;
    out.damage = trace.damage;
    for (const std::string& line : base.damage) out.damage.push_back("base: " + line);
    for (const std::string& warning : base.warnings) out.warnings.push_back("base: " + warning);
    std::vector<Flow> flows;
    merger.addFlows(trace, merger.laneOfTrace, flows);
    merger.addFlows(base, merger.laneOfBase, flows);
    auto built = std::make_shared<Flows>();
    built->build(std::move(flows));
    out.flows = std::move(built);
    return merger.out;
}

}  // namespace ridge::gui
