// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Roofs outside the processor: starting an operator, the loop-back between two processes, and the
// disk.
#include "base/clock.h"
#include "workloads/ceilings/sampling.h"
#include "workloads/storage/disk_file.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <ridge/work.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unordered_map>

namespace ridge::workloads {
namespace {

// A connected pair over TCP on 127.0.0.1; -1 in both on failure.
std::pair<int, int> loopbackPair() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    int client = -1, server = -1;
    if (listener >= 0 && ::bind(listener, generic, length) == 0 && ::listen(listener, 1) == 0 &&
        ::getsockname(listener, generic, &length) == 0) {
        client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client >= 0 && ::connect(client, generic, length) == 0)
            server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    }
    if (listener >= 0) ::close(listener);
    if (server < 0 && client >= 0) ::close(std::exchange(client, -1));
    const int on = 1;
    const timeval limit{5, 0};  // a peer that is gone must not hang us
    for (const int fd : {client, server}) {
        if (fd < 0) continue;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    return {client, server};
}

bool sendAll(int fd, const char* data, std::size_t bytes) {
    while (bytes > 0) {
        const ssize_t n = ::send(fd, data, bytes, MSG_NOSIGNAL);
        if (n <= 0) return false;
        data += n;
        bytes -= static_cast<std::size_t>(n);
    }
    return true;
}

bool receiveAll(int fd, char* data, std::size_t bytes) {
    while (bytes > 0) {
        const ssize_t n = ::recv(fd, data, bytes, 0);
        if (n <= 0) return false;
        data += n;
        bytes -= static_cast<std::size_t>(n);
    }
    return true;
}

constexpr std::size_t kMessage = std::size_t{1} << 20;

// The other process: takes a request (message size), the message, and answers with one byte.
[[noreturn]] void answer(int fd, char* buffer) {
    std::uint32_t bytes = 0;
    while (receiveAll(fd, reinterpret_cast<char*>(&bytes), sizeof bytes) && bytes <= kMessage &&
           receiveAll(fd, buffer, bytes) && sendAll(fd, buffer, 1)) {
    }
    ::_exit(0);
}

void measureTcp(double budget, Ceilings& out) {
    const auto [client, server] = loopbackPair();
    if (client < 0) {
        out.notes.push_back(fmt::format("no loop-back roof: {}", std::strerror(errno)));
        return;
    }
    std::vector<char> buffer(kMessage, 1);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(client);
        answer(server, buffer.data());
    }
    ::close(server);
    bool good = child > 0;
    const auto exchange = [&](std::uint32_t bytes) {
        good = good && sendAll(client, reinterpret_cast<const char*>(&bytes), sizeof bytes) &&
               sendAll(client, buffer.data(), bytes) && receiveAll(client, buffer.data(), 1);
    };
    Roof latency = roofOf("network", "tcp_loopback.latency", "s",
                          "half a round trip of 5 bytes to another process and 1 back, 127.0.0.1");
    fillRoof(latency,
             sampleSeconds(budget / 2,
                           [&] {
                               for (int i = 0; i < 50; ++i) exchange(1);
                           }),
             100);
    Roof bandwidth =
        roofOf("network", "tcp_loopback.bandwidth", "B/s",
               "1 MiB messages to another process, each acknowledged by a byte, 127.0.0.1");
    fillRoof(bandwidth,
             sampleSeconds(budget / 2,
                           [&] {
                               for (int i = 0; i < 8; ++i) exchange(kMessage);
                           }),
             8.0 * kMessage);
    ::close(client);
    if (child > 0) ::waitpid(child, nullptr, 0);
    if (!good) {
        out.notes.push_back("no loop-back roof: the other process went away");
        return;
    }
    out.roofs.push_back(std::move(latency));
    out.roofs.push_back(std::move(bandwidth));
}

void measureSharedMemory(double budget, Ceilings& out) {
    constexpr std::size_t kBytes = std::size_t{16} << 20;
    void* shared =
        ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        out.notes.push_back(fmt::format("no shared-memory roof: {}", std::strerror(errno)));
        return;
    }
    std::vector<char> own(kBytes, 1);
    Roof roof = roofOf("network", "shared_memory.bandwidth", "B/s",
                       "copy of 16 MiB into shared memory and out of it; bytes of one direction");
    fillRoof(roof,
             sampleSeconds(budget,
                           [&] {
                               std::memcpy(shared, own.data(), kBytes);
                               asm volatile("" ::: "memory");
                               std::memcpy(own.data(), shared, kBytes);
                               asm volatile("" ::: "memory");
                           }),
             kBytes);
    ::munmap(shared, kBytes);
    out.roofs.push_back(std::move(roof));
}

