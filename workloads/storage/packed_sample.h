// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Samples that must be unpacked: deflate (ISA-L) of a payload that repeats itself like text does,
// made by seed. A packed sample carries its index, its packed size and the CRC-32C of the unpacked
// payload. Errors: kBadInput for a sample that is not what it should be; kInternal when a payload
// does not fit its slot.

#include "base/result.h"

#include <cstdint>
#include <span>

namespace ridge::workloads {

// Packs sample `index` of unpackedBytes into the slot.
Status packSample(std::span<std::byte> slot, std::uint64_t index, std::size_t unpackedBytes);
// Unpacks and proves it. Any number of threads at once.
Status unpackSample(std::span<const std::byte> slot, std::uint64_t index,
                    std::size_t unpackedBytes);

}  // namespace ridge::workloads
