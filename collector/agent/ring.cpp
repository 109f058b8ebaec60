// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/ring.h"

#include "collector/agent/names.h"
#include "collector/agent/process.h"
#include "collector/agent/ranges.h"
#include "collector/agent/raw.h"
#include "collector/agent/ring_drain.h"
#include "schemas/spool/version.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

namespace ridge::agent {

using namespace spool;

__thread ThreadState t_state __attribute__((tls_model("initial-exec"))) = {};
void (*g_beforeFork)() = nullptr;
uint32_t g_imageGeneration = 1;
alignas(kControlPage) ControlPage g_controlPage;
char g_folder[kFolderBytes];
int g_pid = 0;
int g_drainId = 0;
bool g_recorderSeen = false;

namespace {

// One less than PTHREAD_DESTRUCTOR_ITERATIONS: in the last round a sanitizer of the program's has
// taken its own state of the thread down, and the libc calls that it intercepts would crash.
constexpr int kDestructorRounds = 3;
constexpr uint64_t kSmallestRing = 16384;
// A program of thousands of threads would fill the memory of the rings' folder: later rings of a
// process are a quarter of the usual, and then an eighth. Each still takes the largest payload.
constexpr uint32_t kLargeRings = 64;
constexpr uint32_t kMiddleRings = 256;
constexpr uint64_t kLeastOfMany = 4 * kMaxPayloadBytes;
// After a ring was refused: each try is a dozen system calls, and some need the table lock.
constexpr int64_t kRetryRingNs = 100000000;

enum SessionState : uint32_t { kUnknown = 0, kOpening = 1, kOpen = 2, kNone = 3 };

uint32_t g_sessionState = kUnknown;

uint64_t g_imageId = 0;
uint32_t g_pidNamespace = 0;
uint32_t g_ringCount = 0;
int64_t g_ringRetryNs = 0;  // of the coarse monotonic clock; 0: no ring was refused lately
uint64_t g_withoutRing = 0;
ControlBlock* g_shared = nullptr;  // the control block again, to count in; may be nullptr
Ring* g_free = nullptr;            // written under the table lock
pthread_key_t g_key;
bool g_keyMade = false;

void atThreadExit(void*) {
    // Other destructors may still record, so ours waits for a late round.
    if (++t_state.exitRounds < kDestructorRounds) {
        pthread_setspecific(g_key, &t_state);
        return;
    }
    finishThread();
}

void startNewImage() {
    t_state.ring = nullptr;
    t_state.idle = nullptr;
    t_state.header = nullptr;
    t_state.busy = 0;
    t_state.missed = 0;
    ++g_imageGeneration;
    g_imageId = 0;
    g_pid = 0;
    g_ringCount = 0;
    g_ringRetryNs = 0;
    g_withoutRing = 0;
    g_free = nullptr;
}

void beforeFork() {
    if (g_beforeFork != nullptr) g_beforeFork();
    lockTables();
    rememberOpenRanges(t_state.ring);
}
void afterForkInParent() {
    unlockTables();
}
void afterForkInChild() {
    resetTablesAfterFork();
    startNewImage();
    adoptRememberedRanges();
}

bool usable(const ControlBlock& control) {
    const uint64_t bytes = control.ringBytes;
    return control.magic == kControlMagic && control.version == kLayoutVersion && bytes >= 4096 &&
           (bytes & (bytes - 1)) == 0 && bytes <= (uint64_t{1} << 32);
}

bool openSessionOnce() {
    const char* folder = getenv(kSessionVariable);
    char path[sizeof g_folder + 16];
    Text text(path, sizeof path);
    if (folder == nullptr || folder[0] != '/' || strlen(folder) >= sizeof g_folder) return false;
    text.add(folder).add("/control");
    int fd = raw::open(path, O_RDWR | O_CLOEXEC);
    const bool writable = fd >= 0;
    if (fd < 0) fd = raw::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char probe = 0;
    // One byte past the block's last must not be needed: a short file would be a SIGBUS later.
    const bool whole =
        raw::call(SYS_pread64, fd, raw::address(&probe), 1, kFirstControlBytes - 1) == 1;
    // Looked at elsewhere first: nobody is to see a block that is not ours.
    auto* control = whole ? static_cast<const ControlBlock*>(raw::mmap(
                                nullptr, sizeof(ControlBlock), PROT_READ, MAP_SHARED, fd, 0))
                          : nullptr;
    const bool ours = control != nullptr && usable(*control) &&
                      raw::mmap(&g_controlPage, kControlPage, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
                                0) != nullptr;
    if (ours && writable)
        g_shared = static_cast<ControlBlock*>(
            raw::mmap(nullptr, sizeof(ControlBlock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    raw::close(fd);
    if (control != nullptr) raw::munmap(const_cast<ControlBlock*>(control), sizeof(ControlBlock));
    if (!ours) return false;
    memcpy(g_folder, folder, strlen(folder) + 1);
    chooseClock();
    g_keyMade = pthread_key_create(&g_key, atThreadExit) == 0;
    pthread_atfork(beforeFork, afterForkInParent, afterForkInChild);
    return true;
}

// The ring's file in a folder, its bytes truly there; -1 if not.
int createFile(const char* folder, const char* stem, uint64_t bytes,
               const raw::SignalShield& shield) {
    char path[sizeof g_folder + 160];
    Text(path, sizeof path).add(folder).add("/").add(stem).add(".ring");
    const int fd = raw::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -1;
    long result = raw::fallocate(fd, bytes);
    if (result == -EOPNOTSUPP || result == -ENOSYS) {
        static const char zeros[4096] = {};
        result = 0;
        for (uint64_t at = 0; at < bytes && result >= 0; at += sizeof zeros)
            result = raw::pwrite(fd, zeros, sizeof zeros, at) == long{sizeof zeros} ? 0 : -ENOSPC;
    }
    if (result >= 0) return fd;
    if (result == -EFBIG) shield.takeBackFileSizeSignal();
    raw::unlink(path);
    raw::close(fd);
    return -1;
}

int createFiles(const ControlBlock& control, const char* stem, uint64_t bytes,
                const raw::SignalShield& shield) {
    const int fd = control.ringDir[0] == '/'
                       ? createFile(control.ringDir, stem, kHeaderBytes + bytes, shield)
                       : -1;
    return fd >= 0 ? fd : createFile(g_folder, stem, kHeaderBytes + bytes, shield);
}

// Header, data and data again, side by side.
uint8_t* mapRing(int fd, uint64_t ringBytes) {
    const uint64_t whole = kHeaderBytes + 2 * ringBytes;
    auto* base = static_cast<uint8_t*>(
        raw::mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (base == nullptr) return nullptr;
    const int protection = PROT_READ | PROT_WRITE;
    const int flags = MAP_SHARED | MAP_FIXED;
    if (raw::mmap(base, kHeaderBytes + ringBytes, protection, flags, fd, 0) != nullptr &&
        raw::mmap(base + kHeaderBytes + ringBytes, ringBytes, protection, flags, fd,
                  kHeaderBytes) != nullptr)
        return base;
    raw::munmap(base, whole);
    return nullptr;
}

void fillHeader(RingHeader* header, uint64_t ringBytes, uint32_t index) {
    header->version = kLayoutVersion;
    header->headerBytes = kHeaderBytes;
    header->agent = kThisAgent;
    header->ringBytes = ringBytes;
    header->pid = g_pid;
    header->parentPid = raw::getppid();
    header->tid = raw::gettid();
    header->ringIndex = index;
    header->imageId = g_imageId;
    header->pidNamespace = g_pidNamespace;
    header->clock = clockKind();
    header->anchorTicks = now();
    header->anchorMonotonicNs = readClock(CLOCK_MONOTONIC);
    header->anchorRealtimeNs = readClock(CLOCK_REALTIME);
    __atomic_store_n(&header->magic, kRingMagic, __ATOMIC_RELEASE);
}

// Where the next record goes, and how far records may go. head - tail is at most the ring's size,
// and the data is mapped twice, so base holds until head has reached limit.
void lookAtTail(Ring* ring) {
    const uint64_t head = ring->header->head;
    ring->base = ring->data + (head & ring->mask) - head;
    ring->limit = __atomic_load_n(&ring->header->tail, __ATOMIC_ACQUIRE) + ring->mask + 1;
    ring->fastLimit = ring->limit - kFastSlack;
}

// Memory that a forked child finds zeroed.
Ring* allocateRing() {
    const size_t bytes = (sizeof(Ring) + 4095) & ~size_t{4095};
    void* memory = raw::memory(bytes);
    if (memory != nullptr) raw::madvise(memory, bytes, MADV_WIPEONFORK);
    return static_cast<Ring*>(memory);
}

uint64_t ringBytesOf(uint32_t index, uint64_t usual) {
    if (index < kLargeRings) return usual;
    const uint64_t bytes = index < kMiddleRings ? usual / 4 : usual / 8;
    const uint64_t least = usual < kLeastOfMany ? usual : kLeastOfMany;
    return bytes > least ? bytes : least;
}

Ring* createRing(const raw::SignalShield& shield) {
    Ring* ring = allocateRing();
    if (ring == nullptr) return nullptr;
    const uint32_t index = g_ringCount;
    Text(ring->stem, sizeof ring->stem)
        .add(uint64_t(uint32_t(g_pid)))
        .add("-")
        .add(g_imageId)
        .add("-")
        .add(kThisAgentName)
        .add("-")
        .add(index);
    const ControlBlock& control = *sessionControl();
    // Where a limit on file sizes or a full disk refuses the whole, a smaller ring records as well.
    uint64_t bytes = ringBytesOf(index, control.ringBytes);
    int fd = createFiles(control, ring->stem, bytes, shield);
    while (fd < 0 && bytes / 4 >= kSmallestRing) {
        bytes /= 4;
        fd = createFiles(control, ring->stem, bytes, shield);
    }
    uint8_t* base = fd < 0 ? nullptr : mapRing(fd, bytes);
    if (fd >= 0) raw::close(fd);
    if (base == nullptr) {
        raw::munmap(ring, (sizeof(Ring) + 4095) & ~size_t{4095});
        return nullptr;
    }
    ++g_ringCount;
    ring->data = base + kHeaderBytes;
    ring->mask = bytes - 1;
    ring->frameRoom = kMaxOpenFrames;
    ring->fastBlob = (largestBlob(ring) < kFastBlobBytes ? largestBlob(ring) : kFastBlobBytes) - 16;
    ring->names[0].key = "";  // no empty slot has the key of a null text, or of a null handle
    ring->handles[0].key = "";
    for (CachedSchema& slot : ring->schemas) slot = {};
    ring->nextRange = (uint64_t{index} + 1) << 40;
    auto* header = reinterpret_cast<RingHeader*>(base);
    fillHeader(header, bytes, index);
    ring->header = header;
    lookAtTail(ring);
    return ring;
}

// "pid:[4026531836]"; 0 where no /proc says it.
uint32_t readPidNamespace() {
    char text[64];
    const long length = raw::readlink("/proc/self/ns/pid", text, sizeof text);
    uint64_t inode = 0;
    for (long i = 0; i < length; ++i)
        if (text[i] >= '0' && text[i] <= '9')
            inode = inode * 10 + static_cast<uint64_t>(text[i] - '0');
    return static_cast<uint32_t>(inode);
}

// Whether a ring was refused a moment ago.
bool waitsForRing() {
    const int64_t retry = __atomic_load_n(&g_ringRetryNs, __ATOMIC_RELAXED);
    return retry != 0 && readClock(CLOCK_MONOTONIC_COARSE) < retry;
}

// Under the table lock, signals blocked.
Ring* takeRing(const raw::SignalShield& shield, bool& firstOfImage) {
    firstOfImage = false;
    if (g_imageId == 0) {
        g_pid = raw::getpid();
        g_pidNamespace = readPidNamespace();
        const uint32_t outer = sessionControl()->pidNamespace;
        const bool inner = outer != 0 && g_pidNamespace != 0 && outer != g_pidNamespace;
        g_drainId = inner ? g_pid | kInnerDrain : g_pid;
        g_recorderSeen = !inner && raw::kill(sessionControl()->recorderPid, 0) != -ESRCH;
        g_imageId = static_cast<uint64_t>(readClock(CLOCK_MONOTONIC));
    }
    Ring* ring = g_free;
    if (ring != nullptr) {
        __atomic_store_n(&g_free, ring->nextFree, __ATOMIC_RELAXED);
        ring->nextFree = nullptr;
        ring->header->tid = raw::gettid();
        __atomic_store_n(&ring->header->finished, 0, __ATOMIC_RELEASE);
        return ring;
    }
    if (waitsForRing()) return nullptr;
    firstOfImage = g_ringCount == 0;
    ring = createRing(shield);
    const int64_t retry = ring == nullptr ? readClock(CLOCK_MONOTONIC_COARSE) + kRetryRingNs : 0;
    __atomic_store_n(&g_ringRetryNs, retry, __ATOMIC_RELAXED);
    return ring;
}

}  // namespace

// The session's folder is gone: recording is over, and nobody is left to say so in the block. The
// page changes at once for all threads.
void endSession() {
    auto* last = static_cast<ControlPage*>(raw::memory(kControlPage));
    if (last == nullptr) return;
    last->block = g_controlPage.block;
    last->block.stopped = kOver;
    if (!raw::moveMemory(last, kControlPage, &g_controlPage)) raw::munmap(last, kControlPage);
}

void countWithoutRing() {
    if (g_shared != nullptr) {
        __atomic_fetch_add(&g_shared->lostWithoutRing, 1, __ATOMIC_RELAXED);
        return;
    }
    __atomic_fetch_add(&g_withoutRing, 1, __ATOMIC_RELAXED);
}

// The first thread opens the session, the others wait for it: what they have to record is not to be
// lost for having come second. Not for ever: a child that was forked meanwhile has nobody who would
// finish it.
bool sessionOpen() {
    constexpr int kMostYields = 200000;
    uint32_t state = __atomic_load_n(&g_sessionState, __ATOMIC_ACQUIRE);
    if (__builtin_expect(state == kOpen || state == kNone, true)) return state == kOpen;
    uint32_t expected = kUnknown;
    if (__atomic_compare_exchange_n(&g_sessionState, &expected, kOpening, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        const raw::SignalShield shield;  // a handler on this thread would wait for itself
        __atomic_store_n(&g_sessionState, openSessionOnce() ? kOpen : kNone, __ATOMIC_RELEASE);
    }
    state = __atomic_load_n(&g_sessionState, __ATOMIC_ACQUIRE);
    for (int i = 0; state == kOpening && i < kMostYields; ++i) {
        raw::call(SYS_sched_yield);
        state = __atomic_load_n(&g_sessionState, __ATOMIC_ACQUIRE);
    }
    if (state == kOpening) countWithoutRing();
    return state == kOpen;
}

spool::ControlBlock* writableControl() {
    return g_shared;
}

namespace {

// A thread's first ring, or the first in the child of a fork.
Ring* startRing(ThreadState& thread, Unrecorded counted) {
    const auto without = [counted]() -> Ring* {
        if (counted == Unrecorded::kIsLoss) countWithoutRing();
        return nullptr;
    };
    // One that another thread gave back is to be had at once.
    const bool none = __atomic_load_n(&g_free, __ATOMIC_RELAXED) == nullptr;
    if (thread.exitRounds == kThreadOver || (thread.ring == nullptr && none && waitsForRing()))
        return without();
    thread.busy = 1;
    if (thread.ring != nullptr) {  // wiped: this is a child of a fork that told nobody
        resetTablesAfterFork();
        startNewImage();
        thread.busy = 1;
    }
    bool first = false;
    {
        const raw::SignalShield shield;
        lockTables();
        thread.ring = takeRing(shield, first);
        unlockTables();
        if (thread.ring != nullptr && g_keyMade) pthread_setspecific(g_key, &t_state);
    }
    thread.busy = 0;
    Ring* ring = thread.ring;
    if (ring == nullptr) return without();
    thread.header = ring->header;
    const uint64_t missed = __atomic_exchange_n(&g_withoutRing, 0, __ATOMIC_RELAXED);
    if (missed != 0) countLoss(ring, kLossNoRing, missed);
    emit(ring, ThreadAttach{recordHeader(RecordType::kThreadAttach, sizeof(ThreadAttach),
                                         static_cast<uint32_t>(ring->header->tid)),
                            now()});
    emitClockSample(ring);
    if (first) {
        emitProcess(ring);
        announceImage(ring);
    }
    return ring;
}

bool hasRing(const ThreadState& thread) {
    return thread.ring != nullptr && thread.ring->header != nullptr;
}

}  // namespace

Ring* enterSlow(Unrecorded counted) {
    ThreadState& thread = t_state;
    if (!sessionOpen()) return nullptr;
    if (stopped()) {
        // What is missed now may have opened or closed ranges: the stack will not be known.
        if (!over() && hasRing(thread) && thread.idle != nullptr) {
            thread.idle = nullptr;
            thread.missed = 1;
        }
        return nullptr;
    }
    if (thread.missed != 0 && thread.busy == 0 && hasRing(thread)) {
        thread.missed = 0;
        spillOpenRanges(thread.ring);
        return thread.ring;
    }
    if (thread.busy != 0 || (thread.ring != nullptr && thread.idle == nullptr)) {
        if (hasRing(thread))
            countLoss(thread.ring, kLossNestedEvent);
        else
            countWithoutRing();
        return nullptr;
    }
    if (!hasRing(thread)) return startRing(thread, counted);
    thread.idle = nullptr;  // a pause ended since the caller looked
    return thread.ring;
}

Ring* enterAlways() {
    ThreadState& thread = t_state;
    if (!sessionOpen() || over()) return nullptr;
    if (!stopped() || (hasRing(thread) && thread.idle == nullptr && thread.missed == 0) ||
        thread.busy != 0)
        return stopped() ? nullptr : enter();
    if (!hasRing(thread)) return startRing(thread, Unrecorded::kIsLoss);
    thread.idle = nullptr;
    thread.busy = 1;  // a handler that comes now is not to take the ring for one that missed events
    return thread.ring;
}

bool makeRoom(Ring* ring, uint64_t bytes) {
    lookAtTail(ring);
    if (ring->header->head + bytes <= ring->limit) return true;
    if (bytes <= (ring->mask + 1) / 2 && !over()) {
        const bool written = drainToSpool(ring);
        lookAtTail(ring);
        if (written && ring->header->head + bytes + sizeof(ClockSample) <= ring->limit)
            emitClockSample(ring);
        if (ring->header->head + bytes <= ring->limit) return true;
    }
    countLoss(ring, kLossSpoolWrite);
    return false;
}

void emitClockSample(Ring* ring) {
    ClockSample best{};
    best.windowTicks = ~uint64_t{0};
    for (int i = 0; i < 3; ++i) {
        const uint64_t before = now();
        const int64_t monotonic = readClock(CLOCK_MONOTONIC);
        const int64_t realtime = readClock(CLOCK_REALTIME);
        const uint64_t after = now();
        if (after - before >= best.windowTicks) continue;
        best = ClockSample{recordHeader(RecordType::kClockSample, sizeof(ClockSample),
                                        uint32_t(ClockSampleKind::kTicks)),
                           before + (after - before) / 2,
                           monotonic,
                           realtime,
                           0,
                           after - before};
    }
    emit(ring, best);
}

void finishThread() {
    Ring* ring = t_state.ring;
    t_state.exitRounds = kThreadOver;
    if (ring == nullptr || ring->header == nullptr || t_state.busy != 0 ||
        (t_state.idle == nullptr && t_state.missed == 0))
        return;
    t_state.busy = 1;
    t_state.idle = nullptr;
    t_state.missed = 0;
    if (!over()) spillOpenRanges(ring);
    const raw::SignalShield shield;
    lockTables();
    t_state.ring = nullptr;
    __atomic_store_n(&ring->header->finished, 1, __ATOMIC_RELEASE);
    ring->nextFree = g_free;
    __atomic_store_n(&g_free, ring, __ATOMIC_RELAXED);
    unlockTables();
    t_state.busy = 0;
}

}  // namespace ridge::agent
