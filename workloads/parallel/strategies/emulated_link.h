// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How fast a link is emulated where communication is to be weighed against a step's products. What
// a technique gains depends on the ratio of the two, so a processor that computes less is given a
// slower link.

#include "workloads/ops/cpu/vector_width.h"

namespace ridge::workloads {

// Bytes per second, for what a processor with AVX-512 has `bytesPerSecond` for.
[[nodiscard]] inline double linkBesideProducts(double bytesPerSecond) {
    return cpu::productRate() * bytesPerSecond;
}

}  // namespace ridge::workloads
