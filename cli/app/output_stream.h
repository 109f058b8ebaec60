// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// An output that is written in pieces because it is too large for memory. A file is made beside its place and moved there by
// finish(): before, nobody sees half of it, and without finish() nothing stays. "-" is stdout.

#include <cstdio>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ridge::cli {

class OutputStream {
public:
    // Errors: kBadInput, the place cannot be written.
    static Result<OutputStream> open(const std::string& path);
    ~OutputStream();
    OutputStream(OutputStream&& other) noexcept;
    OutputStream& operator=(OutputStream&&) = delete;
    OutputStream(const OutputStream&) = delete;
    OutputStream& operator=(const OutputStream&) = delete;

    // Errors: kMeasurement, the disk is full.
    Status write(std::string_view piece);
    Status finish();

private:
    OutputStream(std::FILE* file, std::string path, std::string part) : m_file(file), m_path(std::move(path)), m_part(std::move(part)) {}
    std::FILE* m_file = nullptr;
    std::string m_path, m_part;  // empty: stdout
};

}  // namespace ridge::cli
