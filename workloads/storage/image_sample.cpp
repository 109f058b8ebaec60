// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/image_sample.h"

#include "workloads/storage/crc32c.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ridge::workloads {
namespace {

struct ImageHeader {
    std::uint64_t magic = 0;
    std::uint64_t index = 0;
    std::uint32_t side = 0;
    std::uint32_t resizedCrc = 0;
};
constexpr std::uint64_t kMagic = 0x315f6567616d6961;  // "aimage_1"
constexpr std::uint32_t kOne = 4096;                  // 255 * kOne^2 and half of it fit 32 bits
constexpr std::uint32_t kHalf = kOne * kOne / 2;
constexpr std::int32_t kChannels = kImageChannels;

std::size_t at(std::int32_t i) {
    return static_cast<std::size_t>(i);
}

std::uint8_t rounded(std::uint32_t sum) {
    return static_cast<std::uint8_t>((sum + kHalf) / (kOne * kOne));
}

// A photograph's kind of picture: large shapes and fine grain.
void drawImage(std::span<std::uint8_t> pixels, std::uint64_t index) {
    std::uint64_t state = index * 0x9E3779B97F4A7C15ULL + 1;
    const double angle = static_cast<double>(index % 97);
    for (std::int32_t y = 0; y < kImageSide; ++y)
        for (std::int32_t x = 0; x < kImageSide; ++x)
            for (std::int32_t c = 0; c < kChannels; ++c) {
                state = state * 6364136223846793005ULL + 1442695040888963407ULL;
                const double shape =
                    std::sin(0.02 * x + angle + c) * std::cos(0.015 * y - 0.5 * angle);
                const auto grain = static_cast<double>(state >> 59);  // 0 to 31
                pixels[at((y * kImageSide + x) * kChannels + c)] =
                    static_cast<std::uint8_t>(112.0 + 96.0 * shape + grain);
            }
}

// Pixel by pixel, both directions at once: slow, and nothing of resizeImage().
std::uint32_t crcOfResized(std::span<const std::uint8_t> pixels) {
    const std::vector<ResizeTaps> taps = resizeTaps(kImageSide, kResizedSide);
    std::vector<std::uint8_t> out(kResizedBytes);
    for (std::int32_t y = 0; y < kResizedSide; ++y)
        for (std::int32_t x = 0; x < kResizedSide; ++x) {
            const ResizeTaps &down = taps[at(y)], &across = taps[at(x)];
            std::uint32_t sums[kChannels] = {};
            for (std::size_t j = 0; j < down.weights.size(); ++j)
                for (std::size_t i = 0; i < across.weights.size(); ++i) {
                    const std::size_t pixel =
                        (at(down.first) + j) * kImageSide + at(across.first) + i;
                    for (std::size_t c = 0; c < kChannels; ++c)
                        sums[c] +=
                            down.weights[j] * across.weights[i] * pixels[pixel * kChannels + c];
                }
            for (std::size_t c = 0; c < kChannels; ++c)
                out[at(y * kResizedSide + x) * kChannels + c] = rounded(sums[c]);
        }
    return crc32c(std::as_bytes(std::span(out)));
}

Error damaged(std::uint64_t index, const char* what) {
    return {ErrorCode::kBadInput, fmt::format("image sample {}: {}", index, what)};
}

}  // namespace

