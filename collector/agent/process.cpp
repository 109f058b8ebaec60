// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/process.h"

#include "collector/agent/names.h"
#include "collector/agent/raw.h"
#include "collector/agent/ring.h"

#include <stdlib.h>
#include <sys/utsname.h>

namespace ridge::agent {

namespace {

// A small non-negative number, else -1.
int32_t numberOf(const char* text) {
    if (text == nullptr || *text == 0) return -1;
    int32_t value = 0;
    for (; *text != 0; ++text) {
        if (*text < '0' || *text > '9' || value > 100000000) return -1;
        value = value * 10 + (*text - '0');
    }
    return value;
}

int32_t firstOf(const char* const* variables) {
    for (; *variables != nullptr; ++variables) {
        const int32_t value = numberOf(getenv(*variables));
        if (value >= 0) return value;
    }
    return -1;
}

}  // namespace

void emitProcess(Ring* ring) {
    static const char* const kRank[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "RANK",
                                        "SLURM_PROCID",         nullptr};
    static const char* const kSize[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "WORLD_SIZE",
                                        "SLURM_NTASKS", nullptr};
    static const char* const kLocal[] = {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID",
                                         "LOCAL_RANK", "SLURM_LOCALID", nullptr};
    char path[1024];
    const long length = raw::readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    const char* base = strrchr(path, '/');
    utsname host = {};
    raw::call(SYS_uname, raw::address(&host));
    const NameEntry* name = internSlow(ring, base != nullptr ? base + 1 : path,
                                       strlen(base != nullptr ? base + 1 : path));
    const NameEntry* hostName = internSlow(ring, host.nodename, strlen(host.nodename));
    spool::Process record{};
    record.header =
        recordHeader(spool::RecordType::kProcess, sizeof record, idInThisImage(ring, name));
    record.pid = ring->header->pid;
    record.parentPid = ring->header->parentPid;
    record.rank = firstOf(kRank);
    record.worldSize = firstOf(kSize);
    record.localRank = firstOf(kLocal);
    record.hostNameId = idInThisImage(ring, hostName);
    emit(ring, record);
}

}  // namespace ridge::agent
