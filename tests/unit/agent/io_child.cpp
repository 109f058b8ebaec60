// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The program that the io tests run: a known number of calls on known files.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <pthread.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#ifdef RIDGE_TEST_LIBURING
#include <liburing.h>
#endif

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

void sockets() {
    int ends[2];
    char buffer[64] = "0123456789";
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    iovec parts[2] = {{buffer, 3}, {buffer + 3, 5}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    errno = 77;
    check(send(ends[0], buffer, 10, 0) == 10 && errno == 77, "send");
    check(recv(ends[1], buffer, 10, MSG_PEEK) == 10, "a look at what is received later");
    check(recv(ends[1], buffer, 64, 0) == 10, "recv");
    check(sendto(ends[0], buffer, 7, 0, nullptr, 0) == 7, "sendto");
    check(recvfrom(ends[1], buffer, 7, 0, nullptr, nullptr) == 7, "recvfrom");
    check(sendmsg(ends[0], &message, 0) == 8, "sendmsg");
    check(recvmsg(ends[1], &message, 0) == 8, "recvmsg");
    check(recv(ends[1], buffer, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "errno of a recv");
    check(send(-1, buffer, 1, 0) == -1 && errno == EBADF, "errno of a send");
}

// A thread that is cancelled in a call runs its destructors on the way out.
int g_pipe[2];
bool g_destroyed = false;

void* reads(void*) {
    struct Guard {
        ~Guard() { g_destroyed = true; }
    } const guard;
    char byte = 0;
    check(read(g_pipe[0], &byte, 1) == 1, "the first byte");
    check(read(g_pipe[0], &byte, 1) < 0, "waits for a second one until it is cancelled");
    return nullptr;
}

void cancelled() {
    pthread_t thread{};
    void* result = nullptr;
    check(pipe(g_pipe) == 0 && write(g_pipe[1], "1", 1) == 1, "pipe");
    check(pthread_create(&thread, nullptr, reads, nullptr) == 0, "thread");
    for (int left = 1; left != 0; usleep(1000))
        check(ioctl(g_pipe[0], FIONREAD, &left) == 0, "FIONREAD");
    check(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0, "cancel");
    check(result == PTHREAD_CANCELED && g_destroyed, "its destructors ran");
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

// Both ends of transfers, a mapping whose descriptor is closed before it is synced, and what is not ours.
void transfers(const std::string& path) {
    const int from = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    char buffer[8192] = {};
    check(write(from, buffer, sizeof buffer) == 8192, "write");
    const int to = open((path + ".copy").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t at = 0;
    errno = 33;
    check(sendfile(to, from, &at, 4096) == 4096 && at == 4096 && errno == 33, "sendfile");
    off64_t in = 4096, out = 4096;
    check(copy_file_range(from, &in, to, &out, 1000, 0) == 1000 && in == 5096, "copy_file_range");
    int pipes[2];
    in = 0;
    check(pipe(pipes) == 0 && splice(from, &in, pipes[1], nullptr, 512, 0) == 512, "splice");
    check(sendfile(-1, from, nullptr, 1) == -1 && errno == EBADF, "errno of a failed sendfile");
    auto* map = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0));
    check(map != MAP_FAILED && close(to) == 0, "mmap");
    map[4096] = 'x';
    check(msync(map + 4096, 4096, MS_SYNC) == 0 && munmap(map, 8192) == 0, "msync");
    void* memory = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED && munmap(memory, 4096) == 0, "anonymous memory");
    check(mmap(nullptr, 0, PROT_READ, MAP_SHARED, from, 0) == MAP_FAILED && errno == EINVAL, "errno of a failed mmap");
    check(syncfs(from) == 0, "syncfs");
    sync();
    close(from);
}

// What liburing does: a ring whose submissions stand in memory that it shares with the kernel.
void uring(const std::string& path) {
#ifdef RIDGE_TEST_LIBURING
    io_uring ring{};
    if (io_uring_queue_init(8, &ring, 0) != 0) {
        puts("no io_uring");
        return;
    }
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    char buffer[4096] = {};
    io_uring_prep_write(io_uring_get_sqe(&ring), fd, buffer, 4096, 8192);
    io_uring_cqe* cqe = nullptr;
    check(io_uring_submit_and_wait(&ring, 1) == 1 && io_uring_wait_cqe(&ring, &cqe) == 0 && cqe->res == 4096, "write");
    io_uring_cqe_seen(&ring, cqe);
    io_uring_prep_read(io_uring_get_sqe(&ring), fd, buffer, 100, 8192);
    io_uring_prep_fsync(io_uring_get_sqe(&ring), fd, 0);
    check(io_uring_submit(&ring) == 2, "submit");
    for (int i = 0; i < 2; ++i) {
        check(io_uring_wait_cqe(&ring, &cqe) == 0 && cqe->res >= 0, "wait");
        io_uring_cqe_seen(&ring, cqe);
    }
    io_uring_queue_exit(&ring);
    puts("done");
#else
    puts("no liburing");
#endif
}

int main(int argc, char** argv) {
    if (argc > 2 && std::string(argv[2]) == "sockets") {
        sockets();
        return 0;
    }
    if (argc > 2 && std::string(argv[2]) == "transfers") {
        transfers(argv[1]);
        return 0;
    }
    if (argc > 2 && std::string(argv[2]) == "uring") {
        uring(argv[1]);
        return 0;
    }
    if (argc > 2 && std::string(argv[2]) == "cancelled") {
        cancelled();
        return 0;
    }
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
