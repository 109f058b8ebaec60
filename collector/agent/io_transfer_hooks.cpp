// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Transfers between two descriptors, two records each with the same times: what was written, and,
// named "(source)", what was read. What a socket sends and receives. And the syncs that are for
// more than one file.
#include "collector/agent/io_hook.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ridge::agent {
namespace {

using spool::IoOp;

template <class RealCall>
inline ssize_t onTransfer(Function function, Function source, int in, int64_t inOffset, int out,
                          int64_t outOffset, size_t bytes, RealCall real) {
    const uint64_t start = now();
    const ssize_t result = real();
    const int error = errno;
    recordOnFd({source, IoOp::kTransferIn, start, result, inOffset, bytes, error}, in);
    recordOnFd({function, IoOp::kTransferOut, start, result, outOffset, bytes, error}, out);
    return result;
}

// What is only looked at is received later. asked(result): bytes asked for.
template <class Asked, class RealCall>
inline ssize_t onSocket(Function function, IoOp op, int fd, int flags, Asked asked, RealCall real) {
    if (!tracing() || (op == IoOp::kRead && (flags & MSG_PEEK) != 0)) return real();
    const uint64_t start = now();
    const ssize_t result = real();
    recordOnFd({function, op, start, result, -1, asked(result), errno}, fd);
    return result;
}

// The parts are looked at only after the kernel has: what it refuses may not be readable.
inline uint64_t bytesIn(const msghdr* message, ssize_t done) {
    uint64_t sum = 0;
    for (size_t i = 0; done >= 0 && i < message->msg_iovlen; ++i)
        sum += message->msg_iov[i].iov_len;
    return sum;
}

}  // namespace
}  // namespace ridge::agent

using namespace ridge::agent;
using ridge::spool::IoOp;

#define RIDGE_SENDFILE_HOOK(name, offset_type)                                               \
    RIDGE_EXPORT ssize_t name(int out, int in, offset_type* offset, size_t bytes) noexcept { \
        static constinit Real<ssize_t(int, int, offset_type*, size_t)> function(#name);      \
        const auto real = [&] { return function.get()(out, in, offset, bytes); };            \
        if (!tracing()) return real();                                                       \
        return onTransfer(kFnSendfile, kFnSendfileFrom, in, -1, out, -1, bytes, real);       \
    }
RIDGE_SENDFILE_HOOK(sendfile, off_t)
RIDGE_SENDFILE_HOOK(sendfile64, off64_t)

// The kernel may refuse the offsets' addresses, so they are not looked at before it has.
RIDGE_HOOK(ssize_t, copy_file_range,
           (int in, off64_t* inAt, int out, off64_t* outAt, size_t bytes, unsigned flags),
           (in, inAt, out, outAt, bytes, flags),
           tracing()
               ? onTransfer(kFnCopyFileRange, kFnCopyFileRangeFrom, in, -1, out, -1, bytes, real)
               : real())
RIDGE_HOOK(ssize_t, splice,
           (int in, off64_t* inAt, int out, off64_t* outAt, size_t bytes, unsigned flags),
           (in, inAt, out, outAt, bytes, flags),
           tracing() ? onTransfer(kFnSplice, kFnSpliceFrom, in, -1, out, -1, bytes, real) : real())

#define RIDGE_SOCKET_HOOK(name, id, op, parameters, arguments, asked) \
    RIDGE_HOOK(ssize_t, name, parameters, arguments,                  \
               onSocket(                                              \
                   id, op, fd, flags,                                 \
                   [&]([[maybe_unused]] ssize_t done) { return uint64_t{asked}; }, real))
RIDGE_SOCKET_HOOK(send, kFnSend, IoOp::kWrite, (int fd, const void* from, size_t bytes, int flags),
                  (fd, from, bytes, flags), bytes)
RIDGE_SOCKET_HOOK(sendto, kFnSendto, IoOp::kWrite,
                  (int fd, const void* from, size_t bytes, int flags, const sockaddr* to,
                   socklen_t length),
                  (fd, from, bytes, flags, to, length), bytes)
RIDGE_SOCKET_HOOK(sendmsg, kFnSendmsg, IoOp::kWrite, (int fd, const msghdr* message, int flags),
                  (fd, message, flags), bytesIn(message, done))
RIDGE_SOCKET_HOOK(recv, kFnRecv, IoOp::kRead, (int fd, void* to, size_t bytes, int flags),
                  (fd, to, bytes, flags), bytes)
RIDGE_SOCKET_HOOK(__recv_chk, kFnRecv, IoOp::kRead,
                  (int fd, void* to, size_t bytes, size_t room, int flags),
                  (fd, to, bytes, room, flags), bytes)
RIDGE_SOCKET_HOOK(recvfrom, kFnRecvfrom, IoOp::kRead,
                  (int fd, void* to, size_t bytes, int flags, sockaddr* from, socklen_t* length),
                  (fd, to, bytes, flags, from, length), bytes)
RIDGE_SOCKET_HOOK(__recvfrom_chk, kFnRecvfrom, IoOp::kRead,
                  (int fd, void* to, size_t bytes, size_t room, int flags, sockaddr* from,
                   socklen_t* length),
                  (fd, to, bytes, room, flags, from, length), bytes)
RIDGE_SOCKET_HOOK(recvmsg, kFnRecvmsg, IoOp::kRead, (int fd, msghdr* message, int flags),
                  (fd, message, flags), bytesIn(message, done))

RIDGE_EXPORT void sync() noexcept {
    static constinit Real<void()> function("sync");
    if (!tracing()) return function.get()();
    const uint64_t start = now();
    function.get()();
    recordOnFd({kFnSync, IoOp::kSync, start, 0, -1, 0, errno}, -1);
}
RIDGE_EXPORT int syncfs(int fd) noexcept {
    static constinit Real<int(int)> function("syncfs");
    if (!tracing()) return function.get()(fd);
    const uint64_t start = now();
    const int result = function.get()(fd);
    recordOnFd({kFnSyncfs, IoOp::kSync, start, result, -1, 0, errno}, fd);
    return result;
}
