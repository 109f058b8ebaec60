// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/flame/flame_tree.h"

#include <algorithm>
#include <map>
#include <queue>
#include <tuple>

#include "analyzer/energy/energy.h"
#include "analyzer/timeline/framework_op.h"

namespace ridge::gui {
namespace {

constexpr std::size_t kLookEvery = 1 << 16;
constexpr float kThinnest = 1;

bool isHost(TrackKind kind) {
    return kind == TrackKind::kRanges || kind == TrackKind::kOps || kind == TrackKind::kApi || kind == TrackKind::kIo ||
           kind == TrackKind::kFreeRanges;
}
bool isDevice(TrackKind kind) { return kind == TrackKind::kKernels || kind == TrackKind::kCopies || kind == TrackKind::kGraphs; }

// Of one GPU: "gpu.power", or "gpu.power 0" where the file numbers the device.
bool isPower(const Track& track) {
    return track.counter && track.counter->size() >= 2 && (track.title == "gpu.power" || track.title.starts_with("gpu.power "));
}

// "p1/t2/ranges" -> "p1/t2"; rows of one thread share it.
std::string ownerOf(const std::string& key) { return key.substr(0, key.rfind('/')); }

struct LaneOf {
    const Lane* lane = nullptr;
    std::uint32_t number = 0;
    std::size_t first = 0, last = 0;  // slices that touch the interval
};

// Power over time, divided by the number of busy rows; integrates exactly between any two moments.
class SharedPower {
public:
    SharedPower(const analyzer::EnergyCurve& curve, std::vector<std::vector<std::pair<Ns, Ns>>> busyOfRow) : m_curve(curve) {
        std::vector<std::pair<Ns, int>> edges;
        for (auto& busy : busyOfRow) {
            std::sort(busy.begin(), busy.end());
            Ns end = INT64_MIN;
            for (const auto& [a, b] : busy) {  // the union of the row
                if (b <= end) continue;
                const Ns start = std::max(a, end);
                if (!edges.empty() && start == end && edges.back() == std::pair{end, -1}) edges.pop_back();
                else edges.emplace_back(start, 1);
                edges.emplace_back(b, -1);
                end = b;
            }
        }
        std::sort(edges.begin(), edges.end());
        int active = 0;
        double sum = 0;
        for (std::size_t i = 0; i < edges.size();) {
            const Ns t = edges[i].first;
            if (!m_time.empty() && active > 0) sum += m_curve.joules({m_time.back(), t}) / active;
            for (; i < edges.size() && edges[i].first == t; ++i) active += edges[i].second;
            m_time.push_back(t);
            m_sum.push_back(sum);
            m_active.push_back(active);
        }
    }
    [[nodiscard]] double joules(Ns a, Ns b) const { return b > a ? until(b) - until(a) : 0; }

private:
    [[nodiscard]] double until(Ns t) const {
        const auto it = std::upper_bound(m_time.begin(), m_time.end(), t);
        if (it == m_time.begin()) return 0;
        const auto i = static_cast<std::size_t>(it - m_time.begin()) - 1;
        return m_sum[i] + (m_active[i] > 0 ? m_curve.joules({m_time[i], t}) / m_active[i] : 0);
    }
    const analyzer::EnergyCurve& m_curve;
    std::vector<Ns> m_time;
    std::vector<double> m_sum;
    std::vector<int> m_active;
};

// The sum of the power of all GPUs, or of one.
std::vector<std::pair<Ns, double>> wattsOf(const Snapshot& snapshot, std::int64_t device) {
    std::vector<const Counter*> series;
    for (const Track& track : snapshot.tracks)
        if (isPower(track) && !track.base && (device < 0 || track.device == device))
            series.push_back(track.counter.get());
    std::vector<std::pair<Ns, double>> sum;
    if (series.size() == 1) {
        for (std::size_t i = 0; i < series[0]->size(); ++i) sum.emplace_back(series[0]->time(i), series[0]->value(i));
        return sum;
    }
    std::vector<Ns> times;
    for (const Counter* c : series)
        for (std::size_t i = 0; i < c->size(); ++i) times.push_back(c->time(i));
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    for (const Ns t : times) {
        double watts = 0;
        for (const Counter* c : series) {
            const std::size_t i = c->at(t);
            if (i == c->size()) continue;
            double value = c->value(i);
            if (i + 1 < c->size() && c->time(i + 1) > c->time(i))
                value += (static_cast<double>(c->value(i + 1)) - value) * static_cast<double>(t - c->time(i)) / static_cast<double>(c->time(i + 1) - c->time(i));
            watts += value;
        }
        sum.emplace_back(t, watts);
    }
    return sum;
}

class Builder {
public:
    Builder(const Snapshot& snapshot, Ns from, Ns to, FlameSource source, const std::atomic<bool>& stop) : m_snapshot(snapshot), m_stop(stop) {
        tree.source = source;
        tree.names = snapshot.names;
        tree.from = from;
        tree.to = to;
    }

