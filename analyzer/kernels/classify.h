// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a GPU kernel does, told by its name: ordered rules, first match wins (metrics.md 1.10). Order
// matters: communication, attention and mixture-of-experts before gemm, convolution before norm.
//
// Rules are lists of small patterns (literals, x?, [xy], .*, ^, \b) matched without recursion over the
// name, so that a name of a megabyte costs time in proportion and no stack. Names longer than 4096
// bytes are judged by their first 4096. Callers classify each distinct name once.

#include <string_view>

namespace ridge::analyzer {

enum class KernelClass : unsigned char {
    kComm, kAttention, kMoe, kGemm, kConv, kNorm, kSoftmax, kOptimizer, kQuant, kEmbedding,
    kSortTopk, kRandom, kPool, kCopyLayout, kReduction, kElementwise, kOther
};

KernelClass classifyKernel(std::string_view name);
std::string_view kernelClassName(KernelClass c);

}  // namespace ridge::analyzer
