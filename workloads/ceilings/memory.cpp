// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Memory roofs per level: read only (what a decode loop can reach), copy and triad (STREAM's
// kernels; bytes counted as read + written, without the line that a write fetches first).
#include "base/free_memory.h"
#include "workloads/ceilings/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace ridge::workloads {
namespace {

constexpr std::size_t kReadWords = 64;  // arrays and blocks are so many doubles or a multiple of it

// Eight vectors of sums, each a variable of its own: GCC 12 keeps an array of them in memory, and each load waits for a
// store. Integer sums: they may be reordered, which float sums may not. The passes are in here because a pass over a
// first-level cache takes no longer than adding up the sums and what follows the end of a loop.
template <typename Vector>
[[gnu::always_inline]] inline std::uint64_t readAs(const std::uint64_t* data, std::size_t count, std::size_t passes) {
    constexpr std::size_t kWords = sizeof(Vector) / sizeof *data;
    static_assert(kReadWords % (8 * kWords) == 0);
    Vector s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{};
    for (std::size_t pass = 0; pass < passes; ++pass) {
        for (std::size_t i = 0; i < count; i += 8 * kWords) {
            const auto* at = reinterpret_cast<const Vector*>(data + i);
            s0 ^= at[0], s1 ^= at[1], s2 ^= at[2], s3 ^= at[3], s4 ^= at[4], s5 ^= at[5], s6 ^= at[6], s7 ^= at[7];
        }
        asm volatile("" ::: "memory");  // the next pass reads again
    }
    s0 ^= s1 ^ s2 ^ s3 ^ s4 ^ s5 ^ s6 ^ s7;
    std::uint64_t total = 0;
    for (std::size_t word = 0; word < kWords; ++word) total ^= s0[word];
    return total;
}

using Vector16 [[gnu::vector_size(16), gnu::may_alias]] = std::uint64_t;
using Vector32 [[gnu::vector_size(32), gnu::may_alias]] = std::uint64_t;
using Vector64 [[gnu::vector_size(64), gnu::may_alias]] = std::uint64_t;

// `count` a multiple of kReadWords.
#if defined(__x86_64__)
[[gnu::target("avx512f")]] std::uint64_t readWith64(const std::uint64_t* data, std::size_t count, std::size_t passes) {
    return readAs<Vector64>(data, count, passes);
}
[[gnu::target("avx2")]] std::uint64_t readWith32(const std::uint64_t* data, std::size_t count, std::size_t passes) {
    return readAs<Vector32>(data, count, passes);
}
#endif
std::uint64_t readAll(const std::uint64_t* data, std::size_t count, std::size_t passes) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return readWith64(data, count, passes);
    if (__builtin_cpu_supports("avx2")) return readWith32(data, count, passes);
#endif
    return readAs<Vector16>(data, count, passes);
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define RIDGE_CLONES \
    __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3,unroll-loops")))
#else
#define RIDGE_CLONES
#endif

RIDGE_CLONES void copyAll(double* target, const double* source, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) target[i] = source[i];
}

RIDGE_CLONES void triadAll(double* target, const double* a, const double* b, double factor,
                           std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) target[i] = a[i] + factor * b[i];
}

// Three arrays of one thread, on cache lines, first touched by the thread that uses them.
struct Arrays {
    struct Free {
        void operator()(double* data) const { ::operator delete (data, std::align_val_t{4096}); }
    };
    std::unique_ptr<double, Free> a, b, c;
    std::size_t next = 0;

    // Walks through the arrays; after the last block of one, the arrays change places.
    std::size_t nextBlock(std::size_t block, std::size_t each) {
        if (next + block > each) {
            next = 0;
            std::swap(a, b);
            std::swap(b, c);
        }
        return std::exchange(next, next + block);
    }
    void allocate(std::size_t each) {
        for (auto* array : {&a, &b, &c}) {
            array->reset(static_cast<double*>(
                ::operator new (each * sizeof(double), std::align_val_t{4096})));
            std::fill_n(array->get(), each, 1.0);
        }
    }
};

constexpr std::size_t kBlockBytes = std::size_t{8} << 20;

struct Level {
    const char* name;
    std::uint64_t capacity;  // 0 for memory itself
    std::size_t total;       // bytes of all arrays of one thread
};

// Memory itself: the arrays are used in turn, so that all of them pass between two uses of a byte.
// That must be four times the last cache (STREAM's rule) also where a guest shares the cache of a
// large host: one array of 256 MiB beside a cache of 260 MiB came half from the cache. At most a
// quarter of what is free, and 2 GiB, whose first touch costs a second.
std::size_t memoryTotal(const Machine& machine, std::uint64_t threads) {
    const std::uint64_t wanted = std::clamp<std::uint64_t>(
        4 * machine.l3Bytes / threads, std::uint64_t{768} << 20, std::uint64_t{2} << 30);
    return static_cast<std::size_t>(std::min(wanted, freeMemoryBytes() / 4 / threads));
}

