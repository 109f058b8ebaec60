// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/init_guard.h"

#include "collector/agent/clock.h"
#include "collector/agent/raw.h"
#include "collector/agent/ring.h"

#include <pthread.h>

namespace ridge::agent {
namespace {

constexpr long kPauseNs = 20'000;

int g_inside = 0;       // threads between the beginning and the end of an entry point
int64_t g_lastEnd = 0;  // CLOCK_MONOTONIC ns; 0: none ended yet
uint32_t g_registered = 0;
__thread int t_inside __attribute__((tls_model("initial-exec"))) = 0;
__thread int64_t t_lastEnd __attribute__((tls_model("initial-exec"))) = 0;
__thread int t_waited __attribute__((tls_model("initial-exec"))) = 0;  // of this fork it is done

bool isThrough(int64_t now) {
    if (__atomic_load_n(&g_inside, __ATOMIC_ACQUIRE) != 0) return false;
    const int64_t end = __atomic_load_n(&g_lastEnd, __ATOMIC_ACQUIRE);
    return end == t_lastEnd || now - end >= kAfterwardsNs;  // 0: none ended; ours: it is done
}

// Of this thread's own entry, a fork is none of ours to hold back.
void waitUntilThrough() {
    if (t_inside != 0) return;
    const int64_t begin = readClock(CLOCK_MONOTONIC);
    for (int64_t now = begin; !isThrough(now) && now - begin < kLongestWaitNs;
         now = readClock(CLOCK_MONOTONIC))
        raw::sleepNs(kPauseNs);
}

// Before our locks are taken: for them an entry of yet another thread may wait.
void waitBeforeLocks() {
    waitUntilThrough();
    t_waited = 1;
}
void waitUnlessDone() {
    if (t_waited == 0) waitUntilThrough();
    t_waited = 0;
}

void inChild() {
    __atomic_store_n(&g_inside, t_inside, __ATOMIC_RELEASE);
}

}  // namespace

InitGuard::InitGuard() {
    ++t_inside;
    __atomic_fetch_add(&g_inside, 1, __ATOMIC_ACQ_REL);
    if (__atomic_exchange_n(&g_registered, 1, __ATOMIC_ACQ_REL) != 0) return;
    g_beforeFork = waitBeforeLocks;
    pthread_atfork(waitUnlessDone, nullptr, inChild);
}

InitGuard::~InitGuard() {
    t_lastEnd = readClock(CLOCK_MONOTONIC);
    __atomic_store_n(&g_lastEnd, t_lastEnd, __ATOMIC_RELEASE);
    __atomic_fetch_sub(&g_inside, 1, __ATOMIC_ACQ_REL);
    --t_inside;
}

}  // namespace ridge::agent
