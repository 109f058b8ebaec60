// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Kernel names as people read them.

#include <string>
#include <string_view>

namespace ridge::recorder {

// What the C++ ABI makes of a mangled name; the name itself when it is none.
std::string demangle(const std::string& mangled);
// "void ns::gemm<float, 4>(float*, int)" -> "gemm": no return type, scope, template arguments,
// parameters.
std::string shortKernelName(std::string_view demangled);

}  // namespace ridge::recorder
