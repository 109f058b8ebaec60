// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/io_files.h"

#include "collector/agent/names.h"
#include "collector/agent/process.h"
#include "collector/agent/raw.h"
#include "schemas/spool/io_records.h"

namespace ridge::agent {

using namespace spool;

extern const AgentKind kThisAgent = AgentKind::kIo;
extern const char* const kThisAgentName = "io";

namespace {

// Generation of the process image in the upper half, file id in the lower: a forked child starts
// over.
uint64_t g_files[kMaxKnownFd];
uint32_t g_fileCount = 0;
const NameEntry* g_functions[kFunctions];

constexpr const char* kFunctionNames[kFunctions] = {"open",
                                                    "open64",
                                                    "openat",
                                                    "openat64",
                                                    "creat",
                                                    "creat64",
                                                    "close",
                                                    "read",
                                                    "write",
                                                    "pread",
                                                    "pread64",
                                                    "pwrite",
                                                    "pwrite64",
                                                    "readv",
                                                    "writev",
                                                    "preadv",
                                                    "preadv64",
                                                    "pwritev",
                                                    "pwritev64",
                                                    "preadv2",
                                                    "preadv64v2",
                                                    "pwritev2",
                                                    "pwritev64v2",
                                                    "fsync",
                                                    "fdatasync",
                                                    "sync_file_range",
                                                    "fopen",
                                                    "fopen64",
                                                    "fclose",
                                                    "fread",
                                                    "fwrite",
                                                    "fflush",
                                                    "fread_unlocked",
                                                    "fwrite_unlocked",
                                                    "fputs",
                                                    "fputs_unlocked",
                                                    "puts",
                                                    "fprintf",
                                                    "vfprintf",
                                                    "printf",
                                                    "vprintf",
                                                    "dprintf",
                                                    "vdprintf",
                                                    "fgets",
                                                    "fgets_unlocked",
                                                    "getline",
                                                    "getdelim",
                                                    "sendfile",
                                                    "sendfile (source)",
                                                    "copy_file_range",
                                                    "copy_file_range (source)",
                                                    "splice",
                                                    "splice (source)",
                                                    "sync",
                                                    "syncfs",
                                                    "mmap",
                                                    "msync",
                                                    "munmap",
                                                    "io_uring_submit",
                                                    "io_uring_wait",
                                                    "io_uring read",
                                                    "io_uring write",
                                                    "io_uring sync",
                                                    "io_uring other",
                                                    "send",
                                                    "sendto",
                                                    "sendmsg",
                                                    "recv",
                                                    "recvfrom",
                                                    "recvmsg"};

uint32_t define(Ring* ring, int fd, const char* path, int flags, uint64_t time) {
    const uint32_t id = __atomic_add_fetch(&g_fileCount, 1, __ATOMIC_RELAXED);
    const IoFile record{recordHeader(RecordType::kIoFile, sizeof(IoFile), id),
                        time,
                        intern(ring, path),
                        fd,
                        0,
                        static_cast<uint32_t>(flags)};
    emit(ring, record);
    if (fd >= 0 && fd < kMaxKnownFd)
        __atomic_store_n(&g_files[fd], uint64_t{imageGeneration()} << 32 | id, __ATOMIC_RELAXED);
    return id;
}

bool resolve(int fd, char* path, size_t capacity) {
    char link[64];
    Text(link, sizeof link)
        .add("/proc/self/fd/")
        .add(static_cast<uint64_t>(static_cast<uint32_t>(fd)));
    const long length = raw::readlink(link, path, capacity - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0;
}

}  // namespace

uint32_t knownFile(int fd) {
    if (fd < 0 || fd >= kMaxKnownFd) return 0;
    const uint64_t entry = __atomic_load_n(&g_files[fd], __ATOMIC_RELAXED);
    return entry >> 32 == imageGeneration() ? static_cast<uint32_t>(entry) : 0;
}

uint32_t fileOpened(Ring* ring, int fd, const char* path, int flags, uint64_t time) {
    // Relative paths and links mean nothing to a later reader; the kernel knows the whole name.
    char whole[4096];
    return define(ring, fd, resolve(fd, whole, sizeof whole) ? whole : path, flags, time);
}

uint32_t fileOf(Ring* ring, int fd) {
    const uint32_t id = knownFile(fd);
    if (__builtin_expect(id != 0 || fd < 0, true)) return id;
    char path[4096];
    if (!resolve(fd, path, sizeof path)) return 0;
    return define(ring, fd, path, 0, now());
}

void fileClosed(Ring* ring, int fd, uint32_t fileId, uint64_t time) {
    if (fileId == 0) return;
    emit(ring,
         IoFile{recordHeader(RecordType::kIoFile, sizeof(IoFile), fileId), time, 0, fd, 1, 0});
    // Another thread may have got the same number from an open already: only our own entry goes.
    uint64_t mine = uint64_t{imageGeneration()} << 32 | fileId;
    if (fd >= 0 && fd < kMaxKnownFd)
        __atomic_compare_exchange_n(&g_files[fd], &mine, 0, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
}

void forgetFd(int fd) {
    if (fd >= 0 && fd < kMaxKnownFd) __atomic_store_n(&g_files[fd], 0, __ATOMIC_RELAXED);
}

uint16_t functionId(Ring* ring, Function function) {
    return static_cast<uint16_t>(idInThisImage(ring, g_functions[function]));
}

void announceImage(Ring* ring) {
    for (uint32_t i = 0; i < kFunctions; ++i) {
        g_functions[i] = internSlow(ring, kFunctionNames[i], strlen(kFunctionNames[i]));
        idInThisImage(ring, g_functions[i]);
    }
}

}  // namespace ridge::agent
