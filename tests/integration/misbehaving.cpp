// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Programs that do what recorders trip over, one by its name: ranges are made before, after and around
// it, a fixed number of each, so that a test can say how many a recording must hold.
// Usage: misbehaving WHAT [ARGUMENT...]

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <nvtx3/nvToolsExt.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>

namespace {

void ranges(const char* name, int count) {
    for (int i = 0; i < count; ++i) {
        nvtxRangePushA(name);
        nvtxRangePop();
    }
}

// COUNT ranges of NAMES names, one name after the other, so that new names come until the end.
int names(int count, int names) {
    for (int i = 0; i < count; ++i) {
        const std::string name = "name " + std::to_string(static_cast<long long>(i) * names / count);
        nvtxRangePushA(name.c_str());
        nvtxRangePop();
    }
    return 0;
}

int forks(int children) {
    ranges("before", 100);
    for (int i = 0; i < children; ++i)
        if (fork() == 0) {
            ranges("child", 1000);
            exit(0);
        }
    while (wait(nullptr) > 0) {
    }
    ranges("after", 100);
    return 0;
}

// Executes itself so many times, the same process all along.
int execs(const char* self, int left) {
    ranges("link", 500);
    if (left == 0) return 7;
    const std::string rest = std::to_string(left - 1);
    execl(self, self, "exec", rest.c_str(), nullptr);
    return 1;
}

// Leaves a child behind that shows itself only SECONDS later, and then makes ranges.
int daemonizes(double seconds) {
    ranges("parent", 100);
    if (fork() != 0) return 0;
    setsid();
    if (fork() != 0) _exit(0);
    for (int fd = 0; fd < 3; ++fd) close(fd);
    usleep(static_cast<useconds_t>(seconds * 1e6));
    execl("/proc/self/exe", "misbehaving", "late", nullptr);
    _exit(1);
}

void* threadWithoutEnd(void* started) {
    ranges("thread", 1000);
    nvtxRangePushA("open for ever");
    pthread_barrier_wait(static_cast<pthread_barrier_t*>(started));
    for (;;) pause();
}

int threads(int count) {
    pthread_barrier_t started;
    pthread_barrier_init(&started, nullptr, static_cast<unsigned>(count) + 1);
    for (int i = 0; i < count; ++i) {
        pthread_t thread;
        pthread_create(&thread, nullptr, threadWithoutEnd, &started);
        pthread_detach(thread);
    }
    pthread_barrier_wait(&started);
    exit(3);
}

// One thread after the other, each alive for a while after its ranges: the next one gets what it left.
int inTurn(int count) {
    for (int i = 0; i < count; ++i)
        std::thread([] {
            ranges("in turn", 10);
            usleep(300000);
        }).join();
    return 0;
}

// A library with ranges of its own is loaded, used and unloaded, again and again.
int unloads(const char* library, int times) {
    for (int i = 0; i < times; ++i) {
        void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) return 2;
        auto* work = reinterpret_cast<void (*)(int)>(dlsym(handle, "makeRanges"));
        if (work == nullptr) return 2;
        work(100);
        dlclose(handle);
        ranges("between", 10);
    }
    return 0;
}

[[gnu::noinline]] int deeper(volatile char* above, int depth) {
    if (depth == 1 << 30) return 0;
    volatile char room[4096];
    room[0] = static_cast<char>(above[0] + 1);
    if (depth % 4 == 0) ranges("deep", 1);
    return deeper(room, depth + 1) + room[0];
}

int closesAll() {
    ranges("before", 1000);
    for (int fd = 0; fd < 1024; ++fd) close(fd);
    ranges("after", 100000);
    return 5;
}

// No file of this process may grow beyond so many bytes.
int setsLimit(const char* bytes, int count) {
    const rlim_t most = std::strtoull(bytes, nullptr, 10);
    const rlimit limit{most, most};
    setrlimit(RLIMIT_FSIZE, &limit);
    ranges("limited", count);
    return 0;
}

