// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/capture.h"

#include "collector/agent/names.h"
#include "collector/agent/nvtx_objects.h"
#include "collector/agent/raw.h"
#include "schemas/spool/window.h"

namespace ridge::agent {

using namespace spool;

bool g_watching = false;

namespace {

constexpr uint32_t kDomains = 65536;
uint64_t g_unwanted[kDomains / 64] = {};
uint64_t g_startedId = 0;  // of the nvtxRangeStart that began the window
int g_startedBy = 0;       // its process: a forked child has the number too

struct Captured {
    uint32_t domainId;
    uint32_t depth;  // pushes in that domain since, its own included; 0: no window of this thread's
    int pid;
};
__thread Captured t_captured __attribute__((tls_model("initial-exec")));

bool listed(const ControlBlock& control, const char* name) {
    const char* end = control.domains + sizeof control.domains;
    for (const char* at = control.domains; at < end && *at != 0; at += strlen(at) + 1)
        if (strcmp(at, name) == 0) return true;
    return false;
}

// False, always.
bool countNoDomain() {
    Ring* ring = enter();
    if (ring == nullptr) return false;
    countLoss(ring, kLossUnreadable);
    leave();
    return false;
}

bool waiting() {
    return sessionControl()->capture == Capture::kNvtxRange && sessionControl()->stopped == kPaused;
}

bool isTheRange(uint32_t domainId, const char* text) {
    const ControlBlock& control = *sessionControl();
    if (text == nullptr || strcmp(text, control.captureName) != 0) return false;
    if (strcmp(control.captureDomain, "*") == 0) return true;
    const char* domain = domainId == 0 ? "default" : domainName(domainId);
    return domain != nullptr && strcmp(domain, control.captureDomain) == 0;
}

bool begins(uint32_t domainId, const char* text) {
    return waiting() && isTheRange(domainId, text) && writableControl() != nullptr &&
           beginWindow(*writableControl(), static_cast<uint64_t>(readClock(CLOCK_MONOTONIC)));
}

void end() {
    endWindow(*writableControl(), static_cast<uint64_t>(readClock(CLOCK_MONOTONIC)), false);
}

// Long texts are no capture range: its name has less than 256 bytes.
const char* narrow(const wchar_t* text, char (&room)[1024]) {
    if (text == nullptr || wcslen(text) >= sizeof room / 4 - 1) return nullptr;
    room[toUtf8(text, room, sizeof room - 8)] = 0;
    return room;
}

}  // namespace

void startWatching() {
    const ControlBlock& control = *sessionControl();
    g_watching =
        control.capture == Capture::kNvtxRange || control.domainFilter != DomainFilter::kNone;
    judgeDomain(0, "default");
}

void judgeDomain(uint32_t domainId, const char* name) {
    const ControlBlock& control = *sessionControl();
    if (control.domainFilter == DomainFilter::kNone || domainId >= kDomains) return;
    const bool want = listed(control, name) == (control.domainFilter == DomainFilter::kInclude);
    const uint64_t bit = uint64_t{1} << (domainId % 64);
    if (!want) __atomic_fetch_or(&g_unwanted[domainId / 64], bit, __ATOMIC_RELAXED);
}

bool wanted(uint32_t domainId) {
    if (__builtin_expect(domainId == kNoDomain, false)) return countNoDomain();
    return (__atomic_load_n(&g_unwanted[domainId / 64], __ATOMIC_RELAXED) >> (domainId % 64) & 1) ==
           0;
}

void beforePush(uint32_t domainId, const char* text) {
    if (t_captured.depth > 0) {
        t_captured.depth += domainId == t_captured.domainId ? 1 : 0;
    } else if (begins(domainId, text)) {
        t_captured = {domainId, 1, raw::getpid()};
    }
}
void beforePush(uint32_t domainId, const wchar_t* text) {
    char room[1024];
    beforePush(domainId, narrow(text, room));
}

void afterPop(uint32_t domainId) {
    if (t_captured.depth == 0 || domainId != t_captured.domainId) return;
    if (--t_captured.depth == 0 && t_captured.pid == raw::getpid()) end();
}

bool beforeStart(uint32_t domainId, const char* text) {
    return begins(domainId, text);
}
bool beforeStart(uint32_t domainId, const wchar_t* text) {
    char room[1024];
    return beforeStart(domainId, narrow(text, room));
}

void afterStart(uint64_t rangeId) {
    __atomic_store_n(&g_startedBy, raw::getpid(), __ATOMIC_RELAXED);
    __atomic_store_n(&g_startedId, rangeId, __ATOMIC_RELEASE);
}

void afterEnd(uint64_t rangeId) {
    uint64_t id = rangeId;
    if (rangeId != 0 && __atomic_load_n(&g_startedBy, __ATOMIC_RELAXED) == raw::getpid() &&
        __atomic_compare_exchange_n(&g_startedId, &id, 0, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        end();
}

void profilerCalled(bool starts) {
    ControlBlock* control = writableControl();
    if (control == nullptr || control->capture != Capture::kCudaProfiler) return;
    const auto nowNs = static_cast<uint64_t>(readClock(CLOCK_MONOTONIC));
    if (starts)
        beginWindow(*control, nowNs);
    else
        endWindow(*control, nowNs, false);
}

}  // namespace ridge::agent
