// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// System calls made directly: they leave errno alone, and no hook (ours or another tool's) sees
// them. Every call returns what the kernel returns: a value >= 0, or -errno. Any thread, signal
// handlers too.

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

namespace ridge::agent::raw {

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                 long f = 0) {
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
#else
#error "the agents know x86-64 and aarch64"
#endif
}

inline long address(const void* pointer) {
    return static_cast<long>(reinterpret_cast<intptr_t>(pointer));
}

inline int open(const char* path, int flags, int mode = 0) {
    return static_cast<int>(call(SYS_openat, AT_FDCWD, address(path), flags, mode));
}
inline void close(int fd) {
    call(SYS_close, fd);
}
inline long read(int fd, void* to, size_t bytes) {
    return call(SYS_read, fd, address(to), static_cast<long>(bytes));
}
inline long pwrite(int fd, const void* from, size_t bytes, uint64_t offset) {
    return call(SYS_pwrite64, fd, address(from), static_cast<long>(bytes),
                static_cast<long>(offset));
}
inline long write(int fd, const void* from, size_t bytes) {
    return call(SYS_write, fd, address(from), static_cast<long>(bytes));
}
// Of a regular file; negative on failure.
inline long fileEnd(int fd) {
    return call(SYS_lseek, fd, 0, 2);
}
inline long fallocate(int fd, uint64_t bytes) {
    return call(SYS_fallocate, fd, 0, 0, static_cast<long>(bytes));
}
inline long ftruncate(int fd, uint64_t bytes) {
    return call(SYS_ftruncate, fd, static_cast<long>(bytes));
}
inline long unlink(const char* path) {
    return call(SYS_unlinkat, AT_FDCWD, address(path), 0);
}
inline long readlink(const char* path, char* to, size_t bytes) {
    return call(SYS_readlinkat, AT_FDCWD, address(path), address(to), static_cast<long>(bytes));
}
inline int getpid() {
    return static_cast<int>(call(SYS_getpid));
}
inline int getppid() {
    return static_cast<int>(call(SYS_getppid));
}
inline int gettid() {
    return static_cast<int>(call(SYS_gettid));
}
inline long kill(int pid, int signal) {
    return call(SYS_kill, pid, signal);
}
inline void yield() {
    call(SYS_sched_yield);
}
inline void sleepNs(long ns) {
    const timespec pause{0, ns};
    call(SYS_nanosleep, address(&pause), 0);
}

// nullptr on failure.
inline void* mmap(void* at, size_t bytes, int protection, int flags, int fd, uint64_t offset) {
    const long result = call(SYS_mmap, address(at), static_cast<long>(bytes), protection, flags, fd,
                             static_cast<long>(offset));
    return result < 0 && result > -4096 ? nullptr
                                        : reinterpret_cast<void*>(static_cast<intptr_t>(result));
}
inline void munmap(void* at, size_t bytes) {
    call(SYS_munmap, address(at), static_cast<long>(bytes));
}
// To an address that is mapped already: what lay there is gone, in one step. False: it could not be
// done.
inline bool moveMemory(void* from, size_t bytes, void* to) {
    const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    return call(SYS_mremap, address(from), static_cast<long>(bytes), static_cast<long>(bytes),
                flags, address(to)) == address(to);
}
inline long madvise(void* at, size_t bytes, int advice) {
    return call(SYS_madvise, address(at), static_cast<long>(bytes), advice);
}

// Zeroed private memory, never given back; nullptr on failure.
inline void* memory(size_t bytes) {
    return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

// While it lives, no signal handler runs on this thread, except for its own faults. A SIGXFSZ that
// our own write raised (RLIMIT_FSIZE) is taken back, since the host would die of it.
class SignalShield {
public:
    SignalShield() {
        uint64_t all = ~uint64_t{0};
        const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
        for (const int fault : faults) all &= ~(uint64_t{1} << (fault - 1));
        call(SYS_rt_sigprocmask, SIG_BLOCK, address(&all), address(&m_before), sizeof all);
    }
    ~SignalShield() {
        call(SYS_rt_sigprocmask, SIG_SETMASK, address(&m_before), 0, sizeof m_before);
    }
    SignalShield(const SignalShield&) = delete;
    SignalShield& operator=(const SignalShield&) = delete;
    void takeBackFileSizeSignal() const {
        const uint64_t limit = uint64_t{1} << (SIGXFSZ - 1);
        const timespec now{0, 0};
        call(SYS_rt_sigtimedwait, address(&limit), 0, address(&now), sizeof limit);
    }

private:
    uint64_t m_before = 0;
};

}  // namespace ridge::agent::raw
