// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// io_uring through the functions that liburing exports, where it is a library of the program's:
// each submission is read before it goes, and recorded with its file, offset and size; submitting
// and waiting are calls of their own. What completed, and when, is read by the program from memory
// shared with the kernel, without a call: it is not known here. Rings driven without liburing, or
// with it linked in, are not seen. Layouts: liburing 2.0 to 2.9 (its public structures have kept
// theirs by padding) and linux/io_uring.h.
#include "collector/agent/io_hook.h"

#include <dlfcn.h>

namespace ridge::agent {
namespace {

using spool::IoOp;

struct Sqe {
    uint8_t opcode, flags;
    uint16_t ioprio;
    int32_t fd;
    uint64_t offset;
    uint64_t address;
    uint32_t length;
    uint32_t operationFlags;
    uint64_t rest[4];
};
static_assert(sizeof(Sqe) == 64);
struct SubmissionQueue {
    unsigned *head, *tail, *mask, *entries, *flags, *dropped, *array;
    Sqe* sqes;
    unsigned sqeHead, sqeTail;
    size_t ringBytes;
    void* ring;
    unsigned padding[4];
};
struct CompletionQueue {
    unsigned *head, *tail, *mask, *entries, *flags, *overflow;
    void* cqes;
    size_t ringBytes;
    void* ring;
    unsigned padding[4];
};
struct Uring {
    SubmissionQueue sq;
    CompletionQueue cq;
    unsigned flags;
    int fd;
};
constexpr uint8_t kReadv = 1, kWritev = 2, kFsync = 3, kReadFixed = 4, kWriteFixed = 5,
                  kSyncFileRange = 8, kRead = 22, kWrite = 23;
constexpr uint8_t kFixedFile = 1;           // fd is a number in the ring's own table
constexpr unsigned kDoubleSqes = 1u << 10;  // IORING_SETUP_SQE128

template <class Signature>
class UringReal {
public:
    constexpr explicit UringReal(const char* name) : m_name(name) {}
    // A library that was loaded for itself alone is not "next" to us: it is asked for by its name.
    Signature* get() {
        void* function = __atomic_load_n(&m_function, __ATOMIC_RELAXED);
        if (function != nullptr) return reinterpret_cast<Signature*>(function);
        function = dlsym(RTLD_NEXT, m_name);
        static const char* const libraries[] = {"liburing.so.2", "liburing.so.1", "liburing.so"};
        for (const char* library : libraries) {
            if (function != nullptr) break;
            void* handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
            if (handle != nullptr) function = dlsym(handle, m_name);
        }
        __atomic_store_n(&m_function, function, __ATOMIC_RELAXED);
        return reinterpret_cast<Signature*>(function);
    }

private:
    const char* m_name;
    void* m_function = nullptr;
};

struct Seen {
    Function function;
    IoOp op;
};
Seen meaning(uint8_t opcode) {
    switch (opcode) {
        case kReadv:
        case kReadFixed:
        case kRead:
            return {kFnUringRead, IoOp::kUringRead};
        case kWritev:
        case kWriteFixed:
        case kWrite:
            return {kFnUringWrite, IoOp::kUringWrite};
        case kFsync:
        case kSyncFileRange:
            return {kFnUringSync, IoOp::kUringSync};
        default:
            return {kFnUringOther, IoOp::kUringOther};
    }
}

struct Part {
    const void* address;
    size_t bytes;
};
uint64_t bytesOf(const Sqe& sqe) {
    if (sqe.opcode != kReadv && sqe.opcode != kWritev) return sqe.length;
    const auto* parts = reinterpret_cast<const Part*>(static_cast<uintptr_t>(sqe.address));
    uint64_t sum = 0;
    for (uint32_t i = 0; parts != nullptr && i < sqe.length && i < 1024; ++i) sum += parts[i].bytes;
    return sum;
}

// What lies between the last submission and this one.
void recordSubmissions(const Uring& ring) {
    const SubmissionQueue& sq = ring.sq;
    if (sq.sqes == nullptr || sq.mask == nullptr) return;
    const unsigned stride = (ring.flags & kDoubleSqes) != 0 ? 2 : 1;
    const unsigned mask = *sq.mask;
    for (unsigned i = sq.sqeHead; i != sq.sqeTail && i - sq.sqeHead <= mask; ++i) {
        Sqe sqe;
        memcpy(&sqe, &sq.sqes[(i & mask) * stride], sizeof sqe);
        const Seen seen = meaning(sqe.opcode);
        const bool moves = seen.op == IoOp::kUringRead || seen.op == IoOp::kUringWrite;
        const int64_t offset = moves ? static_cast<int64_t>(sqe.offset) : -1;
        recordOnFd({seen.function, seen.op, now(), 0, offset, moves ? bytesOf(sqe) : 0, errno},
                   (sqe.flags & kFixedFile) != 0 ? -1 : sqe.fd);
    }
}

template <class RealCall>
inline int onSubmit(Uring* ring, RealCall real) {
    if (!tracing() || ring == nullptr) return real();
    recordSubmissions(*ring);
    const uint64_t start = now();
    const int result = real();
    // liburing returns -errno and leaves errno alone.
    recordOnFd({kFnUringSubmit, IoOp::kUringSubmit, start, result, -1, 0, errno}, ring->fd);
    return result;
}
template <class RealCall>
inline int onWait(Uring* ring, RealCall real) {
    if (!tracing() || ring == nullptr) return real();
    const uint64_t start = now();
    const int result = real();
    recordOnFd({kFnUringWait, IoOp::kUringWait, start, result, -1, 0, errno}, ring->fd);
    return result;
}

}  // namespace
}  // namespace ridge::agent

using namespace ridge::agent;

#define RIDGE_URING_HOOK(name, handler, parameters, arguments)      \
    RIDGE_EXPORT int name parameters {                              \
        static constinit UringReal<int parameters> function(#name); \
        auto* const known = function.get();                         \
        if (known == nullptr) return -ENOSYS;                       \
        return handler(ring, [&] { return known arguments; });      \
    }
// liburing's own ring, completion and signal types are only passed on.
RIDGE_URING_HOOK(io_uring_submit, onSubmit, (Uring * ring), (ring))
RIDGE_URING_HOOK(io_uring_submit_and_wait, onSubmit, (Uring * ring, unsigned count), (ring, count))
RIDGE_URING_HOOK(io_uring_submit_and_wait_timeout, onSubmit,
                 (Uring * ring, void** cqe, unsigned count, void* timeout, void* mask),
                 (ring, cqe, count, timeout, mask))
RIDGE_URING_HOOK(io_uring_submit_and_get_events, onSubmit, (Uring * ring), (ring))
RIDGE_URING_HOOK(io_uring_wait_cqes, onWait,
                 (Uring * ring, void** cqe, unsigned count, void* timeout, void* mask),
                 (ring, cqe, count, timeout, mask))
RIDGE_URING_HOOK(io_uring_wait_cqe_timeout, onWait, (Uring * ring, void** cqe, void* timeout),
                 (ring, cqe, timeout))
RIDGE_URING_HOOK(__io_uring_get_cqe, onWait,
                 (Uring * ring, void** cqe, unsigned submit, unsigned count, void* mask),
                 (ring, cqe, submit, count, mask))
