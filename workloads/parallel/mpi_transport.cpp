// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// libridge_mpi.so: the transport over MPI. The only file of the project that sees mpi.h.
#include "workloads/parallel/transport.h"

#include <climits>
#include <mpi.h>

#include <algorithm>
#include <cstdio>

namespace {

MPI_Comm channels[2] = {MPI_COMM_NULL, MPI_COMM_NULL};

int start() {
    int provided = 0;
    int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided);
    if (error != MPI_SUCCESS) return error;
    if (provided < MPI_THREAD_MULTIPLE) {
        MPI_Finalize();
        return MPI_ERR_UNSUPPORTED_OPERATION;
    }
    // One communicator per channel: collectives of two threads on one communicator have no order.
    for (MPI_Comm& channel : channels) {
        error = MPI_Comm_dup(MPI_COMM_WORLD, &channel);
        if (error != MPI_SUCCESS) return error;
        MPI_Comm_set_errhandler(channel, MPI_ERRORS_RETURN);
    }
    return MPI_SUCCESS;
}

int stop() {
    for (MPI_Comm& channel : channels) MPI_Comm_free(&channel);
    return MPI_Finalize();
}

int rank() {
    int value = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &value);
    return value;
}

int size() {
    int value = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &value);
    return value;
}

// MPI counts are int: larger buffers go in pieces.
int allReduceSumF32(int channel, float* data, size_t count) {
    while (count > 0) {
        const int piece = static_cast<int>(std::min<size_t>(count, INT_MAX));
        const int error =
            MPI_Allreduce(MPI_IN_PLACE, data, piece, MPI_FLOAT, MPI_SUM, channels[channel]);
        if (error != MPI_SUCCESS) return error;
        data += piece;
        count -= static_cast<size_t>(piece);
    }
    return MPI_SUCCESS;
}

int broadcast(int channel, void* data, size_t bytes, int root) {
    auto* at = static_cast<char*>(data);
    while (bytes > 0) {
        const int piece = static_cast<int>(std::min<size_t>(bytes, INT_MAX));
        const int error = MPI_Bcast(at, piece, MPI_BYTE, root, channels[channel]);
        if (error != MPI_SUCCESS) return error;
        at += piece;
        bytes -= static_cast<size_t>(piece);
    }
    return MPI_SUCCESS;
}

int barrier(int channel) {
    return MPI_Barrier(channels[channel]);
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

}  // namespace

extern "C" __attribute__((visibility("default"))) const ridge_transport_t* ridgeTransport() {
    static const ridge_transport_t table{
        RIDGE_TRANSPORT_VERSION, start,     stop,    rank,     size,
        allReduceSumF32,         broadcast, barrier, abortAll, errorText};
    return &table;
}
