// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The stdio functions that move lines and formatted text. A variadic one calls the real function's
// va_list sibling, which is what libc does itself. Those that move a character are left alone: they
// take a few nanoseconds, and a record of each would cost the program many times that.
#include "collector/agent/io_hook.h"

#include <stdarg.h>
#include <sys/types.h>

namespace ridge::agent {
namespace {

using spool::IoOp;

// bytes(result): how many were moved, or -1. What was asked for is what came, or nothing.
template <class RealCall, class Bytes>
inline auto onText(Function function, IoOp op, int (*descriptor)(FILE*), FILE* file, RealCall real,
                   Bytes bytes) {
    if (!tracing()) return real();
    const uint64_t start = now();
    const auto result = real();
    const int error = errno;
    const int64_t moved = bytes(result);
    recordOnFd(
        {function, op, start, moved, -1, moved > 0 ? static_cast<uint64_t>(moved) : 0, error},
        descriptor(file));
    errno = error;
    return result;
}

// A negative result is an error, and any other the number of bytes.
int64_t asIs(int64_t result) {
    return result < 0 ? -1 : result;
}

// Nothing more in the file is not an error.
int64_t endOrError(FILE* file) {
    return ferror_unlocked(file) != 0 ? -1 : 0;
}

}  // namespace
}  // namespace ridge::agent

using namespace ridge::agent;
using ridge::spool::IoOp;

#define RIDGE_PUTS_HOOK(name, id)                                                        \
    RIDGE_HOOK(int, name, (const char* text, FILE* file), (text, file),                  \
               onText(id, IoOp::kFwrite, fdOf, file, real, [&](int result) {             \
                   return result < 0 ? int64_t{-1} : static_cast<int64_t>(strlen(text)); \
               }))
RIDGE_PUTS_HOOK(fputs, kFnFputs)
RIDGE_PUTS_HOOK(fputs_unlocked, kFnFputsUnlocked)
RIDGE_HOOK(int, puts, (const char* text), (text),
           onText(kFnPuts, IoOp::kFwrite, fdOf, stdout, real, [&](int result) {
               return result < 0 ? int64_t{-1} : static_cast<int64_t>(strlen(text)) + 1;
           }))

