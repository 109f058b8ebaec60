// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/cpu/threads.h"

#include <cstdlib>
#include <omp.h>

namespace ridge::workloads::cpu {

int configureThreads(int wanted) {
    int threads = std::clamp(wanted, 1, 1024);
    if (const char* text = std::getenv("RIDGE_THREADS"); wanted <= 0 && text != nullptr) {
        char* end = nullptr;
        const long value = std::strtol(text, &end, 10);
        if (end != text && *end == '\0') threads = static_cast<int>(std::clamp(value, 1L, 1024L));
    }
    omp_set_num_threads(threads);
    return threads;
}

int startedThreads(int wanted) {
    int started = 0;
#pragma omp parallel num_threads(wanted)
#pragma omp single
    started = omp_get_num_threads();
    return started;
}

void runRanges(int threads, std::int64_t count, std::int64_t align, RangeFunction function,
               void* context) {
    const std::int64_t blocks = (count + align - 1) / align;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; ++part) {
        const std::int64_t begin = std::min(count, blocks * part / threads * align);
        const std::int64_t end = std::min(count, blocks * (part + 1) / threads * align);
        if (begin < end) function(context, begin, end);
    }
}

}  // namespace ridge::workloads::cpu
