// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The three studies; each prints Markdown tables. scale 1 is the size that is quoted, .05 a quick look.

#include <cstdint>

namespace ridge::bench {

void twoBuilds(std::uint64_t seed, double scale);
void manyMetrics(std::uint64_t seed, double scale);
void history(std::uint64_t seed, double scale);

}  // namespace ridge::bench
