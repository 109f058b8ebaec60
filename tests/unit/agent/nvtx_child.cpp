// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The program that the agent tests run: one mode per thing to see.
#include "schemas/include/ridge/work.h"
#include "tests/unit/agent/three_words.h"

#include <nvtx3/nvToolsExt.h>
#include <nvtx3/nvToolsExtPayload.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <pthread.h>
#include <signal.h>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

extern "C" void sideRanges();  // in another shared object, with an NVTX instance of its own

namespace {

nvtxEventAttributes_t attributes(const char* text) {
    nvtxEventAttributes_t a{};
    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.messageType = NVTX_MESSAGE_TYPE_ASCII;
    a.message.ascii = text;
    return a;
}

void simple() {
    if (nvtxRangePushA("outer") != 0) std::exit(2);
    if (nvtxRangePushA("inner") != 1) std::exit(3);
    if (nvtxRangePop() != 1) std::exit(4);
    if (nvtxRangePop() != 0) std::exit(5);
    nvtxMarkA("mark");
}

void features() {
    simple();
    nvtxRangePushW(L"wide \u00e9\u4e2d\U0001F600");
    nvtxRangePop();
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("app.domain");
    if (domain != nvtxDomainCreateA("app.domain")) std::exit(2);
    nvtxDomainNameCategoryA(domain, 7, "seven");
    nvtxNameCategoryW(9, L"nine");
    nvtxNameOsThreadA(static_cast<uint32_t>(getpid()), "the main thread");
    const nvtxStringHandle_t text = nvtxDomainRegisterStringA(domain, "registered");
    nvtxEventAttributes_t a = attributes(nullptr);
    a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    a.message.registered = text;
    a.category = 7;
    a.colorType = NVTX_COLOR_ARGB;
    a.color = 0xFF102030;
    a.payloadType = NVTX_PAYLOAD_TYPE_DOUBLE;
    a.payload.dValue = 2.5;
    nvtxDomainRangePushEx(domain, &a);
    nvtxDomainRangePop(domain);
    a = attributes("value");
    a.category = 0x12345678;
    a.payloadType = NVTX_PAYLOAD_TYPE_INT32;
    a.payload.llValue = -1;
    a.payload.iValue = -5;
    nvtxDomainMarkEx(domain, &a);
    const nvtxRangeId_t id = nvtxRangeStartA("started");
    std::thread([id] { nvtxRangeEnd(id); }).join();
    nvtxDomainDestroy(domain);
}

struct Packet {
    int32_t rank;
    double bytes;
    nvtxStringHandle_t what;
};

void payloads() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("pay");
    const nvtxPayloadSchemaEntry_t entries[] = {
        {0, NVTX_PAYLOAD_ENTRY_TYPE_INT32, "rank", nullptr, 0, 0, nullptr, nullptr},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_DOUBLE, "bytes", "how many", 0, 0, nullptr, nullptr},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_NVTX_REGISTERED_STRING_HANDLE, "what", nullptr, 0, 0, nullptr,
         nullptr},
    };
    nvtxPayloadSchemaAttr_t schema{};
    schema.fieldMask = NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NAME | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE |
                       NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES |
                       NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES |
                       NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE;
    schema.name = "packet";
    schema.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    schema.entries = entries;
    schema.numEntries = 3;
    schema.payloadStaticSize = sizeof(Packet);
    const uint64_t id = nvtxPayloadSchemaRegister(domain, &schema);
    if (id < (uint64_t{1} << 32) || nvtxDomainIsEnabled(domain) != 1) std::exit(2);
    Packet packet{3, 4096.0, nvtxDomainRegisterStringA(domain, "broadcast")};
    const nvtxPayloadData_t data{id, sizeof packet, &packet};
    nvtxRangePushPayload(domain, &data, 1);
    packet.rank = 4;
    nvtxRangePopPayload(domain, &data, 1);
    packet.rank = 5;
    nvtxMarkPayload(domain, &data, 1);
    const nvtxRangeId_t range = nvtxRangeStartPayload(domain, &data, 1);
    packet.rank = 6;
    nvtxRangeEndPayload(domain, range, &data, 1);
    { const ridge::WorkRange work("gemm", ridge::gemmWork(RIDGE_DTYPE_F32, 2, 3, 4)); }
    std::vector<uint8_t> large(10000, 0x5A);
    const nvtxPayloadData_t blob{NVTX_PAYLOAD_ENTRY_TYPE_BYTE, large.size(), large.data()};
    nvtxRangePushPayload(domain, &blob, 1);  // larger than the open payload area
    nvtxDomainRangePop(domain);
    large.resize(50000);
    const nvtxPayloadData_t tooLarge{NVTX_PAYLOAD_ENTRY_TYPE_BYTE, large.size(), large.data()};
    nvtxMarkPayload(domain, &tooLarge, 1);
}

