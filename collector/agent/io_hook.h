// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a hook is made of: the real function behind ours, and the macro that defines one.

#include "collector/agent/io_calls.h"

#include <dlfcn.h>
#include <stdio.h>

namespace ridge::agent {

// The next definition of a function after ours. dlsym works before any constructor has run, and two
// threads that look it up at once find the same.
template <class Signature>
class Real {
public:
    constexpr explicit Real(const char* name) : m_name(name) {}
    Signature* get() {
        void* function = __atomic_load_n(&m_function, __ATOMIC_RELAXED);
        if (__builtin_expect(function == nullptr, false)) {
            function = dlsym(RTLD_NEXT, m_name);
            __atomic_store_n(&m_function, function, __ATOMIC_RELAXED);
        }
        return reinterpret_cast<Signature*>(function);
    }

private:
    const char* m_name;
    void* m_function = nullptr;
};

inline int fdOf(FILE* file) {
    if (file == nullptr) return -1;
    const int error = errno;
    const int fd = fileno_unlocked(file);
    errno = error;  // a stream of memory has none
    return fd;
}

}  // namespace ridge::agent

#define RIDGE_EXPORT extern "C" __attribute__((visibility("default")))
#define RIDGE_UNPACK(...) __VA_ARGS__

// One hook: its type, name, parameters, and what its body does with `real()`.
#define RIDGE_HOOK(type, name, parameters, arguments, body)         \
    RIDGE_EXPORT type name parameters {                             \
        static constinit Real<type parameters> function(#name);     \
        const auto real = [&] { return function.get() arguments; }; \
        return body;                                                \
    }
