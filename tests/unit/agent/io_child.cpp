// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The program that the io tests run: a known number of calls on known files.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

// I/O before main, when the preloaded library's own constructors may not have run.
const struct Early {
    Early() {
        const int fd = open("/dev/null", O_WRONLY);
        if (fd < 0 || write(fd, "early", 5) != 5 || close(fd) != 0) std::abort();
    }
} kEarly;

void check(bool good, const char* what) {
    if (good) return;
    fprintf(stderr, "failed: %s (errno %d)\n", what, errno);
    std::exit(2);
}

void calls(const std::string& path) {
    char buffer[64] = "0123456789";
    errno = 0;
    check(open("/nonexistent/file", O_RDONLY) == -1 && errno == ENOENT, "errno of a failed open");
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    errno = 77;
    check(write(fd, buffer, 10) == 10 && errno == 77, "errno untouched by a good write");
    check(pwrite(fd, buffer, 4, 100) == 4, "pwrite");
    check(pread(fd, buffer, 4, 100) == 4, "pread");
    iovec parts[2] = {{buffer, 3}, {buffer + 3, 5}};
    check(writev(fd, parts, 2) == 8, "writev");
    check(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, parts, 2) == 8, "readv");
    check(fsync(fd) == 0 && fdatasync(fd) == 0, "sync");
    for (int i = 0; i < 100; ++i) check(pread(fd, buffer, 8, i % 90) == 8, "pread in a loop");
    check(close(fd) == 0, "close");
    check(close(fd) == -1 && errno == EBADF, "errno of a failed close");
    FILE* file = fopen(path.c_str(), "r+");
    check(fread(buffer, 2, 5, file) == 5, "fread");
    check(fseek(file, 0, SEEK_END) == 0 && fwrite(buffer, 1, 7, file) == 7 && fflush(file) == 0,
          "fwrite");
    check(fclose(file) == 0, "fclose");
    int pipes[2];
    check(pipe(pipes) == 0 && write(pipes[1], buffer, 6) == 6 && read(pipes[0], buffer, 6) == 6,
          "pipe");
    std::thread([&path] {
        const int other = open(path.c_str(), O_RDONLY);
        char byte = 0;
        check(read(other, &byte, 1) == 1 && close(other) == 0, "thread");
    }).join();
    const pid_t child = fork();
    if (child == 0) {
        const int other = open(path.c_str(), O_RDONLY);
        _exit(read(other, buffer, 5) == 5 && close(other) == 0 ? 0 : 1);
    }
    int status = 0;
    check(waitpid(child, &status, 0) == child && status == 0, "fork");
    check(std::system("echo from a shell > /dev/null") == 0, "system");
    puts("done");
}

// A number that comes back by fcntl stands for another file, however the one before was closed.
void duplicates(const std::string& path) {
    char byte = 0;
    const int first = open(path.c_str(), O_RDONLY);
    const int second = open("/dev/zero", O_RDONLY);
    check(read(first, &byte, 1) == 1 && read(second, &byte, 1) == 1, "reads");
    for (const int command : {F_DUPFD, F_DUPFD_CLOEXEC}) {
        check(syscall(SYS_close, first) == 0, "a close that nobody sees");
        check(fcntl(second, command, first) == first, "fcntl gives the lowest free number");
        check(read(first, &byte, 1) == 1 && byte == 0, "of /dev/zero");
    }
    check((fcntl(first, F_GETFL) & O_ACCMODE) == O_RDONLY, "other commands go through");
    check(fcntl(-1, F_DUPFD, 0) == -1 && errno == EBADF, "errno of a bad fcntl");
}

int g_null = -1;
volatile sig_atomic_t g_handled = 0;

void onTimer(int) {
    const int error = errno;
    check(write(g_null, "x", 1) == 1, "write in a handler");
    g_handled = g_handled + 1;
    errno = error;
}

// I/O of a handler that interrupts I/O, thousands of times.
void handlers(const std::string& path) {
    g_null = open("/dev/null", O_WRONLY);
    const int fd = open(path.c_str(), O_RDWR | O_CREAT, 0600);
    struct sigaction action {};
    action.sa_handler = onTimer;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    const itimerval often{{0, 50}, {0, 50}};
    setitimer(ITIMER_REAL, &often, nullptr);
    char byte = 0;
    long reads = 0;
    for (; g_handled < 4000; ++reads) pread(fd, &byte, 0, 0);
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    printf("%d %ld\n", static_cast<int>(g_handled), reads);
}

}  // namespace

// Lines and formats, 3 of each, and what they return.
void lines(const char* path) {
    FILE* file = fopen(path, "w+");
    char buffer[64];
    for (int i = 0; i < 3; ++i) {
        errno = 55;
        check(fputs("a line\n", file) >= 0, "fputs");
        check(fprintf(file, "%d %s %.2f\n", i, "words", 2.5) == 13, "fprintf");
        check(errno == 55, "errno untouched by good output");
        check(dprintf(fileno(file), "%c", 'x') == 1, "dprintf");
    }
    check(fflush(file) == 0 && fseek(file, 3, SEEK_SET) == 0, "fseek");
    for (int i = 0; i < 3; ++i) check(fgets(buffer, sizeof buffer, file) == buffer, "fgets");
    char* line = nullptr;
    size_t room = 0;
    for (int i = 0; i < 3; ++i) check(getline(&line, &room, file) > 0, "getline");
    check(getline(&line, &room, file) == -1 && feof(file) != 0, "the end of the file");
    free(line);
    fclose(file);
    FILE* readOnly = fopen(path, "r");
    check(fprintf(readOnly, "%d", 1) < 0 && errno == EBADF, "errno of a failed fprintf");
    fclose(readOnly);
}

int main(int argc, char** argv) {
    if (argc > 2 && std::string(argv[2]) == "lines")
        lines(argv[1]);
    else if (argc > 2 && std::string(argv[2]) == "duplicates")
        duplicates(argv[1]);
    else if (argc > 2)
        handlers(argv[1]);
    else if (argc > 1)
        calls(argv[1]);
    return 0;
}
