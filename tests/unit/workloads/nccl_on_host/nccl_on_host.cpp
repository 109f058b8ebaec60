// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "tests/unit/workloads/nccl_on_host/nccl_on_host.h"

#include "tests/unit/workloads_ops/cuda_on_host/host_device_hooks.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int kMostRanks = 8;
constexpr std::size_t kSlot = std::size_t{64} << 20;  // of one rank; pages come when they are used
constexpr int kMessages = 64;

std::mutex g_mutex;
std::map<const char*, std::size_t> g_device;  // what cudaMalloc handed out

struct Message {
    int to;
    std::size_t offset, bytes;
};

struct Board {
    std::atomic<int> arrived[2];
    std::atomic<int> round;
    std::atomic<int> joined;
    char hostIds[kMostRanks][64];
    int messageCount[kMostRanks];
    Message messages[kMostRanks][kMessages];
};

const ridge::workloads::cuda::HostDeviceHooks* g_hooks = nullptr;

// The other device's memory is within reach while one lives.
class Reach {
public:
    Reach() {
        if (g_hooks != nullptr) g_hooks->open();
    }
    ~Reach() {
        if (g_hooks != nullptr) g_hooks->close();
    }
    Reach(const Reach&) = delete;
    Reach& operator=(const Reach&) = delete;
};

bool isDevice(const void* data, std::size_t bytes) {
    if (g_hooks != nullptr && g_hooks->contains(data, bytes)) return true;
    const std::lock_guard lock(g_mutex);
    const auto* at = static_cast<const char*>(data);
    auto next = g_device.upper_bound(at);
    if (next == g_device.begin()) return false;
    --next;
    return at + bytes <= next->first + next->second;
}

bool stuck() {
    const char* set = std::getenv("RIDGE_FAKE_NCCL_STUCK");
    return set != nullptr && *set == '1';
}

}  // namespace

struct FakeStream {
    int unused = 0;
};

struct FakeComm {
    int rank = 0, size = 1;
    Board* board = nullptr;
    char* slots = nullptr;
    std::string file;
    bool asked = false;
    struct Pending {
        bool sends;
        const void* from;
        void* to;
        std::size_t bytes;
        int peer;
    };
    std::vector<Pending> group;

    char* slot(int of) const { return slots + static_cast<std::size_t>(of) * kSlot; }
    // All ranks are here.
    void meet() const {
        const int round = board->round.load();
        if (board->arrived[round % 2].fetch_add(1) + 1 == size) {
            board->arrived[(round + 1) % 2] = 0;
            board->round = round + 1;
        }
        while (board->round.load() == round) sched_yield();
    }
    void publish(const void* data, std::size_t bytes) {
        std::memcpy(slot(rank), data, bytes);
        meet();
    }
};

