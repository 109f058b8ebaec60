// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Names that mean the same in two runs, spelt the same.
//
// Taken off: "void ", "(anonymous namespace)::", the argument list and clone suffixes of kernels; the number
// at the end of generated kernels (triton_poi_fused_add_12), which counts through the program; "#12" and
// addresses in ranges; digits in names of files (shard-00012.bin is shard-*.bin). Template arguments stay: they
// carry the type. Any bytes in, valid UTF-8 out; linear.

#include <string>
#include <string_view>

namespace ridge::analyzer {

std::string normalKernelName(std::string_view name);
std::string normalRangeName(std::string_view name);
std::string normalFileName(std::string_view path);  // the last part: folders of a run are often its own

}  // namespace ridge::analyzer
