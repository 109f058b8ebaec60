// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Transfers between two descriptors, two records each with the same times: what was written, and,
// named "(source)", what was read. And the syncs that are for more than one file.
#include "collector/agent/io_hook.h"

#include <fcntl.h>
#include <sys/sendfile.h>
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
