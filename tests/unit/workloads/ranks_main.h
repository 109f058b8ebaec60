// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// main() of a test program that mpirun starts on two or more ranks: the same tests on each. Exit
// code 77 (skipped) where there are no ranks or no MPI.
#include "workloads/parallel/communicator.h"
#include "workloads/parallel/rank_env.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <memory>

namespace ridge::workloads {

// `start` makes the world, which lives until the tests end; `use` gives it to them.
inline int runTestsOnRanks(
    int argc, char** argv,
    const std::function<Result<std::unique_ptr<Communicator>>(const RankInfo&)>& start,
    const std::function<void(Communicator&)>& use) {
    constexpr int kSkipped = 77;
    testing::InitGoogleTest(&argc, argv);
    const auto rank = rankFromEnvironment();
    if (!rank.ok() || rank->size < 2) {
        std::puts("start with mpirun -n 2 or more");
        return kSkipped;
    }
    const auto world = start(*rank);
    if (!world.ok()) {
        std::puts(world.error().message.c_str());
        return kSkipped;
    }
    use(**world);
    return RUN_ALL_TESTS();
}

}  // namespace ridge::workloads
