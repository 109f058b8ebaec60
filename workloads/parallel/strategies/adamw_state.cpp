// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/adamw_state.h"

namespace ridge::workloads {

void AdamWState::allocate(Operators& ops, std::int64_t count) {
    for (Tensor* flat : {&weights, &gradients, &firstMoments, &secondMoments})
        *flat = ops.allocate(count);
}

void AdamWState::restart(Operators& ops) {
    ops.clear("moments.zero", firstMoments);
    ops.clear("moments.zero", secondMoments);
    steps = 0;
}

Status AdamWState::update(Operators& ops, AdamWArgs args) {
    args.step = ++steps;
    ops.adamW("adamw", args, weights, gradients, firstMoments, secondMoments);
    return ops.status();
}

}  // namespace ridge::workloads
