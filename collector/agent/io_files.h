// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which file a descriptor stands for: a table by descriptor, filled by opens and, for what was open
// before or came another way (dup, pipe, socket, inherited), by one look at /proc/self/fd.
// Callers hold the thread's ring.

#include "collector/agent/ring.h"

namespace ridge::agent {

inline constexpr int kMaxKnownFd = 65536;

// A new file id for a descriptor that was just opened; writes the IoFile record.
uint32_t fileOpened(Ring* ring, int fd, const char* path, int flags, uint64_t time);
// The id of a descriptor, 0 if it cannot be told.
uint32_t fileOf(Ring* ring, int fd);
// As fileOf(), but 0 for one that was not seen yet. Needs no ring.
uint32_t knownFile(int fd);
void fileClosed(Ring* ring, int fd, uint32_t fileId, uint64_t time);
void forgetFd(int fd);

// Functions that are recorded, by their place in this list.
enum Function : uint32_t {
    kFnOpen,
    kFnOpen64,
    kFnOpenat,
    kFnOpenat64,
    kFnCreat,
    kFnCreat64,
    kFnClose,
    kFnRead,
    kFnWrite,
    kFnPread,
    kFnPread64,
    kFnPwrite,
    kFnPwrite64,
    kFnReadv,
    kFnWritev,
    kFnPreadv,
    kFnPreadv64,
    kFnPwritev,
    kFnPwritev64,
    kFnPreadv2,
    kFnPreadv64v2,
    kFnPwritev2,
    kFnPwritev64v2,
    kFnFsync,
    kFnFdatasync,
    kFnSyncFileRange,
    kFnFopen,
    kFnFopen64,
    kFnFclose,
    kFnFread,
    kFnFwrite,
    kFnFflush,
    kFnFreadUnlocked,
    kFnFwriteUnlocked,
    kFnFputs,
    kFnFputsUnlocked,
    kFnPuts,
    kFnFprintf,
    kFnVfprintf,
    kFnPrintf,
    kFnVprintf,
    kFnDprintf,
    kFnVdprintf,
    kFnFgets,
    kFnFgetsUnlocked,
    kFnGetline,
    kFnGetdelim,
    kFnSendfile,
    kFnSendfileFrom,
    kFnCopyFileRange,
    kFnCopyFileRangeFrom,
    kFnSplice,
    kFnSpliceFrom,
    kFnSync,
    kFnSyncfs,
    kFnMmap,
    kFnMsync,
    kFnMunmap,
    kFnUringSubmit,
    kFnUringWait,
    kFnUringRead,
    kFnUringWrite,
    kFnUringSync,
    kFnUringOther,
    kFnSend,
    kFnSendto,
    kFnSendmsg,
    kFnRecv,
    kFnRecvfrom,
    kFnRecvmsg,
    kFunctions
};
uint16_t functionId(Ring* ring, Function function);

}  // namespace ridge::agent
