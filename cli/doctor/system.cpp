// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "cli/app/neighbours.h"
#include "cli/app/process.h"
#include "cli/doctor/probes.h"

namespace ridge::cli {
namespace {

Probe agentLibrary(const std::string& probe, const std::string& file, const char* entry, const std::string& gives) {
    const auto folder = findAgentDir();
    if (!folder.ok()) return {probe, "off", folder.error().message, "reinstall ridge"};
    const std::string path = *folder + "/" + file;
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) return {probe, "off", path + " is not there", "reinstall ridge"};
    // Looked into, not loaded: hooks must not run inside this process.
    const auto bytes = readFile(path, std::size_t{64} << 20);
    if (!bytes.ok()) return {probe, "off", bytes.error().message, "make it readable"};
    if (!bytes->starts_with("\x7f" "ELF") || bytes->find(entry) == std::string::npos) return {probe, "off", fmt::format("{} does not have {}", path, entry), "reinstall ridge"};
    return {probe, "on", fmt::format("{}: {}", gives, path), ""};
}

Probe workloads() {
    const auto program = findWorkloads();
    if (!program.ok()) return {"workloads", "off", program.error().message, "ridge run and ridge ceilings need it"};
    constexpr double kLimit = 20;
    const auto result = runProcess({*program, "--describe"}, kLimit);
    if (!result.ok() || result->status != 0)
        return {"workloads", "off", fmt::format("{} does not start: {}", *program, result.ok() ? std::string(trim(result->messages)) : result.error().message), "check its libraries with ldd"};
    return {"workloads", "on", *program, ""};
}

Probe mpi() {
    const std::string program = findInPath("mpirun");
    if (program.empty()) return {"mpirun", "off", "not in PATH: workloads with several ranks cannot run", "install openmpi-bin"};
    const auto result = runProcess({program, "--version"}, 10);
    if (!result.ok() || result->status != 0) return {"mpirun", "off", program + " --version fails", "reinstall it"};
    return {"mpirun", "on", fmt::format("{} ({})", program, std::string(split(result->output, '\n').front())), ""};
}

Probe pressure() {
    const std::string line = readLineOr("/proc/pressure/cpu");
    if (line.empty()) return {"pressure", "off", "/proc/pressure cannot be read: no stall times of CPU, memory and I/O", "boot with psi=1"};
    return {"pressure", "on", "stall times of CPU, memory and I/O", ""};
}

Probe ioUring() {
    io_uring_params parameters{};
    const long fd = syscall(SYS_io_uring_setup, 2, &parameters);
    if (fd < 0)
        return {"io_uring", "off", fmt::format("io_uring_setup: {}", std::strerror(errno)), errno == EPERM ? "sysctl kernel.io_uring_disabled=0, or allow it in the container" : "needs a newer kernel"};
    close(static_cast<int>(fd));
    return {"io_uring", "on", "deep storage queues without threads", ""};
}

std::uint64_t freeBytes(const char* path) {
    struct statvfs space {};
    return statvfs(path, &space) == 0 ? static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize : 0;
}

Probe sharedMemory() {
    constexpr std::uint64_t kEnough = std::uint64_t{256} << 20;
    const std::string name = fmt::format("/ridge-doctor-{}", getpid());
    const int fd = shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd < 0) return {"shared_memory", "off", fmt::format("/dev/shm: {}", std::strerror(errno)), "mount a tmpfs on /dev/shm"};
    close(fd);
    shm_unlink(name.c_str());
    const std::uint64_t bytes = freeBytes("/dev/shm");
    const bool small = bytes < kEnough;
    return {"shared_memory", small ? "limited" : "on", fmt::format("{} free in /dev/shm", formatBytes(bytes)), small ? "start the container with --shm-size=1g" : ""};
}

Probe disk() {
    constexpr std::uint64_t kEnough = std::uint64_t{2} << 30;
    const std::uint64_t here = freeBytes(".");
    std::error_code ec;
    const auto temporary = std::filesystem::temp_directory_path(ec);
    const std::uint64_t spool = freeBytes(temporary.c_str());
    const bool small = here < kEnough || spool < kEnough;
    return {"disk", small ? "limited" : "on", fmt::format("{} free here, {} free in {}", formatBytes(here), formatBytes(spool), temporary.string()),
            small ? "recordings need room: free some, or set TMPDIR" : ""};
}

}  // namespace

std::vector<Probe> installationProbes() {
    return {agentLibrary("nvtx", "libridge_agent.so", "InitializeInjectionNvtx", "ranges and work payloads of any NVTX program"),
            agentLibrary("io", "libridge_io.so", "pread", "POSIX and stdio calls"), workloads(), mpi()};
}

std::vector<Probe> systemProbes() { return {pressure(), ioUring(), sharedMemory(), disk()}; }

std::vector<Probe> runProbes() {
    std::vector<Probe> all;
    for (auto part : {installationProbes(), gpuProbes(), cpuProbes(), systemProbes()}) all.insert(all.end(), part.begin(), part.end());
    return all;
}

}  // namespace ridge::cli