    void run(const std::vector<std::uint32_t>& tracks) {
        for (const std::uint32_t t : tracks) {
            const Track& track = m_snapshot.tracks[t];
            if (track.lanes.empty() || (tree.source == FlameSource::kDevice ? !isDevice(track.kind) : !isHost(track.kind))) continue;
            ++tree.rows;
            if (tree.source == FlameSource::kDevice) {
                m_devices.push_back(track.device);
                addDevice(track);
            } else if (track.kind == TrackKind::kFreeRanges) {  // overlap without nesting
                for (std::size_t d = 0; d < track.lanes.size(); ++d) m_groups[track.key + std::to_string(d)].push_back(laneOf(track, d));
            } else {
                auto& group = m_groups[ownerOf(track.key)];
                for (std::size_t d = 0; d < track.lanes.size(); ++d) group.push_back(laneOf(track, d));
            }
        }
        for (const auto& [owner, lanes] : m_groups) addThread(lanes);
        if (tree.cancelled) return;
        tree.finish();
    }

    void weigh() {
        if (tree.cancelled) return;
        std::sort(m_devices.begin(), m_devices.end());
        m_devices.erase(std::unique(m_devices.begin(), m_devices.end()), m_devices.end());
        auto watts = wattsOf(m_snapshot, m_devices.size() == 1 ? m_devices[0] : -1);
        if (watts.size() < 2) watts = wattsOf(m_snapshot, -1);
        if (watts.size() < 2) return;
        const analyzer::EnergyCurve curve(watts);
        std::vector<std::vector<std::pair<Ns, Ns>>> busy(m_rows);
        const bool device = tree.source == FlameSource::kDevice;  // there only what ran has parts, else outer slices cover inner ones
        for (const Part& part : m_parts)
            if (device || tree.frames[part.frame].parent == 0) busy[part.row].emplace_back(part.start, part.end);
        const SharedPower power(curve, std::move(busy));
        for (std::size_t i = 0; i < m_parts.size(); ++i) {
            if (i % kLookEvery == 0 && stopped()) return;
            const Part& part = m_parts[i];
            const double joules = power.joules(part.start, part.end);
            FlameFrame& frame = tree.frames[part.frame];
            frame.joules += joules;
            frame.selfJoules += joules;
            if (!device) tree.frames[frame.parent].selfJoules -= joules;
            else for (std::uint32_t up = frame.parent; up != 0; up = tree.frames[up].parent) tree.frames[up].joules += joules;
        }
        tree.energy = true;
        FlameFrame& root = tree.frames[0];
        root.joules = 0;
        for (const std::uint32_t child : root.children) root.joules += tree.frames[child].joules;
        for (FlameFrame& frame : tree.frames) frame.selfJoules = std::max(0.0, frame.selfJoules);
        root.selfJoules = 0;
    }

    bool keepParts = false;
    FlameTree tree;

private:
    struct Part {  // of a slice in the interval
        Ns start, end;
        std::uint32_t frame, row;
    };

    bool stopped() { return tree.cancelled = tree.cancelled || m_stop.load(std::memory_order_relaxed); }

