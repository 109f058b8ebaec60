// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The preloaded POSIX and stdio functions. Each calls the real one first and foremost, then writes
// down what happened; errno is the real function's. Without a session they are one load and a jump.
#include "collector/agent/io_files.h"
#include "collector/agent/raw.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#define RIDGE_EXPORT extern "C" __attribute__((visibility("default")))

namespace ridge::agent {
namespace {

using namespace spool;

// The next definition of a function after ours. dlsym works before any constructor has run, and two
// threads that look it up at once find the same.
template <class Signature>
class Real {
public:
    constexpr explicit Real(const char* name) : m_name(name) {}
    Signature* get() {
        void* function = __atomic_load_n(&m_function, __ATOMIC_RELAXED);
        if (__builtin_expect(function == nullptr, false)) {
            function = dlsym(RTLD_NEXT, m_name);
            __atomic_store_n(&m_function, function, __ATOMIC_RELAXED);
        }
        return reinterpret_cast<Signature*>(function);
    }

private:
    const char* m_name;
    void* m_function = nullptr;
};

bool tracing() {
    return sessionOpen() && sessionControl()->traceIo != 0 &&
           __atomic_load_n(&sessionControl()->stopped, __ATOMIC_RELAXED) == 0;
}

struct Call {
    Function function;
    IoOp op;
    uint64_t start;
    int64_t result;
    int64_t offset;
    uint64_t requested;
    int error;
};

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

void recordOnFd(const Call& call, int fd) {
    const uint64_t end = now();
    Ring* ring = enter();
    if (ring != nullptr) {
        emitCall(ring, call, fileOf(ring, fd), end);
        leave();
    }
    errno = call.error;
}

void recordOpen(const Call& call, const char* path, int fd, int flags) {
    const uint64_t end = now();
    Ring* ring = enter();
    if (ring != nullptr) {
        if (!isVforkChild(ring))
            emitCall(ring, call, fd >= 0 ? fileOpened(ring, fd, path, flags, end) : 0, end);
        leave();
    }
    errno = call.error;
}

// Asked before a close, since afterwards the number may be another file's.
uint32_t fileBeforeClose(int fd) {
    const int error = errno;
    uint32_t id = 0;
    Ring* ring = enter();
    if (ring != nullptr) {
        if (!isVforkChild(ring)) id = fileOf(ring, fd);
        leave();
    }
    errno = error;
    return id;
}

void recordClose(const Call& call, int fd, uint32_t fileId) {
    const uint64_t end = now();
    Ring* ring = enter();
    if (ring != nullptr) {
        if (!isVforkChild(ring)) {
            emitCall(ring, call, fileId, end);
            if (call.result == 0) fileClosed(ring, fd, fileId, end);
        }
        leave();
    }
    errno = call.error;
}

int flagsOf(const char* mode) {
    const bool plus = strchr(mode, '+') != nullptr;
    if (mode[0] == 'r') return plus ? O_RDWR : O_RDONLY;
    return (plus ? O_RDWR : O_WRONLY) | O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
}

uint64_t bytesIn(const iovec* parts, int count) {
    uint64_t sum = 0;
    for (int i = 0; i < count; ++i) sum += parts[i].iov_len;
    return sum;
}

bool needsMode(int flags) {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

}  // namespace
}  // namespace ridge::agent

using namespace ridge::agent;
using ridge::spool::IoOp;

// Runs `call`, whose value is `result`, and records it on descriptor `on` unless nobody listens.
#define RIDGE_ON_FD(type, call, function, op, on, at, asked)                                     \
    do {                                                                                         \
        if (!tracing()) return call;                                                             \
        const uint64_t start = now();                                                            \
        const type result = call;                                                                \
        recordOnFd({function, op, start, static_cast<int64_t>(result), static_cast<int64_t>(at), \
                    static_cast<uint64_t>(asked), errno},                                        \
                   on);                                                                          \
        return result;                                                                           \
    } while (false)

#define RIDGE_OPEN_HOOK(name, function)                                                \
    RIDGE_EXPORT int name(const char* path, int flags, ...) {                          \
        static constinit Real<int(const char*, int, ...)> real(#name);                 \
        mode_t mode = 0;                                                               \
        if (needsMode(flags)) {                                                        \
            va_list rest;                                                              \
            va_start(rest, flags);                                                     \
            mode = va_arg(rest, mode_t);                                               \
            va_end(rest);                                                              \
        }                                                                              \
        if (!tracing()) return real.get()(path, flags, mode);                          \
        const uint64_t start = now();                                                  \
        const int fd = real.get()(path, flags, mode);                                  \
        recordOpen({function, IoOp::kOpen, start, fd, -1, 0, errno}, path, fd, flags); \
        return fd;                                                                     \
    }
RIDGE_OPEN_HOOK(open, kFnOpen)
RIDGE_OPEN_HOOK(open64, kFnOpen64)

#define RIDGE_OPENAT_HOOK(name, function)                                              \
    RIDGE_EXPORT int name(int folder, const char* path, int flags, ...) {              \
        static constinit Real<int(int, const char*, int, ...)> real(#name);            \
        mode_t mode = 0;                                                               \
        if (needsMode(flags)) {                                                        \
            va_list rest;                                                              \
            va_start(rest, flags);                                                     \
            mode = va_arg(rest, mode_t);                                               \
            va_end(rest);                                                              \
        }                                                                              \
        if (!tracing()) return real.get()(folder, path, flags, mode);                  \
        const uint64_t start = now();                                                  \
        const int fd = real.get()(folder, path, flags, mode);                          \
        recordOpen({function, IoOp::kOpen, start, fd, -1, 0, errno}, path, fd, flags); \
        return fd;                                                                     \
    }
RIDGE_OPENAT_HOOK(openat, kFnOpenat)
RIDGE_OPENAT_HOOK(openat64, kFnOpenat64)

#define RIDGE_OPEN_2_HOOK(name, function)                                              \
    RIDGE_EXPORT int name(const char* path, int flags) {                               \
        static constinit Real<int(const char*, int)> real(#name);                      \
        if (!tracing()) return real.get()(path, flags);                                \
        const uint64_t start = now();                                                  \
        const int fd = real.get()(path, flags);                                        \
        recordOpen({function, IoOp::kOpen, start, fd, -1, 0, errno}, path, fd, flags); \
        return fd;                                                                     \
    }
RIDGE_OPEN_2_HOOK(__open_2, kFnOpen)
RIDGE_OPEN_2_HOOK(__open64_2, kFnOpen64)

#define RIDGE_CREAT_HOOK(name, function)                                       \
    RIDGE_EXPORT int name(const char* path, mode_t mode) {                     \
        static constinit Real<int(const char*, mode_t)> real(#name);           \
        if (!tracing()) return real.get()(path, mode);                         \
        const uint64_t start = now();                                          \
        const int fd = real.get()(path, mode);                                 \
        recordOpen({function, IoOp::kOpen, start, fd, -1, 0, errno}, path, fd, \
                   O_CREAT | O_WRONLY | O_TRUNC);                              \
        return fd;                                                             \
    }
RIDGE_CREAT_HOOK(creat, kFnCreat)
RIDGE_CREAT_HOOK(creat64, kFnCreat64)

RIDGE_EXPORT int close(int fd) {
    static constinit Real<int(int)> real("close");
    if (!tracing()) return real.get()(fd);
    const uint32_t file = fileBeforeClose(fd);
    const uint64_t start = now();
    const int result = real.get()(fd);
    recordClose({kFnClose, IoOp::kClose, start, result, -1, 0, errno}, fd, file);
    return result;
}

RIDGE_EXPORT ssize_t read(int fd, void* to, size_t bytes) {
    static constinit Real<ssize_t(int, void*, size_t)> real("read");
    RIDGE_ON_FD(ssize_t, real.get()(fd, to, bytes), kFnRead, IoOp::kRead, fd, -1, bytes);
}
RIDGE_EXPORT ssize_t __read_chk(int fd, void* to, size_t bytes, size_t room) {
    static constinit Real<ssize_t(int, void*, size_t, size_t)> real("__read_chk");
    RIDGE_ON_FD(ssize_t, real.get()(fd, to, bytes, room), kFnRead, IoOp::kRead, fd, -1, bytes);
}
RIDGE_EXPORT ssize_t write(int fd, const void* from, size_t bytes) {
    static constinit Real<ssize_t(int, const void*, size_t)> real("write");
    RIDGE_ON_FD(ssize_t, real.get()(fd, from, bytes), kFnWrite, IoOp::kWrite, fd, -1, bytes);
}

#define RIDGE_PREAD_HOOK(name, check, function)                                                   \
    RIDGE_EXPORT ssize_t name(int fd, void* to, size_t bytes, off_t offset) {                     \
        static constinit Real<ssize_t(int, void*, size_t, off_t)> real(#name);                    \
        RIDGE_ON_FD(ssize_t, real.get()(fd, to, bytes, offset), function, IoOp::kPread, fd,       \
                    offset, bytes);                                                               \
    }                                                                                             \
    RIDGE_EXPORT ssize_t check(int fd, void* to, size_t bytes, off_t offset, size_t room) {       \
        static constinit Real<ssize_t(int, void*, size_t, off_t, size_t)> real(#check);           \
        RIDGE_ON_FD(ssize_t, real.get()(fd, to, bytes, offset, room), function, IoOp::kPread, fd, \
                    offset, bytes);                                                               \
    }
RIDGE_PREAD_HOOK(pread, __pread_chk, kFnPread)
RIDGE_PREAD_HOOK(pread64, __pread64_chk, kFnPread64)

#define RIDGE_PWRITE_HOOK(name, function)                                                      \
    RIDGE_EXPORT ssize_t name(int fd, const void* from, size_t bytes, off_t offset) {          \
        static constinit Real<ssize_t(int, const void*, size_t, off_t)> real(#name);           \
        RIDGE_ON_FD(ssize_t, real.get()(fd, from, bytes, offset), function, IoOp::kPwrite, fd, \
                    offset, bytes);                                                            \
    }
RIDGE_PWRITE_HOOK(pwrite, kFnPwrite)
RIDGE_PWRITE_HOOK(pwrite64, kFnPwrite64)

#define RIDGE_VECTOR_HOOK(name, function, op)                                    \
    RIDGE_EXPORT ssize_t name(int fd, const iovec* parts, int count) {           \
        static constinit Real<ssize_t(int, const iovec*, int)> real(#name);      \
        RIDGE_ON_FD(ssize_t, real.get()(fd, parts, count), function, op, fd, -1, \
                    result >= 0 ? bytesIn(parts, count) : 0);                    \
    }
RIDGE_VECTOR_HOOK(readv, kFnReadv, IoOp::kReadv)
RIDGE_VECTOR_HOOK(writev, kFnWritev, IoOp::kWritev)

#define RIDGE_PVECTOR_HOOK(name, function, op)                                               \
    RIDGE_EXPORT ssize_t name(int fd, const iovec* parts, int count, off_t offset) {         \
        static constinit Real<ssize_t(int, const iovec*, int, off_t)> real(#name);           \
        RIDGE_ON_FD(ssize_t, real.get()(fd, parts, count, offset), function, op, fd, offset, \
                    result >= 0 ? bytesIn(parts, count) : 0);                                \
    }
RIDGE_PVECTOR_HOOK(preadv, kFnPreadv, IoOp::kPreadv)
RIDGE_PVECTOR_HOOK(preadv64, kFnPreadv64, IoOp::kPreadv)
RIDGE_PVECTOR_HOOK(pwritev, kFnPwritev, IoOp::kPwritev)
RIDGE_PVECTOR_HOOK(pwritev64, kFnPwritev64, IoOp::kPwritev)

#define RIDGE_PVECTOR2_HOOK(name, function, op)                                                 \
    RIDGE_EXPORT ssize_t name(int fd, const iovec* parts, int count, off_t offset, int flags) { \
        static constinit Real<ssize_t(int, const iovec*, int, off_t, int)> real(#name);         \
        RIDGE_ON_FD(ssize_t, real.get()(fd, parts, count, offset, flags), function, op, fd,     \
                    offset, result >= 0 ? bytesIn(parts, count) : 0);                           \
    }
RIDGE_PVECTOR2_HOOK(preadv2, kFnPreadv2, IoOp::kPreadv)
RIDGE_PVECTOR2_HOOK(preadv64v2, kFnPreadv64v2, IoOp::kPreadv)
RIDGE_PVECTOR2_HOOK(pwritev2, kFnPwritev2, IoOp::kPwritev)
RIDGE_PVECTOR2_HOOK(pwritev64v2, kFnPwritev64v2, IoOp::kPwritev)

RIDGE_EXPORT int fsync(int fd) {
    static constinit Real<int(int)> real("fsync");
    RIDGE_ON_FD(int, real.get()(fd), kFnFsync, IoOp::kFsync, fd, -1, 0);
}
RIDGE_EXPORT int fdatasync(int fd) {
    static constinit Real<int(int)> real("fdatasync");
    RIDGE_ON_FD(int, real.get()(fd), kFnFdatasync, IoOp::kFdatasync, fd, -1, 0);
}
RIDGE_EXPORT int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags) {
    static constinit Real<int(int, off64_t, off64_t, unsigned)> real("sync_file_range");
    RIDGE_ON_FD(int, real.get()(fd, offset, bytes, flags), kFnSyncFileRange, IoOp::kSync, fd,
                offset, bytes);
}

// Duplicates are looked up when they are first used.
RIDGE_EXPORT int dup2(int from, int to) noexcept {
    static constinit Real<int(int, int)> real("dup2");
    const int fd = real.get()(from, to);
    if (fd >= 0 && from != to) forgetFd(fd);
    return fd;
}
RIDGE_EXPORT int dup3(int from, int to, int flags) noexcept {
    static constinit Real<int(int, int, int)> real("dup3");
    const int fd = real.get()(from, to, flags);
    if (fd >= 0) forgetFd(fd);
    return fd;
}
RIDGE_EXPORT int dup(int from) noexcept {
    static constinit Real<int(int)> real("dup");
    const int fd = real.get()(from);
    if (fd >= 0) forgetFd(fd);
    return fd;
}
RIDGE_EXPORT int close_range(unsigned first, unsigned last, int flags) noexcept {
    static constinit Real<int(unsigned, unsigned, int)> real("close_range");
    const int result = real.get()(first, last, flags);
    for (unsigned fd = first; result == 0 && fd <= last && fd < unsigned{kMaxKnownFd}; ++fd)
        forgetFd(static_cast<int>(fd));
    return result;
}

#define RIDGE_FOPEN_HOOK(name, function)                                                        \
    RIDGE_EXPORT FILE* name(const char* path, const char* mode) {                               \
        static constinit Real<FILE*(const char*, const char*)> real(#name);                     \
        if (!tracing()) return real.get()(path, mode);                                          \
        const uint64_t start = now();                                                           \
        FILE* file = real.get()(path, mode);                                                    \
        const int error = errno;                                                                \
        const int fd = file != nullptr ? fileno(file) : -1;                                     \
        recordOpen({function, IoOp::kFopen, start, fd, -1, 0, error}, path, fd, flagsOf(mode)); \
        return file;                                                                            \
    }
RIDGE_FOPEN_HOOK(fopen, kFnFopen)
RIDGE_FOPEN_HOOK(fopen64, kFnFopen64)

RIDGE_EXPORT int fclose(FILE* file) {
    static constinit Real<int(FILE*)> real("fclose");
    if (!tracing()) return real.get()(file);
    const int before = errno;
    const int fd = fileno(file);
    errno = before;  // a stream of memory has none
    const uint32_t id = fd >= 0 ? fileBeforeClose(fd) : 0;
    const uint64_t start = now();
    const int result = real.get()(file);
    recordClose({kFnFclose, IoOp::kFclose, start, result, -1, 0, errno}, fd, id);
    return result;
}

namespace {

int fdOf(FILE* file) {
    if (file == nullptr) return -1;
    const int error = errno;
    const int fd = fileno_unlocked(file);
    errno = error;
    return fd;
}

// Items into bytes; a short count is what the caller got, and an error only if the stream says so.
size_t recordItems(Function function, IoOp op, uint64_t start, FILE* file, size_t size,
                   size_t count, size_t done) {
    const int error = errno;
    const bool failed = done < count && ferror_unlocked(file) != 0;
    recordOnFd(
        {function, op, start, failed && done == 0 ? int64_t{-1} : static_cast<int64_t>(done * size),
         -1, size * count, error},
        fdOf(file));
    errno = error;
    return done;
}

}  // namespace

#define RIDGE_FREAD_HOOK(name, function)                                            \
    RIDGE_EXPORT size_t name(void* to, size_t size, size_t count, FILE* file) {     \
        static constinit Real<size_t(void*, size_t, size_t, FILE*)> real(#name);    \
        if (!tracing()) return real.get()(to, size, count, file);                   \
        const uint64_t start = now();                                               \
        const size_t done = real.get()(to, size, count, file);                      \
        return recordItems(function, IoOp::kFread, start, file, size, count, done); \
    }
RIDGE_FREAD_HOOK(fread, kFnFread)
RIDGE_FREAD_HOOK(fread_unlocked, kFnFreadUnlocked)

#define RIDGE_FREAD_CHECK_HOOK(name, function)                                               \
    RIDGE_EXPORT size_t name(void* to, size_t room, size_t size, size_t count, FILE* file) { \
        static constinit Real<size_t(void*, size_t, size_t, size_t, FILE*)> real(#name);     \
        if (!tracing()) return real.get()(to, room, size, count, file);                      \
        const uint64_t start = now();                                                        \
        const size_t done = real.get()(to, room, size, count, file);                         \
        return recordItems(function, IoOp::kFread, start, file, size, count, done);          \
    }
RIDGE_FREAD_CHECK_HOOK(__fread_chk, kFnFread)
RIDGE_FREAD_CHECK_HOOK(__fread_unlocked_chk, kFnFreadUnlocked)

#define RIDGE_FWRITE_HOOK(name, function)                                               \
    RIDGE_EXPORT size_t name(const void* from, size_t size, size_t count, FILE* file) { \
        static constinit Real<size_t(const void*, size_t, size_t, FILE*)> real(#name);  \
        if (!tracing()) return real.get()(from, size, count, file);                     \
        const uint64_t start = now();                                                   \
        const size_t done = real.get()(from, size, count, file);                        \
        return recordItems(function, IoOp::kFwrite, start, file, size, count, done);    \
    }
RIDGE_FWRITE_HOOK(fwrite, kFnFwrite)
RIDGE_FWRITE_HOOK(fwrite_unlocked, kFnFwriteUnlocked)

RIDGE_EXPORT int fflush(FILE* file) {
    static constinit Real<int(FILE*)> real("fflush");
    RIDGE_ON_FD(int, real.get()(file), kFnFflush, IoOp::kFflush, fdOf(file), -1, 0);
}
