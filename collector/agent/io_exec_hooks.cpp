// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Programs that are started. Into a statically linked one no preloaded library comes, so of its
// file calls nothing is recorded: it is counted in the control block, which also has the first
// one's path. Called in the children of fork and vfork: no ring, no lock, no memory.
//
// libc starts the shell of system and popen by itself: what a dynamic one runs is seen in it, a
// static one is counted here. Not seen: what a static program starts, and raw system calls.
#include "collector/agent/io_hook.h"
#include "collector/agent/process.h"
#include "collector/agent/raw.h"
#include "collector/agent/static_program.h"

#include <alloca.h>
#include <paths.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace ridge::agent {
namespace {

Real<int(const char*, char* const*, char* const*)> g_execve("execve");
Real<int(const char*, char* const*)> g_execv("execv");
Real<int(const char*, char* const*)> g_execvp("execvp");
Real<int(const char*, char* const*, char* const*)> g_execvpe("execvpe");
Real<int(int, char* const*, char* const*)> g_fexecve("fexecve");
using Spawn = int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                  char* const*, char* const*);
Real<Spawn> g_spawn("posix_spawn");
Real<Spawn> g_spawnp("posix_spawnp");
Real<int(const char*)> g_system("system");
Real<FILE*(const char*, const char*)> g_popen("popen");

// Before main(): in the child of a fork the loader's lock may be held by a thread that is not
// there.
__attribute__((constructor)) void findFunctions() {
    g_execve.get();
    g_execv.get();
    g_execvp.get();
    g_execvpe.get();
    g_fexecve.get();
    g_spawn.get();
    g_spawnp.get();
    g_system.get();
    g_popen.get();
}

constexpr size_t kPathBytes = 4096;

// As execvp looks for it. False: nowhere.
bool findInPath(const char* file, char (&to)[kPathBytes]) {
    const char* path = getenv("PATH");
    if (path == nullptr) path = "/bin:/usr/bin";
    for (;;) {
        const size_t length = strcspn(path, ":");
        Text(to, sizeof to)
            .add(length == 0 ? "." : path, length == 0 ? 1 : length)
            .add("/")
            .add(file);
        if (raw::call(SYS_faccessat, AT_FDCWD, raw::address(to), X_OK) == 0) return true;
        if (path[length] == 0) return false;
        path += length + 1;
    }
}

// Counted before the start, since a good exec has no after.
class Starting {
public:
    Starting(const char* file, bool inPath) {
        if (!sessionOpen() || sessionControl()->traceIo == 0 || over() ||
            writableControl() == nullptr)
            return;
        char found[kPathBytes];
        if (inPath && strchr(file, '/') == nullptr) {
            if (!findInPath(file, found)) return;
            file = found;
        }
        if (!isStaticProgram(file)) return;
        m_counted = true;
        spool::ControlBlock& control = *writableControl();
        if (__atomic_fetch_add(&control.staticPrograms, 1, __ATOMIC_RELAXED) == 0)
            Text(control.firstStatic, sizeof control.firstStatic).add(file);
    }
    // It was not started.
    void failed() {
        if (m_counted) __atomic_fetch_sub(&writableControl()->staticPrograms, 1, __ATOMIC_RELAXED);
    }

private:
    bool m_counted = false;
};

// 0: it was started. Of exec nothing is known then, as it does not return.
template <class RealCall>
int start(const char* file, bool inPath, RealCall real) {
    Starting starting(file, inPath);
    const int result = real();
    if (result != 0) starting.failed();
    return result;
}

}  // namespace
}  // namespace ridge::agent

using namespace ridge::agent;

RIDGE_EXPORT int execve(const char* path, char* const argv[], char* const envp[]) noexcept {
    return start(path, false, [&] { return g_execve.get()(path, argv, envp); });
}
RIDGE_EXPORT int execv(const char* path, char* const argv[]) noexcept {
    return start(path, false, [&] { return g_execv.get()(path, argv); });
}
RIDGE_EXPORT int execvp(const char* file, char* const argv[]) noexcept {
    return start(file, true, [&] { return g_execvp.get()(file, argv); });
}
RIDGE_EXPORT int execvpe(const char* file, char* const argv[], char* const envp[]) noexcept {
    return start(file, true, [&] { return g_execvpe.get()(file, argv, envp); });
}
RIDGE_EXPORT int fexecve(int fd, char* const argv[], char* const envp[]) noexcept {
    char path[64];
    Text(path, sizeof path)
        .add("/proc/self/fd/")
        .add(static_cast<uint64_t>(static_cast<uint32_t>(fd)));
    return start(path, false, [&] { return g_fexecve.get()(fd, argv, envp); });
}

// The arguments as an array; `last` is what stands behind their nullptr.
#define RIDGE_ARGUMENTS(argv, last)                                                              \
    va_list list;                                                                                \
    va_start(list, first);                                                                       \
    const char* volatile head = first; /* declared not to be null, and is where it is the end */ \
    size_t count = 1;                                                                            \
    for (const char* at = head; at != nullptr; at = va_arg(list, const char*)) ++count;          \
    va_end(list);                                                                                \
    auto** const argv = static_cast<char**>(alloca(count * sizeof(char*)));                      \
    va_start(list, first);                                                                       \
    argv[0] = const_cast<char*>(head);                                                           \
    for (size_t i = 1; i < count; ++i) argv[i] = va_arg(list, char*);                            \
    last;                                                                                        \
    va_end(list)

RIDGE_EXPORT int execl(const char* path, const char* first, ...) noexcept {
    RIDGE_ARGUMENTS(argv, );
    return start(path, false, [&] { return g_execv.get()(path, argv); });
}
RIDGE_EXPORT int execlp(const char* file, const char* first, ...) noexcept {
    RIDGE_ARGUMENTS(argv, );
    return start(file, true, [&] { return g_execvp.get()(file, argv); });
}
RIDGE_EXPORT int execle(const char* path, const char* first, ...) noexcept {
    RIDGE_ARGUMENTS(argv, char* const* const environment = va_arg(list, char* const*));
    return start(path, false, [&] { return g_execve.get()(path, argv, environment); });
}

RIDGE_EXPORT int posix_spawn(pid_t* pid, const char* path,
                             const posix_spawn_file_actions_t* actions,
                             const posix_spawnattr_t* attributes, char* const argv[],
                             char* const envp[]) {
    return start(path, false,
                 [&] { return g_spawn.get()(pid, path, actions, attributes, argv, envp); });
}
RIDGE_EXPORT int posix_spawnp(pid_t* pid, const char* file,
                              const posix_spawn_file_actions_t* actions,
                              const posix_spawnattr_t* attributes, char* const argv[],
                              char* const envp[]) {
    return start(file, true,
                 [&] { return g_spawnp.get()(pid, file, actions, attributes, argv, envp); });
}

RIDGE_EXPORT int system(const char* command) {
    if (command == nullptr) return g_system.get()(command);  // asks whether there is a shell
    Starting starting(_PATH_BSHELL, false);
    const int status = g_system.get()(command);
    if (status == -1) starting.failed();
    return status;
}
RIDGE_EXPORT FILE* popen(const char* command, const char* mode) {
    Starting starting(_PATH_BSHELL, false);
    FILE* const stream = g_popen.get()(command, mode);
    if (stream == nullptr) starting.failed();
    return stream;
}
