// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/device_roofs.h"
#include "workloads/ops/graphs.h"
#include "workloads/ops/peer_copies.h"
#include "workloads/ops/stream_marks.h"

#include <fmt/format.h>

#include <algorithm>

namespace ridge::workloads {
namespace {

constexpr int kEvents = 200;
constexpr std::int64_t kPeerBytes = std::int64_t{256} << 20;

// An operator of one block: nothing but its start.
void issue(Operators& ops, const Tensor& small, int count) {
    for (int i = 0; i < count; ++i) ops.affine("roof", {1.0F, 0.0F}, small, small);
}

Status measureGraphs(const MeasuredDevice& device, const Tensor& small) {
    GraphRecorder* recorder = graphsOf(device.ops);
    if (recorder == nullptr) return {};
    const struct {
        const char* name;
        int nodes;
        const char* what;
    } graphs[] = {{"graph.launch", 1, "a graph of one operator, launched and waited for"},
                  {"graph.node", 1000, "each of 1000 operators of one block in a graph"}};
    for (const auto& [name, nodes, what] : graphs) {
        recorder->beginGraph();
        issue(device.ops, small, nodes);
        RIDGE_TRY(const auto graph, recorder->endGraph());
        device.sample(roofOf("overhead", device.prefix + name, "s", what), nodes,
                      [&] { graph->launch(); });
    }
    return {};
}

void measureEvents(const MeasuredDevice& device) {
    StreamMarks* marks = marksOf(device.ops);
    if (marks == nullptr) return;
    device.sample(roofOf("overhead", device.prefix + "event.record", "s",
                         fmt::format("each of {} events on the stream of the operators", kEvents)),
                  kEvents, [&] {
                      for (int i = 0; i < kEvents; ++i) (void)marks->mark();
                  });
    device.sample(roofOf("overhead", device.prefix + "event.cross", "s",
                         fmt::format("an event recorded on one stream and waited for on another; "
                                     "there and back {} times",
                                     kEvents / 2)),
                  kEvents, [&] { marks->crossStreams(kEvents / 2); });
}

}  // namespace

void measureOverheads(const MeasuredDevice& device) {
    const Tensor small = device.ops.allocate(32);
    if (small.empty()) return;  // the caller's note says why
    for (const int depth : {1, 16, 1024})
        device.sample(
            roofOf("overhead", fmt::format("{}launch.depth{}", device.prefix, depth), "s",
                   fmt::format("each of {} operators of one block issued, then waited for", depth)),
            depth, [&] { issue(device.ops, small, depth); });
    if (const Status graphs = measureGraphs(device, small); !graphs.ok())
        device.out.notes.push_back(
            fmt::format("no {}graph roofs: {}", device.prefix, graphs.error().message));
    measureEvents(device);
}

void measurePeers(const MeasuredDevice& device, const Tensor& room) {
    PeerCopies* peers = peersOf(device.ops);
    if (peers == nullptr) return;
    if (peers->peers() == 0) {
        device.out.notes.push_back(
            fmt::format("no {}peer roofs: no other device within its reach", device.prefix));
        return;
    }
    const Tensor own = room.slice(0, std::min(room.count, kPeerBytes / 4));
    const auto bytes = static_cast<double>(own.bytes());
    const std::string how = fmt::format("{} MiB to the first of {} devices within reach",
                                        own.bytes() >> 20, peers->peers());
    device.sample(roofOf("link", device.prefix + "peer.write", "B/s", how), bytes,
                  [&] { peers->copyToPeer(0, own); });
    device.sample(roofOf("link", device.prefix + "peer.read", "B/s", how), bytes,
                  [&] { peers->copyFromPeer(0, own); });
}

}  // namespace ridge::workloads
