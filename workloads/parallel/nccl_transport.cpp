// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// libridge_nccl.so: the transport over NCCL, one GPU per rank. The only file that sees nccl.h.
//
// Ranks find each other, and wait at barriers, over MPI (libridge_mpi.so beside this one): what
// launches these ranks launches MPI's. Data goes by NCCL on a stream per channel; a call returns
// when the stream is done. Memory of the host is taken by way of the GPU, and then the times say
// nothing of the fabric: timingValid() is 0 from the first such transfer above kControlBytes on.
//
// More ranks than GPUs on a host share them. NCCL refuses that within one host, so each rank then
// calls itself a host of its own (NCCL_HOSTID) and they talk over sockets of the loop-back: good
// enough to prove values, and never timed. Nothing waits for ever: a communicator that makes no
// progress for kPatience is aborted (RIDGE_NCCL_PATIENCE_S overrides it).
//
// Invariants: (1) every NCCL call is on a communicator made non-blocking, and its end is waited for
// before the next; (2) the GPU is chosen by the calling thread before each call; (3) rooms only
// grow.
#include "workloads/ops/cuda/local_device.h"
#include "workloads/parallel/transport.h"

#ifdef RIDGE_NCCL_HEADER
#include RIDGE_NCCL_HEADER
#else
#include <cuda_runtime_api.h>
#include <nccl.h>
#endif

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCudaError = 1000, kNcclError = 2000, kOwnError = 3000;
constexpr int kNoMpi = kOwnError, kNoGpu = kOwnError + 1, kStuck = kOwnError + 2;
constexpr size_t kControlBytes = 4096;

struct Room {
    void* data = nullptr;
    size_t bytes = 0;
};

struct Channel {
    ncclComm_t comm = nullptr;
    cudaStream_t stream = nullptr;
    Room in, out;  // where the host's memory is brought
};

struct Group {
    int mpi = -1;
    int rank = 0, size = 1;
    std::array<Channel, 2> channels;
};

const ridge_transport_t* g_mpi = nullptr;
int g_device = 0;
bool g_shared = false;
bool g_staged = false;
std::mutex g_mutex;  // groups are made by the main thread and read by communication threads
std::vector<Group*> g_groups;

int of(cudaError_t error) {
    return error == cudaSuccess ? 0 : kCudaError + static_cast<int>(error);
}
int of(ncclResult_t error) {
    return error == ncclSuccess ? 0 : kNcclError + static_cast<int>(error);
}

std::chrono::duration<double> patience() {
    const char* given = std::getenv("RIDGE_NCCL_PATIENCE_S");
    const double seconds = given ? std::strtod(given, nullptr) : 0;
    return std::chrono::duration<double>(seconds > 0 ? seconds : 60);
}

Group& groupOf(int group) {
    const std::lock_guard lock(g_mutex);
    return *g_groups[static_cast<size_t>(group)];
}

