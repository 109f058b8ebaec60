// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Samples that are images to be made smaller: kImageSide x kImageSide pixels of three bytes, made by
// seed, to kResizedSide x kResizedSide with the antialiased bilinear filter of Pillow and torchvision:
// the weights of a source pixel fall linearly from the centre of the destination's pixel to zero at
// one destination pixel's distance, and add up to one.
//
// Weights are 12-bit whole numbers that add up to 4096 exactly, and there is one rounding, at the end,
// so that the result is the same to the bit however the sums are arranged: it is proven by the CRC-32C
// that a sample carries of its own result, computed by another arrangement when it was made.
// Errors: kBadInput for a sample that is not what it should be; kInternal for a slot that is too small.

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ridge::workloads {

inline constexpr std::int32_t kImageSide = 512, kResizedSide = 224, kImageChannels = 3;
inline constexpr std::size_t kImageBytes = std::size_t{kImageSide} * kImageSide * kImageChannels;
inline constexpr std::size_t kResizedBytes =
    std::size_t{kResizedSide} * kResizedSide * kImageChannels;

// What a row or column of the result takes of the source: `weights[k]` of pixel first + k.
struct ResizeTaps {
    std::int32_t first = 0;
    std::vector<std::uint32_t> weights;  // add up to 4096
};
// One per destination pixel. Source and destination are at least 1.
[[nodiscard]] std::vector<ResizeTaps> resizeTaps(std::int32_t source, std::int32_t destination);

// Rows first, then columns; pixels of kImageChannels bytes, `to` has the room.
void resizeImage(std::span<const std::uint8_t> from, std::int32_t side, std::span<std::uint8_t> to,
                 std::int32_t smallerSide);

// Makes image `index` in the slot, which is kImageBytes and a header at least.
Status makeImageSample(std::span<std::byte> slot, std::uint64_t index);
// Resizes and proves it. Any number of threads at once.
Status resizeImageSample(std::span<const std::byte> slot, std::uint64_t index);

}  // namespace ridge::workloads
