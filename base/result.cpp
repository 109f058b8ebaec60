// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/result.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace ridge {

bool ridgeThrowOnBug = false;

int exitCodeFor(ErrorCode code) {
    switch (code) {
        case ErrorCode::kBadInput:
        case ErrorCode::kIo:
            return 2;
        case ErrorCode::kNoVerdict:
            return 3;
        case ErrorCode::kMeasurement:
        case ErrorCode::kInternal:
            return 4;
        case ErrorCode::kUnsupported:
            return 77;
    }
    return 4;
}

void reportBug(const char* condition, const std::string& message, std::source_location where) {
    const std::string text = fmt::format("{}:{}: bug: {} ({})", where.file_name(), where.line(),
                                         message, condition);
    if (ridgeThrowOnBug) throw std::logic_error(text);
    std::fprintf(stderr, "ridge: %s\n", text.c_str());
    std::abort();
}

}  // namespace ridge
