// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The program that the io tests run: a known number of calls on known files.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
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

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) calls(argv[1]);
    return 0;
}
