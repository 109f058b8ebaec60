// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Loads the profiler plugin as NCCL does and calls its functions in the order in which NCCL does for one
// all-reduce over the network, and for one send. Usage: nccl_child 4|5
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sys/types.h>
#include <thread>

// NCCL's own header is not in any toolkit; these are its layouts (ext-profiler, 2.27 and 2.28). Written down a
// second time, and not taken from the agent: a field that stands wrong there would stand wrong on both sides.
struct Coll4 {
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
    void* parentGroup;  // version 5 only
};
struct P2p {
    const char* func;
    void* buff;
    const char* datatype;
    size_t count;
    int peer;
    uint8_t nChannels;
};
struct CollApi {
    const char* func;
    size_t count;
    const char* datatype;
    int root;
    void* stream;
    bool graphCaptured;
};
struct ProxyOp {
    pid_t pid;
    uint8_t channelId;
    int peer, nSteps, chunkSize, isSend;
};
struct KernelCh {
    uint8_t channelId;
    uint64_t pTimer;
};
template <class Type>
struct Descriptor {
    Type type;
    void* parent;
    int rank;
    union {
        CollApi collApi;
        Coll4 coll;
        P2p p2p;
        ProxyOp proxyOp;
        KernelCh kernelCh;
        int step;
    };
};
union StateArgs {
    size_t transSize;
    int appended;
    void* data;
    uint64_t pTimer;
};
using Logger = void (*)(int, unsigned long, const char*, int, const char*, ...);

template <class Type, class Init>
struct Table {
    const char* name;
    Init init;
    int (*startEvent)(void*, void**, Descriptor<Type>*);
    int (*stopEvent)(void*);
    int (*recordEventState)(void*, int, StateArgs*);
    int (*finalize)(void*);
};
using Table4 = Table<uint8_t, int (*)(void**, int*, const char*, uint64_t, int, int, int, Logger)>;
using Table5 = Table<uint64_t, int (*)(void**, uint64_t, int*, const char*, int, int, int, Logger)>;

template <class Type, class Plugin, class Fill>
void* begin(const Plugin& plugin, void* context, uint64_t type, void* parent, Fill fill) {
    Descriptor<Type> d;
    std::memset(&d, 0, sizeof d);
    d.type = static_cast<Type>(type);
    d.parent = parent;
    d.rank = 3;
    fill(d);
    void* handle = nullptr;
    if (plugin.startEvent(context, &handle, &d) != 0 || handle == nullptr) std::exit(5);
    return handle;
}

template <class Type, class Plugin>
int drive(const Plugin& plugin, void* context, int mask, bool five) {
    if ((mask & 0x4F) != 0x4F || (mask & 0x30) != 0) return 6;  // no steps unless they were asked for
    void* parent = nullptr;
    void* api = nullptr;
    if (five) {
        if ((mask & (1 << 9)) == 0) return 7;
        api = begin<Type>(plugin, context, 1 << 9, nullptr, [](auto& d) { d.collApi = {"AllReduce", 1000, "ncclBfloat16", 0, nullptr, false}; });
    }
    void* group = begin<Type>(plugin, context, 1, api, [](auto&) {});
    parent = begin<Type>(plugin, context, 2, group, [](auto& d) {
        d.coll.seqNumber = 17;
        d.coll.func = "AllReduce";
        d.coll.count = 1000;
        d.coll.datatype = "ncclBfloat16";
        d.coll.nChannels = 2;
        d.coll.algo = "RING";
        d.coll.proto = "SIMPLE";
    });
    plugin.stopEvent(parent);  // it was handed over: its children begin later
    plugin.stopEvent(group);
    if (api != nullptr) plugin.stopEvent(api);
    std::thread([&] {
        for (uint8_t channel = 0; channel < 2; ++channel) {
            void* kernel = begin<Type>(plugin, context, 64, parent, [channel](auto& d) { d.kernelCh = {channel, 5000u + channel}; });
            void* proxy = begin<Type>(plugin, context, 8, parent, [channel](auto& d) { d.proxyOp = {0, channel, 4, 8, 524288, 1}; });
            plugin.recordEventState(proxy, 19, nullptr);
            plugin.stopEvent(proxy);
            StateArgs end{};
            end.pTimer = 9000u + channel;
            plugin.recordEventState(kernel, 22, &end);
            plugin.stopEvent(kernel);
        }
    }).join();
    void* send = begin<Type>(plugin, context, 4, nullptr, [](auto& d) { d.p2p = {"Send", nullptr, "ncclFloat32", 256, 6, 1}; });
    plugin.stopEvent(nullptr);  // what was refused is stopped, too
    (void)send;                 // never stopped
    return plugin.finalize(context);
}

int main(int argc, char** argv) {
    const bool five = argc > 1 && argv[1][0] == '5';
    void* library = dlopen(std::getenv("NCCL_PROFILER_PLUGIN"), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return 2;
    void* symbol = dlsym(library, five ? "ncclProfiler_v5" : "ncclProfiler_v4");
    if (symbol == nullptr) return 3;
    void* context = nullptr;
    int mask = 0;
    if (five) {
        const auto& plugin = *static_cast<const Table5*>(symbol);
        if (plugin.init(&context, 0xC0FFEE, &mask, "tp group", 2, 8, 3, nullptr) != 0) return 4;
        return drive<uint64_t>(plugin, context, mask, true);
    }
    const auto& plugin = *static_cast<const Table4*>(symbol);
    if (plugin.init(&context, &mask, "tp group", 0xC0FFEE, 2, 8, 3, nullptr) != 0) return 4;
    return drive<uint8_t>(plugin, context, mask, false);
}
