// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The C table between ridge-workloads and a message-passing library that is loaded at run time
// (libridge_mpi.so, libridge_nccl.so), so that the program starts on a machine that has neither.
// Every call returns 0 or an error of the library; errorText explains the last one. Pointers are to
// the host's memory or to what allocate() gave (NCCL: the GPU's; it takes the host's too, by way of
// a copy). Calls return when the result is there.
//
// A group is a set of ranks: kRidgeWorld holds all, split() makes smaller ones. Ranks, roots and
// peers are numbered within the group. Two channels (0: blocking calls of the main thread, 1: the
// communication thread) of a group may be used at the same time, each by one thread.
//
// In place, as NCCL has it: all-reduce and all-to-all with in == out; all-gather with in == out +
// rank * bytes; reduce-scatter with out == in + rank * count, after which the other blocks of in
// hold nothing of use. A block (what goes to or comes from one rank) is below 2 GiB, because MPI
// counts in ints; all-reduce and broadcast have no such limit.

#include <stddef.h>
#include <stdint.h>

#define RIDGE_TRANSPORT_VERSION 4
#define RIDGE_TRANSPORT_WORLD 0
#define RIDGE_TRANSPORT_NOBODY (-1)

typedef struct ridge_transport {
    uint32_t version;
    int (*start)(void);
    int (*stop)(void);
    /* Every rank of group takes part; ranks of one color >= 0 make a group, in the order of key.
       A negative color: in no group, *made is -1. */
    int (*split)(int group, int color, int key, int* made);
    int (*release)(int group); /* every rank of it takes part */
    int (*rank)(int group);
    int (*size)(int group);
    int (*allReduceSumF32)(int group, int channel, const float* in, float* out, size_t count);
    /* in: size * count values, out: count */
    int (*reduceScatterSumF32)(int group, int channel, const float* in, float* out, size_t count);
    /* in: bytes, out: size * bytes */
    int (*allGather)(int group, int channel, const void* in, void* out, size_t bytes);
    /* in and out: size * bytes */
    int (*allToAll)(int group, int channel, const void* in, void* out, size_t bytes);
    int (*broadcast)(int group, int channel, void* data, size_t bytes, int root);
    /* to or from may be RIDGE_TRANSPORT_NOBODY; in and out must not overlap */
    int (*sendReceive)(int group, int channel, const void* in, size_t inBytes, int to, void* out,
                       size_t outBytes, int from);
    int (*barrier)(int group, int channel);
    void (*abortAll)(int exitCode);
    const char* (*errorText)(int error);
    const char* (*name)(void); /* "mpi", "nccl" */
    /* 0: what these ranks take says nothing about a fabric, for example because they share a GPU */
    int (*timingValid)(void);
    /* Memory of the library's own, and copies to and from it; all null where that is the host's. */
    void* (*allocate)(size_t bytes);
    void (*deallocate)(void* data);
    int (*copyIn)(void* to, const void* from, size_t bytes);
    int (*copyOut)(void* to, const void* from, size_t bytes);
    /* What this channel does next begins when a CUDA event has happened, which was recorded before.
       here: returns then, and not before. Null where memory is the host's. */
    int (*after)(int group, int channel, void* event, int here);
} ridge_transport_t;

#define RIDGE_TRANSPORT_SYMBOL "ridgeTransport"
typedef const ridge_transport_t* (*ridge_transport_function)(void);
