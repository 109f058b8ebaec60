// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The bytes of a trace, gzip undone (ISA-L), in order. Gzip is told by its first two bytes; memory is bounded
// whatever the file says. One thread at a time (block_reader.h reads ahead).
//
// read() returns 0 at the end and after a failure; error() then says what broke: bytes that were read
// before it are good.

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"

namespace ridge::analyzer::kineto {

class ByteSource {
public:
    static Result<std::unique_ptr<ByteSource>> open(const std::string& path);
    // The bytes themselves, for tests and fuzzing; not copied.
    static std::unique_ptr<ByteSource> ofMemory(const char* data, std::size_t size);
    virtual ~ByteSource() = default;

    virtual std::size_t read(char* out, std::size_t capacity) = 0;
    // Empty: all is well.
    [[nodiscard]] virtual std::string error() const = 0;
    // How many bytes there may be in all; only a hint for reserving.
    [[nodiscard]] virtual std::size_t expectedSize() const = 0;
};

}  // namespace ridge::analyzer::kineto
