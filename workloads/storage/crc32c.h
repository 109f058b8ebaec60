// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected, RFC 3720): by the SSE4.2 instruction where
// the processor has it, by table elsewhere. crc32c(b, crc32c(a)) is the sum of a followed by b.

#include <cstddef>
#include <cstdint>
#include <span>

namespace ridge::workloads {

std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t previous = 0);
// The table version, on every machine: the reference for the tests.
std::uint32_t crc32cByTable(std::span<const std::byte> data, std::uint32_t previous = 0);

}  // namespace ridge::workloads
