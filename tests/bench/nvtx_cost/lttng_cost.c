/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: The Ridgepoint authors
 * The same loop for LTTng-UST: begin with a name, end; medians in ns per range as JSON. */
#define _GNU_SOURCE
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_cost_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kRanges = 6000 };

static double ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}
static int order(const void* a, const void* b) {
    const double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? atoi(argv[1]) : 100;
    double* wall = calloc((size_t)rounds, sizeof *wall);
    double* cpu = calloc((size_t)rounds, sizeof *cpu);
    if (rounds < 1 || !wall || !cpu) return 1;
    for (int round = 0; round < rounds; ++round) {
        const double c = ns(CLOCK_THREAD_CPUTIME_ID), w = ns(CLOCK_MONOTONIC);
        for (int i = 0; i < kRanges; ++i) {
            lttng_ust_tracepoint(ridge_cost, range_begin, "matmul_12345", 0);
            lttng_ust_tracepoint(ridge_cost, range_end, 0);
        }
        wall[round] = (ns(CLOCK_MONOTONIC) - w) / kRanges;
        cpu[round] = (ns(CLOCK_THREAD_CPUTIME_ID) - c) / kRanges;
    }
    qsort(wall, (size_t)rounds, sizeof *wall, order);
    qsort(cpu, (size_t)rounds, sizeof *cpu, order);
    printf("{\"range\": {\"wall_ns\": %.3f, \"cpu_ns\": %.3f}}\n", wall[rounds / 2], cpu[rounds / 2]);
    return 0;
}