    LaneOf laneOf(const Track& track, std::size_t depth) const {
        LaneOf lane{track.lanes[depth].get(), track.firstLane + static_cast<std::uint32_t>(depth)};
        std::tie(lane.first, lane.last) = lane.lane->touching(tree.from, tree.to);
        return lane;
    }

    // Calls of one op are one frame, though PyTorch numbers them in their names.
    std::uint32_t frameName(std::uint32_t name) {
        if (const auto it = m_frameNames.find(name); it != m_frameNames.end()) return it->second;
        const std::string_view text = m_snapshot.names->texts[name];
        const std::size_t length = analyzer::lengthOfOpName(text);
        const std::uint32_t same = m_first.try_emplace(text.substr(0, length), name).first->second;
        if (same == name && length != std::string_view::npos) tree.shortNames.emplace(name, text.substr(0, length));
        return m_frameNames.emplace(name, same).first->second;
    }

    // The slice goes below the parent; returns its frame.
    std::uint32_t put(std::uint32_t parent, const LaneOf& lane, std::size_t i, std::uint32_t row) {
        const Ns start = std::max(tree.from, lane.lane->start(i)), end = std::min(tree.to, lane.lane->end(i)), ns = std::max<Ns>(0, end - start);
        const std::uint32_t id = tree.child(parent, frameName(lane.lane->name(i)));
        if (id == kNoFrame) {
            ++tree.omitted;
            return parent;
        }
        FlameFrame& frame = tree.frames[id];
        const Ns longest = frame.example.valid() ? m_longest[id] : -1;
        if (m_longest.size() <= id) m_longest.resize(tree.frames.size());
        if (ns > longest) {
            m_longest[id] = ns;
            frame.example = {lane.number, static_cast<std::uint32_t>(i)};
        }
        ++frame.count;
        frame.total += ns;
        frame.self += ns;
        tree.frames[parent].self -= ns;
        if (keepParts) m_parts.push_back({start, std::max(start, end), id, row});
        return id;
    }

    // All slices of the thread in the order of their starts, longer ones first: what is open then is on the stack.
    void addThread(const std::vector<LaneOf>& lanes) {
        struct Next {
            Ns start, end;
            std::size_t lane, slice;
        };
        const auto later = [](const Next& a, const Next& b) { return std::tuple(a.start, -a.end, a.lane) > std::tuple(b.start, -b.end, b.lane); };
        std::priority_queue<Next, std::vector<Next>, decltype(later)> queue(later);
        const auto push = [&](std::size_t k, std::size_t i) {
            if (i < lanes[k].last) queue.push({lanes[k].lane->start(i), lanes[k].lane->end(i), k, i});
        };
        for (std::size_t k = 0; k < lanes.size(); ++k) push(k, lanes[k].first);
        const auto row = m_rows++;
        std::vector<std::pair<Ns, std::uint32_t>> open;  // end, frame
        for (std::size_t n = 0; !queue.empty(); ++n) {
            if (n % kLookEvery == 0 && stopped()) return;
            const Next next = queue.top();
            queue.pop();
            push(next.lane, next.slice + 1);
            while (!open.empty() && open.back().first <= next.start) open.pop_back();
            const auto outer = std::find_if(open.rbegin(), open.rend(), [&](const auto& o) { return o.first >= next.end && o.first > next.start; });
            open.emplace_back(next.end, put(outer == open.rend() ? 0 : outer->second, lanes[next.lane], next.slice, row));
        }
    }

    // The ranges and ops of a thread, outer ones first.
    const std::vector<const Lane*>& rangesOf(const std::string& owner) {
        const auto [it, isNew] = m_ranges.try_emplace(owner);
        if (isNew)
            for (const Track& track : m_snapshot.tracks)
                if ((track.kind == TrackKind::kRanges || track.kind == TrackKind::kOps) && ownerOf(track.key) == owner)
                    for (const auto& lane : track.lanes) it->second.push_back(lane.get());
        return it->second;
    }

