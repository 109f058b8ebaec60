// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/sqlite/whole_file.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace ridge {

namespace {

constexpr std::size_t kPageSize = 16, kChangeCounter = 24, kPageCount = 28, kVersionValidFor = 92;
constexpr std::size_t kHeader = 100;

std::uint64_t bigEndian(const std::array<char, kHeader>& header, std::size_t at,
                        std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i)
        value = value << 8 | static_cast<unsigned char>(header[at + i]);
    return value;
}

}  // namespace

std::string whatIsCutOff(const std::string& databasePath) {
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(databasePath, error);
    std::array<char, kHeader> header{};
    std::ifstream file(databasePath, std::ios::binary);
    if (error || !file.read(header.data(), kHeader)) return {};
    // The count is right only when it was written together with the last change.
    if (bigEndian(header, kChangeCounter, 4) != bigEndian(header, kVersionValidFor, 4)) return {};
    const std::uint64_t stated = bigEndian(header, kPageSize, 2);
    const std::uint64_t page = stated == 1 ? 65536 : stated;
    const std::uint64_t whole = page * bigEndian(header, kPageCount, 4);
    if (whole <= size) return {};
    return fmt::format("the file is cut off: {} of {} bytes are there", size, whole);
}

}  // namespace ridge
