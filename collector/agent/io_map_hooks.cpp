// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Files in memory: mmap of a descriptor, and msync and munmap of what was mapped so. What is read
// or written through the mapping is done by page faults, which no hook sees; msync is where it
// shows. Memory that is no file's is passed on untouched: allocators live off it.
#include "collector/agent/io_hook.h"
#include "collector/agent/raw.h"

#include <sys/mman.h>

namespace ridge::agent {
namespace {

using spool::IoOp;

// Mappings by their address. What finds no slot is mapped as well, but its msync names no file.
struct Mapping {
    uint64_t address;  // 0: free
    uint64_t bytes;
    uint32_t fileId;
    uint32_t generation;  // of the image that numbered it
};
constexpr uint32_t kMappings = 1024;
Mapping g_mappings[kMappings];
uint32_t g_mapped = 0;
int g_lock = 0;

class Locked {
public:
    Locked() { m_taken = __atomic_exchange_n(&g_lock, 1, __ATOMIC_ACQUIRE) == 0; }
    ~Locked() {
        if (m_taken) __atomic_store_n(&g_lock, 0, __ATOMIC_RELEASE);
    }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
    // A handler that interrupts the holder, or another thread, does without.
    [[nodiscard]] bool taken() const { return m_taken; }

private:
    bool m_taken;
};

void remember(uint64_t address, uint64_t bytes, uint32_t fileId) {
    const Locked lock;
    if (!lock.taken()) return;
    for (Mapping& mapping : g_mappings) {
        if (mapping.address != 0) continue;
        mapping = {address, bytes, fileId, imageGeneration()};
        __atomic_store_n(&g_mapped, g_mapped + 1, __ATOMIC_RELAXED);
        return;
    }
}

// False: none of ours. forget: it is unmapped.
bool fileAt(uint64_t address, bool forget, uint32_t& fileId, uint64_t& offset) {
    if (__atomic_load_n(&g_mapped, __ATOMIC_RELAXED) == 0) return false;
    const Locked lock;
    if (!lock.taken()) return false;
    for (Mapping& mapping : g_mappings) {
        if (mapping.address == 0 || address < mapping.address ||
            address >= mapping.address + mapping.bytes)
            continue;
        offset = address - mapping.address;
        fileId = mapping.generation == imageGeneration() ? mapping.fileId : 0;
        if (forget && address == mapping.address) {
            mapping.address = 0;
            __atomic_store_n(&g_mapped, g_mapped - 1, __ATOMIC_RELAXED);
        }
        return true;
    }
    return false;
}

template <class RealCall>
inline void* onMap(int fd, size_t bytes, int protection, int flags, int64_t offset, RealCall real) {
    if ((flags & MAP_ANONYMOUS) != 0 || fd < 0 || !tracing()) return real();
    const uint64_t start = now();
    void* const result = real();
    const int error = errno;
    const bool good = result != MAP_FAILED;
    const uint32_t file = fileBeforeClose(fd);
    const bool stores = (flags & MAP_TYPE) != MAP_PRIVATE && (protection & PROT_WRITE) != 0;
    recordOnFile({kFnMmap, stores ? IoOp::kMmapStores : IoOp::kMmap, start, good ? 0 : -1, offset,
                  bytes, error},
                 file);
    if (good) remember(reinterpret_cast<uintptr_t>(result), bytes, file);
    errno = error;
    return result;
}

}  // namespace
}  // namespace ridge::agent

using namespace ridge::agent;
using ridge::spool::IoOp;

// Before the real function is known, a look-up of it may itself ask for memory.
#define RIDGE_MMAP_HOOK(name, offset_type)                                                       \
    RIDGE_EXPORT void* name(void* at, size_t bytes, int protection, int flags, int fd,           \
                            offset_type offset) noexcept {                                       \
        static constinit Real<void*(void*, size_t, int, int, int, offset_type)> function(#name); \
        static __thread bool looking __attribute__((tls_model("initial-exec"))) = false;         \
        if (looking) {                                                                           \
            void* memory =                                                                       \
                raw::mmap(at, bytes, protection, flags, fd, static_cast<uint64_t>(offset));      \
            if (memory == nullptr) errno = ENOMEM;                                               \
            return memory == nullptr ? MAP_FAILED : memory;                                      \
        }                                                                                        \
        looking = true;                                                                          \
        auto* const known = function.get();                                                      \
        looking = false;                                                                         \
        return onMap(fd, bytes, protection, flags, offset,                                       \
                     [&] { return known(at, bytes, protection, flags, fd, offset); });           \
    }
RIDGE_MMAP_HOOK(mmap, off_t)
RIDGE_MMAP_HOOK(mmap64, off64_t)

RIDGE_HOOK(int, msync, (void* at, size_t bytes, int flags), (at, bytes, flags), [&] {
    if (!tracing()) return real();
    uint64_t offset = 0;
    uint32_t file = 0;
    const bool ours = fileAt(reinterpret_cast<uintptr_t>(at), false, file, offset);
    const uint64_t start = now();
    const int result = real();
    recordOnFile({kFnMsync, IoOp::kMsync, start, result, ours ? static_cast<int64_t>(offset) : -1,
                  bytes, errno},
                 file);
    return result;
}())

RIDGE_EXPORT int munmap(void* at, size_t bytes) noexcept {
    static constinit Real<int(void*, size_t)> function("munmap");
    uint64_t offset = 0;
    const int error = errno;
    uint32_t file = 0;
    const bool ours = fileAt(reinterpret_cast<uintptr_t>(at), true, file, offset);
    errno = error;
    if (!ours || !tracing()) return function.get()(at, bytes);
    const uint64_t start = now();
    const int result = function.get()(at, bytes);
    recordOnFile(
        {kFnMunmap, IoOp::kMunmap, start, result, static_cast<int64_t>(offset), bytes, errno},
        file);
    return result;
}
