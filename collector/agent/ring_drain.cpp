// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The producer drains its own ring where the recorder is late, and gives up what the disk refuses.
#include "collector/agent/ring_drain.h"

#include "collector/agent/process.h"
#include "collector/agent/raw.h"

#include <errno.h>

namespace ridge::agent {

using namespace spool;

namespace {

constexpr int64_t kDrainPatienceNs = 1000000000;
constexpr int64_t kHeartbeatFreshNs = 5000000000;

// A process that has ended but that its parent has not collected still takes signals.
bool isZombie(int pid) {
    char text[128];
    Text(text, sizeof text).add("/proc/").add(static_cast<uint64_t>(pid)).add("/stat");
    const int fd = raw::open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    long n = raw::read(fd, text, sizeof text);
    raw::close(fd);
    while (n > 0 && text[n - 1] != ')') --n;  // the name before it may hold anything
    return n > 0 && n + 1 < static_cast<long>(sizeof text) &&
           (text[n + 1] == 'Z' || text[n + 1] == 'X');
}

// False, too, for a recorder that was stopped, or whose machine slept.
bool heartbeatIsFresh() {
    const auto age =
        readClock(CLOCK_MONOTONIC) -
        static_cast<int64_t>(__atomic_load_n(&sessionControl()->heartbeatNs, __ATOMIC_RELAXED));
    return age < kHeartbeatFreshNs;
}

bool holderIsAlive(int owner) {
    const bool inner = (g_drainId & kInnerDrain) != 0;  // the recorder's number is another's here
    if (!inner && raw::kill(owner, 0) != -ESRCH) return !isZombie(owner);
    if (owner != sessionControl()->recorderPid || g_recorderSeen) return false;
    // A recorder outside of our pid namespace looks dead; its heartbeat says otherwise.
    return heartbeatIsFresh();
}

bool takeDrain(Ring* ring) {
    int32_t* owner = &ring->header->drainOwner;
    const int64_t deadline = readClock(CLOCK_MONOTONIC) + kDrainPatienceNs;
    for (uint32_t round = 0;; ++round) {
        int32_t holder = 0;
        if (__atomic_compare_exchange_n(owner, &holder, g_drainId, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED) ||
            holder == g_drainId)
            return true;
        if ((round & 63) == 63) {
            if (!holderIsAlive(holder) &&
                __atomic_compare_exchange_n(owner, &holder, g_drainId, false, __ATOMIC_ACQUIRE,
                                            __ATOMIC_RELAXED))
                return true;
            if (readClock(CLOCK_MONOTONIC) > deadline) return false;
            raw::sleepNs(20000);
        }
        raw::yield();
    }
}

// As /proc/self/maps begins the line of what is mapped there: at least eight hexadecimal digits.
void formatAddress(const void* at, char (&to)[24]) {
    char digits[16];
    size_t count = 0;
    for (auto left = reinterpret_cast<uintptr_t>(at); left != 0 || count < 8; left >>= 4)
        digits[count++] = "0123456789abcdef"[left & 15];
    for (size_t i = 0; i < count; ++i) to[i] = digits[count - 1 - i];
    to[count] = '-';
    to[count + 1] = 0;
}

RecordHeader recordAt(const Ring* ring, uint64_t at) {
    RecordHeader header;
    memcpy(&header, ring->data + (at & ring->mask), sizeof header);
    return header;
}

// Whole or not at all: a file of definitions ends with a whole one.
bool appendTo(const char* folder, const Ring* ring, uint64_t at, uint64_t bytes,
              const raw::SignalShield& shield) {
    char path[kFolderBytes + 160];
    Text(path, sizeof path).add(folder).add("/").add(ring->stem).add(".names");
    const int fd = raw::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return false;
    const long before = raw::fileEnd(fd);
    const long n = raw::write(fd, ring->data + (at & ring->mask), bytes);
    if (n == -EFBIG) shield.takeBackFileSizeSignal();
    const bool whole = n >= 0 && static_cast<uint64_t>(n) == bytes;
    if (!whole && n > 0 && before >= 0) raw::ftruncate(fd, static_cast<uint64_t>(before));
    raw::close(fd);
    return whole;
}

bool keepDefinition(const Ring* ring, uint64_t at, uint64_t bytes,
                    const raw::SignalShield& shield) {
    const char* ringDir = sessionControl()->ringDir;
    return (ringDir[0] == '/' && appendTo(ringDir, ring, at, bytes, shield)) ||
           appendTo(g_folder, ring, at, bytes, shield);
}

// The disk took no more: the oldest half makes way, each record counted. What others refer to goes
// to a file of its own, below /dev/shm where the rings are: there is room when the disk has none.
void discardOldest(Ring* ring, uint64_t tail, const raw::SignalShield& shield) {
    const uint64_t goal = ring->header->head - tail > (ring->mask + 1) / 2
                              ? tail + (ring->mask + 1) / 2
                              : ring->header->head;
    uint64_t records = 0;
    uint64_t definitions = 0;
    uint64_t attach = 0;  // the last one's place, plus 1
    while (tail < goal) {
        const RecordHeader header = recordAt(ring, tail);
        if (header.size == 0) break;  // cannot be: records are complete below head
        const uint64_t bytes = uint64_t{header.size} * 8;
        if (header.type == RecordType::kThreadAttach) attach = tail + 1;
        const bool ours = header.type == RecordType::kThreadAttach ||
                          header.type == RecordType::kClockSample;  // nothing the program did
        if (!isDefinition(header.type) && !ours)
            ++records;
        else if (isDefinition(header.type) && !keepDefinition(ring, tail, bytes, shield))
            ++definitions;
        tail += bytes;
    }
    if (attach != 0) {  // whose records follow: over the end of what was given up
        tail -= sizeof(ThreadAttach);
        memmove(ring->data + (tail & ring->mask), ring->data + ((attach - 1) & ring->mask),
                sizeof(ThreadAttach));
    }
    countLoss(ring, kLossSpoolWrite, records);
    countLoss(ring, kLossDefinition, definitions);
    __atomic_store_n(&ring->header->tail, tail, __ATOMIC_RELEASE);
}

// Whether the control block that we have mapped was removed, as the kernel says it of our own
// mapping. Where nothing says so, it is taken to be there still.
bool controlRemoved() {
    constexpr const char* kRemoved = " (deleted)\n";
    char address[24];
    formatAddress(&g_controlPage, address);
    const int fd = raw::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    // A line is looked at while it is read: its beginning, and whether its end is the kernel's
    // mark.
    char piece[1024];
    size_t column = 0;
    size_t matched = 0;
    bool ours = true;
    bool removed = false;
    bool found = false;
    for (long n = 0; !found && (n = raw::read(fd, piece, sizeof piece)) > 0;)
        for (long i = 0; i < n && !found; ++i) {
            const char c = piece[i];
            if (address[column] != 0 && ours) ours = c == address[column++];
            matched = c == kRemoved[matched] ? matched + 1 : c == kRemoved[0] ? 1 : 0;
            if (c != '\n') continue;
            found = ours;
            removed = matched == strlen(kRemoved);
            column = 0;
            matched = 0;
            ours = true;
        }
    raw::close(fd);
    return found && removed;
}

// A path that leads nowhere is the end of the session only if the session is gone. It may also be
// this process that cannot see it any more (chroot, another mount namespace): then what finds no
// room is lost, and counted.
void endIfGone() {
    if (!heartbeatIsFresh() && controlRemoved()) endSession();
}

// Bytes of [tail, head) that reached the spool, cut back to a record's end.
uint64_t writeSpool(Ring* ring, uint64_t tail, const raw::SignalShield& shield) {
    char path[kFolderBytes + 160];
    Text(path, sizeof path).add(g_folder).add("/").add(ring->stem).add(".spool");
    const int fd = raw::open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        if (fd == -ENOENT || fd == -ENOTDIR) endIfGone();
        return 0;
    }
    const uint64_t bytes = ring->header->head - tail;
    uint64_t done = 0;
    while (done < bytes) {
        const long n =
            raw::pwrite(fd, ring->data + ((tail + done) & ring->mask), bytes - done, tail + done);
        if (n == -EINTR) continue;
        if (n == -EFBIG) shield.takeBackFileSizeSignal();
        if (n <= 0) break;
        done += static_cast<uint64_t>(n);
    }
    if (done < bytes) {
        uint64_t whole = 0;
        for (;;) {
            RecordHeader header;
            memcpy(&header, ring->data + ((tail + whole) & ring->mask), sizeof header);
            if (header.size == 0 || whole + uint64_t{header.size} * 8 > done) break;
            whole += uint64_t{header.size} * 8;
        }
        // No half record before the hole that may follow. (Never to grow the file: that signals,
        // too.)
        if (whole < done) raw::ftruncate(fd, tail + whole);
        done = whole;
    }
    raw::close(fd);
    return done;
}

}  // namespace

bool drainToSpool(Ring* ring) {
    const raw::SignalShield shield;
    if (!takeDrain(ring)) return false;
    const uint64_t tail = __atomic_load_n(&ring->header->tail, __ATOMIC_ACQUIRE);
    bool written = true;
    if (tail != ring->header->head) {
        const uint64_t done = writeSpool(ring, tail, shield);
        __atomic_store_n(&ring->header->tail, tail + done, __ATOMIC_RELEASE);
        written = tail + done == ring->header->head;
    }
    if (!written)
        discardOldest(ring, __atomic_load_n(&ring->header->tail, __ATOMIC_RELAXED), shield);
    __atomic_store_n(&ring->header->drainOwner, 0, __ATOMIC_RELEASE);
    return written;
}

}  // namespace ridge::agent
