// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Writes down what a hooked call did, and puts its errno back. Any thread, signal handlers too.
//
// A handler may come while its thread is writing a record, and do I/O itself (an MPI daemon's
// writes to a pipe): such a call waits in a small list of the thread and is recorded, with its own
// times, as soon as the interrupted record is done. What does not fit the list, or comes while the
// thread's ring is being made, is counted (kLossNestedEvent, kLossNoRing). Cost of the list: one
// more test a call.

#include "collector/agent/io_files.h"
#include "schemas/spool/io_records.h"

#include <errno.h>

namespace ridge::agent {

struct Call {
    Function function;
    spool::IoOp op;
    uint64_t start;
    int64_t result;
    int64_t offset;
    uint64_t requested;
    int error;
};

inline bool tracing() {
    return sessionOpen() && sessionControl()->traceIo != 0 && !stopped();
}

// Calls are not recorded now, but may be later: what a descriptor stands for is to be asked anew.
inline bool pausing() {
    return sessionOpen() && sessionControl()->traceIo != 0 && stopped() && !over();
}

void recordOnFd(const Call& call, int fd);
// Of a file whose descriptor may be gone by now; 0: not known which.
void recordOnFile(const Call& call, uint32_t fileId);
void recordOpen(const Call& call, const char* path, int fd, int flags);
// The descriptor's file, which it may stand for no longer. Asked before a close, since afterwards
// the number may be another file's.
uint32_t fileBeforeClose(int fd);
void recordClose(const Call& call, int fd, uint32_t fileId);

}  // namespace ridge::agent