namespace {

std::size_t sizeOf(ncclDataType_t type) {
    return type == ncclFloat ? 4 : 1;
}

thread_local int t_depth = 0;
thread_local std::vector<FakeComm*> t_group;

// Matches every receive with the peer's sends to this rank, in their order.
ncclResult_t exchange(FakeComm& comm) {
    const Reach reach;
    Board& board = *comm.board;
    int count = 0;
    std::size_t at = 0;
    for (const FakeComm::Pending& each : comm.group) {
        if (!each.sends) continue;
        if (count == kMessages || at + each.bytes > kSlot) return ncclInvalidUsage;
        std::memcpy(comm.slot(comm.rank) + at, each.from, each.bytes);
        board.messages[comm.rank][count++] = {each.peer, at, each.bytes};
        at += each.bytes;
    }
    board.messageCount[comm.rank] = count;
    comm.meet();
    ncclResult_t result = ncclSuccess;
    std::vector<int> taken(static_cast<std::size_t>(comm.size));
    for (const FakeComm::Pending& each : comm.group) {
        if (each.sends) continue;
        int& next = taken[static_cast<std::size_t>(each.peer)];
        while (next < board.messageCount[each.peer] &&
               board.messages[each.peer][next].to != comm.rank)
            ++next;
        if (next == board.messageCount[each.peer] ||
            board.messages[each.peer][next].bytes != each.bytes) {
            result = ncclInvalidUsage;
            continue;
        }
        std::memcpy(each.to, comm.slot(each.peer) + board.messages[each.peer][next++].offset,
                    each.bytes);
    }
    comm.meet();
    comm.group.clear();
    return result;
}

ncclResult_t add(FakeComm& comm, const FakeComm::Pending& pending) {
    if (!isDevice(pending.sends ? pending.from : pending.to, pending.bytes) && pending.bytes > 0)
        return ncclInvalidArgument;
    comm.group.push_back(pending);
    if (std::find(t_group.begin(), t_group.end(), &comm) == t_group.end()) t_group.push_back(&comm);
    return t_depth > 0 ? ncclSuccess : ncclGroupEnd();
}

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) {
    *count = 1;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    return device == 0 ? cudaSuccess : cudaErrorInvalidValue;
}
cudaError_t cudaGetLastError() {
    return cudaSuccess;
}
const char* cudaGetErrorString(cudaError_t) {
    return "an error of the CUDA runtime on the host";
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* data) {
    attributes->type = isDevice(data, 1) ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
    return cudaSuccess;
}
cudaError_t cudaMalloc(void** data, std::size_t bytes) {
    *data = std::malloc(bytes);
    if (!*data) return cudaErrorMemoryAllocation;
    std::memset(*data, 0xA5, bytes);
    const std::lock_guard lock(g_mutex);
    g_device[static_cast<char*>(*data)] = bytes;
    return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
    if (!data) return cudaSuccess;
    {
        const std::lock_guard lock(g_mutex);
        if (g_device.erase(static_cast<char*>(data)) == 0) return cudaErrorInvalidValue;
    }
    std::free(data);
    return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
    const Reach reach;
    std::memcpy(to, from, bytes);
    return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t) {
    return cudaMemcpy(to, from, bytes, kind);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    *stream = new FakeStream;
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream;
    return cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t) {
    return stuck() ? cudaErrorNotReady : cudaSuccess;
}

// Nothing runs on a stream here: what waits for an event waits at once.
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t event, unsigned) {
    return cudaEventSynchronize(event);
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    if (g_hooks == nullptr || event == nullptr) return cudaErrorInvalidValue;
    g_hooks->await(event);
    return cudaSuccess;
}

extern "C" __attribute__((visibility("default"))) void ridgeNcclOnHostDevice(
    const ridge::workloads::cuda::HostDeviceHooks* hooks) {
    g_hooks = hooks;
}

const char* ncclGetErrorString(ncclResult_t) {
    return "an error of NCCL on the host";
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    static std::atomic<int> number{0};
    std::snprintf(id->internal, sizeof id->internal, "/ridge-nccl-on-host-%d-%d", ::getpid(),
                  number++);
    return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* made, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
    if (size > kMostRanks || config->blocking != 0) return ncclInvalidUsage;
    auto* comm = new FakeComm;
    comm->rank = rank;
    comm->size = size;
    comm->file = id.internal;
    const int file = ::shm_open(id.internal, O_RDWR | O_CREAT, 0600);
    const std::size_t whole = sizeof(Board) + static_cast<std::size_t>(size) * kSlot;
    if (file < 0 || ::ftruncate(file, static_cast<off_t>(whole)) != 0) return ncclSystemError;
    void* memory = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (memory == MAP_FAILED) return ncclSystemError;
    comm->board = static_cast<Board*>(memory);  // zero at first
    comm->slots = static_cast<char*>(memory) + sizeof(Board);
    const char* host = std::getenv("NCCL_HOSTID");
    std::snprintf(comm->board->hostIds[rank], sizeof comm->board->hostIds[rank], "%s",
                  host ? host : "this host");
    comm->meet();
    if (rank == 0) ::shm_unlink(id.internal);
    ncclResult_t result = ncclSuccess;
    for (int a = 0; a < size; ++a)
        for (int b = 0; b < a; ++b)
            if (std::strcmp(comm->board->hostIds[a], comm->board->hostIds[b]) == 0)
                result = ncclInvalidUsage;  // "Duplicate GPU detected"
    comm->meet();
    *made = comm;
    return result == ncclSuccess ? ncclInProgress : result;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
    *state = comm->asked ? ncclSuccess : ncclInProgress;
    comm->asked = !comm->asked;
    return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t) {
    return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
    ::munmap(comm->board, sizeof(Board) + static_cast<std::size_t>(comm->size) * kSlot);
    delete comm;
    return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
    return ncclCommDestroy(comm);
}