    std::uint32_t launchPath(SliceRef slice) {
        for (const Flow* flow : m_snapshot.flows->to(slice)) {
            if (flow->kind != FlowKind::kLaunch) continue;
            const Lane& calls = m_snapshot.lane(flow->from.lane);
            const Ns a = calls.start(flow->from.slice), b = calls.end(flow->from.slice);
            const std::uint32_t track = m_snapshot.laneTrack[flow->from.lane];
            auto& ranges = m_rangesOfTrack[track];
            if (!ranges) ranges = &rangesOf(ownerOf(m_snapshot.tracks[track].key));
            m_open.clear();
            for (const Lane* lane : *ranges) {
                const std::uint32_t at = lane->sliceAt(a);
                if (at != kNoSlice && lane->end(at) >= b) m_open.emplace_back(lane->start(at), -lane->end(at), lane->name(at));
            }
            std::stable_sort(m_open.begin(), m_open.end(), [](const auto& x, const auto& y) { return std::tie(std::get<0>(x), std::get<1>(x)) < std::tie(std::get<0>(y), std::get<1>(y)); });
            std::uint32_t parent = 0;
            for (const auto& [start, end, name] : m_open) {
                const std::uint32_t next = tree.child(parent, frameName(name));
                if (next == kNoFrame) break;
                parent = next;
            }
            return parent;
        }
        return 0;
    }

    void addDevice(const Track& track) {
        for (std::size_t d = 0; d < track.lanes.size(); ++d) {
            const LaneOf lane = laneOf(track, d);
            const auto row = m_rows++;
            for (std::size_t i = lane.first; i < lane.last; ++i) {
                if (i % kLookEvery == 0 && stopped()) return;
                const std::uint32_t parent = launchPath({lane.number, static_cast<std::uint32_t>(i)});
                const std::uint32_t id = put(parent, lane, i, row);
                // What only carries others has no time of its own: the sum of what hangs below it.
                const Ns ns = std::max<Ns>(0, std::min(tree.to, lane.lane->end(i)) - std::max(tree.from, lane.lane->start(i)));
                for (std::uint32_t up = parent; up != 0 && up != kNoFrame; up = tree.frames[up].parent) {
                    tree.frames[up].total += ns;
                    if (id != parent) ++tree.frames[up].count;
                    if (up == parent) tree.frames[up].self += ns;
                }
            }
        }
    }