// A schema of three words and no handles: payloads of its own size and of others, in its domain and
// in another, alone and nested. The first word counts them.
void plainPayloads() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("plain"),
                             other = nvtxDomainCreateA("other");
    const uint64_t id = ridge::test::registerThreeWords(domain, NVTX_PAYLOAD_ENTRY_TYPE_UINT64);
    uint64_t words[5] = {0, 22, 33, 44, 55};
    const auto push = [&](nvtxDomainHandle_t in, size_t size, const void* from) {
        const nvtxPayloadData_t data{id, size, from};
        nvtxRangePushPayload(in, &data, 1);
        ++words[0];
    };
    for (const size_t size : {24, 24, 8, 16, 32, 40, 24, 12}) {
        push(domain, size, words);
        nvtxDomainRangePop(domain);
    }
    push(domain, SIZE_MAX, words);  // as long as its schema says
    nvtxDomainRangePop(domain);
    push(domain, 24, nullptr);
    nvtxDomainRangePop(domain);
    push(other, 24, words);
    nvtxDomainRangePop(other);
    push(domain, 24, words);
    push(domain, 24, words);
    push(domain, 16, words);
    for (int i = 0; i < 3; ++i) nvtxDomainRangePop(domain);
    const nvtxPayloadData_t unset{0, 0, words};  // as an empty place of the agent's table
    nvtxRangePushPayload(domain, &unset, 1);
    nvtxDomainRangePop(domain);
}

void interleaved() {
    const nvtxDomainHandle_t a = nvtxDomainCreateA("A");
    const nvtxDomainHandle_t b = nvtxDomainCreateA("B");
    nvtxEventAttributes_t a1 = attributes("a1"), b1 = attributes("b1"), a2 = attributes("a2");
    a1.payloadType = b1.payloadType = a2.payloadType = NVTX_PAYLOAD_TYPE_UNSIGNED_INT64;
    a1.payload.ullValue = 1;
    b1.payload.ullValue = 2;
    a2.payload.ullValue = 3;
    nvtxDomainRangePushEx(a, &a1);
    nvtxDomainRangePushEx(b, &b1);
    if (nvtxDomainRangePushEx(a, &a2) != 1) std::exit(2);
    nvtxDomainRangePop(b);  // below a2
    nvtxDomainRangePop(a);
    nvtxDomainRangePop(a);
    nvtxDomainRangePop(a);  // one too many
}

void deep(int levels) {
    for (int i = 0; i < levels; ++i) nvtxRangePushA(("level " + std::to_string(i)).c_str());
    for (int i = levels; i-- > 0;)
        if (nvtxRangePop() != i) std::exit(2);
}

