// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Calls that read and write files, and the files.

#include "schemas/spool/record.h"

#include <stdint.h>

namespace ridge::spool {

enum class IoOp : uint16_t {
    kOpen = 1, kClose = 2, kRead = 3, kWrite = 4, kPread = 5, kPwrite = 6, kReadv = 7, kWritev = 8,
    kFsync = 9, kFdatasync = 10, kFopen = 11, kFclose = 12, kFread = 13, kFwrite = 14, kFflush = 15,
    kPreadv = 16, kPwritev = 17, kSync = 18, kOther = 19,
    kTransferIn = 20, kTransferOut = 21,  // both ends of sendfile and its kind
    kMmap = 22, kMsync = 23, kMunmap = 24,
    // By io_uring: submissions; when they are done, and with what, only the program's memory says.
    kUringRead = 25, kUringWrite = 26, kUringSync = 27, kUringOther = 28, kUringSubmit = 29, kUringWait = 30,
    kMmapStores = 31,  // shared and writable: what is stored there goes to the file
};

// One call of a hooked function. header.id = file id (0: not known).
struct IoCall {
    RecordHeader header;
    uint64_t start;
    uint64_t end;
    int64_t result;     // bytes, fd, or -1
    int64_t offset;     // -1 where the call has none
    uint64_t requested; // bytes asked for
    IoOp op;
    uint16_t functionId;  // name id of the function ("pread64"), fits because interned first
    int32_t errorNumber;  // errno where result < 0, else 0
};
static_assert(sizeof(IoCall) == 56);

// A file (or pipe, socket) that calls refer to. openTime/closeTime 0 = not seen.
struct IoFile {
    RecordHeader header;  // id = file id
    uint64_t time;
    uint32_t pathNameId;
    int32_t fd;
    uint32_t isClose;     // 0: opened or first seen, 1: closed
    uint32_t openFlags;
};

static_assert(sizeof(IoFile) % 8 == 0);

}  // namespace ridge::spool