// O_DIRECT both ways where it is allowed.
Status measureDisk(const CeilingsOptions& options, double budget, Ceilings& out) {
    RIDGE_TRY(const std::filesystem::path folder, options.dataDir());
    RIDGE_TRY_STATUS(requireDisk(folder));
    const auto path = folder / "ceilings.bin";
    constexpr std::size_t kBytes = std::size_t{32} << 20;
    AlignedBuffer buffer(kBytes);
    Status status;
    const auto keep = [&status](Status now) {
        if (status.ok()) status = std::move(now);
    };
    RIDGE_TRY(DiskFile target, DiskFile::create(path));
    Roof write =
        roofOf("storage", "write_fsync", "B/s",
               "32 MiB in calls of 4 MiB through the page cache, then fsync; an existing file");
    write.access = "write";
    fillRoof(write,
             sampleSeconds(budget / 2,
                           [&] {
                               keep(target.write(buffer.bytes(), 0));
                               keep(target.sync());
                           }),
             kBytes);
    RIDGE_TRY_STATUS(target.close());
    RIDGE_TRY(const DiskFile source, DiskFile::openForColdReading(path));
    if (!source.direct())
        out.notes.push_back("no storage read roof: the file system allows no direct reads");
    Roof read =
        roofOf("storage", "read_direct", "B/s",
               "32 MiB in calls of 4 MiB, one after the other, past the page cache (O_DIRECT)");
    read.access = "read";
    if (source.direct())
        fillRoof(read, sampleSeconds(budget / 2, [&] { keep(source.read(buffer.bytes(), 0)); }),
                 kBytes);
    RIDGE_TRY_STATUS(std::move(status));
    out.roofs.push_back(std::move(write));
    if (source.direct()) out.roofs.push_back(std::move(read));
    return {};
}

}  // namespace

// What starting an operator costs when there is nothing to do: a ridge range around the smallest
// oneDNN element-wise primitive (16 floats), executed and waited for, as the operators of the set
// do it.
void measureDispatch(const CeilingsOptions&, double budget, Ceilings& out) {
    try {
        constexpr int kCalls = 1000;
        const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
        dnnl::stream stream(engine);
        const dnnl::memory::desc shape({16}, dnnl::memory::data_type::f32,
                                       dnnl::memory::format_tag::a);
        const dnnl::eltwise_forward::primitive_desc description(
            dnnl::eltwise_forward::desc(dnnl::prop_kind::forward_inference,
                                        dnnl::algorithm::eltwise_relu, shape, 0.0F, 0.0F),
            engine);
        const dnnl::memory memory(shape, engine);
        std::memset(memory.get_data_handle(), 0, shape.get_size());
        const dnnl::eltwise_forward primitive(description);
        const std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, memory},
                                                              {DNNL_ARG_DST, memory}};
        const Work work = opWork(RIDGE_OP_ELEMENTWISE, RIDGE_DTYPE_F32, 16, 64, 64);
        Roof roof = roofOf("dispatch", "operator", "s",
                           "a ridge range around oneDNN relu of 16 floats, execute and wait");
        fillRoof(roof,
                 sampleSeconds(budget,
                               [&] {
                                   for (int i = 0; i < kCalls; ++i) {
                                       const WorkRange range("ceilings.dispatch", work);
                                       primitive.execute(stream, arguments);
                                       stream.wait();
                                   }
                               }),
                 kCalls);
        out.roofs.push_back(std::move(roof));
    } catch (const dnnl::error& error) {
        out.notes.push_back(fmt::format("no dispatch roof: {}", error.what()));
    }
}

void measureNetwork(const CeilingsOptions&, double budget, Ceilings& out) {
    measureTcp(budget * 0.7, out);
    measureSharedMemory(budget * 0.3, out);
}

void measureStorage(const CeilingsOptions& options, double budget, Ceilings& out) {
    if (const Status status = measureDisk(options, budget, out); !status.ok())
        out.notes.push_back("no storage roof: " + status.error().message);
}

}  // namespace ridge::workloads
