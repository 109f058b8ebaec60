// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// PyTorch's own NVTX ranges (torch.autograd.profiler.emit_nvtx) number each call of an op in the range's text:
// "aten::mm, seq = 12, op_id = 345, sizes = [[2, 3], [3, 4]]". The op's name is what stands before the numbers;
// with them every call would be an op of its own.

#include <cstddef>
#include <string_view>

namespace ridge::analyzer {

// The length of the name within such a text; npos for every other text.
inline std::size_t lengthOfOpName(std::string_view text) {
    const std::size_t comma = text.find(", ");
    if (comma == std::string_view::npos) return std::string_view::npos;
    const std::string_view rest = text.substr(comma);
    const bool numbered = rest.starts_with(", op_id = ") || rest.starts_with(", seq = ") || rest.starts_with(", sizes = ");
    return numbered ? comma : std::string_view::npos;
}

}  // namespace ridge::analyzer
