// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Does the value check of collectives find what it is there to find? A transport of one rank, which
// does one thing wrong.
#include "workloads/parallel/exact.h"

#include "workloads/parallel/comm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

namespace ridge::workloads {
namespace {

using formulas::Collective;

enum class Wrong { kNothing, kOneElement, kBefore, kAfter, kLeavesOut, kError };
Wrong g_wrong = Wrong::kNothing;

int move(const void* in, void* out, size_t bytes) {
    if (g_wrong == Wrong::kError) return 5;
    if (g_wrong == Wrong::kLeavesOut) return 0;
    if (in != out) std::memcpy(out, in, bytes);
    auto* floats = static_cast<float*>(out);
    const size_t count = bytes / sizeof(float);
    if (count < 64) return 0;  // the harness' own calls
    if (g_wrong == Wrong::kOneElement) floats[count / 2] += 1;
    if (g_wrong == Wrong::kBefore) floats[-1] = 0;
    if (g_wrong == Wrong::kAfter) floats[count] = 0;
    return 0;
}

int nothing() {
    return 0;
}
int reduce(int, int, const float* in, float* out, size_t count) {
    return move(in, out, count * sizeof(float));
}
int bytes(int, int, const void* in, void* out, size_t count) {
    return move(in, out, count);
}

const ridge_transport_t kOneRank{
    RIDGE_TRANSPORT_VERSION,
    nothing,
    nothing,
    [](int, int, int, int* made) { return *made = -1, 0; },
    [](int) { return 0; },
    [](int) { return 0; },
    [](int) { return 1; },
    reduce,
    reduce,
    bytes,
    bytes,
    [](int, int, void* data, size_t count, int) { return move(data, data, count); },
    [](int, int, const void* in, size_t count, int, void* out, size_t, int) {
        return move(in, out, count);
    },
    [](int, int) { return 0; },
    [](int) {},
    [](int) { return "the wire is cut"; },
    [] { return "one rank"; },
    [] { return 1; },
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr};

constexpr Collective kAll[]{Collective::kAllReduce,     Collective::kAllGather,
                            Collective::kReduceScatter, Collective::kAllToAll,
                            Collective::kBroadcast,     Collective::kSendRecv};

class Exact : public testing::Test {
protected:
    void SetUp() override {
        g_wrong = Wrong::kNothing;
        auto made = Communicator::create(kOneRank);
        ASSERT_TRUE(made.ok());
        m_comm = std::move(*made);
    }
    ExactOutcome prove(Collective op, Place place) { return proveExact(*m_comm, op, 4096, place); }
    std::unique_ptr<Communicator> m_comm;
};

TEST_F(Exact, PassesWhatIsRight) {
    for (const Collective op : kAll)
        for (const Place place : {Place::kOut, Place::kIn}) {
            if (!hasPlace(op, place)) continue;
            const ExactOutcome outcome = prove(op, place);
            EXPECT_TRUE(outcome.ok) << shortName(op) << ": " << outcome.text;
        }
}

// A library with memory of its own: what it is handed has to lie in there.
std::map<char*, std::size_t> g_own;
int g_foreign = 0;

bool isOwn(const void* data) {
    const auto* at = static_cast<const char*>(data);
    return std::any_of(g_own.begin(), g_own.end(), [at](const auto& room) {
        return at >= room.first && at < room.first + room.second;
    });
}

TEST_F(Exact, UsesTheTransportsOwnMemory) {
    static ridge_transport_t table;
    table = kOneRank;
    table.allocate = [](size_t count) -> void* {
        auto* made = static_cast<char*>(std::malloc(count));
        g_own[made] = count;
        return made;
    };
    table.deallocate = [](void* data) {
        g_own.erase(static_cast<char*>(data));
        std::free(data);
    };
    table.copyIn = [](void* to, const void* from, size_t count) {
        g_foreign += isOwn(to) && !isOwn(from) ? 0 : 1;
        return std::memcpy(to, from, count), 0;
    };
    table.copyOut = [](void* to, const void* from, size_t count) {
        g_foreign += isOwn(from) && !isOwn(to) ? 0 : 1;
        return std::memcpy(to, from, count), 0;
    };
    table.allGather = [](int group, int channel, const void* in, void* out, size_t count) {
        g_foreign += isOwn(in) && isOwn(out) ? 0 : 1;
        return kOneRank.allGather(group, channel, in, out, count);
    };
    auto made = Communicator::create(table);
    ASSERT_TRUE(made.ok());
    for (const Place place : {Place::kOut, Place::kIn}) {
        const ExactOutcome outcome = proveExact(**made, Collective::kAllGather, 4096, place);
        EXPECT_TRUE(outcome.ok) << outcome.text;
    }
    EXPECT_EQ(g_foreign, 0);
    EXPECT_TRUE(g_own.empty()) << "all of it is given back";
    // What comes back wrong is found there too.
    table.copyOut = [](void*, const void*, size_t) { return 1; };
    EXPECT_FALSE(proveExact(**made, Collective::kAllGather, 4096, Place::kOut).ok);
}

TEST_F(Exact, FindsEveryWrong) {
    for (const Wrong wrong : {Wrong::kOneElement, Wrong::kBefore, Wrong::kAfter})
        for (const Collective op : kAll)
            for (const Place place : {Place::kOut, Place::kIn}) {
                if (!hasPlace(op, place)) continue;
                g_wrong = wrong;
                const ExactOutcome outcome = prove(op, place);
                EXPECT_FALSE(outcome.ok) << shortName(op) << " " << static_cast<int>(wrong);
                const bool guards = wrong != Wrong::kOneElement;
                EXPECT_EQ(outcome.text.find("overwritten") != std::string::npos, guards)
                    << outcome.text;
            }
}

TEST_F(Exact, FindsAResultThatNeverCame) {
    g_wrong = Wrong::kLeavesOut;
    for (const Collective op : kAll)
        if (hasPlace(op, Place::kOut)) {
            EXPECT_FALSE(prove(op, Place::kOut).ok) << shortName(op);
        }
}

TEST_F(Exact, AnErrorOfTheLibraryComesOut) {
    g_wrong = Wrong::kError;
    const ExactOutcome outcome = prove(Collective::kAllGather, Place::kOut);
    EXPECT_FALSE(outcome.ok);
    EXPECT_EQ(outcome.text, "allgather on rank 0: the wire is cut");
    // Also when it happens on the communication thread.
    std::vector<float> data(Communicator::kAsyncBytes / sizeof(float));
    ASSERT_TRUE(m_comm->allReduceSumAsync(data).ok());
    const Status status = m_comm->wait();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message, "allreduce on rank 0: the wire is cut");
    EXPECT_TRUE(m_comm->wait().ok());  // told once
}

TEST_F(Exact, WornBuffersAreFilledBeforeSumsLeaveTheExactRange) {
    ExactCollective collective(*m_comm, Collective::kAllReduce, 1024, Place::kIn);
    collective.fill(1);
    int runs = 0;
    while (!collective.worn() && runs < 100) {
        ASSERT_TRUE(collective.run().ok());
        ++runs;
    }
    EXPECT_EQ(runs, 16);  // 250 * 2^16 < 2^24
    collective.fill(2);
    EXPECT_FALSE(collective.worn());
}

// What is allocated, and held together by a sweep: out of place and in place.
TEST_F(Exact, SaysWhatItsBuffersTake) {
    const auto bytes = [](Collective op, Place place) {
        return ExactCollective::bufferBytes(op, 4096, 4, place);
    };
    EXPECT_EQ(bytes(Collective::kAllReduce, Place::kOut), 8192U);
    EXPECT_EQ(bytes(Collective::kAllReduce, Place::kIn), 4096U);
    EXPECT_EQ(bytes(Collective::kAllGather, Place::kOut), 5120U);
    EXPECT_EQ(bytes(Collective::kReduceScatter, Place::kOut), 5120U);
    EXPECT_EQ(bytes(Collective::kSendRecv, Place::kOut), 8192U);
}

TEST(Room, IsWhatBothMemoriesHave) {
    static std::size_t there = 0;
    static int held = 0;
    ridge_transport_t table = kOneRank;
    table.allocate = [](size_t bytes) -> void* {
        return bytes > there ? nullptr : (++held, static_cast<void*>(&there));
    };
    table.deallocate = [](void*) { --held; };
    constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
    there = 24 * kGiB;
    int met = 0, heldThen = 0;
    const auto meet = [&] {
        ++met;
        heldThen = held;
    };
    EXPECT_TRUE(roomFor(24 * kGiB, 2, 48 * kGiB, table, meet).ok());
    EXPECT_EQ(heldThen, 1) << "others that share the GPU must see it taken";
    EXPECT_EQ(held, 0) << "what was tried is given back";
    const Status host = roomFor(24 * kGiB, 2, 48 * kGiB - 2, table, meet);
    ASSERT_FALSE(host.ok());
    EXPECT_EQ(host.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(host.error().message.find("24.0 GiB of memory for each of 2 ranks"),
              std::string::npos)
        << host.error().message;
    there = 24 * kGiB - 1;
    const Status device = roomFor(24 * kGiB, 2, 48 * kGiB, table, meet);
    ASSERT_FALSE(device.ok());
    EXPECT_EQ(device.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(device.error().message.find("GPU"), std::string::npos) << device.error().message;
    EXPECT_TRUE(roomFor(24 * kGiB, 2, 48 * kGiB, kOneRank, meet).ok()) << "the host's memory alone";
    EXPECT_EQ(met, 4) << "a rank that does not come leaves the others waiting";
}

TEST_F(Exact, SizesThatDoNotFitAreAnError) {
    std::vector<float> in(100), out(99);
    EXPECT_FALSE(m_comm->allReduceSum(in, out).ok());
    EXPECT_FALSE(m_comm->reduceScatterSum(in, out).ok());
    EXPECT_FALSE(m_comm->broadcast(std::as_writable_bytes(std::span(in)), 3).ok());
    EXPECT_FALSE(m_comm
                     ->sendReceive(std::as_bytes(std::span(in)), 1,
                                   std::as_writable_bytes(std::span(out)), 0)
                     .ok());
    EXPECT_EQ(m_comm->lastSequence(), 0U) << "a call that was refused has no number";
}

}  // namespace
}  // namespace ridge::workloads
