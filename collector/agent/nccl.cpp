// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// NCCL's profiler plugin (NCCL_PROFILER_PLUGIN names this library): communicators, groups,
// collectives, their channels and the proxy's operations. A start is one record, a stop a
// RangeClose. Nothing is kept: a handle is the event's number, so that children may name a parent
// that has long stopped, as NCCL's do. Any thread of NCCL's.
#include "collector/agent/names.h"
#include "collector/agent/nccl_abi.h"
#include "collector/agent/raw.h"
#include "collector/agent/ring.h"
#include "schemas/spool/nccl_records.h"

namespace ridge::agent {

using namespace spool;

namespace {

struct Communicator {
    uint64_t id;
};

// Steps and the idling of the proxy are many times the rest, and not asked for unless wanted.
constexpr uint64_t kAlways =
    nccl::kGroup | nccl::kCollective | nccl::kPointToPoint | nccl::kProxyOp | nccl::kKernelChannel;
constexpr uint64_t kVersion5 =
    nccl::kGroupApi | nccl::kCollectiveApi | nccl::kPointToPointApi | nccl::kKernelLaunch;

template <class Body>
void inRing(Body body) {
    Ring* ring = enter();
    if (ring == nullptr) return;
    body(ring);
    leave();
}

nccl::Result start(void** context, uint64_t known, int* mask, const char* name, uint64_t id,
                   int nodes, int ranks, int rank) {
    if (context == nullptr || mask == nullptr || !sessionOpen() || over() ||
        sessionControl()->traceCuda == 0)
        return nccl::kRefused;
    lockTables();
    auto* communicator = static_cast<Communicator*>(arenaAllocate(sizeof(Communicator)));
    unlockTables();
    if (communicator == nullptr) return nccl::kRefused;
    communicator->id = id;
    Ring* ring = enterAlways();
    if (ring != nullptr) {
        const uint32_t nameId = intern(ring, name);
        emit(ring, NcclCommunicator{recordHeader(RecordType::kNcclCommunicator,
                                                 sizeof(NcclCommunicator), nameId),
                                    now(), id, rank, ranks, nodes, 0});
        leaveAlways();
    }
    const bool steps = (sessionControl()->cudaOptions & kNcclSteps) != 0;
    *mask = static_cast<int>(known | (steps ? nccl::kProxyStep | nccl::kProxyControl : 0));
    *context = communicator;
    return nccl::kSuccess;
}

nccl::Result init4(void** context, int* mask, const char* name, uint64_t id, int nodes, int ranks,
                   int rank, nccl::Logger) {
    return start(context, kAlways, mask, name, id, nodes, ranks, rank);
}
nccl::Result init5(void** context, uint64_t id, int* mask, const char* name, int nodes, int ranks,
                   int rank, nccl::Logger) {
    return start(context, kAlways | kVersion5, mask, name, id, nodes, ranks, rank);
}

void describe(Ring* ring, NcclEvent& event, uint32_t& nameId, const nccl::Detail& detail) {
    const auto named = [&](const char* func, const char* datatype, size_t count) {
        nameId = intern(ring, func);
        event.datatypeNameId = intern(ring, datatype);
        event.count = count;
    };
    switch (event.kind) {
        case nccl::kCollective:
            named(detail.coll.func, detail.coll.datatype, detail.coll.count);
            event.sequence = detail.coll.seqNumber;
            event.peer = detail.coll.root;
            event.channels = detail.coll.nChannels;
            event.algorithmNameId = intern(ring, detail.coll.algo);
            event.protocolNameId = intern(ring, detail.coll.proto);
            return;
        case nccl::kPointToPoint:
            named(detail.p2p.func, detail.p2p.datatype, detail.p2p.count);
            event.peer = detail.p2p.peer;
            event.channels = detail.p2p.nChannels;
            return;
        case nccl::kCollectiveApi:
            named(detail.collApi.func, detail.collApi.datatype, detail.collApi.count);
            event.peer = detail.collApi.root;
            return;
        case nccl::kPointToPointApi:
            return named(detail.p2pApi.func, detail.p2pApi.datatype, detail.p2pApi.count);
        case nccl::kProxyOp:
            nameId = intern(ring, detail.proxyOp.isSend != 0 ? "send" : "recv");
            event.channels = detail.proxyOp.channelId;
            event.peer = detail.proxyOp.peer;
            event.count = static_cast<uint64_t>(detail.proxyOp.nSteps);
            event.value = static_cast<uint64_t>(detail.proxyOp.chunkSize);
            return;
        case nccl::kProxyStep:
            event.sequence = static_cast<uint64_t>(detail.proxyStep.step);
            return;
        case nccl::kKernelChannel:
            event.channels = detail.kernelCh.channelId;
            event.value = detail.kernelCh.pTimer;
            return;
        default:
            return;
    }
}

template <class Descriptor>
nccl::Result startEvent(void* context, void** handle, Descriptor* descriptor) {
    if (handle == nullptr) return nccl::kSuccess;
    *handle = nullptr;
    if (context == nullptr || descriptor == nullptr) return nccl::kSuccess;
    const uint64_t time = now();
    inRing([&](Ring* ring) {
        NcclEvent event{};
        event.start = time;
        event.kind = static_cast<uint32_t>(descriptor->type);
        event.parentId = reinterpret_cast<uintptr_t>(descriptor->parent);
        event.communicator = static_cast<const Communicator*>(context)->id;
        event.rank = descriptor->rank;
        event.peer = -1;
        uint32_t nameId = 0;
        describe(ring, event, nameId, descriptor->detail);
        event.eventId = ring->nextRange++;
        event.header = recordHeader(RecordType::kNcclEvent, sizeof event, nameId);
        if (emit(ring, event))
            *handle = reinterpret_cast<void*>(static_cast<uintptr_t>(event.eventId));
    });
    return nccl::kSuccess;
}

nccl::Result stopEvent(void* handle) {
    const uint64_t time = now();
    if (handle != nullptr)
        inRing([&](Ring* ring) {
            emit(ring, RangeClose{recordHeader(RecordType::kRangeClose, sizeof(RangeClose), 0),
                                  time, reinterpret_cast<uintptr_t>(handle)});
        });
    return nccl::kSuccess;
}

nccl::Result recordEventState(void* handle, int state, nccl::StateArguments* arguments) {
    const uint64_t time = now();
    if (handle == nullptr) return nccl::kSuccess;
    uint64_t value = 0;
    const bool step = (state >= nccl::kFirstProxyStepState && state <= nccl::kLastProxyStepState) ||
                      state == nccl::kProxyStepPeerWait;
    if (arguments != nullptr && state == nccl::kStateKernelChannelStop) value = arguments->pTimer;
    if (arguments != nullptr && step) value = arguments->transSize;
    inRing([&](Ring* ring) {
        emit(ring, NcclState{recordHeader(RecordType::kNcclState, sizeof(NcclState),
                                          static_cast<uint32_t>(state)),
                             time, reinterpret_cast<uintptr_t>(handle), value});
    });
    return nccl::kSuccess;
}

nccl::Result finalize(void*) {
    return nccl::kSuccess;
}

}  // namespace

}  // namespace ridge::agent

// What NCCL looks for in the library, the newest first.
extern "C" {
__attribute__((visibility("default"))) ridge::agent::nccl::Plugin5 ncclProfiler_v5 = {
    "ridge",
    ridge::agent::init5,
    ridge::agent::startEvent<ridge::agent::nccl::Descriptor5>,
    ridge::agent::stopEvent,
    ridge::agent::recordEventState,
    ridge::agent::finalize};
__attribute__((visibility("default"))) ridge::agent::nccl::Plugin4 ncclProfiler_v4 = {
    "ridge",
    ridge::agent::init4,
    ridge::agent::startEvent<ridge::agent::nccl::Descriptor4>,
    ridge::agent::stopEvent,
    ridge::agent::recordEventState,
    ridge::agent::finalize};
}
