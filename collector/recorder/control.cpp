// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/control.h"

#include "base/clock.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ridge::recorder {
namespace {

constexpr std::int64_t kSilenceNs = 2'000'000'000;  // a recorder that lives beats every 20 ms

}  // namespace

Control::~Control() {
    if (m_block) munmap(m_block, sizeof(spool::ControlBlock));
    if (m_fd >= 0) close(m_fd);
}

bool Control::lock() {
    return flock(m_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;  // some file systems have none
}

Status Control::map(const std::string& path, bool create) {
    const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0), 0600);
    if (fd < 0) return Error{ErrorCode::kIo, fmt::format("{}: {}", path, std::strerror(errno))};
    struct stat info {};
    // posix_fallocate: on a full disk this is an error now instead of a SIGBUS later.
    const int error = create ? posix_fallocate(fd, 0, sizeof(spool::ControlBlock)) : 0;
    const bool usable = !error && fstat(fd, &info) == 0 &&
                        static_cast<std::size_t>(info.st_size) >= spool::kFirstControlBytes;
    void* data = usable ? mmap(nullptr, sizeof(spool::ControlBlock), PROT_READ | PROT_WRITE,
                               MAP_SHARED, fd, 0)
                        : MAP_FAILED;
    if (data == MAP_FAILED) {
        close(fd);
        return Error{ErrorCode::kIo,
                     fmt::format("{}: {}", path, std::strerror(error ? error : EINVAL))};
    }
    m_fd = fd;
    m_block = static_cast<spool::ControlBlock*>(data);
    return {};
}

std::int32_t liveRecorder(const std::string& sessionFolder) {
    Control control;
    if (!control.map(sessionFolder + "/control", false).ok()) return 0;
    const spool::ControlBlock& block = *control.block();
    const auto heartbeat =
        static_cast<std::int64_t>(__atomic_load_n(&block.heartbeatNs, __ATOMIC_RELAXED));
    const std::int32_t pid = block.recorderPid;
    const bool lives = pid > 0 && pid != getpid() && (kill(pid, 0) == 0 || errno == EPERM);
    return lives && (monotonicNs() - heartbeat < kSilenceNs || !control.lock()) ? pid : 0;
}

}  // namespace ridge::recorder
