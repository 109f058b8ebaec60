// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How many threads the CPU operators use: one, unless RIDGE_THREADS says otherwise. Two virtual
// CPUs of a shared host often give less than one (the hypervisor pauses them), so more is a
// decision. libgomp is the only threading runtime of the process; oneDNN uses the same one.

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace ridge::workloads::cpu {

// `wanted` when positive, otherwise RIDGE_THREADS, otherwise (unset or not a number) 1; at most
// 1024. Sets libgomp's count and returns it.
int configureThreads(int wanted);

// How many threads libgomp starts when it is asked for `wanted`: fewer under OMP_THREAD_LIMIT. A
// library that counts on those it asked for (oneDNN) leaves the others' part of a product undone.
int startedThreads(int wanted);

using RangeFunction = void (*)(void* context, std::int64_t begin, std::int64_t end);
void runRanges(int threads, std::int64_t count, std::int64_t align, RangeFunction function,
               void* context);

// Calls body(begin, end) over [0, count) in `threads` parts, whose bounds are multiples of `align`;
// with one thread it is a plain call.
template <typename Body>
void forRanges(int threads, std::int64_t count, std::int64_t align, Body&& body) {
    if (threads <= 1 || count < 2 * align) {
        body(std::int64_t{0}, count);
        return;
    }
    runRanges(
        threads, count, align,
        [](void* context, std::int64_t begin, std::int64_t end) {
            (*static_cast<std::remove_reference_t<Body>*>(context))(begin, end);
        },
        &body);
}

}  // namespace ridge::workloads::cpu