std::vector<ResizeTaps> resizeTaps(std::int32_t source, std::int32_t destination) {
    const double scale = static_cast<double>(source) / destination;
    const double reach = std::max(scale, 1.0);
    std::vector<ResizeTaps> all(at(destination));
    for (std::int32_t d = 0; d < destination; ++d) {
        const double centre = (d + 0.5) * scale;
        ResizeTaps& taps = all[at(d)];
        const auto first = static_cast<std::int32_t>(std::max(0.0, std::floor(centre - reach + 0.5)));
        const auto last =
            std::min(source, static_cast<std::int32_t>(std::floor(centre + reach + 0.5)));
        taps.first = first;
        std::vector<double> exact;
        double sum = 0;
        for (std::int32_t s = first; s < last; ++s) {
            exact.push_back(std::max(0.0, 1 - std::abs(s + 0.5 - centre) / reach));
            sum += exact.back();
        }
        // Whole numbers with the sum kept: what rounding loses goes to the largest.
        std::uint32_t given = 0;
        for (const double weight : exact) {
            taps.weights.push_back(static_cast<std::uint32_t>(weight / sum * kOne));
            given += taps.weights.back();
        }
        *std::max_element(taps.weights.begin(), taps.weights.end()) += kOne - given;
    }
    return all;
}

void resizeImage(std::span<const std::uint8_t> from, std::int32_t side, std::span<std::uint8_t> to,
                 std::int32_t smallerSide) {
    const std::vector<ResizeTaps> taps = resizeTaps(side, smallerSide);
    const std::size_t width = at(smallerSide) * kChannels;
    thread_local std::vector<std::uint32_t> rows, sums;
    rows.assign(at(side) * width, 0);
    for (std::int32_t y = 0; y < side; ++y) {
        const std::uint8_t* const row = from.data() + at(y) * at(side) * kChannels;
        std::uint32_t* out = rows.data() + at(y) * width;
        for (const ResizeTaps& across : taps) {
            const std::uint8_t* pixel = row + at(across.first) * kChannels;
            std::uint32_t red = 0, green = 0, blue = 0;
            for (const std::uint32_t weight : across.weights) {
                red += weight * pixel[0];
                green += weight * pixel[1];
                blue += weight * pixel[2];
                pixel += kChannels;
            }
            *out++ = red;
            *out++ = green;
            *out++ = blue;
        }
    }
    for (std::int32_t y = 0; y < smallerSide; ++y) {
        const ResizeTaps& down = taps[at(y)];
        sums.assign(width, 0);
        for (std::size_t j = 0; j < down.weights.size(); ++j) {
            const std::uint32_t weight = down.weights[j];
            const std::uint32_t* const row = rows.data() + (at(down.first) + j) * width;
            for (std::size_t i = 0; i < width; ++i) sums[i] += weight * row[i];
        }
        for (std::size_t i = 0; i < width; ++i) to[at(y) * width + i] = rounded(sums[i]);
    }
}

Status makeImageSample(std::span<std::byte> slot, std::uint64_t index) {
    if (slot.size() < sizeof(ImageHeader) + kImageBytes)
        return Error{ErrorCode::kInternal,
                     fmt::format("an image of {} bytes does not fit a slot of {}", kImageBytes,
                                 slot.size())};
    std::vector<std::uint8_t> pixels(kImageBytes);
    drawImage(pixels, index);
    const ImageHeader header{kMagic, index, kImageSide, crcOfResized(pixels)};
    std::memcpy(slot.data(), &header, sizeof header);
    std::memcpy(slot.data() + sizeof header, pixels.data(), pixels.size());
    const std::size_t end = sizeof header + pixels.size();
    std::memset(slot.data() + end, 0, slot.size() - end);
    return {};
}

Status resizeImageSample(std::span<const std::byte> slot, std::uint64_t index) {
    ImageHeader header;
    if (slot.size() < sizeof header + kImageBytes) return damaged(index, "shorter than an image");
    std::memcpy(&header, slot.data(), sizeof header);
    if (header.magic != kMagic || header.index != index || header.side != kImageSide)
        return damaged(index, "another one is here");
    thread_local std::vector<std::uint8_t> out(kResizedBytes);
    resizeImage({reinterpret_cast<const std::uint8_t*>(slot.data() + sizeof header), kImageBytes},
                kImageSide, out, kResizedSide);
    if (crc32c(std::as_bytes(std::span(out))) != header.resizedCrc)
        return damaged(index, "its smaller image does not match its checksum");
    return {};
}

}  // namespace ridge::workloads
