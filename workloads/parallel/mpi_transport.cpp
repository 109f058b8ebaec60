// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// libridge_mpi.so: the transport over MPI. The only file of the project that sees mpi.h.
#include "workloads/parallel/transport.h"

#include <climits>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <vector>

namespace {

constexpr int kTag = 1;

struct Group {
    // One communicator per channel: collectives of two threads on one communicator have no order.
    std::array<MPI_Comm, 2> channels{MPI_COMM_NULL, MPI_COMM_NULL};
};

// Groups are made and released by the main thread, and read by communication threads.
std::mutex g_mutex;
std::vector<Group> g_groups;

MPI_Comm channelOf(int group, int channel) {
    const std::lock_guard lock(g_mutex);
    return g_groups[static_cast<size_t>(group)].channels[static_cast<size_t>(channel)];
}

int addGroup(MPI_Comm members, int* made) {
    Group group;
    for (MPI_Comm& channel : group.channels) {
        const int error = MPI_Comm_dup(members, &channel);
        if (error != MPI_SUCCESS) return error;
        MPI_Comm_set_errhandler(channel, MPI_ERRORS_RETURN);
    }
    const std::lock_guard lock(g_mutex);
    *made = static_cast<int>(g_groups.size());
    g_groups.push_back(group);
    return MPI_SUCCESS;
}

int start() {
    int provided = 0;
    int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided);
    if (error != MPI_SUCCESS) return error;
    if (provided < MPI_THREAD_MULTIPLE) {
        MPI_Finalize();
        return MPI_ERR_UNSUPPORTED_OPERATION;
    }
    int world = 0;
    error = addGroup(MPI_COMM_WORLD, &world);
    return error;
}

int release(int group) {
    Group taken;
    {
        const std::lock_guard lock(g_mutex);
        std::swap(taken, g_groups[static_cast<size_t>(group)]);
    }
    for (MPI_Comm& channel : taken.channels)
        if (channel != MPI_COMM_NULL) MPI_Comm_free(&channel);
    return MPI_SUCCESS;
}

int stop() {
    release(RIDGE_TRANSPORT_WORLD);
    return MPI_Finalize();
}

int split(int group, int color, int key, int* made) {
    *made = -1;
    MPI_Comm members = MPI_COMM_NULL;
    const int error =
        MPI_Comm_split(channelOf(group, 0), color < 0 ? MPI_UNDEFINED : color, key, &members);
    if (error != MPI_SUCCESS || members == MPI_COMM_NULL) return error;
    const int added = addGroup(members, made);
    MPI_Comm_free(&members);
    return added;
}

int rank(int group) {
    int value = 0;
    MPI_Comm_rank(channelOf(group, 0), &value);
    return value;
}

int size(int group) {
    int value = 1;
    MPI_Comm_size(channelOf(group, 0), &value);
    return value;
}

// MPI counts are int: larger buffers go in pieces.
int allReduceSumF32(int group, int channel, const float* in, float* out, size_t count) {
    const MPI_Comm comm = channelOf(group, channel);
    const bool inPlace = in == out;
    while (count > 0) {
        const int piece = static_cast<int>(std::min<size_t>(count, INT_MAX));
        const int error = MPI_Allreduce(inPlace ? MPI_IN_PLACE : static_cast<const void*>(in), out,
                                        piece, MPI_FLOAT, MPI_SUM, comm);
        if (error != MPI_SUCCESS) return error;
        in += piece;
        out += piece;
        count -= static_cast<size_t>(piece);
    }
    return MPI_SUCCESS;
}

int reduceScatterSumF32(int group, int channel, const float* in, float* out, size_t count) {
    if (count > INT_MAX) return MPI_ERR_COUNT;
    const MPI_Comm comm = channelOf(group, channel);
    const int each = static_cast<int>(count);
    int own = 0;
    MPI_Comm_rank(comm, &own);
    if (out != in + static_cast<size_t>(own) * count)
        return MPI_Reduce_scatter_block(in, out, each, MPI_FLOAT, MPI_SUM, comm);
    // MPI puts the result of an operation in place at the front; it belongs to this rank's block.
    float* all = out - static_cast<size_t>(own) * count;
    const int error = MPI_Reduce_scatter_block(MPI_IN_PLACE, all, each, MPI_FLOAT, MPI_SUM, comm);
    if (error == MPI_SUCCESS && own != 0) std::memcpy(out, all, count * sizeof(float));
    return error;
}

int allGather(int group, int channel, const void* in, void* out, size_t bytes) {
    if (bytes > INT_MAX) return MPI_ERR_COUNT;
    const MPI_Comm comm = channelOf(group, channel);
    int own = 0;
    MPI_Comm_rank(comm, &own);
    const int each = static_cast<int>(bytes);
    const bool inPlace = in == static_cast<char*>(out) + static_cast<size_t>(own) * bytes;
    return MPI_Allgather(inPlace ? MPI_IN_PLACE : in, each, MPI_BYTE, out, each, MPI_BYTE, comm);
}

int allToAll(int group, int channel, const void* in, void* out, size_t bytes) {
    if (bytes > INT_MAX) return MPI_ERR_COUNT;
    const int each = static_cast<int>(bytes);
    return MPI_Alltoall(in == out ? MPI_IN_PLACE : in, each, MPI_BYTE, out, each, MPI_BYTE,
                        channelOf(group, channel));
}

int broadcast(int group, int channel, void* data, size_t bytes, int root) {
    const MPI_Comm comm = channelOf(group, channel);
    auto* at = static_cast<char*>(data);
    while (bytes > 0) {
        const int piece = static_cast<int>(std::min<size_t>(bytes, INT_MAX));
        const int error = MPI_Bcast(at, piece, MPI_BYTE, root, comm);
        if (error != MPI_SUCCESS) return error;
        at += piece;
        bytes -= static_cast<size_t>(piece);
    }
    return MPI_SUCCESS;
}

int sendReceive(int group, int channel, const void* in, size_t inBytes, int to, void* out,
                size_t outBytes, int from) {
    if (inBytes > INT_MAX || outBytes > INT_MAX) return MPI_ERR_COUNT;
    const auto peer = [](int who) { return who < 0 ? MPI_PROC_NULL : who; };
    return MPI_Sendrecv(in, static_cast<int>(inBytes), MPI_BYTE, peer(to), kTag, out,
                        static_cast<int>(outBytes), MPI_BYTE, peer(from), kTag,
                        channelOf(group, channel), MPI_STATUS_IGNORE);
}

int barrier(int group, int channel) {
    return MPI_Barrier(channelOf(group, channel));
}

void abortAll(int exitCode) {
    MPI_Abort(MPI_COMM_WORLD, exitCode);
}

const char* errorText(int error) {
    static thread_local char text[MPI_MAX_ERROR_STRING + 1];
    int length = 0;
    if (MPI_Error_string(error, text, &length) != MPI_SUCCESS)
        std::snprintf(text, sizeof text, "MPI error %d", error);
    return text;
}

const char* name() {
    return "mpi";
}

int timingValid() {
    return 1;
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
                                         .allocate = nullptr,
                                         .deallocate = nullptr,
                                         .copyIn = nullptr,
                                         .copyOut = nullptr,
                                         .after = nullptr};
    return &table;
}
