// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/solo_transport.h"

#include "workloads/parallel/exact.h"

#include <gtest/gtest.h>

namespace ridge::workloads {
namespace {

using formulas::Collective;

TEST(SoloTransport, EveryCollectiveOfOneRankGivesItsOwnInput) {
    auto solo = Communicator::create(soloTransport());
    ASSERT_TRUE(solo.ok());
    EXPECT_EQ((*solo)->rank(), 0);
    EXPECT_EQ((*solo)->size(), 1);
    for (const Collective op :
         {Collective::kAllReduce, Collective::kAllGather, Collective::kReduceScatter,
          Collective::kAllToAll, Collective::kBroadcast, Collective::kSendRecv})
        for (const std::size_t bytes : {std::size_t{64}, std::size_t{2} << 20}) {
            const Place place = hasPlace(op, Place::kOut) ? Place::kOut : Place::kIn;
            const ExactOutcome outcome = proveExact(**solo, op, bytes, place, bytes > 4096);
            EXPECT_TRUE(outcome.ok) << shortName(op) << ": " << outcome.text;
        }
}

TEST(SoloTransport, NobodyElseCanBeReached) {
    auto solo = Communicator::create(soloTransport());
    ASSERT_TRUE(solo.ok());
    std::vector<float> data(16, 1.0F);
    const auto bytes = std::as_writable_bytes(std::span(data));
    EXPECT_FALSE((*solo)->run({Collective::kSendRecv, bytes, bytes, 0, 0, -1}).ok());
    auto part = (*solo)->split(0, 0);
    ASSERT_TRUE(part.ok());
    EXPECT_EQ((*part)->size(), 1);
    auto none = (*solo)->split(-1, 0);
    ASSERT_TRUE(none.ok());
    EXPECT_EQ(*none, nullptr);
}

}  // namespace
}  // namespace ridge::workloads