    const Snapshot& m_snapshot;
    const std::atomic<bool>& m_stop;
    std::unordered_map<std::uint32_t, std::uint32_t> m_frameNames;
    std::unordered_map<std::string_view, std::uint32_t> m_first;  // the first name with this text before its numbers
    std::map<std::string, std::vector<LaneOf>> m_groups;
    std::map<std::string, std::vector<const Lane*>> m_ranges;
    std::unordered_map<std::uint32_t, const std::vector<const Lane*>*> m_rangesOfTrack;
    std::vector<Ns> m_longest;
    std::vector<std::tuple<Ns, Ns, std::uint32_t>> m_open;  // start, -end, name of the ranges around a launch
    std::vector<Part> m_parts;
    std::vector<std::int64_t> m_devices;
    std::uint32_t m_rows = 0;
};

double weightOf(const FlameFrame& frame, bool energy) { return energy ? frame.joules : static_cast<double>(frame.total); }

}  // namespace

std::uint32_t FlameTree::child(std::uint32_t parent, std::uint32_t name) {
    const auto next = static_cast<std::uint32_t>(frames.size());
    const auto key = (std::uint64_t{parent} << 32) | name;
    if (const auto it = m_ids.find(key); it != m_ids.end()) return it->second;
    if (frames.size() >= kMostFrames) return kNoFrame;
    m_ids.emplace(key, next);
    FlameFrame frame;
    frame.name = name;
    frame.parent = parent;
    frame.depth = frames[parent].depth + 1;
    frames.push_back(std::move(frame));
    frames[parent].children.push_back(next);
    return next;
}

void FlameTree::finish() {
    for (FlameFrame& frame : frames) {
        frame.self = std::max<Ns>(0, frame.self);
        std::sort(frame.children.begin(), frame.children.end(), [&](std::uint32_t a, std::uint32_t b) {
            return frames[a].total != frames[b].total ? frames[a].total > frames[b].total : frames[a].name < frames[b].name;
        });
    }
    FlameFrame& root = frames[0];
    root.total = root.self = 0;
    root.count = 0;
    for (const std::uint32_t child : root.children) {
        root.total += frames[child].total;
        root.count += frames[child].count;
    }
}

const std::string& FlameTree::text(std::uint32_t frame) const {
    static const std::string all = "all";
    if (frame == 0) return all;
    const auto cut = shortNames.find(frames[frame].name);
    return cut == shortNames.end() ? names->texts[frames[frame].name] : cut->second;
}

std::vector<std::string> FlameTree::pathOf(std::uint32_t frame) const {
    std::vector<std::string> path;
    for (; frame != 0 && frame != kNoFrame; frame = frames[frame].parent) path.push_back(text(frame));
    std::reverse(path.begin(), path.end());
    return path;
}

std::uint32_t FlameTree::find(const std::vector<std::string>& path) const {
    std::uint32_t at = 0;
    for (const std::string& part : path) {
        const auto& children = frames[at].children;
        const auto it = std::find_if(children.begin(), children.end(), [&](std::uint32_t c) { return text(c) == part; });
        if (it == children.end()) break;
        at = *it;
    }
    return at;
}

FlameTree flameOf(const Snapshot& snapshot, const std::vector<std::uint32_t>& tracks, Ns from, Ns to, FlameSource source, bool energy,
                  const std::atomic<bool>& stop) {
    Builder builder(snapshot, from, to, source, stop);
    builder.keepParts = energy;
    builder.run(tracks);
    if (energy) builder.weigh();
    return std::move(builder.tree);
}

bool hasPower(const Snapshot& snapshot) {
    return std::any_of(snapshot.tracks.begin(), snapshot.tracks.end(), [](const Track& t) { return isPower(t) && !t.base; });
}

std::vector<FlameBox> layoutFlame(const FlameTree& tree, std::uint32_t zoomed, double width, bool byEnergy) {
    std::vector<FlameBox> boxes;
    if (tree.frames[0].children.empty() || width <= 0) return boxes;
    for (std::uint32_t up = zoomed; up != kNoFrame; up = tree.frames[up].parent) boxes.push_back({0, static_cast<float>(width), tree.frames[up].depth, up, 1});
    std::reverse(boxes.begin(), boxes.end());
    const double whole = weightOf(tree.frames[zoomed], byEnergy);
    if (whole <= 0) return boxes;
    const double scale = width / whole;
    for (std::size_t next = boxes.size() - 1; next < boxes.size(); ++next) {  // grows while it is walked: level by level
        const FlameBox box = boxes[next];
        if (box.frame == kNoFrame) continue;
        std::vector<std::uint32_t> children = tree.frames[box.frame].children;
        if (byEnergy)
            std::sort(children.begin(), children.end(), [&](std::uint32_t a, std::uint32_t b) { return tree.frames[a].joules > tree.frames[b].joules; });
        double x = box.x0;
        for (std::size_t c = 0; c < children.size(); ++c) {
            const double wide = weightOf(tree.frames[children[c]], byEnergy) * scale;
            const std::uint32_t row = tree.frames[children[c]].depth;
            if (wide < kThinnest) {  // the rest is thinner still
                double rest = 0;
                for (std::size_t r = c; r < children.size(); ++r) rest += weightOf(tree.frames[children[r]], byEnergy) * scale;
                if (rest >= kThinnest / 2)
                    boxes.push_back({static_cast<float>(x), static_cast<float>(std::min(x + rest, double{box.x1})), row, kNoFrame,
                                     static_cast<std::uint32_t>(children.size() - c)});
                break;
            }
            boxes.push_back({static_cast<float>(x), static_cast<float>(std::min(x + wide, double{box.x1})), row, children[c], 1});
            x += wide;
        }
    }
    return boxes;
}

}  // namespace ridge::gui