// A third of a level for all three arrays together, so that neighbours and the other arrays still
// fit.
std::vector<Level> levelsOf(const Machine& machine, int threads) {
    std::vector<Level> levels;
    const auto shared = static_cast<std::uint64_t>(threads);
    if (machine.l1dBytes > 0) levels.push_back({"L1", machine.l1dBytes, machine.l1dBytes / 2});
    if (machine.l2Bytes > 0) levels.push_back({"L2", machine.l2Bytes, machine.l2Bytes / 2});
    // The last level is the host's: what a guest may hold of it is not known. 16 MiB is what was
    // found to stay.
    if (machine.l3Bytes > 3 * machine.l2Bytes) {
        const auto total =
            std::min<std::uint64_t>(machine.l3Bytes / 3 / shared, std::uint64_t{16} << 20);
        // Readers hold an operator against a level of twice its bytes: claim what was measured, not
        // what is written.
        levels.push_back({"L3", 2 * total, total});
    }
    levels.push_back({"DRAM", 0, memoryTotal(machine, shared)});
    return levels;
}

Roof memoryRoof(const Level& level, const char* access, std::size_t arrayBytes) {
    Roof roof;
    roof.kind = "memory";
    roof.name = fmt::format("{}.{}", level.name, access);
    roof.level = level.name;
    if (level.capacity > 0) roof.capacityBytes = level.capacity;
    roof.access = access;
    roof.unit = "B/s";
    roof.method =
        fmt::format("{} over arrays of {} KiB per thread{}", access, arrayBytes >> 10,
                    level.capacity > 0 ? "" : fmt::format(", {} KiB at a time", kBlockBytes >> 10));
    return roof;
}

void measureLevel(const CeilingsOptions& options, double budget, const Level& level,
                  Ceilings& out) {
    const std::size_t count = level.total / 3 / sizeof(double) / kReadWords * kReadWords;
    const std::size_t arrayBytes = count * sizeof(double);
    std::vector<Arrays> arrays(static_cast<std::size_t>(options.threads));
    sampleSeconds(0, options.threads, [&](int thread) {
        auto& own = arrays[static_cast<std::size_t>(thread)];
        if (!own.a) own.allocate(count);
    });
    // At least 4 MiB per sample: a clock reading costs as much as a pass over a first-level cache.
    const bool memory = level.capacity == 0;
    // Memory is walked block by block, one per sample: short enough that most are whole although
    // the scheduler or the host takes the CPU away, and 100 times what starting the walk costs.
    const std::size_t block = std::min(count, kBlockBytes / sizeof(double));
    const std::size_t passes = std::max<std::size_t>(1, (std::size_t{4} << 20) / arrayBytes);
    const double amount =
        static_cast<double>(memory ? block * sizeof(double) : arrayBytes * passes) *
        options.threads;
    const auto measure = [&](const char* access, double factor, auto&& kernel) {
        Roof roof = memoryRoof(level, access, arrayBytes);
        fillRoof(roof,
                 sampleSeconds(budget / 3, options.threads,
                               [&](int thread) { kernel(arrays[static_cast<std::size_t>(thread)]); }),
                 amount * factor);
        out.roofs.push_back(std::move(roof));
    };
    // In caches the same arrays again and again; in memory always the block that was used longest
    // ago.
    const auto at = [&](Arrays& own) {
        return memory ? own.nextBlock(block, count) : std::size_t{0};
    };
    const std::size_t length = memory ? block : count;
    measure("read", 1, [&](Arrays& own) {
        const std::size_t first = at(own);
        const std::uint64_t sum = readAll(reinterpret_cast<const std::uint64_t*>(own.a.get() + first), length, passes);
        asm volatile("" ::"r"(sum));
    });
    measure("copy", 2, [&](Arrays& own) {
        const std::size_t first = at(own);
        for (std::size_t pass = 0; pass < passes; ++pass) {
            copyAll(own.b.get() + first, own.a.get() + first, length);
            asm volatile("" ::: "memory");
        }
    });
    measure("triad", 3, [&](Arrays& own) {
        const std::size_t first = at(own);
        for (std::size_t pass = 0; pass < passes; ++pass) {
            triadAll(own.c.get() + first, own.a.get() + first, own.b.get() + first, static_cast<double>(pass) + 0.5, length);
            asm volatile("" ::: "memory");
        }
    });
}

}  // namespace

void measureMemory(const CeilingsOptions& options, double budget, Ceilings& out) {
    const auto levels = levelsOf(out.machine, options.threads);
    // Half for memory, whose passes take longest; the caches share the rest.
    for (const Level& level : levels) {
        const bool memory = level.capacity == 0;
        measureLevel(options, memory ? budget / 2 : budget / 2 / static_cast<double>(levels.size()),
                     level, out);
    }
}

}  // namespace ridge::workloads
