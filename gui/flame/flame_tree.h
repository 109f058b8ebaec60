// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The flame graph of a selection: slices of an interval and of some rows, merged by their path.
//
// Host: per thread, ranges, framework ops, API and library calls nest by time, whatever their kind; a slice hangs
// below the innermost slice that contains it (of equal ones: ranges outside of ops outside of calls). Device: each kernel and copy hangs below the
// ranges and ops that were open when it was launched. Times are clipped to the interval; self is what no
// child covers. Energy: the sampled power of the GPUs (analyzer::EnergyCurve, as in the report), shared
// evenly by the rows that are busy at that moment, so that frames add up to what was used while any was.
//
// No Qt, no SQL; runs on a worker and stops early, with `cancelled`, when the flag rises. Cost: one pass over
// the slices of the interval, a few cursors per depth.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gui/model/snapshot.h"

namespace ridge::gui {

inline constexpr std::uint32_t kNoFrame = ~std::uint32_t{0};
inline constexpr std::size_t kMostFrames = 1 << 20;

enum class FlameSource : std::uint8_t { kHost, kDevice, kStacks };

struct FlameFrame {
    std::uint32_t name = 0, parent = kNoFrame, depth = 0;
    std::int64_t count = 0;  // slices, or samples
    Ns total = 0, self = 0;  // ns; samples of call stacks
    double joules = 0, selfJoules = 0;
    SliceRef example;                     // the longest; of call stacks none
    std::vector<std::uint32_t> children;  // the largest first
};

struct FlameTree {
    FlameSource source = FlameSource::kHost;
    std::vector<FlameFrame> frames{FlameFrame{}};  // 0: the root, the sum of the others
    std::shared_ptr<const Names> names = std::make_shared<Names>();
    std::unordered_map<std::uint32_t, std::string> shortNames;  // of those of them that number their calls
    Ns from = 0, to = 0;
    std::size_t rows = 0;       // tracks that had a part in it
    std::int64_t omitted = 0;   // slices beyond kMostFrames paths; their time is in their parent's self
    bool energy = false;        // power was sampled
    bool cancelled = false;

    // The child of a frame with this name, made when it is not there; kNoFrame: there are too many.
    std::uint32_t child(std::uint32_t parent, std::uint32_t name);
    // Sorts the children and sums up the root; called once, after the last child().
    void finish();
    [[nodiscard]] const std::string& text(std::uint32_t frame) const;
    [[nodiscard]] std::vector<std::string> pathOf(std::uint32_t frame) const;
    // The frame of the longest beginning of the path that there is.
    [[nodiscard]] std::uint32_t find(const std::vector<std::string>& path) const;

private:
    std::unordered_map<std::uint64_t, std::uint32_t> m_ids;
};

// tracks: numbers of the snapshot; those that the source has no use for are passed over.
FlameTree flameOf(const Snapshot& snapshot, const std::vector<std::uint32_t>& tracks, Ns from, Ns to, FlameSource source, bool energy,
                  const std::atomic<bool>& stop);
// Are there GPU power samples to weigh by?
bool hasPower(const Snapshot& snapshot);

// A frame as it is drawn. frame kNoFrame: `count` siblings too thin to be drawn one by one.
struct FlameBox {
    float x0 = 0, x1 = 0;
    std::uint32_t row = 0, frame = kNoFrame;
    std::uint32_t count = 1;
};
// Ancestors of `zoomed` over the full width, then what is below it. Costs boxes, not frames.
std::vector<FlameBox> layoutFlame(const FlameTree& tree, std::uint32_t zoomed, double width, bool byEnergy);

}  // namespace ridge::gui
