// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Copies between a device's memory and that of the host's other devices which it can reach by
// itself (NVLink, PCIe), in the order of its operators: what the roofs of that link are taken with.

#include "workloads/ops/operators.h"

namespace ridge::workloads {

class PeerCopies {
public:
    virtual ~PeerCopies() = default;
    // Devices within reach; 0 where this is the only one.
    [[nodiscard]] virtual int peers() = 0;
    // Between this memory and as much of the peer's, which the first call allocates there. Peers
    // are numbered from 0. Failures go to status().
    virtual void copyToPeer(int peer, const Tensor& from) = 0;
    virtual void copyFromPeer(int peer, const Tensor& to) = 0;
};

// Null: a backend without devices.
[[nodiscard]] inline PeerCopies* peersOf(Operators& ops) {
    return dynamic_cast<PeerCopies*>(&ops);
}

}  // namespace ridge::workloads
