// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/static_program.h"

#include "collector/agent/raw.h"

#include <elf.h>
#include <string.h>

namespace ridge::agent {

namespace {

constexpr unsigned kMostParts = 128;
constexpr uint64_t kMostEntries = 256;

bool readAt(int fd, uint64_t offset, void* to, size_t bytes) {
    return raw::call(SYS_pread64, fd, raw::address(to), static_cast<long>(bytes),
                     static_cast<long>(offset)) == static_cast<long>(bytes);
}

// A program that can lie anywhere says that it is one; ld.so and other libraries do not.
bool isProgram(int fd, const Elf64_Phdr& dynamic) {
    for (uint64_t i = 0; i < kMostEntries && i < dynamic.p_filesz / sizeof(Elf64_Dyn); ++i) {
        Elf64_Dyn entry;
        if (!readAt(fd, dynamic.p_offset + i * sizeof entry, &entry, sizeof entry) ||
            entry.d_tag == DT_NULL)
            return false;
        if (entry.d_tag == DT_FLAGS_1) return (entry.d_un.d_val & DF_1_PIE) != 0;
    }
    return false;
}

bool isStaticFile(int fd) {
    Elf64_Ehdr head;
    if (!readAt(fd, 0, &head, sizeof head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof(Elf64_Phdr))
        return false;
    bool program = head.e_type == ET_EXEC;
    for (unsigned i = 0; i < head.e_phnum && i < kMostParts; ++i) {
        Elf64_Phdr part;
        if (!readAt(fd, head.e_phoff + i * sizeof part, &part, sizeof part) ||
            part.p_type == PT_INTERP)
            return false;
        if (part.p_type == PT_DYNAMIC && head.e_type == ET_DYN) program = isProgram(fd, part);
    }
    return program;
}

// Cuts "#!/bin/sh -e" in room down to the interpreter; nullptr: no script.
const char* interpreterOf(int fd, char (&room)[256]) {
    const long n = raw::call(SYS_pread64, fd, raw::address(room), sizeof room - 1, 0);
    room[n > 0 ? n : 0] = 0;
    if (room[0] != '#' || room[1] != '!') return nullptr;
    char* name = room + 2 + strspn(room + 2, " \t");
    name[strcspn(name, " \t\n")] = 0;
    return name;
}

}  // namespace

bool isStaticProgram(const char* path) {
    char script[256];
    int fd = raw::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    if (const char* interpreter = interpreterOf(fd, script); interpreter != nullptr) {
        raw::close(fd);
        fd = raw::open(interpreter, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) return false;
    }
    const bool result = isStaticFile(fd);
    raw::close(fd);
    return result;
}

}  // namespace ridge::agent
