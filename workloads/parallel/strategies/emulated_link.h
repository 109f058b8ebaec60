// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How fast a link is emulated where communication is to be weighed against a step's products. What
// a technique gains depends on the ratio of the two, so a processor that computes less is given a
// slower link: without AVX-512 the products of these models took 1.8 to 2.2 times as long.

#include "workloads/ops/cpu/vector_width.h"

namespace ridge::workloads {

// Bytes per second, for what a processor with AVX-512 has `bytesPerSecond` for.
[[nodiscard]] inline double linkBesideProducts(double bytesPerSecond) {
    constexpr double kNarrow = 0.6;
    return cpu::hasWideVectors() ? bytesPerSecond : kNarrow * bytesPerSecond;
}

}  // namespace ridge::workloads
