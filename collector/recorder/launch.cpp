// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/launch.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace ridge::recorder {
namespace {

bool g_fileSizeSignalTaken = false;

// As execvp finds it; empty: not at all.
std::string findProgram(const std::string& program) {
    if (program.find('/') != std::string::npos) return program;
    const char* path = std::getenv("PATH");
    std::string_view rest = path != nullptr ? path : "/bin:/usr/bin";
    for (;;) {
        const std::size_t colon = rest.find(':');
        const std::string candidate =
            fmt::format("{}/{}", colon == 0 ? "." : rest.substr(0, colon), program);
        if (access(candidate.c_str(), X_OK) == 0) return candidate;
        if (colon == std::string_view::npos) return {};
        rest.remove_prefix(colon + 1);
    }
}

}  // namespace

void ignoreFileSizeSignal() {
    struct sigaction before {};
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &ignore, &before);
    if (before.sa_handler != SIG_IGN) g_fileSizeSignalTaken = true;
}

void giveFileSizeSignalBack() {
    if (g_fileSizeSignalTaken) signal(SIGXFSZ, SIG_DFL);
}

Result<Launched> launch(const Program& program, const Injection& injection, const sigset_t& mask,
                        const std::function<void(pid_t)>& beforeExec) {
    std::vector<std::string> arguments = program.command;
    std::vector<std::string> environment = childEnvironment(injection);
    std::vector<char*> argv = pointersTo(arguments);
    std::vector<char*> envp = pointersTo(environment);
    int report[2];  // closed by a good exec, carries errno after a bad one
    if (pipe2(report, O_CLOEXEC) != 0)
        return Error{ErrorCode::kIo, fmt::format("pipe: {}", std::strerror(errno))};
    int go[2];  // the child waits until it is closed: what is to see its first instruction is ready then
    if (pipe2(go, O_CLOEXEC) != 0) {
        const int error = errno;
        close(report[0]);
        close(report[1]);
        return Error{ErrorCode::kIo, fmt::format("pipe: {}", std::strerror(error))};
    }
    ignoreFileSizeSignal();
    // The recorder blocks the signals that it forwards; the program starts with the mask that we
    // had before.
    const pid_t recorder = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
        const int error = errno;
        for (const int fd : {report[0], report[1], go[0], go[1]}) close(fd);
        return Error{ErrorCode::kIo, fmt::format("fork: {}", std::strerror(error))};
    }
    if (pid == 0) {
        close(go[1]);
        char nothing = 0;
        while (read(go[0], &nothing, 1) < 0 && errno == EINTR) {
        }
        sigprocmask(SIG_SETMASK, &mask, nullptr);
        giveFileSizeSignalBack();
        if (program.endsWithRecorder) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != recorder) _exit(127);
        }
        if (program.file.empty())
            execvpe(argv[0], argv.data(), envp.data());
        else
            execve(program.file.c_str(), argv.data(), envp.data());
        const int error = errno;
        [[maybe_unused]] const ssize_t told = write(report[1], &error, sizeof error);
        _exit(127);
    }
    close(report[1]);
    close(go[0]);
    if (beforeExec) beforeExec(pid);
    close(go[1]);
    Launched launched;
    launched.pid = pid;
    ssize_t got = 0;
    do got = read(report[0], &launched.execError, sizeof launched.execError);
    while (got < 0 && errno == EINTR);
    close(report[0]);
    if (got != static_cast<ssize_t>(sizeof launched.execError)) launched.execError = 0;
    if (launched.execError) waitpid(pid, nullptr, 0);
    return launched;
}

Status mayBeRecorded(const std::string& program) {
    const std::string path = findProgram(program);
    struct stat info {};
    if (path.empty() || stat(path.c_str(), &info) != 0) return {};  // said when it is started
    struct statvfs place {};
    const bool heeded = statvfs(path.c_str(), &place) != 0 || (place.f_flag & ST_NOSUID) == 0;
    const bool otherUser = (info.st_mode & S_ISUID) != 0 && info.st_uid != geteuid();
    const bool otherGroup =
        (info.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && info.st_gid != getegid();
    const bool capable =
        geteuid() != 0 && getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
    if (!heeded || !(otherUser || otherGroup || capable)) return {};
    return Error{ErrorCode::kBadInput,
                 fmt::format("{} is {}, which no recorder may look into; run what it starts under "
                             "ridge record, or a copy without that bit",
                             path,
                             otherUser    ? "set-uid"
                             : otherGroup ? "set-gid"
                                          : "a program with file capabilities")};
}

std::string cudaDriverTrouble() {
    void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (!driver) {
        const char* why = dlerror();
        return fmt::format("there is no CUDA driver here ({})", why ? why : "libcuda.so.1");
    }
    dlclose(driver);
    return {};
}

}  // namespace ridge::recorder
