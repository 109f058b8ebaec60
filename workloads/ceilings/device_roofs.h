// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the files that measure a device behind Operators share.

#include "workloads/ceilings/sampling.h"
#include "workloads/ops/operators.h"

namespace ridge::workloads {

struct MeasuredDevice {
    Operators& ops;
    const std::string& prefix;  // of its roofs' names
    double budget;              // seconds of each roof
    Ceilings& out;

    void sample(Roof roof, double amount, const std::function<void()>& body) const {
        const auto seconds = sampleSeconds(budget, [&] {
            body();
            ops.synchronize();
        });
        fillRoof(roof, seconds, amount);
        out.roofs.push_back(std::move(roof));
    }
};

// What it costs to have something done, beside doing it: starting operators by the number of them
// on their way, a graph and each node of one, events. Kind "overhead", seconds.
void measureOverheads(const MeasuredDevice& device);
inline constexpr int kOverheadRoofs = 7;
// The link to another device of this host: out, in.
void measurePeers(const MeasuredDevice& device, const Tensor& room);
inline constexpr int kPeerRoofs = 2;

}  // namespace ridge::workloads
