// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "simt_on_host.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <ucontext.h>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace ridge::workloads::simt {

namespace {

constexpr std::size_t kStack = std::size_t{256} << 10;
constexpr int kWarp = 32;

[[noreturn]] void fault(const char* what) {
    std::fprintf(stderr, "simt: block (%u, %u), thread (%u, %u): %s\n", blockIdx.x, blockIdx.y,
                 threadIdx.x, threadIdx.y, what);
    std::abort();
}

// swapcontext asks the kernel for the signal mask at every switch. Once a coroutine has begun,
// _setjmp and _longjmp change between stacks without; AddressSanitizer would take that for an
// unwinding.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kJumps = false;
#else
constexpr bool kJumps = true;
#endif

struct Thread {
    ucontext_t context{};
    jmp_buf place{};
    bool begun = false;
    std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStack);
    dim3 index;
    bool done = false;
    void* fakeStack = nullptr;
};

// The lanes of a warp hand in their bits for a turn; turns alternate between two boards, since
// nobody can be two turns ahead of somebody who still reads.
struct Warp {
    std::uint64_t boards[2][kWarp] = {};
    int arrived = 0;
    std::uint64_t turn = 0;
};

struct Block {
    std::vector<std::unique_ptr<Thread>> threads;
    std::vector<Warp> warps;
    std::size_t count = 0, current = 0, done = 0, waiting = 0;
    std::uint64_t generation = 0;
    std::uint64_t progress = 0;  // barriers and turns passed, threads ended
    ucontext_t scheduler{};
    jmp_buf schedulerPlace{};
    void* schedulerStack = nullptr;
    const void* schedulerBottom = nullptr;
    std::size_t schedulerSize = 0;
    const std::function<void()>* body = nullptr;
};

Block g_block;  // one kernel runs at a time

void leaveTo([[maybe_unused]] void** fake, [[maybe_unused]] const void* bottom,
             [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(fake, bottom, size);
#endif
}
void arrived([[maybe_unused]] void* fake, [[maybe_unused]] const void** bottom,
             [[maybe_unused]] std::size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake, bottom, size);
#endif
}

void yield() {
    Thread& self = *g_block.threads[g_block.current];
    if constexpr (kJumps) {
        if (_setjmp(self.place) == 0) _longjmp(g_block.schedulerPlace, 1);
        return;
    }
    leaveTo(&self.fakeStack, g_block.schedulerBottom, g_block.schedulerSize);
    swapcontext(&self.context, &g_block.scheduler);
    arrived(self.fakeStack, nullptr, nullptr);
}

void entry() {
    arrived(nullptr, &g_block.schedulerBottom, &g_block.schedulerSize);
    (*g_block.body)();
    Thread& self = *g_block.threads[g_block.current];
    self.done = true;
    ++g_block.done;
    ++g_block.progress;
    if constexpr (kJumps) _longjmp(g_block.schedulerPlace, 1);
    leaveTo(nullptr, g_block.schedulerBottom, g_block.schedulerSize);
    swapcontext(&self.context, &g_block.scheduler);
}

void resume(std::size_t index) {
    Thread& thread = *g_block.threads[index];
    g_block.current = index;
    threadIdx = thread.index;
    if constexpr (kJumps) {
        if (_setjmp(g_block.schedulerPlace) != 0) return;
        if (thread.begun) _longjmp(thread.place, 1);
        thread.begun = true;
        setcontext(&thread.context);
    }
    leaveTo(&g_block.schedulerStack, thread.stack.get(), kStack);
    swapcontext(&g_block.scheduler, &thread.context);
    arrived(g_block.schedulerStack, nullptr, nullptr);
}

void start(Thread& thread, dim3 index) {
    thread.index = index;
    thread.done = thread.begun = false;
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.get();
    thread.context.uc_stack.ss_size = kStack;
    thread.context.uc_link = nullptr;
    makecontext(&thread.context, entry, 0);
}

void runBlock() {
    g_block.done = g_block.waiting = 0;
    for (Warp& warp : g_block.warps) warp = {};
    while (g_block.done < g_block.count) {
        const std::uint64_t before = g_block.progress;
        for (std::size_t i = 0; i < g_block.count; ++i)
            if (!g_block.threads[i]->done) resume(i);
        if (g_block.progress == before)
            fault("nobody can go on: a barrier or a shuffle that not all threads reach");
    }
}

}  // namespace

void run(dim3 grid, dim3 block, const std::function<void()>& thread) {
    g_block.count = std::size_t{block.x} * block.y * block.z;
    g_block.body = &thread;
    g_block.warps.assign((g_block.count + kWarp - 1) / kWarp, {});
    while (g_block.threads.size() < g_block.count)
        g_block.threads.push_back(std::make_unique<Thread>());
    blockDim = block;
    gridDim = grid;
    for (unsigned z = 0; z < grid.z; ++z)
        for (unsigned y = 0; y < grid.y; ++y)
            for (unsigned x = 0; x < grid.x; ++x) {
                blockIdx = dim3(x, y, z);
                std::size_t next = 0;
                for (unsigned tz = 0; tz < block.z; ++tz)
                    for (unsigned ty = 0; ty < block.y; ++ty)
                        for (unsigned tx = 0; tx < block.x; ++tx)
                            start(*g_block.threads[next++], dim3(tx, ty, tz));
                runBlock();
            }
}

void barrier() {
    if (g_block.done > 0) fault("a barrier after a thread of the block has ended");
    const std::uint64_t generation = g_block.generation;
    if (++g_block.waiting == g_block.count) {
        g_block.waiting = 0;
        ++g_block.generation;
        ++g_block.progress;
        return;
    }
    while (g_block.generation == generation) yield();
}

std::uint64_t exchange(std::uint64_t bits, int mask) {
    const std::size_t lane = g_block.current % kWarp;
    Warp& warp = g_block.warps[g_block.current / kWarp];
    const std::uint64_t turn = warp.turn;
    warp.boards[turn % 2][lane] = bits;
    if (++warp.arrived == kWarp) {
        warp.arrived = 0;
        ++warp.turn;
        ++g_block.progress;
    }
    while (warp.turn == turn) yield();
    return warp.boards[turn % 2][lane ^ static_cast<std::size_t>(mask)];
}

}  // namespace ridge::workloads::simt
