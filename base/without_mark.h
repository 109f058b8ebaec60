// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a JSON library says of a document, in words that a person can use.

#include <string>

namespace ridge {

// "[json.exception.type_error.302] type must be ..." without its mark; anything else as it is.
inline std::string withoutMark(std::string text) {
    const std::size_t end = text.find("] ");
    return text.starts_with("[") && end != std::string::npos ? text.substr(end + 2) : text;
}

}  // namespace ridge