// Asks again and again until it is done; an error, or no end of it: the communicator is given up.
template <typename Asked>
int settle(Channel& channel, Asked&& stillGoing) {
    const auto end = Clock::now() + patience();
    for (int round = 0;; ++round) {
        int error = 0;
        if (!stillGoing(error)) return error;
        if (Clock::now() > end) {
            (void)ncclCommAbort(channel.comm);
            channel.comm = nullptr;
            return kStuck;
        }
        if (round > 1000) std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
}

int settleComm(Channel& channel) {
    return settle(channel, [&](int& error) {
        ncclResult_t state = ncclSuccess;
        const ncclResult_t asked = ncclCommGetAsyncError(channel.comm, &state);
        if (asked == ncclSuccess && state == ncclInProgress) return true;
        error = of(asked != ncclSuccess ? asked : state);
        return false;
    });
}

int settleStream(Channel& channel) {
    return settle(channel, [&](int& error) {
        const cudaError_t state = cudaStreamQuery(channel.stream);
        if (state != cudaErrorNotReady) {
            error = of(state);
            return false;
        }
        ncclResult_t failed = ncclSuccess;
        (void)ncclCommGetAsyncError(channel.comm, &failed);
        if (failed != ncclSuccess && failed != ncclInProgress) error = of(failed);
        return error == 0;
    });
}

bool onGpu(const void* data) {
    cudaPointerAttributes attributes{};
    const bool known = cudaPointerGetAttributes(&attributes, data) == cudaSuccess;
    if (!known) (void)cudaGetLastError();  // not sticky: a pointer that CUDA never saw
    return known &&
           (attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged);
}

int grow(Room& room, size_t bytes) {
    if (room.bytes >= bytes) return 0;
    (void)cudaFree(room.data);
    room = {};
    const int error = of(cudaMalloc(&room.data, bytes));
    if (error == 0) room.bytes = bytes;
    return error;
}

// One operand where NCCL can take it.
struct Operand {
    void* there = nullptr;
    bool staged = false;
};

int bring(Channel& channel, Room& room, const void* data, size_t bytes, bool copyIt, bool force,
          Operand& operand) {
    operand = {const_cast<void*>(data), false};
    const bool host = bytes > 0 && !onGpu(data);
    if (bytes == 0 || (!host && !force)) return 0;
    if (host && bytes > kControlBytes) g_staged = true;
    if (const int error = grow(room, bytes); error != 0) return error;
    operand = {room.data, true};
    if (!copyIt) return 0;
    return of(cudaMemcpyAsync(room.data, data, bytes, cudaMemcpyDefault, channel.stream));
}

// The whole of a call: operands brought, the operation issued and waited for, the result taken
// back. inToo: the operation may not find its input where its output is.
template <typename Issue>
int perform(int group, int number, const void* in, size_t inBytes, void* out, size_t outBytes,
            bool inToo, Issue&& issue) {
    Group& members = groupOf(group);
    Channel& channel = members.channels[static_cast<size_t>(number)];
    if (!channel.comm) return kStuck;
    if (const int error = of(cudaSetDevice(g_device)); error != 0) return error;
    Operand from, to;
    if (int error = bring(channel, channel.in, in, inBytes, true, inToo, from); error != 0)
        return error;
    if (int error = bring(channel, channel.out, out, outBytes, false, false, to); error != 0)
        return error;
    const ncclResult_t issued = issue(members, channel, from.there, to.there);
    if (issued != ncclSuccess && issued != ncclInProgress) return of(issued);
    if (const int error = settleComm(channel); error != 0) return error;
    if (to.staged) {
        const int error =
            of(cudaMemcpyAsync(out, to.there, outBytes, cudaMemcpyDefault, channel.stream));
        if (error != 0) return error;
    }
    return settleStream(channel);
}

int open(Group& group, Channel& channel, int number) {
    ncclUniqueId id{};
    int error = group.rank == 0 ? of(ncclGetUniqueId(&id)) : 0;
    const int sent = g_mpi->broadcast(group.mpi, number, &id, sizeof id, 0);
    if (error == 0) error = sent;
    if (error == 0) error = of(cudaStreamCreateWithFlags(&channel.stream, cudaStreamNonBlocking));
    if (error != 0) return error;
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    const ncclResult_t made =
        ncclCommInitRankConfig(&channel.comm, group.size, id, group.rank, &config);
    if (made != ncclSuccess && made != ncclInProgress) return of(made);
    return settleComm(channel);
}

int addGroup(int mpi, int* made) {
    auto* group = new Group;
    group->mpi = mpi;
    group->rank = g_mpi->rank(mpi);
    group->size = g_mpi->size(mpi);
    int error = 0;
    // Every rank goes through both, or the others would wait for the one that does not.
    for (int number = 0; number < 2; ++number) {
        const int opened = open(*group, group->channels[static_cast<size_t>(number)], number);
        if (error == 0) error = opened;
    }
    const std::lock_guard lock(g_mutex);
    *made = static_cast<int>(g_groups.size());
    g_groups.push_back(group);
    return error;
}

const ridge_transport_t* loadMpi() {
    Dl_info own{};
    if (!::dladdr(reinterpret_cast<void*>(&loadMpi), &own) || !own.dli_fname) return nullptr;
    std::string path = own.dli_fname;
    path.resize(path.rfind('/') + 1);
    void* library = ::dlopen((path + "libridge_mpi.so").c_str(), RTLD_NOW | RTLD_GLOBAL);
    const auto function =
        library
            ? reinterpret_cast<ridge_transport_function>(::dlsym(library, RIDGE_TRANSPORT_SYMBOL))
            : nullptr;
    const ridge_transport_t* table = function ? function() : nullptr;
    return table && table->version == RIDGE_TRANSPORT_VERSION ? table : nullptr;
}

// Two ranks with the same host and GPU; all ranks find the same.
int findSharing(int rank, int size) {
    struct Place {
        char host[60];
        int device;
    };
    Place own{};
    (void)::gethostname(own.host, sizeof own.host - 1);
    own.device = g_device;
    std::vector<Place> all(static_cast<size_t>(size));
    const int error = g_mpi->allGather(RIDGE_TRANSPORT_WORLD, 0, &own, all.data(), sizeof(Place));
    for (size_t a = 0; a < all.size(); ++a)
        for (size_t b = 0; b < a; ++b)
            g_shared = g_shared || std::memcmp(&all[a], &all[b], sizeof(Place)) == 0;
    if (!g_shared) return error;
    const std::string host = "ridge-rank-" + std::to_string(rank);
    const std::pair<const char*, const char*> settings[] = {
        {"NCCL_HOSTID", host.c_str()}, {"NCCL_NET", "Socket"},     {"NCCL_IB_DISABLE", "1"},
        {"NCCL_SOCKET_IFNAME", "lo"},  {"NCCL_MNNVL_ENABLE", "0"}, {"NCCL_NVLS_ENABLE", "0"},
        {"NCCL_MAX_CTAS", "2"},        {"NCCL_RAS_ENABLE", "0"}};
    for (const auto& [setting, value] : settings) ::setenv(setting, value, 0);
    return error;
}

int start() {
    g_mpi = loadMpi();
    if (!g_mpi) return kNoMpi;
    if (const int error = g_mpi->start(); error != 0) return error;
    const int rank = g_mpi->rank(RIDGE_TRANSPORT_WORLD), size = g_mpi->size(RIDGE_TRANSPORT_WORLD);
    int count = 0;
    const bool none = cudaGetDeviceCount(&count) != cudaSuccess || count < 1;
    // Together, or the ranks that have one would wait for those that have none.
    const float own = none ? 1.0F : 0.0F;
    float missing = 0;
    int error = g_mpi->allReduceSumF32(RIDGE_TRANSPORT_WORLD, 0, &own, &missing, 1);
    if (error == 0 && missing > 0.5F) error = kNoGpu;
    if (error == 0) {
        g_device = ridge::workloads::localDevice(count, rank);
        error = findSharing(rank, size);
    }
    if (error == 0) error = of(cudaSetDevice(g_device));
    int world = 0;
    if (error == 0) error = addGroup(RIDGE_TRANSPORT_WORLD, &world);
    if (error != 0) g_mpi->stop();
    return error;
}

int release(int group) {
    Group* taken = nullptr;
    {
        const std::lock_guard lock(g_mutex);
        std::swap(taken, g_groups[static_cast<size_t>(group)]);
    }
    if (!taken) return 0;
    (void)cudaSetDevice(g_device);
    for (Channel& channel : taken->channels) {
        if (channel.comm) {
            (void)ncclCommFinalize(channel.comm);
            if (settleComm(channel) == 0) (void)ncclCommDestroy(channel.comm);
        }
        (void)cudaFree(channel.in.data);
        (void)cudaFree(channel.out.data);
        if (channel.stream) (void)cudaStreamDestroy(channel.stream);
    }
    const int mpi = taken->mpi;
    delete taken;
    return mpi == RIDGE_TRANSPORT_WORLD ? 0 : g_mpi->release(mpi);
}

int stop() {
    release(RIDGE_TRANSPORT_WORLD);
    return g_mpi->stop();
}

int split(int group, int color, int key, int* made) {
    *made = -1;
    int part = -1;
    if (const int error = g_mpi->split(groupOf(group).mpi, color, key, &part); error != 0)
        return error;
    return part < 0 ? 0 : addGroup(part, made);
}

int rank(int group) {
    return groupOf(group).rank;
}

int size(int group) {
    return groupOf(group).size;
}

int allReduceSumF32(int group, int number, const float* in, float* out, size_t count) {
    const size_t bytes = count * sizeof(float);
    return perform(group, number, in, bytes, out, bytes, false,
                   [&](Group&, Channel& c, void* from, void* to) {
                       return ncclAllReduce(from, to, count, ncclFloat, ncclSum, c.comm, c.stream);
                   });
}

int reduceScatterSumF32(int group, int number, const float* in, float* out, size_t count) {
    const size_t bytes = count * sizeof(float);
    return perform(group, number, in, bytes * static_cast<size_t>(size(group)), out, bytes, false,
                   [&](Group&, Channel& c, void* from, void* to) {
                       return ncclReduceScatter(from, to, count, ncclFloat, ncclSum, c.comm,
                                                c.stream);
                   });
}

int allGather(int group, int number, const void* in, void* out, size_t bytes) {
    return perform(group, number, in, bytes, out, bytes * static_cast<size_t>(size(group)), false,
                   [&](Group&, Channel& c, void* from, void* to) {
                       return ncclAllGather(from, to, bytes, ncclInt8, c.comm, c.stream);
                   });
}

// Pairs of messages at once. In place the messages would overwrite each other: from a copy then.
int allToAll(int group, int number, const void* in, void* out, size_t bytes) {
    const size_t all = bytes * static_cast<size_t>(size(group));
    return perform(group, number, in, all, out, all, in == out,
                   [&](Group& members, Channel& c, void* from, void* to) {
                       ncclResult_t error = ncclGroupStart();
                       for (int peer = 0; peer < members.size && error == ncclSuccess; ++peer) {
                           const size_t at = static_cast<size_t>(peer) * bytes;
                           error = ncclSend(static_cast<char*>(from) + at, bytes, ncclInt8, peer,
                                            c.comm, c.stream);
                           if (error != ncclSuccess) break;
                           error = ncclRecv(static_cast<char*>(to) + at, bytes, ncclInt8, peer,
                                            c.comm, c.stream);
                       }
                       const ncclResult_t ended = ncclGroupEnd();
                       return error == ncclSuccess ? ended : error;
                   });
}

// Host memory goes through the same room on every rank: the root's is filled first.
int broadcast(int group, int number, void* data, size_t bytes, int root) {
    const bool gives = rank(group) == root;
    return perform(group, number, data, gives ? bytes : 0, data, bytes, false,
                   [&](Group&, Channel& c, void* from, void* to) {
                       return ncclBroadcast(gives ? from : to, to, bytes, ncclInt8, root, c.comm,
                                            c.stream);
                   });
}

int sendReceive(int group, int number, const void* in, size_t inBytes, int to, void* out,
                size_t outBytes, int from) {
    const size_t sent = to < 0 ? 0 : inBytes, taken = from < 0 ? 0 : outBytes;
    return perform(group, number, in, sent, out, taken, false,
                   [&](Group&, Channel& c, void* source, void* target) {
                       ncclResult_t error = ncclGroupStart();
                       if (error == ncclSuccess && to >= 0)
                           error = ncclSend(source, sent, ncclInt8, to, c.comm, c.stream);
                       if (error == ncclSuccess && from >= 0)
                           error = ncclRecv(target, taken, ncclInt8, from, c.comm, c.stream);
                       const ncclResult_t ended = ncclGroupEnd();
                       return error == ncclSuccess ? ended : error;
                   });
}

int barrier(int group, int number) {
    return g_mpi->barrier(groupOf(group).mpi, number);
}

void abortAll(int exitCode) {
    g_mpi->abortAll(exitCode);
}

const char* errorText(int error) {
    if (error == kNoMpi)
        return "NCCL's ranks find each other over MPI, and libridge_mpi.so is not there";
    if (error == kNoGpu) return "no CUDA device on at least one rank";
    if (error == kStuck) return "a collective made no progress and was aborted";
    if (error >= kNcclError)
        return ncclGetErrorString(static_cast<ncclResult_t>(error - kNcclError));
    if (error >= kCudaError)
        return cudaGetErrorString(static_cast<cudaError_t>(error - kCudaError));
    return g_mpi ? g_mpi->errorText(error) : "unknown error";
}

const char* name() {
    return "nccl";
}

int timingValid() {
    return g_shared || g_staged ? 0 : 1;
}

int after(int group, int number, void* event, int here) {
    Channel& channel = groupOf(group).channels[static_cast<size_t>(number)];
    if (const int error = of(cudaSetDevice(g_device)); error != 0) return error;
    const auto recorded = static_cast<cudaEvent_t>(event);
    return of(here != 0 ? cudaEventSynchronize(recorded)
                        : cudaStreamWaitEvent(channel.stream, recorded, 0));
}

void* allocate(size_t bytes) {
    void* data = nullptr;
    if (cudaSetDevice(g_device) != cudaSuccess) return nullptr;
    return cudaMalloc(&data, bytes) == cudaSuccess ? data : nullptr;
}

void deallocate(void* data) {
    (void)cudaFree(data);
}

int copy(void* to, const void* from, size_t bytes) {
    if (const int error = of(cudaSetDevice(g_device)); error != 0) return error;
    return of(cudaMemcpy(to, from, bytes, cudaMemcpyDefault));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const ridge_transport_t* ridgeTransport() {
    static const ridge_transport_t table{.version = RIDGE_TRANSPORT_VERSION,
                                         .start = start,
                                         .stop = stop,
                                         .split = split,
                                         .release = release,
                                         .rank = rank,
                                         .size = size,
                                         .allReduceSumF32 = allReduceSumF32,
                                         .reduceScatterSumF32 = reduceScatterSumF32,
                                         .allGather = allGather,
                                         .allToAll = allToAll,
                                         .broadcast = broadcast,
                                         .sendReceive = sendReceive,
                                         .barrier = barrier,
                                         .abortAll = abortAll,
                                         .errorText = errorText,
                                         .name = name,
                                         .timingValid = timingValid,
                                         .allocate = allocate,
                                         .deallocate = deallocate,
                                         .copyIn = copy,
                                         .copyOut = copy,
                                         .after = after};
    return &table;
}