// Two domains, each popped below the other's: no place on the stack is given back in order, and
// beside them one range of a third lies below all of them.
void leapfrog(long rounds) {
    const nvtxDomainHandle_t a = nvtxDomainCreateA("A");
    const nvtxDomainHandle_t b = nvtxDomainCreateA("B");
    const nvtxDomainHandle_t c = nvtxDomainCreateA("C");
    nvtxEventAttributes_t range = attributes("range");
    const auto push = [&range](nvtxDomainHandle_t domain, int level) {
        if (nvtxDomainRangePushEx(domain, &range) != level) std::exit(2);
    };
    const auto pop = [](nvtxDomainHandle_t domain, int level) {
        if (nvtxDomainRangePop(domain) != level) std::exit(3);
    };
    for (int i = 0; i < 300; ++i) push(nullptr, i);
    push(c, 0);
    push(a, 0);
    push(a, 1);
    for (long i = 0; i < rounds; ++i) {
        push(b, 0);
        pop(a, 1);
        push(a, 1);
        pop(b, 0);
    }
    pop(c, 0);
    pop(a, 1);
    pop(a, 0);
    for (int i = 300; i-- > 0;) pop(nullptr, i);
    push(b, 0);
    pop(b, 0);
}

void loop(long count) {
    const char* const names[] = {"alpha", "beta", "gamma"};
    for (long i = 0; i < count; ++i) {
        nvtxRangePushA(names[i % 3]);
        nvtxRangePop();
    }
}

// Says how many ranges have ended, in shared memory, and never stops.
void endless(const char* counterFile) {
    FILE* file = fopen(counterFile, "r+");
    void* at = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    auto* ended = static_cast<std::atomic<uint64_t>*>(at);
    nvtxRangePushA("never popped");
    const ridge_work_t work = ridge::gemmWork(RIDGE_DTYPE_BF16, 8, 8, 8);
    ridge_range_push("open with work", &work);
    for (uint64_t i = 1;; ++i) {
        nvtxRangePushA("step");
        nvtxRangePop();
        ended->store(i);
        if (i == 100000) {
            if (write(1, "x", 1) != 1) std::exit(2);
        }
    }
}

void threads(int count, int each) {
    for (int i = 0; i < count; ++i)
        std::thread([each] {
            for (int k = 0; k < each; ++k) {
                nvtxRangePushA("in thread");
                nvtxRangePop();
            }
            nvtxRangePushA("left open");
        }).join();
    std::vector<std::thread> together;
    for (int i = 0; i < 4; ++i) together.emplace_back(loop, 1000);
    for (auto& thread : together) thread.join();
}

// All live at once: each has a ring of its own.
void crowd(int count) {
    std::atomic<int> there{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&there, count] {
            nvtxRangePushA("in a crowd");
            nvtxRangePop();
            ++there;
            while (there < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        });
    for (auto& thread : threads) thread.join();
}

void forks() {
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("forked");
    const nvtxStringHandle_t text = nvtxDomainRegisterStringA(domain, "kept handle");
    nvtxRangePushA("before fork");
    const pid_t child = fork();
    nvtxEventAttributes_t a = attributes(nullptr);
    a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    a.message.registered = text;
    nvtxDomainRangePushEx(domain, &a);
    nvtxDomainRangePop(domain);
    nvtxRangePop();  // in the child: pushed before the fork
    nvtxMarkA(child == 0 ? "child" : "parent");
    if (child == 0) {
        nvtxRangePop();  // truly unbalanced
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    const long raw = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);  // no atfork handler sees this one
    if (raw == 0) {
        nvtxMarkA("raw child");
        syscall(SYS_exit_group, 0);
    }
    waitpid(static_cast<pid_t>(raw), &status, 0);
    const pid_t shell = vfork();
    if (shell == 0) {
        execl("/bin/true", "true", nullptr);
        _exit(1);
    }
    waitpid(shell, &status, 0);
    nvtxMarkA("end");
}

// One mark in each of so many domains, each with a category of its own.
void manyDefinitions(long count) {
    nvtxDomainHandle_t last = nullptr;
    for (long i = 1; i <= count; ++i) {
        last = nvtxDomainCreateA(("domain " + std::to_string(i)).c_str());
        if (last == nullptr) std::exit(2);
        nvtxDomainNameCategoryA(last, static_cast<uint32_t>(i), "category");
        const nvtxEventAttributes_t a = attributes("in its domain");
        nvtxDomainMarkEx(last, &a);
    }
    if (nvtxDomainCreateA(("domain " + std::to_string(count)).c_str()) != last) std::exit(3);
}