ncclResult_t ncclGroupStart() {
    ++t_depth;
    return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
    if (t_depth > 0 && --t_depth > 0) return ncclSuccess;
    ncclResult_t result = ncclSuccess;
    for (FakeComm* comm : t_group)
        if (const ncclResult_t one = exchange(*comm); one != ncclSuccess) result = one;
    t_group.clear();
    return result;
}

ncclResult_t ncclAllReduce(const void* in, void* out, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t, ncclComm_t comm, cudaStream_t) {
    const std::size_t bytes = count * sizeOf(type);
    if (type != ncclFloat || bytes > kSlot || !isDevice(in, bytes) || !isDevice(out, bytes))
        return ncclInvalidArgument;
    const Reach reach;
    comm->publish(in, bytes);
    auto* sums = static_cast<float*>(out);
    for (std::size_t i = 0; i < count; ++i) {
        sums[i] = 0;
        for (int r = 0; r < comm->size; ++r) sums[i] += reinterpret_cast<float*>(comm->slot(r))[i];
    }
    comm->meet();
    return ncclSuccess;
}

ncclResult_t ncclReduceScatter(const void* in, void* out, std::size_t count, ncclDataType_t type,
                               ncclRedOp_t, ncclComm_t comm, cudaStream_t) {
    const std::size_t bytes = count * sizeOf(type),
                      all = bytes * static_cast<std::size_t>(comm->size);
    if (type != ncclFloat || all > kSlot || !isDevice(in, all) || !isDevice(out, bytes))
        return ncclInvalidArgument;
    const Reach reach;
    comm->publish(in, all);
    auto* sums = static_cast<float*>(out);
    const std::size_t first = static_cast<std::size_t>(comm->rank) * count;
    for (std::size_t i = 0; i < count; ++i) {
        sums[i] = 0;
        for (int r = 0; r < comm->size; ++r)
            sums[i] += reinterpret_cast<float*>(comm->slot(r))[first + i];
    }
    comm->meet();
    return ncclSuccess;
}

ncclResult_t ncclAllGather(const void* in, void* out, std::size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t) {
    const std::size_t bytes = count * sizeOf(type);
    if (bytes > kSlot || !isDevice(in, bytes) ||
        !isDevice(out, bytes * static_cast<std::size_t>(comm->size)))
        return ncclInvalidArgument;
    const Reach reach;
    comm->publish(in, bytes);
    for (int r = 0; r < comm->size; ++r)
        std::memcpy(static_cast<char*>(out) + static_cast<std::size_t>(r) * bytes, comm->slot(r),
                    bytes);
    comm->meet();
    return ncclSuccess;
}

ncclResult_t ncclBroadcast(const void* in, void* out, std::size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t) {
    const std::size_t bytes = count * sizeOf(type);
    const bool gives = comm->rank == root;
    if (bytes > kSlot || (gives && !isDevice(in, bytes)) || !isDevice(out, bytes))
        return ncclInvalidArgument;
    const Reach reach;
    if (gives) std::memcpy(comm->slot(root), in, bytes);
    comm->meet();
    std::memmove(out, comm->slot(root), bytes);
    comm->meet();
    return ncclSuccess;
}

ncclResult_t ncclSend(const void* data, std::size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t) {
    return add(*comm, {true, data, nullptr, count * sizeOf(type), peer});
}

ncclResult_t ncclRecv(void* data, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t) {
    return add(*comm, {false, nullptr, data, count * sizeOf(type), peer});
}
