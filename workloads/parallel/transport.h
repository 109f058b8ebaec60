// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The C table between ridge-workloads and a message-passing library that is loaded at run time
// (libridge_mpi.so), so that the program starts on a machine that has no MPI. Every call returns 0
// or an error of the library; errorText explains the last one. Two channels (0: blocking calls of
// the main thread, 1: the communication thread) may be used at the same time, each by one thread.

#include <stddef.h>
#include <stdint.h>

#define RIDGE_TRANSPORT_VERSION 1

typedef struct ridge_transport {
    uint32_t version;
    int (*start)(void);
    int (*stop)(void);
    int (*rank)(void);
    int (*size)(void);
    int (*allReduceSumF32)(int channel, float* data, size_t count); /* in place */
    int (*broadcast)(int channel, void* data, size_t bytes, int root);
    int (*barrier)(int channel);
    void (*abortAll)(int exitCode);
    const char* (*errorText)(int error);
} ridge_transport_t;

#define RIDGE_TRANSPORT_SYMBOL "ridgeTransport"
typedef const ridge_transport_t* (*ridge_transport_function)(void);