std::atomic<int> g_signals{0};
void onSignal(int) {
    nvtxMarkA("from handler");
    ++g_signals;
}

void signals(long count) {
    // A handler that comes while NVTX's own header loads the tool would wait for ever for the code
    // that it interrupted: no tool can help that.
    nvtxInitialize(nullptr);
    signal(SIGUSR1, onSignal);
    std::atomic<bool> over{false};
    const pthread_t self = pthread_self();
    std::thread sender([&] {
        while (!over) {
            pthread_kill(self, SIGUSR1);
            usleep(20);  // without a pause a loaded machine would run nothing but handlers
        }
    });
    loop(count);
    over = true;
    sender.join();
    printf("%d\n", g_signals.load());
}

// The handler comes while the agent opens its session, inside of the program's first event.
std::atomic<bool> g_raiseInside{false};

void signalInside() {
    alarm(20);  // instead of waiting for ever
    signal(SIGUSR1, onSignal);
    g_raiseInside = true;
    loop(10);
    if (g_raiseInside || g_signals != 1) std::exit(2);
}

void errnoKept() {
    errno = 1234;
    simple();
    features();
    payloads();
    loop(200000);
    if (errno != 1234) {
        printf("errno is %d\n", errno);
        std::exit(2);
    }
}

// While its folder has another name, the session is there and cannot be seen, as behind a chroot.
void hiddenSession(long count) {
    const std::string folder = std::getenv("RIDGE_SESSION");
    loop(1000);
    if (rename(folder.c_str(), (folder + ".hidden").c_str()) != 0) std::exit(2);
    loop(count);
    std::thread([] { loop(1000); }).join();
    if (rename((folder + ".hidden").c_str(), folder.c_str()) != 0) std::exit(3);
}

// 0: the agent has noticed that there is nobody to record for.
void removedSession(long count) {
    const std::string folder = std::getenv("RIDGE_SESSION");
    loop(1000);
    std::filesystem::remove_all(folder);
    loop(count);
    if (nvtxRangePushA("after the end") != NVTX_NO_PUSH_POP_TRACKING) std::exit(2);
}

}  // namespace

// In place of libc's, so that signalInside() knows when the agent asks for its session.
extern "C" char* getenv(const char* name) noexcept {
    const size_t length = strlen(name);
    if (strcmp(name, "RIDGE_SESSION") == 0 && g_raiseInside.exchange(false)) raise(SIGUSR1);
    for (char** variable = environ; *variable != nullptr; ++variable)
        if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
            return *variable + length + 1;
    return nullptr;
}

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    const long number = argc > 2 ? std::atol(argv[2]) : 0;
    if (mode == "simple") simple();
    if (mode == "features") features();
    if (mode == "payloads") payloads();
    if (mode == "plain_payloads") plainPayloads();
    if (mode == "interleaved") interleaved();
    if (mode == "deep") deep(static_cast<int>(number));
    if (mode == "leapfrog") leapfrog(number);
    if (mode == "loop") loop(number);
    if (mode == "endless") endless(argv[2]);
    if (mode == "threads") threads(static_cast<int>(number), 10);
    if (mode == "crowd") crowd(static_cast<int>(number));
    if (mode == "forks") forks();
    if (mode == "signals") signals(number);
    if (mode == "definitions") manyDefinitions(number);
    if (mode == "signal_inside") signalInside();
    if (mode == "hidden") hiddenSession(number);
    if (mode == "removed") removedSession(number);
    if (mode == "errno") errnoKept();
    if (mode == "two") {
        nvtxEventAttributes_t a = attributes("from the program");
        const nvtxDomainHandle_t domain = nvtxDomainCreateA("shared domain");
        nvtxDomainRangePushEx(domain, &a);
        sideRanges();
        nvtxDomainRangePop(domain);
    }
    return 0;
}