// EPOCHS ranges "epoch" of 50 "step"s each, with 10 ranges "between" before, between and after them; names
// and domains are made before the first, as programs do. Each epoch has "step"s of a domain, too.
int phases(int epochs, bool startEnd) {
    nvtxDomainHandle_t domain = nvtxDomainCreateA("phases");
    nvtxEventAttributes_t event{};
    event.version = NVTX_VERSION;
    event.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    event.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    event.message.registered = nvtxDomainRegisterStringA(domain, "registered step");
    nvtxRangePushA("whole run");
    for (int i = 0; i < epochs; ++i) {
        ranges("between", 10);
        nvtxRangeId_t id = 0;
        if (startEnd) id = nvtxRangeStartA("epoch");
        else nvtxRangePushA("epoch");
        ranges("step", 50);
        for (int step = 0; step < 20; ++step) {
            nvtxDomainRangePushEx(domain, &event);
            nvtxDomainRangePop(domain);
        }
        nvtxMarkA("mark");
        if (startEnd) nvtxRangeEnd(id);
        else nvtxRangePop();
    }
    ranges("between", 10);
    nvtxRangePop();
    std::puts("phases done");
    return 4;
}

// Ranges of so many microseconds until SECONDS have passed or a file LAST is there; when each began and
// ended goes to FILE, at once.
int paced(const char* path, double seconds, int microseconds, const char* last) {
    FILE* log = std::fopen(path, "wb");
    if (log == nullptr) return 2;
    const auto now = [] {
        timespec t{};
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
    };
    const long long first = now();
    for (long long times[2] = {first, first}; static_cast<double>(times[1] - first) < seconds * 1e9;) {
        if (last != nullptr && access(last, F_OK) == 0) break;
        times[0] = now();
        nvtxRangePushA("paced");
        usleep(static_cast<useconds_t>(microseconds));
        nvtxRangePop();
        times[1] = now();
        std::fwrite(times, sizeof times, 1, log);
        std::fflush(log);
    }
    std::fclose(log);
    std::puts("paced done");
    return 6;
}

// From here on the kernel refuses to open, to map files and to look at other processes (EPERM), as a
// sandbox does. A thread that has a ring goes on; one that needs a new ring finds none.
int sandboxed(int count) {
    ranges("before", 100);
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kill, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)};
    const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        return 77;
    ranges("sandboxed", count);
    std::thread([] { ranges("without a ring", 50); }).join();
    return 8;
}

// Has no right any more, before its first range, to anything that a recorder could have given it.
int givesUp(std::string_view what, const char* folder, int count) {
    const rlimit none{0, 0};
    if (what == "files") {
        if (setrlimit(RLIMIT_NOFILE, &none) != 0) return 77;
    } else if (chroot(folder) != 0 || chdir("/") != 0 || setgid(65534) != 0 || setuid(65534) != 0) {
        return 77;
    }
    ranges("without rights", count);
    return 11;
}

int number(char** argv, int argc, int at) {
    return at < argc ? std::atoi(argv[at]) : 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "names") return names(number(argv, argc, 2), number(argv, argc, 3));
    if (what == "fork") return forks(number(argv, argc, 2));
    if (what == "exec") return execs(argv[0], number(argv, argc, 2));
    if (what == "daemon") return daemonizes(argc > 2 ? std::atof(argv[2]) : 1);
    if (what == "late") ranges("late", 300);
    if (what == "threads") return threads(number(argv, argc, 2));
    if (what == "in-turn") return inTurn(number(argv, argc, 2));
    if (what == "unload" && argc > 3) return unloads(argv[2], number(argv, argc, 3));
    if (what == "_exit") {
        ranges("before", 1234);
        nvtxRangePushA("open");
        _exit(9);
    }
    if (what == "abort") {
        ranges("before", 4321);
        nvtxRangePushA("open");
        abort();
    }
    if (what == "overflow") {
        volatile char start[1] = {0};
        ranges("before", 100);
        return deeper(start, 0);
    }
    if (what == "closes") return closesAll();
    if (what == "sandbox") return sandboxed(number(argv, argc, 2));
    if (what == "gives-up" && argc > 4) return givesUp(argv[2], argv[3], number(argv, argc, 4));
    if (what == "limit" && argc > 3) return setsLimit(argv[2], number(argv, argc, 3));
    if (what == "phases") return phases(number(argv, argc, 2), argc > 3);
    if (what == "paced" && argc > 4) return paced(argv[2], std::atof(argv[3]), number(argv, argc, 4), argc > 5 ? argv[5] : nullptr);
    if (what == "plain") {
        ranges("plain", number(argv, argc, 2));
        std::puts("plain output");
    }
    return 0;
}
