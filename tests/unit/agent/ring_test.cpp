// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The ring code itself, compiled into this program (so that a sanitizer sees it): threads that
// record, and a reader beside them that drains as the recorder does.
#include "collector/agent/fast_ranges.h"
#include "collector/agent/init_guard.h"
#include "collector/agent/names.h"
#include "collector/agent/raw.h"
#include "tests/unit/agent/session_reader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <mutex>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace ridge::agent {

extern const spool::AgentKind kThisAgent = spool::AgentKind::kAgent;
extern const char* const kThisAgentName = "agent";
void announceImage(Ring*) {}
void translateHandles(uint8_t*, const Blob&) {}

namespace {

using namespace spool;
using test::ReadSession;
using test::TestSession;

constexpr uint64_t kRingBytes = uint64_t{1} << 16;
constexpr int kThreads = 4;
constexpr int kRangesEach = 20000;

// One session for the program: an agent opens the one it finds first.
TestSession& session() {
    static TestSession the(kRingBytes);
    static const bool named = [] {
        for (const auto& variable : the.environment()) {
            const auto equals = variable.find('=');
            setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
        }
        return true;
    }();
    (void)named;
    return the;
}

// The recorder's half of ring_header.h: owner, spool, tail. It reads at the producer's own addresses,
// since a sanitizer knows memory by its address and would see no race between two mappings.
class Drainer {
public:
    ~Drainer() {
        for (const auto& ring : m_rings) close(ring.spool);
    }
    void add(const Ring* ring) {
        const auto path = session().folder() / (std::string(ring->stem) + ".spool");
        const std::lock_guard lock(m_lock);
        m_rings.push_back(
            {ring->header, ring->data, open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)});
    }
    uint64_t round() {
        const std::lock_guard lock(m_lock);
        uint64_t drained = 0;
        for (const auto& ring : m_rings) drained += drain(ring);
        return drained;
    }

private:
    struct Known {
        RingHeader* header;
        const uint8_t* data;
        int spool;
    };
    static uint64_t drain(const Known& ring) {
        int32_t nobody = 0;
        const int32_t me = getppid();  // alive, and not the producer's pid, which may always drain
        if (!__atomic_compare_exchange_n(&ring.header->drainOwner, &nobody, me, false,
                                         __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return 0;
        const uint64_t tail = __atomic_load_n(&ring.header->tail, __ATOMIC_ACQUIRE);
        const uint64_t head = __atomic_load_n(&ring.header->head, __ATOMIC_ACQUIRE);
        const uint8_t* from = ring.data + tail % kRingBytes;
        const std::vector<uint8_t> bytes(from, from + (head - tail));
        EXPECT_EQ(pwrite(ring.spool, bytes.data(), bytes.size(), static_cast<off_t>(tail)),
                  static_cast<ssize_t>(bytes.size()));
        __atomic_store_n(&ring.header->tail, head, __ATOMIC_RELEASE);
        __atomic_store_n(&ring.header->drainOwner, 0, __ATOMIC_RELEASE);
        return head - tail;
    }
    std::mutex m_lock;
    std::vector<Known> m_rings;
};

// As NVTX's entry points do: the short path first, then the other.
void push(const char* text) {
    Idle idle;
    if (idleRing(idle)) {
        const Taken taken;
        const uint64_t open = loadOpen(idle.header);
        uint32_t name = 0;
        int level = 0;
        if (hasRoom(idle.ring, open) && cachedId(idle.ring, text, name) &&
            tryPush(idle, open, 0, name, 0, level))
            return;
    }
    Ring* ring = enter();
    ASSERT_NE(ring, nullptr);
    Event event;
    event.nameId = intern(ring, text);
    pushEvent(ring, event);
    leave();
}
void pop() {
    Idle idle;
    if (idleRing(idle)) {
        const Taken taken;
        int level = 0;
        if (tryPop(idle, 0, level)) return;
    }
    Ring* ring = enter();
    ASSERT_NE(ring, nullptr);
    popEvent(ring, 0, now(), nullptr);
    leave();
}

void produce(int thread, Drainer& drainer) {
    Ring* ring = enter();
    ASSERT_NE(ring, nullptr);
    drainer.add(ring);
    leave();
    // Names of one, two and three pieces of sixteen bytes, one longer than a slot, and a buffer
    // reused.
    const char* names[] = {
        "short", "a name of two pieces", "a name of three pieces, forty characters..",
        "a name that is longer than what fits into a slot of the thread's table of names"};
    char buffer[32];
    for (int i = 0; i < kRangesEach; ++i) {
        std::snprintf(buffer, sizeof buffer, "thread %d, %d", thread, i % 16);
        push(names[i % 4]);
        push(buffer);
        pop();
        pop();
    }
}

TEST(Ring, ThreadsAndADrainerLoseNothing) {
    TestSession& the = session();
    std::atomic<int> running{kThreads};
    Drainer drainer;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
        threads.emplace_back([i, &running, &drainer] {
            produce(i, drainer);
            --running;
        });
    uint64_t drained = 0;
    while (running != 0) drained += drainer.round();
    for (auto& thread : threads) thread.join();
    EXPECT_GT(drained, 0u);

    const ReadSession read = the.read();
    std::map<std::string, int> counts;
    for (const auto& record : read.of(RecordType::kRange)) {
        const auto range = record.as<Range>();
        ASSERT_LE(range.start, range.end);
        ++counts[read.nameOf(record)];
    }
    EXPECT_EQ(counts["short"], kThreads * kRangesEach / 4);
    EXPECT_EQ(counts["a name of two pieces"], kThreads * kRangesEach / 4);
    EXPECT_EQ(counts["a name of three pieces, forty characters.."], kThreads * kRangesEach / 4);
    EXPECT_EQ(
        counts["a name that is longer than what fits into a slot of the thread's table of names"],
        kThreads * kRangesEach / 4);
    for (int thread = 0; thread < kThreads; ++thread)
        for (int i = 0; i < 16; ++i)
            EXPECT_EQ(counts["thread " + std::to_string(thread) + ", " + std::to_string(i)],
                      kRangesEach / 16);
    EXPECT_EQ(counts.size(), size_t{4 + kThreads * 16});
    for (uint32_t kind = 0; kind < kLossKinds; ++kind)
        EXPECT_EQ(read.lost(static_cast<LossKind>(kind)), 0u) << kind;
}

// A pid that existed and does not any more.
int deadPid() {
    const int pid = fork();
    if (pid == 0) _exit(0);
    waitpid(pid, nullptr, 0);
    return pid;
}

// That the drain of a ring with something in it is taken from this holder, at once.
void expectTakenFrom(int holder) {
    session();
    push("before");
    pop();
    Ring* ring = enter();
    ASSERT_NE(ring, nullptr);
    __atomic_store_n(&ring->header->drainOwner, holder, __ATOMIC_RELEASE);
    EXPECT_TRUE(drainToSpool(ring));
    EXPECT_EQ(ring->header->tail, ring->header->head);
    EXPECT_EQ(ring->header->drainOwner, 0);
    leave();
}

// A child would wait for a thread that it has not got.
TEST(InitGuard, AForkWaitsForTheEntryOfAnotherThread) {
    std::atomic<int> inside{0};
    std::thread entering([&inside] {
        const InitGuard guard;
        inside = 1;
        usleep(200'000);
        inside = 0;
    });
    while (inside == 0) usleep(100);
    const pid_t child = fork();
    // Past ThreadSanitizer, which calls the thread that the child has not got a leak.
    if (child == 0) raw::call(SYS_exit_group, inside);
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    entering.join();
    EXPECT_EQ(status, 0);
}

TEST(InitGuard, AForkOfTheEnteringThreadItselfGoesOnAndItsChildEntersAnew) {
    const InitGuard guard;
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        const InitGuard again;
        const pid_t grandchild = fork();
        if (grandchild == 0) _exit(7);
        int status = -1;
        _exit(waitpid(grandchild, &status, 0) == grandchild ? WEXITSTATUS(status) : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(Ring, ADrainIsTakenFromADeadHolder) {
    expectTakenFrom(deadPid());
}

TEST(Ring, ADrainIsTakenFromADeadHolderThatNobodyHasCollected) {
    const int zombie = fork();
    if (zombie == 0) _exit(0);
    siginfo_t ended{};
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(zombie), &ended, WEXITED | WNOWAIT), 0);
    expectTakenFrom(zombie);
    waitpid(zombie, nullptr, 0);
}

TEST(Ring, ADrainIsTakenFromARecorderThatWasKilledJustNow) {
    session();
    push("while the recorder lives");
    pop();
    auto* control = session().control();
    const int recorder = control->recorderPid;
    control->recorderPid = deadPid();
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    control->heartbeatNs =
        static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
    expectTakenFrom(control->recorderPid);
    control->recorderPid = recorder;
}

TEST(Ring, ALivingHolderIsWaitedForASecondAtMost) {
    session();
    push("before");
    pop();
    Ring* ring = enter();
    ASSERT_NE(ring, nullptr);
    const uint64_t before = ring->header->tail;
    __atomic_store_n(&ring->header->drainOwner, getppid(), __ATOMIC_RELEASE);
    EXPECT_FALSE(drainToSpool(ring));  // the program is not held up for ever
    EXPECT_EQ(ring->header->tail, before);
    EXPECT_EQ(ring->header->drainOwner, getppid());
    __atomic_store_n(&ring->header->drainOwner, 0, __ATOMIC_RELEASE);
    EXPECT_TRUE(drainToSpool(ring));
    leave();
}

}  // namespace
}  // namespace ridge::agent
