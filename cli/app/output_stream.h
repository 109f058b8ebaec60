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

// What a write that failed with this errno is: a disk without room makes the measurement fail (exit code 4), a place that
// cannot be written is the user's to mend (2).
ErrorCode codeOfWriteError(int error);
// where: "to standard output", or a path.
Error writeError(const std::string& where, int error);

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
