// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/io_calls.h"

#include "collector/agent/raw.h"

namespace ridge::agent {

using namespace spool;

namespace {

enum class What : uint32_t { kOnFd, kOnFile, kOpen, kClose };

struct Waiting {
    Call call;
    uint64_t end;
    int fd;
    int flags;
    uint32_t fileId;
    What what;
};

// Written by handlers of this thread only, which run to their end before what they interrupted goes
// on: plain stores do, as long as the compiler keeps them.
constexpr uint32_t kMostWaiting = 16;
struct WaitingList {
    uint32_t count;
    Waiting calls[kMostWaiting];
};
__thread WaitingList t_waiting __attribute__((tls_model("initial-exec")));

// This call interrupts the writing of another record of this thread.
bool nested() {
    const ThreadState& thread = t_state;
    return __builtin_expect(thread.idle == nullptr, false) && thread.ring != nullptr &&
           thread.ring->header != nullptr && thread.busy == 0 && thread.missed == 0;
}

void keep(const Waiting& waiting) {
    // Taken by one instruction: a handler that interrupts this one gets the next.
    const uint32_t at = __atomic_fetch_add(&t_waiting.count, 1, __ATOMIC_RELAXED);
    if (at >= kMostWaiting) {
        __atomic_fetch_sub(&t_waiting.count, 1, __ATOMIC_RELAXED);
        countLoss(t_state.ring, kLossNestedEvent);
        return;
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    t_waiting.calls[at] = waiting;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void emitCall(Ring* ring, const Call& call, uint32_t fileId, uint64_t end) {
    IoCall record{recordHeader(RecordType::kIoCall, sizeof(IoCall), fileId),
                  call.start,
                  end,
                  call.result,
                  call.offset,
                  call.requested,
                  call.op,
                  functionId(ring, call.function),
                  call.result < 0 ? call.error : 0};
    emit(ring, record);
}

// In the child of a vfork our memory is the parent's, but the descriptors are not.
bool isVforkChild(const Ring* ring) {
    return raw::getpid() != ring->header->pid;
}

void write(Ring* ring, const Waiting& w, const char* path) {
    switch (w.what) {
        case What::kOnFd:
            emitCall(ring, w.call, fileOf(ring, w.fd), w.end);
            break;
        case What::kOnFile:
            emitCall(ring, w.call, w.fileId, w.end);
            break;
        case What::kOpen:
            if (isVforkChild(ring)) break;
            emitCall(ring, w.call, w.fd >= 0 ? fileOpened(ring, w.fd, path, w.flags, w.end) : 0,
                     w.end);
            break;
        case What::kClose:
            if (isVforkChild(ring)) break;
            emitCall(ring, w.call, w.fileId, w.end);
            if (w.call.result == 0) fileClosed(ring, w.fd, w.fileId, w.end);
            break;
    }
}

// What handlers left while the ring was ours. More may come meanwhile: the list is given free only
// if nothing did, and by one instruction.
__attribute__((noinline)) void writeWaiting(Ring* ring) {
    uint32_t done = 0;
    uint32_t count = 0;
    do {
        count = __atomic_load_n(&t_waiting.count, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        for (; done < count; ++done) {
            const Waiting waiting = t_waiting.calls[done];
            write(ring, waiting,
                  "");  // the path that it was opened by may be gone; the kernel's is not
        }
    } while (!__atomic_compare_exchange_n(&t_waiting.count, &count, 0, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
}

// Looks at the list only when the ring is free again, so that no call can come in between and stay.
void leaveAll() {
    leave();
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    while (__builtin_expect(__atomic_load_n(&t_waiting.count, __ATOMIC_RELAXED) != 0, false)) {
        Ring* ring = enter();
        if (ring == nullptr) return;
        writeWaiting(ring);
        leave();
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    }
}

void recordNow(const Waiting& waiting, const char* path) {
    if (nested()) {
        keep(waiting);
    } else if (Ring* ring = enter(); ring != nullptr) {
        write(ring, waiting, path);
        leaveAll();
    }
    errno = waiting.call.error;
}

}  // namespace

void recordOnFd(const Call& call, int fd) {
    recordNow({call, now(), fd, 0, 0, What::kOnFd}, nullptr);
}

void recordOnFile(const Call& call, uint32_t fileId) {
    recordNow({call, now(), -1, 0, fileId, What::kOnFile}, nullptr);
}

void recordOpen(const Call& call, const char* path, int fd, int flags) {
    recordNow({call, now(), fd, flags, 0, What::kOpen}, path);
}

uint32_t fileBeforeClose(int fd) {
    const int error = errno;
    uint32_t id = 0;
    if (nested()) {
        id = knownFile(fd);
    } else if (Ring* ring = enter(); ring != nullptr) {
        if (!isVforkChild(ring)) id = fileOf(ring, fd);
        leaveAll();
    }
    errno = error;
    return id;
}

void recordClose(const Call& call, int fd, uint32_t fileId) {
    recordNow({call, now(), fd, 0, fileId, What::kClose}, nullptr);
}

}  // namespace ridge::agent
