// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Stands before the calls of the C library that open files, for gui_thread_guard.h: the linker takes these for
// all libraries of the process. Linked as an object, never as a library: nothing refers to it by name.
// Standard C++ streams, Qt, SQLite and fontconfig come through here; what glibc opens for itself does not.
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>

#include <cstdarg>
#include <cstdio>

#include "gui/load/gui_thread_guard.h"

namespace {

template <typename Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// The mode is there only when a file may be made.
mode_t modeOf(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, unsigned)) : mode_t{0};
}

[[maybe_unused]] const bool g_here = (ridge::gui::setFilesAreWatched(), true);

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    static const auto real = next<int (*)(const char*, int, ...)>("open");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = modeOf(flags, arguments);
    va_end(arguments);
    ridge::gui::fileIsOpened(path);
    return real(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    static const auto real = next<int (*)(const char*, int, ...)>("open64");
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = modeOf(flags, arguments);
    va_end(arguments);
    ridge::gui::fileIsOpened(path);
    return real(path, flags, mode);
}

FILE* fopen(const char* path, const char* mode) {
    static const auto real = next<FILE* (*)(const char*, const char*)>("fopen");
    ridge::gui::fileIsOpened(path);
    return real(path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
    static const auto real = next<FILE* (*)(const char*, const char*)>("fopen64");
    ridge::gui::fileIsOpened(path);
    return real(path, mode);
}

DIR* opendir(const char* path) {
    static const auto real = next<DIR* (*)(const char*)>("opendir");
    ridge::gui::fileIsOpened(path);
    return real(path);
}

}  // extern "C"
