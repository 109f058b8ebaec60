// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The preloaded POSIX and stdio functions. Each calls the real one first and foremost, then writes
// down what happened (io_calls.h); errno is the real function's. Without a session they are one
// load and a jump.
#include "collector/agent/io_hook.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

namespace ridge::agent {
namespace {

using spool::IoOp;

// The bodies of all hooks: `real` calls the function; without a session nothing else happens.

// On a descriptor. asked(result): bytes asked for.
template <class Asked, class RealCall>
inline auto onFd(Function function, IoOp op, int fd, int64_t offset, Asked asked, RealCall real) {
    if (!tracing()) return real();
    const uint64_t start = now();
    const auto result = real();
    recordOnFd({function, op, start, static_cast<int64_t>(result), offset, asked(result), errno},
               fd);
    return result;
}

// A descriptor that was opened or closed while recording pauses.
inline int forgotten(int fd) {
    if (__builtin_expect(pausing(), false) && fd >= 0) forgetFd(fd);
    return fd;
}
inline FILE* forgotten(FILE* file) {
    if (file != nullptr) forgotten(fileno(file));
    return file;
}

template <class RealCall>
inline int onOpen(Function function, const char* path, int flags, RealCall real) {
    if (!tracing()) return forgotten(real());
    const uint64_t start = now();
    const int fd = real();
    recordOpen({function, IoOp::kOpen, start, fd, -1, 0, errno}, path, fd, flags);
    return fd;
}

int flagsOf(const char* mode) {
    const bool plus = strchr(mode, '+') != nullptr;
    if (mode[0] == 'r') return plus ? O_RDWR : O_RDONLY;
    return (plus ? O_RDWR : O_WRONLY) | O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
}

template <class RealCall>
inline FILE* onFopen(Function function, const char* path, const char* mode, RealCall real) {
    if (!tracing()) return forgotten(real());
    const uint64_t start = now();
    FILE* file = real();
    const int error = errno;
    const int fd = file != nullptr ? fileno(file) : -1;
    recordOpen({function, IoOp::kFopen, start, fd, -1, 0, error}, path, fd, flagsOf(mode));
    return file;
}

// fd < 0: a stream without one.
template <class RealCall>
inline int onClose(Function function, IoOp op, int fd, RealCall real) {
    const uint32_t file = fd >= 0 || op == IoOp::kClose ? fileBeforeClose(fd) : 0;
    const uint64_t start = now();
    const int result = real();
    recordClose({function, op, start, result, -1, 0, errno}, fd, file);
    return result;
}

// Items into bytes; a short count is what the caller got, and an error only if the stream says so.
template <class RealCall>
inline size_t onItems(Function function, IoOp op, FILE* file, size_t size, size_t count,
                      RealCall real) {
    if (!tracing()) return real();
    const uint64_t start = now();
    const size_t done = real();
    const int error = errno;
    const bool failed = done < count && ferror_unlocked(file) != 0;
    const int64_t result = failed && done == 0 ? -1 : static_cast<int64_t>(done * size);
    recordOnFd({function, op, start, result, -1, size * count, error}, fdOf(file));
    errno = error;
    return done;
}

// A new descriptor that stands for what another one does; it is looked up when it is first used.
inline int onDuplicate(int fd) {
    if (fd >= 0) forgetFd(fd);
    return fd;
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

// Opens, whose mode is there only when the flags say so.
#define RIDGE_OPEN_HOOK(name, id, parameters, arguments)                             \
    RIDGE_EXPORT int name(RIDGE_UNPACK parameters, ...) {                            \
        static constinit Real<int(RIDGE_UNPACK parameters, ...)> function(#name);    \
        mode_t mode = 0;                                                             \
        if (needsMode(flags)) {                                                      \
            va_list rest;                                                            \
            va_start(rest, flags);                                                   \
            mode = va_arg(rest, mode_t);                                             \
            va_end(rest);                                                            \
        }                                                                            \
        return onOpen(id, path, flags,                                               \
                      [&] { return function.get()(RIDGE_UNPACK arguments, mode); }); \
    }
RIDGE_OPEN_HOOK(open, kFnOpen, (const char* path, int flags), (path, flags))
RIDGE_OPEN_HOOK(open64, kFnOpen64, (const char* path, int flags), (path, flags))
RIDGE_OPEN_HOOK(openat, kFnOpenat, (int folder, const char* path, int flags), (folder, path, flags))
RIDGE_OPEN_HOOK(openat64, kFnOpenat64, (int folder, const char* path, int flags),
                (folder, path, flags))

#define RIDGE_OPEN_2_HOOK(name, id)                                     \
    RIDGE_HOOK(int, name, (const char* path, int flags), (path, flags), \
               onOpen(id, path, flags, real))
RIDGE_OPEN_2_HOOK(__open_2, kFnOpen)
RIDGE_OPEN_2_HOOK(__open64_2, kFnOpen64)

#define RIDGE_CREAT_HOOK(name, id)                                       \
    RIDGE_HOOK(int, name, (const char* path, mode_t mode), (path, mode), \
               onOpen(id, path, O_CREAT | O_WRONLY | O_TRUNC, real))
RIDGE_CREAT_HOOK(creat, kFnCreat)
RIDGE_CREAT_HOOK(creat64, kFnCreat64)

RIDGE_HOOK(int, close, (int fd), (fd),
           tracing() ? onClose(kFnClose, IoOp::kClose, fd, real) : (forgotten(fd), real()))

// Calls on a descriptor that move so many bytes, at an offset or (-1) where the file stands.
#define RIDGE_FD_HOOK(type, name, id, op, parameters, arguments, offset, bytes) \
    RIDGE_HOOK(type, name, parameters, arguments,                               \
               onFd(                                                            \
                   id, op, fd, offset, [&](auto) { return uint64_t{bytes}; }, real))
RIDGE_FD_HOOK(ssize_t, read, kFnRead, IoOp::kRead, (int fd, void* to, size_t bytes),
              (fd, to, bytes), -1, bytes)
RIDGE_FD_HOOK(ssize_t, __read_chk, kFnRead, IoOp::kRead,
              (int fd, void* to, size_t bytes, size_t room), (fd, to, bytes, room), -1, bytes)
RIDGE_FD_HOOK(ssize_t, write, kFnWrite, IoOp::kWrite, (int fd, const void* from, size_t bytes),
              (fd, from, bytes), -1, bytes)

#define RIDGE_PREAD_HOOK(name, id)                                                             \
    RIDGE_FD_HOOK(ssize_t, name, id, IoOp::kPread, (int fd, void* to, size_t bytes, off_t at), \
                  (fd, to, bytes, at), at, bytes)
#define RIDGE_PREAD_CHECK_HOOK(name, id)                                   \
    RIDGE_FD_HOOK(ssize_t, name, id, IoOp::kPread,                         \
                  (int fd, void* to, size_t bytes, off_t at, size_t room), \
                  (fd, to, bytes, at, room), at, bytes)
#define RIDGE_PWRITE_HOOK(name, id)                                                              \
    RIDGE_FD_HOOK(ssize_t, name, id, IoOp::kPwrite,                                              \
                  (int fd, const void* from, size_t bytes, off_t at), (fd, from, bytes, at), at, \
                  bytes)
RIDGE_PREAD_HOOK(pread, kFnPread)
RIDGE_PREAD_HOOK(pread64, kFnPread64)
RIDGE_PREAD_CHECK_HOOK(__pread_chk, kFnPread)
RIDGE_PREAD_CHECK_HOOK(__pread64_chk, kFnPread64)
RIDGE_PWRITE_HOOK(pwrite, kFnPwrite)
RIDGE_PWRITE_HOOK(pwrite64, kFnPwrite64)

// The parts are looked at only after the kernel has: what it refuses may not be readable.
#define RIDGE_VECTOR_HOOK(name, id, op, parameters, arguments, offset) \
    RIDGE_HOOK(ssize_t, name, parameters, arguments,                   \
               onFd(                                                   \
                   id, op, fd, offset,                                 \
                   [&](ssize_t done) { return done >= 0 ? bytesIn(parts, count) : 0; }, real))
#define RIDGE_AT_ONCE_HOOK(name, id, op) \
    RIDGE_VECTOR_HOOK(name, id, op, (int fd, const iovec* parts, int count), (fd, parts, count), -1)
#define RIDGE_AT_OFFSET_HOOK(name, id, op)                                                 \
    RIDGE_VECTOR_HOOK(name, id, op, (int fd, const iovec* parts, int count, off_t offset), \
                      (fd, parts, count, offset), offset)
#define RIDGE_WITH_FLAGS_HOOK(name, id, op)                                             \
    RIDGE_VECTOR_HOOK(name, id, op,                                                     \
                      (int fd, const iovec* parts, int count, off_t offset, int flags), \
                      (fd, parts, count, offset, flags), offset)
RIDGE_AT_ONCE_HOOK(readv, kFnReadv, IoOp::kReadv)
RIDGE_AT_ONCE_HOOK(writev, kFnWritev, IoOp::kWritev)
RIDGE_AT_OFFSET_HOOK(preadv, kFnPreadv, IoOp::kPreadv)
RIDGE_AT_OFFSET_HOOK(preadv64, kFnPreadv64, IoOp::kPreadv)
RIDGE_AT_OFFSET_HOOK(pwritev, kFnPwritev, IoOp::kPwritev)
RIDGE_AT_OFFSET_HOOK(pwritev64, kFnPwritev64, IoOp::kPwritev)
RIDGE_WITH_FLAGS_HOOK(preadv2, kFnPreadv2, IoOp::kPreadv)
RIDGE_WITH_FLAGS_HOOK(preadv64v2, kFnPreadv64v2, IoOp::kPreadv)
RIDGE_WITH_FLAGS_HOOK(pwritev2, kFnPwritev2, IoOp::kPwritev)
RIDGE_WITH_FLAGS_HOOK(pwritev64v2, kFnPwritev64v2, IoOp::kPwritev)

RIDGE_FD_HOOK(int, fsync, kFnFsync, IoOp::kFsync, (int fd), (fd), -1, 0)
RIDGE_FD_HOOK(int, fdatasync, kFnFdatasync, IoOp::kFdatasync, (int fd), (fd), -1, 0)
RIDGE_FD_HOOK(int, sync_file_range, kFnSyncFileRange, IoOp::kSync,
              (int fd, off64_t offset, off64_t bytes, unsigned flags), (fd, offset, bytes, flags),
              offset, static_cast<uint64_t>(bytes))

RIDGE_EXPORT int dup(int from) noexcept {
    static constinit Real<int(int)> function("dup");
    return onDuplicate(function.get()(from));
}
RIDGE_EXPORT int dup2(int from, int to) noexcept {
    static constinit Real<int(int, int)> function("dup2");
    const int fd = function.get()(from, to);
    return from != to ? onDuplicate(fd) : fd;
}
RIDGE_EXPORT int dup3(int from, int to, int flags) noexcept {
    static constinit Real<int(int, int, int)> function("dup3");
    return onDuplicate(function.get()(from, to, flags));
}
// Its third argument is a number or a pointer, by the command, and is passed on as it came.
#define RIDGE_FCNTL_HOOK(name)                                                                  \
    RIDGE_EXPORT int name(int fd, int command, ...) {                                           \
        static constinit Real<int(int, int, ...)> function(#name);                              \
        va_list rest;                                                                           \
        va_start(rest, command);                                                                \
        void* const argument = va_arg(rest, void*);                                             \
        va_end(rest);                                                                           \
        const int result = function.get()(fd, command, argument);                               \
        return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? onDuplicate(result) : result; \
    }
RIDGE_FCNTL_HOOK(fcntl)
RIDGE_FCNTL_HOOK(fcntl64)

RIDGE_EXPORT int close_range(unsigned first, unsigned last, int flags) noexcept {
    static constinit Real<int(unsigned, unsigned, int)> function("close_range");
    const int result = function.get()(first, last, flags);
    for (unsigned fd = first; result == 0 && fd <= last && fd < unsigned{kMaxKnownFd}; ++fd)
        forgetFd(static_cast<int>(fd));
    return result;
}

#define RIDGE_FOPEN_HOOK(name, id)                                              \
    RIDGE_HOOK(FILE*, name, (const char* path, const char* mode), (path, mode), \
               onFopen(id, path, mode, real))
RIDGE_FOPEN_HOOK(fopen, kFnFopen)
RIDGE_FOPEN_HOOK(fopen64, kFnFopen64)

RIDGE_HOOK(int, fclose, (FILE * file), (file),
           tracing() ? onClose(kFnFclose, IoOp::kFclose, fdOf(file), real)
                     : (forgotten(file), real()))
RIDGE_HOOK(int, fflush, (FILE * file), (file),
           onFd(
               kFnFflush, IoOp::kFflush, fdOf(file), -1, [](int) { return uint64_t{0}; }, real))

#define RIDGE_ITEMS_HOOK(name, id, op, memory)                                        \
    RIDGE_HOOK(size_t, name, (memory buffer, size_t size, size_t count, FILE * file), \
               (buffer, size, count, file), onItems(id, op, file, size, count, real))
RIDGE_ITEMS_HOOK(fread, kFnFread, IoOp::kFread, void*)
RIDGE_ITEMS_HOOK(fread_unlocked, kFnFreadUnlocked, IoOp::kFread, void*)
RIDGE_ITEMS_HOOK(fwrite, kFnFwrite, IoOp::kFwrite, const void*)
RIDGE_ITEMS_HOOK(fwrite_unlocked, kFnFwriteUnlocked, IoOp::kFwrite, const void*)

#define RIDGE_FREAD_CHECK_HOOK(name, id)                                                     \
    RIDGE_HOOK(size_t, name, (void* to, size_t room, size_t size, size_t count, FILE* file), \
               (to, room, size, count, file), onItems(id, IoOp::kFread, file, size, count, real))
RIDGE_FREAD_CHECK_HOOK(__fread_chk, kFnFread)
RIDGE_FREAD_CHECK_HOOK(__fread_unlocked_chk, kFnFreadUnlocked)
