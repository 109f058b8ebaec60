// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What reading a model's weights and nothing else reaches on this machine now, B/s: the roof that
// decoding is held against (MBU). Measured before and after the timed steps with the best of a few
// passes each, since a shared machine drifts. It also finds weights that something wrote over.

#include "workloads/harness/workload.h"
#include "workloads/models/gpt_engine.h"

#include <cstdint>

namespace ridge::workloads {

class ReadBandwidth {
public:
    void measure(GptEngine& engine);
    // Fails when the weights are not what they were.
    [[nodiscard]] CheckResult measureAgain(GptEngine& engine);
    // 0 before measure().
    [[nodiscard]] double best() const { return m_best; }

private:
    std::uint64_t pass(GptEngine& engine);

    std::uint64_t m_checksum = 0;
    double m_best = 0;
};

}  // namespace ridge::workloads
