// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// libridge_start.so: preloaded where a launcher starts the program (schemas/spool/start.h). Before
// main() the process becomes `ridge record`, which starts the same file with the same arguments as
// its child: whoever launched it goes on with the same process. A process that is not to be recorded
// runs on, and pays a few getenv() for it.
#include "collector/agent/process.h"
#include "collector/agent/raw.h"
#include "schemas/spool/control_block.h"
#include "schemas/spool/start.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace ridge::agent {
namespace {

// They start what is to be recorded, and are not it.
constexpr const char* kLaunchers[] = {
    "mpirun",          "mpiexec",           "mpiexec.hydra", "mpirun.openmpi", "mpiexec.openmpi",
    "mpirun.mpich",    "mpiexec.mpich",     "orterun",       "orted",          "prterun",
    "prted",           "prte",              "prun",          "hydra_pmi_proxy", "hydra_bstrap_proxy",
    "srun",            "sbatch",            "salloc",        "slurmstepd",     "aprun",
    "jsrun",           "flux",              "ssh"};

const char* nameOf(const char* path) {
    const char* slash = strrchr(path, '/');
    return slash != nullptr ? slash + 1 : path;
}

bool isLauncher(const char* file) {
    const char* name = nameOf(file);
    for (const char* launcher : kLaunchers)
        if (strcmp(name, launcher) == 0) return true;
    return false;
}

// A session that this process is part of already; one of another host is none.
bool isRecorded() {
    const char* session = getenv(spool::kSessionVariable);
    if (session == nullptr || *session == 0) return false;
    const char* host = getenv(spool::kSessionHostVariable);
    utsname here = {};
    return host == nullptr || raw::call(SYS_uname, raw::address(&here)) != 0 ||
           strcmp(host, here.nodename) == 0;
}

// Every %q{VARIABLE} of the output's name is there. A pattern that is none is ridge's to complain of.
bool namesAreThere(const char* pattern) {
    for (; (pattern = strchr(pattern, '%')) != nullptr; pattern += pattern[1] != 0 ? 2 : 1) {
        const char* end = pattern[1] == 'q' && pattern[2] == '{' ? strchr(pattern, '}') : nullptr;
        char name[256];
        if (end == nullptr || static_cast<size_t>(end - pattern) > sizeof name) continue;
        Text(name, sizeof name).add(pattern + 3, static_cast<size_t>(end - pattern - 3));
        if (getenv(name) == nullptr) return false;
    }
    return true;
}

void say(const char* what, const char* ridge) {
    char text[1200];
    Text(text, sizeof text).add("ridge: not recorded: ").add(ridge).add(what).add("\n");
    raw::write(2, text, strlen(text));
}

// Whether this process was started by a take-over already, by way of a script perhaps: another one
// would go round for ever. What is no ridge at all gives way to the program, which is to run.
bool startedByTakeOver(int argc, char** argv, char** environment, const char* file,
                       const char* ridge) {
    int at = 1;
    while (at < argc && at < 6 &&
           (strcmp(argv[at], spool::kTakeOverOption) != 0 || strcmp(argv[at - 1], "record") != 0))
        ++at;
    if (at >= argc || at == 6) return false;
    const bool direct = at == 2 && argc > 5 && strcmp(argv[0], "ridge") == 0;
    if (!direct || strncmp(nameOf(file), "ridge", 5) == 0) return true;
    say(" is not ridge", ridge);
    static char off[64];
    Text(off, sizeof off).add(spool::kStartVariable).add("=").add(spool::kStartOff);
    const size_t name = strlen(spool::kStartVariable) + 1;
    for (char** variable = environment; *variable != nullptr; ++variable)
        if (strncmp(*variable, off, name) == 0) *variable = off;
    raw::call(SYS_execve, raw::address(argv[3]), raw::address(argv + 5),
              raw::address(environment));
    return true;
}

__attribute__((constructor)) void takeOver(int argc, char** argv, char** environment) {
    const char* ridge = getenv(spool::kStartVariable);
    const char* output = getenv(spool::kOutputVariable);
    if (ridge == nullptr || *ridge != '/' || output == nullptr || argc < 1 || isRecorded()) return;
    char file[4096];
    const long length = raw::readlink("/proc/self/exe", file, sizeof file - 1);
    if (length <= 0) return;
    file[length] = 0;
    if (startedByTakeOver(argc, argv, environment, file, ridge)) return;
    if (strcmp(file, ridge) == 0 || isLauncher(file) || !namesAreThere(output)) return;
    if (raw::call(SYS_faccessat, AT_FDCWD, raw::address(file), X_OK) != 0)
        return say(" cannot start this program anew: its file is not there", ridge);
    constexpr size_t kBefore = 5;
    const size_t words = kBefore + static_cast<size_t>(argc) + 1;
    auto** arguments = static_cast<const char**>(raw::memory(words * sizeof(char*)));
    if (arguments == nullptr) return say(" found no memory to begin with", ridge);
    const char* before[kBefore] = {"ridge", "record", spool::kTakeOverOption, file, "--"};
    memcpy(arguments, before, sizeof before);
    memcpy(arguments + kBefore, argv, static_cast<size_t>(argc) * sizeof(char*));
    raw::call(SYS_execve, raw::address(ridge), raw::address(arguments), raw::address(environment));
    say(" cannot be started", ridge);
}

}  // namespace
}  // namespace ridge::agent
