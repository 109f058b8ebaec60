// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/read_bandwidth.h"

#include "base/clock.h"

#include <algorithm>

namespace ridge::workloads {

namespace {

constexpr int kPasses = 5;

}  // namespace

std::uint64_t ReadBandwidth::pass(GptEngine& engine) {
    const auto bytes = static_cast<double>(engine.weightBytes());
    std::uint64_t sum = 0;
    for (int i = 0; i < kPasses; ++i) {
        const std::int64_t start = monotonicNs();
        sum = engine.weightChecksum();
        const auto ns = static_cast<double>(std::max<std::int64_t>(1, monotonicNs() - start));
        m_best = std::max(m_best, bytes / ns * 1e9);
    }
    return sum;
}

void ReadBandwidth::measure(GptEngine& engine) {
    m_checksum = pass(engine);
}

CheckResult ReadBandwidth::measureAgain(GptEngine& engine) {
    if (pass(engine) != m_checksum) return {false, "the weights changed while tokens were decoded"};
    return {true, {}};
}

}  // namespace ridge::workloads
