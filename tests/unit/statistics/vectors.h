// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The worked example that every implementation of the rules has to reproduce: ten runs a side, in blocks of two.

#include <cmath>
#include <vector>

#include "analyzer/statistics/block_rank.h"

namespace ridge::statistics::test {

inline std::vector<double> logs(std::vector<double> values) {
    for (double& v : values) v = std::log(v);
    return values;
}
inline std::vector<double> sampleA() { return logs({10.02, 9.98, 10.11, 10.05, 9.95, 10.20, 10.01, 9.99, 10.40, 10.03}); }
inline std::vector<double> sampleB() { return logs({10.55, 10.49, 10.61, 10.52, 10.47, 10.90, 10.50, 10.58, 10.53, 12.10}); }

inline std::vector<Block> blocksOf(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<Block> blocks;
    for (std::size_t i = 0; i + 1 < a.size(); i += 2) blocks.push_back({{a[i], a[i + 1]}, {b[i], b[i + 1]}});
    return blocks;
}

}  // namespace ridge::statistics::test
