// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// NCCL's profiler plugin interface, versions 4 (NCCL 2.27) and 5 (NCCL 2.28), declared here because
// no toolkit has its header. The two differ in the width of the type, in init(), and in what
// version 5 adds at ends of structures and as new kinds; where they agree there is one structure.

#include <stddef.h>
#include <stdint.h>

namespace ridge::agent::nccl {

using Result = int;  // ncclResult_t
inline constexpr Result kSuccess = 0;
inline constexpr Result kRefused = 3;  // ncclInternalError: the plugin is not used

enum Kind : uint64_t {
    kGroup = 1 << 0,
    kCollective = 1 << 1,
    kPointToPoint = 1 << 2,
    kProxyOp = 1 << 3,
    kProxyStep = 1 << 4,
    kProxyControl = 1 << 5,
    kKernelChannel = 1 << 6,
    kNetPlugin = 1 << 7,
    kGroupApi = 1 << 8,  // from here on version 5
    kCollectiveApi = 1 << 9,
    kPointToPointApi = 1 << 10,
    kKernelLaunch = 1 << 11,
};
inline constexpr int kStateKernelChannelStop = 22;
inline constexpr int kFirstProxyStepState = 8, kLastProxyStepState = 12, kProxyStepPeerWait = 20;

struct GroupApi {
    int graphCaptured, groupDepth;
};
struct CollectiveApi {
    const char* func;
    size_t count;
    const char* datatype;
    int root;
    void* stream;
    bool graphCaptured;
};
struct PointToPointApi {
    const char* func;
    size_t count;
    const char* datatype;
    void* stream;
    bool graphCaptured;
};
struct Collective {
    uint64_t seqNumber;
    const char* func;
    const void* sendBuff;
    void* recvBuff;
    size_t count;
    int root;
    const char* datatype;
    uint8_t nChannels, nWarps;
    const char* algo;
    const char* proto;
};
struct PointToPoint {
    const char* func;
    void* buff;
    const char* datatype;
    size_t count;
    int peer;
    uint8_t nChannels;
};
struct ProxyOp {
    int pid;
    uint8_t channelId;
    int peer, nSteps, chunkSize, isSend;
};
struct ProxyStep {
    int step;
};
struct KernelChannel {
    uint8_t channelId;
    uint64_t pTimer;  // GPU's %globaltimer, ns
};
union Detail {
    GroupApi groupApi;
    CollectiveApi collApi;
    PointToPointApi p2pApi;
    Collective coll;
    PointToPoint p2p;
    ProxyOp proxyOp;
    ProxyStep proxyStep;
    KernelChannel kernelCh;
};
struct Descriptor4 {
    uint8_t type;
    void* parent;
    int rank;
    Detail detail;
};
struct Descriptor5 {
    uint64_t type;
    void* parent;
    int rank;
    Detail detail;
};
static_assert(offsetof(Descriptor4, parent) == 8 && offsetof(Descriptor5, detail) == 24 &&
              offsetof(Descriptor4, detail) == 24);
union StateArguments {
    size_t transSize;
    int appendedProxyOps;
    void* data;
    uint64_t pTimer;
};
using Logger = void (*)(int, unsigned long, const char*, int, const char*, ...);

template <class Descriptor, class Init>
struct Plugin {
    const char* name;
    Init init;
    Result (*startEvent)(void* context, void** handle, Descriptor* descriptor);
    Result (*stopEvent)(void* handle);
    Result (*recordEventState)(void* handle, int state, StateArguments* arguments);
    Result (*finalize)(void* context);
};
using Init4 = Result (*)(void** context, int* mask, const char* name, uint64_t id, int nodes,
                         int ranks, int rank, Logger);
using Init5 = Result (*)(void** context, uint64_t id, int* mask, const char* name, int nodes,
                         int ranks, int rank, Logger);
using Plugin4 = Plugin<Descriptor4, Init4>;
using Plugin5 = Plugin<Descriptor5, Init5>;

}  // namespace ridge::agent::nccl
