// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/kernel_name.h"

#include <cstdlib>
#include <cxxabi.h>
#include <memory>

namespace ridge::recorder {

std::string demangle(const std::string& mangled) {
    if (!mangled.starts_with("_Z") || mangled.find('\0') != std::string::npos) return mangled;
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(
        abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free);
    return status == 0 && text ? std::string(text.get()) : mangled;
}

std::string shortKernelName(std::string_view demangled) {
    // Parameters begin at the last '(' outside of <> that is not "(anonymous namespace)".
    constexpr std::string_view kAnonymous = "(anonymous namespace)";
    std::string plain;  // without template arguments and anonymous scopes
    int depth = 0;
    for (std::size_t i = 0; i < demangled.size(); ++i) {
        if (demangled.substr(i).starts_with(kAnonymous)) {
            i += kAnonymous.size() - 1;
            continue;
        }
        const char c = demangled[i];
        if (c == '<') ++depth;
        if (depth == 0) plain.push_back(c);
        if (c == '>' && depth > 0) --depth;
    }
    const std::string head = plain.substr(0, plain.find('('));
    const std::size_t scope = head.find_last_of(": ");
    const std::string name = scope == std::string::npos ? head : head.substr(scope + 1);
    return name.empty() ? std::string(demangled) : name;
}

}  // namespace ridge::recorder
