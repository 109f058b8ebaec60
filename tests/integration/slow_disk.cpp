// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A disk that takes RIDGE_SLOW_FSYNC_MS longer for each fsync: a regression to be planted by preloading.

#include <dlfcn.h>
#include <time.h>

#include <cstdlib>

namespace {

int later(const char* name, int fd) {
    const char* text = std::getenv("RIDGE_SLOW_FSYNC_MS");
    const long ms = text ? std::atol(text) : 0;
    const timespec pause{ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&pause, nullptr);
    void* real = dlsym(RTLD_NEXT, name);
    return reinterpret_cast<int (*)(int)>(real)(fd);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int fsync(int fd) { return later("fsync", fd); }
extern "C" __attribute__((visibility("default"))) int fdatasync(int fd) { return later("fdatasync", fd); }