// Formatted output: a sibling with a va_list, and the function itself by way of it.
#define RIDGE_FORMAT_HOOK(type, name, sibling, id, siblingId, parameters, arguments, file) \
    static type real_##sibling(RIDGE_UNPACK parameters, va_list rest) {                    \
        static constinit Real<type(RIDGE_UNPACK parameters, va_list)> function(#sibling);  \
        return function.get()(RIDGE_UNPACK arguments, rest);                               \
    }                                                                                      \
    RIDGE_EXPORT type sibling(RIDGE_UNPACK parameters, va_list rest) {                     \
        return onText(                                                                     \
            siblingId, IoOp::kFwrite, fdOf, file,                                          \
            [&] { return real_##sibling(RIDGE_UNPACK arguments, rest); }, asIs);           \
    }                                                                                      \
    RIDGE_EXPORT type name(RIDGE_UNPACK parameters, ...) {                                 \
        va_list rest;                                                                      \
        va_start(rest, format);                                                            \
        const type result = onText(                                                        \
            id, IoOp::kFwrite, fdOf, file,                                                 \
            [&] { return real_##sibling(RIDGE_UNPACK arguments, rest); }, asIs);           \
        va_end(rest);                                                                      \
        return result;                                                                     \
    }
RIDGE_FORMAT_HOOK(int, fprintf, vfprintf, kFnFprintf, kFnVfprintf,
                  (FILE * file, const char* format), (file, format), file)
RIDGE_FORMAT_HOOK(int, __fprintf_chk, __vfprintf_chk, kFnFprintf, kFnVfprintf,
                  (FILE * file, int flag, const char* format), (file, flag, format), file)
RIDGE_FORMAT_HOOK(int, printf, vprintf, kFnPrintf, kFnVprintf, (const char* format), (format),
                  stdout)
RIDGE_FORMAT_HOOK(int, __printf_chk, __vprintf_chk, kFnPrintf, kFnVprintf,
                  (int flag, const char* format), (flag, format), stdout)

// On a descriptor, written at once.
#define RIDGE_DPRINTF_HOOK(name, sibling, parameters, arguments)                         \
    static int real_##sibling(RIDGE_UNPACK parameters, va_list rest) {                   \
        static constinit Real<int(RIDGE_UNPACK parameters, va_list)> function(#sibling); \
        return function.get()(RIDGE_UNPACK arguments, rest);                             \
    }                                                                                    \
    static int recorded_##sibling(Function id, RIDGE_UNPACK parameters, va_list rest) {  \
        if (!tracing()) return real_##sibling(RIDGE_UNPACK arguments, rest);             \
        const uint64_t start = now();                                                    \
        const int result = real_##sibling(RIDGE_UNPACK arguments, rest);                 \
        const auto asked = static_cast<uint64_t>(result > 0 ? result : 0);               \
        recordOnFd({id, IoOp::kWrite, start, asIs(result), -1, asked, errno}, fd);       \
        return result;                                                                   \
    }                                                                                    \
    RIDGE_EXPORT int sibling(RIDGE_UNPACK parameters, va_list rest) {                    \
        return recorded_##sibling(kFnVdprintf, RIDGE_UNPACK arguments, rest);            \
    }                                                                                    \
    RIDGE_EXPORT int name(RIDGE_UNPACK parameters, ...) {                                \
        va_list rest;                                                                    \
        va_start(rest, format);                                                          \
        const int result = recorded_##sibling(kFnDprintf, RIDGE_UNPACK arguments, rest); \
        va_end(rest);                                                                    \
        return result;                                                                   \
    }
RIDGE_DPRINTF_HOOK(dprintf, vdprintf, (int fd, const char* format), (fd, format))
RIDGE_DPRINTF_HOOK(__dprintf_chk, __vdprintf_chk, (int fd, int flag, const char* format),
                   (fd, flag, format))

// A line with NUL bytes in it counts up to the first: more than that fgets does not tell.
#define RIDGE_FGETS_HOOK(name, id, parameters, arguments)                                          \
    RIDGE_HOOK(char*, name, parameters, arguments,                                                 \
               onText(id, IoOp::kFread, fdOf, file, real, [&](const char* line) {                  \
                   return line != nullptr ? static_cast<int64_t>(strlen(line)) : endOrError(file); \
               }))
RIDGE_FGETS_HOOK(fgets, kFnFgets, (char* to, int size, FILE* file), (to, size, file))
RIDGE_FGETS_HOOK(fgets_unlocked, kFnFgetsUnlocked, (char* to, int size, FILE* file),
                 (to, size, file))
RIDGE_FGETS_HOOK(__fgets_chk, kFnFgets, (char* to, size_t room, int size, FILE* file),
                 (to, room, size, file))
RIDGE_FGETS_HOOK(__fgets_unlocked_chk, kFnFgetsUnlocked,
                 (char* to, size_t room, int size, FILE* file), (to, room, size, file))

#define RIDGE_LINE_HOOK(name, id, parameters, arguments)  \
    RIDGE_HOOK(ssize_t, name, parameters, arguments,      \
               onText(id, IoOp::kFread, fdOf, file, real, \
                      [&](ssize_t got) { return got >= 0 ? int64_t{got} : endOrError(file); }))
RIDGE_LINE_HOOK(getline, kFnGetline, (char** line, size_t* room, FILE* file), (line, room, file))
RIDGE_LINE_HOOK(getdelim, kFnGetdelim, (char** line, size_t* room, int delimiter, FILE* file),
                (line, room, delimiter, file))
RIDGE_LINE_HOOK(__getdelim, kFnGetdelim, (char** line, size_t* room, int delimiter, FILE* file),
                (line, room, delimiter, file))
