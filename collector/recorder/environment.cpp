// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/environment.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "collector/recorder/archive/secrets.h"
#include "schemas/spool/start.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gnu/libc-version.h>
#include <map>
#include <sched.h>
#include <set>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char** environ;

namespace ridge::recorder {
namespace {

constexpr int kEnvironmentSchema = 1;

// Families whose values steer speed. A name that looks like a credential is left out even here.
constexpr std::array<std::string_view, 9> kKeyPrefixes = {
    "CUDA_", "NCCL_", "OMP_", "MKL_", "OPENBLAS_", "KMP_", "GOMP_", "DNNL_", "ONEDNN_"};
constexpr std::array<std::string_view, 5> kKeyVariables = {"LD_PRELOAD", "NVIDIA_VISIBLE_DEVICES",
                                                           "MALLOC_ARENA_MAX", "GLIBC_TUNABLES",
                                                           "NVIDIA_TF32_OVERRIDE"};
constexpr std::array<std::string_view, 17> kRecordedVariables = {"RANK",
                                                                 "WORLD_SIZE",
                                                                 "LOCAL_RANK",
                                                                 "LOCAL_WORLD_SIZE",
                                                                 "OMPI_COMM_WORLD_RANK",
                                                                 "OMPI_COMM_WORLD_SIZE",
                                                                 "OMPI_COMM_WORLD_LOCAL_RANK",
                                                                 "PMIX_RANK",
                                                                 "PMI_RANK",
                                                                 "PMI_SIZE",
                                                                 "SLURM_PROCID",
                                                                 "SLURM_NTASKS",
                                                                 "SLURM_LOCALID",
                                                                 "SLURM_NODEID",
                                                                 "SLURM_JOB_ID",
                                                                 "JOB_COMPLETION_INDEX",
                                                                 "SLURM_JOB_NUM_NODES"};

using Entries = std::map<std::string, EnvironmentEntry>;

void put(Entries& entries, const std::string& name, const char* category,
         const std::string& value) {
    if (value.empty()) return;
    entries[name] = {name, category, toValidUtf8(value)};
}

// Without the library by which we came: a recording is not another environment for it.
std::string withoutOurLibrary(std::string_view preload) {
    std::string kept;
    for (const std::string_view library : split(preload, ':'))
        if (!library.ends_with(std::string("/") + spool::kStartLibrary))
            kept += (kept.empty() ? "" : ":") + std::string(library);
    return kept;
}

void readVariables(Entries& entries) {
    for (char** at = environ; at && *at; ++at) {
        const std::string_view pair = *at;
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view name = pair.substr(0, equals);
        if (archive::isSecretName(name)) continue;
        const bool key =
            std::any_of(kKeyPrefixes.begin(), kKeyPrefixes.end(),
                        [&](std::string_view prefix) { return name.starts_with(prefix); }) ||
            std::find(kKeyVariables.begin(), kKeyVariables.end(), name) != kKeyVariables.end();
        // Set by the recorder itself, or by the launcher for each rank: no property of the machine.
        const bool ours = name == "CUDA_INJECTION64_PATH" || name == "CUDA_VISIBLE_DEVICES_RANK";
        const std::string value = archive::valueWithoutSecrets(pair.substr(equals + 1));
        if (key && !ours)
            put(entries, "env." + std::string(name), "key",
                name == "LD_PRELOAD" ? withoutOurLibrary(value) : value);
        else if (std::find(kRecordedVariables.begin(), kRecordedVariables.end(), name) !=
                 kRecordedVariables.end())
            put(entries, "env." + std::string(name), "recorded", value);
    }
}

void readCpu(Entries& entries) {
    std::ifstream info("/proc/cpuinfo");
    std::set<std::string> sockets;
    std::string line;
    std::string flags;
    while (std::getline(info, line)) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::string name(trim(std::string_view(line).substr(0, colon)));
        const std::string value(trim(std::string_view(line).substr(colon + 1)));
        if (name == "model name") put(entries, "cpu.model", "key", value);
        if (name == "physical id") sockets.insert(value);
        if (name == "microcode") put(entries, "cpu.microcode", "recorded", value);
        if (name == "cpu MHz" && !entries.contains("cpu.mhz"))
            put(entries, "cpu.mhz", "volatile", value);
        if (name == "bogomips") put(entries, "cpu.bogomips", "volatile", value);
        if (name == "flags" && flags.empty()) flags = value;
    }
    put(entries, "cpu.sockets", "key", std::to_string(std::max<std::size_t>(sockets.size(), 1)));
    if (!flags.empty())
        put(entries, "cpu.hypervisor", "key",
            flags.find("hypervisor") != std::string::npos ? "yes" : "no");
    put(entries, "cpu.online", "key", readLineOr("/sys/devices/system/cpu/online"));
    put(entries, "cpu.smt", "key", readLineOr("/sys/devices/system/cpu/smt/active"));
    put(entries, "cpu.governor", "key",
        readLineOr("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
    put(entries, "cpu.boost", "key", readLineOr("/sys/devices/system/cpu/cpufreq/boost"));
    put(entries, "cpu.no_turbo", "key",
        readLineOr("/sys/devices/system/cpu/intel_pstate/no_turbo"));
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        put(entries, "cpu.usable", "key", std::to_string(CPU_COUNT(&set)));
    const std::string quota = readLineOr("/sys/fs/cgroup/cpu.max");
    put(entries, "cpu.quota", "key",
        quota.empty() ? readLineOr("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") : quota);
}

void readMemory(Entries& entries) {
    std::ifstream info("/proc/meminfo");
    std::string name;
    std::string unit;
    std::uint64_t kib = 0;
    while (info >> name >> kib && std::getline(info, unit)) {
        // Whole GiB: firmware takes a little more or less on equal machines.
        if (name == "MemTotal:")
            put(entries, "memory.gib", "key", std::to_string((kib + (1 << 19)) >> 20));
        if (name == "MemAvailable:")
            put(entries, "memory.available_kib", "volatile", std::to_string(kib));
        if (name == "HugePages_Total:")
            put(entries, "memory.hugepages", "recorded", std::to_string(kib));
    }
    int nodes = 0;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/devices/system/node", ec)) {
        const std::string file = entry.path().filename().string();
        if (file.starts_with("node") && file.size() > 4 &&
            std::isdigit(static_cast<unsigned char>(file[4])))
            ++nodes;
    }
    put(entries, "memory.numa_nodes", "key", std::to_string(std::max(nodes, 1)));
    put(entries, "memory.thp", "recorded",
        readLineOr("/sys/kernel/mm/transparent_hugepage/enabled"));
}

void readSystem(Entries& entries) {
    utsname name{};
    if (uname(&name) == 0) {
        put(entries, "os.name", "key", name.sysname);
        put(entries, "os.arch", "key", name.machine);
        put(entries, "os.kernel", "recorded", name.release);
        put(entries, "host.name", "recorded", name.nodename);
    }
    put(entries, "os.libc", "recorded", gnu_get_libc_version());
    put(entries, "os.aslr", "recorded", readLineOr("/proc/sys/kernel/randomize_va_space"));
    put(entries, "os.perf_event_paranoid", "recorded",
        readLineOr("/proc/sys/kernel/perf_event_paranoid"));
    put(entries, "os.load", "volatile", readLineOr("/proc/loadavg"));
    put(entries, "os.boot_id", "volatile", readLineOr("/proc/sys/kernel/random/boot_id"));
    put(entries, "gpu.driver", "key", readLineOr("/proc/driver/nvidia/version"));
    std::error_code ec;
    int gpus = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", ec)) {
        ++gpus;
        std::ifstream info(entry.path() / "information");
        std::string line;
        while (std::getline(info, line))
            if (line.starts_with("Model:"))
                put(entries, "gpu.model", "key", std::string(trim(line.substr(6))));
    }
    put(entries, "gpu.count", "key", std::to_string(gpus));
    for (const auto& [limit, label] : {std::pair(RLIMIT_NOFILE, "os.limit.nofile"),
                                       std::pair(RLIMIT_MEMLOCK, "os.limit.memlock")}) {
        rlimit value{};
        if (getrlimit(static_cast<__rlimit_resource>(limit), &value) == 0)
            put(entries, label, "recorded",
                value.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(value.rlim_cur));
    }
    put(entries, "time.utc_ns", "volatile", std::to_string(realtimeNs()));
}

}  // namespace

std::string environmentKey(const std::vector<EnvironmentEntry>& entries) {
    nlohmann::json fields = nlohmann::json::object();  // sorts its keys
    for (const EnvironmentEntry& entry : entries)
        if (entry.category == "key" && entry.name != "environment.key")
            fields[entry.name] = entry.value;
    const nlohmann::json canonical = {{"fields", fields}, {"schema", kEnvironmentSchema}};
    return sha256Hex(canonical.dump());
}

std::vector<EnvironmentEntry> readEnvironment() {
    Entries entries;
    readSystem(entries);
    readCpu(entries);
    readMemory(entries);
    readVariables(entries);
    std::vector<EnvironmentEntry> list;
    for (auto& [name, entry] : entries) list.push_back(std::move(entry));
    list.push_back({"environment.key", "recorded", environmentKey(list)});
    std::sort(list.begin(), list.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return list;
}

}  // namespace ridge::recorder
