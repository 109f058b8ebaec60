// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Events as NVTX describes them, one function for each way to say so: what every call could do, and
// the usual pushes and pops only where nvtx_fast.h refuses. domainId 0 is NVTX's default domain.
// Results are NVTX's own; without a ring nothing is recorded.

#include "collector/agent/capture.h"
#include "collector/agent/nvtx_objects.h"
#include "collector/agent/payloads.h"
#include "collector/agent/ranges.h"

namespace ridge::agent {

// body(ring) between enter() and leave(); `without` when there is no ring.
template <class Result, class Body>
inline Result withRing(Result without, Body body) {
    Ring* ring = enter();
    if (ring == nullptr) return without;
    const Result result = body(ring);
    leave();
    return result;
}
template <class Body>
inline void withRing(Body body) {
    Ring* ring = enter();
    if (ring == nullptr) return;
    body(ring);
    leave();
}

// As withRing(), for a call that ends what another began in the same thread.
template <class Result, class Body>
inline Result withRingAtEnd(Result without, Body body) {
    Ring* ring = enter(Unrecorded::kWasCounted);
    if (ring == nullptr) return without;
    const Result result = body(ring);
    leave();
    return result;
}

// As withRing(), also while recording pauses: for what later events refer to.
template <class Result, class Body>
inline Result withRingAlways(Result without, Body body) {
    Ring* ring = enterAlways();
    if (ring == nullptr) return without;
    const Result result = body(ring);
    leaveAlways();
    return result;
}
template <class Body>
inline void withRingAlways(Body body) {
    Ring* ring = enterAlways();
    if (ring == nullptr) return;
    body(ring);
    leaveAlways();
}

// As withRingAlways(), for what a program defines in a domain: body(ring, domainId). `without`, and
// counted, where the domain is none.
template <class Result, class Body>
inline Result withDomainAlways(Result without, nvtxDomainHandle_t domain, Body body) {
    return withRingAlways(without, [&](Ring* ring) -> Result {
        const uint32_t domainId = idOf(domain);
        if (domainId != kNoDomain) return body(ring, domainId);
        countLoss(ring, spool::kLossUnreadable);
        return without;
    });
}

inline constexpr int kNoLevel = -2;  // NVTX_NO_PUSH_POP_TRACKING

int pushAttributes(uint32_t domainId, const nvtxEventAttributes_t* given);
int pushText(const char* text);
int pushText(const wchar_t* text);
int pushPayload(uint32_t domainId, const nvtxPayloadData_t* data, size_t count);
int popRange(uint32_t domainId);
int popPayload(uint32_t domainId, const nvtxPayloadData_t* data, size_t count);

uint64_t startAttributes(uint32_t domainId, const nvtxEventAttributes_t* given);
uint64_t startPayload(uint32_t domainId, const nvtxPayloadData_t* data, size_t count);
void endPayload(uint32_t domainId, uint64_t id, const nvtxPayloadData_t* data, size_t count);
void endStarted(uint64_t id);

void markAttributes(uint32_t domainId, const nvtxEventAttributes_t* given);
void markPayload(uint32_t domainId, const nvtxPayloadData_t* data, size_t count);

}  // namespace ridge::agent
