// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The communicator over MPI; every rank runs the same tests: mpirun -n N communicator_ranks_test.
#include "base/clock.h"
#include "range_capture.h"
#include "ranks_main.h"
#include "workloads/formulas/parallel.h"
#include "workloads/parallel/exact.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <set>

namespace ridge::workloads {
namespace {

using formulas::Collective;

Communicator* g_world = nullptr;

constexpr Collective kAll[]{Collective::kAllReduce,     Collective::kAllGather,
                            Collective::kReduceScatter, Collective::kAllToAll,
                            Collective::kBroadcast,     Collective::kSendRecv};

Place somePlace(Collective op) {
    return hasPlace(op, Place::kOut) ? Place::kOut : Place::kIn;
}

// Every rank must hear of a failure on any, or the others go on into a collective without it.
void expectOnAll(bool ok, const std::string& what) {
    const auto all = g_world->allAgree(ok);
    ASSERT_TRUE(all.ok());
    EXPECT_TRUE(*all) << what << (ok ? " (on another rank)" : "");
}

TEST(Ranks, ValuesAreExactForEveryOperationSizeAndPlace) {
    for (const Collective op : kAll)
        for (const Place place : {Place::kOut, Place::kIn})
            for (const std::size_t bytes : {std::size_t{8}, std::size_t{64}, std::size_t{4096},
                                            std::size_t{100'000}, std::size_t{3} << 20}) {
                if (!hasPlace(op, place)) continue;
                for (const bool threaded : {false, true}) {
                    if (threaded && bytes < Communicator::kAsyncBytes) continue;  // the caller's
                    const ExactOutcome outcome = proveExact(*g_world, op, bytes, place, threaded);
                    expectOnAll(outcome.ok, std::string(shortName(op)) + " of " +
                                                std::to_string(bytes) + " bytes: " + outcome.text);
                }
            }
}

TEST(Ranks, SeveralAsynchronousOnesAreDoneInTheirOrder) {
    constexpr std::size_t kFloats = std::size_t{1} << 19;
    std::vector<std::vector<float>> buckets(5, std::vector<float>(kFloats));
    std::vector<std::uint64_t> numbers;
    for (std::size_t b = 0; b < buckets.size(); ++b) {
        std::fill(buckets[b].begin(), buckets[b].end(),
                  static_cast<float>(b + 1) * static_cast<float>(g_world->rank() + 1));
        ASSERT_TRUE(g_world->allReduceSumAsync(buckets[b], "bucket").ok());
        numbers.push_back(g_world->lastSequence());
    }
    const int n = g_world->size();
    const auto sum = static_cast<float>(n * (n + 1) / 2);
    for (std::size_t b = 0; b < buckets.size(); ++b) {
        ASSERT_TRUE(g_world->waitFor(numbers[b]).ok());
        expectOnAll(buckets[b].front() == sum * static_cast<float>(b + 1) &&
                        buckets[b].back() == sum * static_cast<float>(b + 1),
                    "bucket " + std::to_string(b));
    }
    ASSERT_TRUE(g_world->wait().ok());
}

TEST(Ranks, PartsWorkAtTheSameTimeAndHaveIdsOfTheirOwn) {
    const int rank = g_world->rank(), n = g_world->size();
    auto part = g_world->split(rank % 2, -rank);  // backwards within the part
    ASSERT_TRUE(part.ok());
    Communicator& own = **part;
    EXPECT_EQ(own.size(), (n + 1 - rank % 2) / 2);
    const int place = (rank - rank % 2) / 2;
    EXPECT_EQ(own.rank(), own.size() - 1 - place);
    for (const Collective op : kAll) {
        const ExactOutcome outcome = proveExact(own, op, 65536, somePlace(op));
        expectOnAll(outcome.ok, outcome.text);
    }
    std::vector<std::uint64_t> ids(static_cast<std::size_t>(n));
    const std::uint64_t id = own.id();
    ASSERT_TRUE(
        g_world->allGather(std::as_bytes(std::span(&id, 1)), std::as_writable_bytes(std::span(ids)))
            .ok());
    for (int r = 0; r < n; ++r)
        EXPECT_EQ(ids[static_cast<std::size_t>(r)] == id, r % 2 == rank % 2) << r;
    EXPECT_NE(id, g_world->id());

    auto none = g_world->split(rank == 0 ? -1 : 0, rank);
    ASSERT_TRUE(none.ok());
    EXPECT_EQ(*none == nullptr, rank == 0);
    if (*none) {
        EXPECT_EQ((*none)->size(), n - 1);
    }
}

// As a pipeline does it: neighbours share a communicator of two, and one only sends.
TEST(Ranks, MessagesBetweenTwo) {
    const int rank = g_world->rank();
    auto pair = g_world->split(rank / 2, rank);
    ASSERT_TRUE(pair.ok());
    Communicator& own = **pair;
    if (own.size() == 2) {
        std::vector<float> data(300'000, own.rank() == 0 ? 3.5F : 0.0F);
        const auto span = std::as_writable_bytes(std::span(data));
        const Status status =
            own.rank() == 0
                ? own.sendReceiveAsync(span, 1, {}, RIDGE_TRANSPORT_NOBODY, "activations")
                : own.sendReceiveAsync({}, RIDGE_TRANSPORT_NOBODY, span, 0, "activations");
        EXPECT_TRUE(status.ok());
        EXPECT_TRUE(own.wait().ok());
        EXPECT_EQ(data.front(), 3.5F);
        EXPECT_EQ(data.back(), 3.5F);
        EXPECT_EQ(own.lastSequence(), 1U);
    }
    expectOnAll(!testing::Test::HasFailure(), "messages");
}

TEST(Ranks, PayloadsSumUpToTheFormulas) {
    constexpr std::size_t kBytes = 3 * 4 * 4096;  // divisible by 2, 3 and 4 floats
    const auto n = static_cast<std::uint64_t>(g_world->size());
    const std::uint64_t before = g_world->lastSequence();
    std::vector<ExactCollective> calls;
    for (const Collective op : kAll) calls.emplace_back(*g_world, op, kBytes, somePlace(op));
    test::startCapture();
    for (ExactCollective& call : calls) {
        call.fill(0);  // root 0
        EXPECT_TRUE(call.run().ok());
    }
    const auto ranges = test::stopCapture();
    ASSERT_EQ(ranges.size(), std::size(kAll));
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        SCOPED_TRACE(shortName(kAll[i]));
        ASSERT_TRUE(ranges[i].hasWork);
        const Work& work = ranges[i].work;
        EXPECT_EQ(ranges[i].name, std::string("comm.") + shortName(kAll[i]));
        EXPECT_EQ(work.op_kind, RIDGE_OP_COLLECTIVE);
        EXPECT_EQ(work.communicator, g_world->id());
        EXPECT_EQ(work.sequence, before + 1 + i);
        const bool silent = kAll[i] == Collective::kBroadcast && g_world->rank() != 0;
        EXPECT_EQ(work.bytes_communicated, silent ? 0 : formulas::wireBytes(kAll[i], n, kBytes));
    }
    expectOnAll(!testing::Test::HasFailure(), "payloads");
}

// A link that is held back takes at least its ring time; how much more says nothing.
TEST(Ranks, AnEmulatedLinkIsNotFasterThanItIs) {
    constexpr double kLink = 50e6, kHop = 1e-3;
    const auto n = static_cast<std::uint64_t>(g_world->size());
    for (const Collective op : kAll) {
        ExactCollective call(*g_world, op, 1'200'000, somePlace(op));
        call.fill(0);
        g_world->setLinkLimit(kLink, kHop);
        const std::int64_t start = monotonicNs();
        EXPECT_TRUE(call.run().ok());
        const double seconds = static_cast<double>(monotonicNs() - start) / 1e9;
        g_world->setLinkLimit(0);
        EXPECT_GE(seconds, formulas::ringSeconds(op, n, call.bytes(), kLink, kHop) * 0.999)
            << shortName(op);
    }
    expectOnAll(!testing::Test::HasFailure(), "the emulated link");
}

}  // namespace
}  // namespace ridge::workloads

int main(int argc, char** argv) {
    using namespace ridge::workloads;
    const char* name = std::getenv("RIDGE_TEST_TRANSPORT");
    const auto start = [&](const RankInfo& rank) {
        return startTransport(rank, name ? name : "mpi");
    };
    return runTestsOnRanks(argc, argv, start, [](Communicator& world) { g_world = &world; });
}
