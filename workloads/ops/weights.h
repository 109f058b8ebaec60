// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A weight matrix W(n, k) as inference stores it, and values between float and their stored form.
//
// Float and bf16 as they are; int8 and int4 with one float scale per group of 64 along k: value =
// scale * q. int8: q in [-127, 127], scale = largest |value| of the group / 127. int4: q in [-8,
// 7], the value that is largest in magnitude is -8 (the scale takes its sign), the scale then
// fitted by least squares. int4 of a group: byte j holds element j in its low half and element j +
// 32 in its high half, each plus 8. All functions work on the host; a backend uploads what they
// return. Pure, any thread.

#include "workloads/formulas/op_cost.h"
#include "workloads/ops/tensor.h"

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ridge::workloads {

using formulas::Storage;

[[nodiscard]] ridge_dtype dtypeOf(Storage storage);
[[nodiscard]] Storage storageOf(ridge_dtype type);
[[nodiscard]] Result<Storage> parseStorage(const std::string& text);

inline constexpr std::int64_t kGroup = static_cast<std::int64_t>(formulas::kWeightGroup);

struct Weight {
    Tensor values;  // n * k elements
    Tensor scales;  // n * k / 64 floats; empty for f32 and bf16
    std::int64_t n = 0;
    std::int64_t k = 0;

    [[nodiscard]] Storage storage() const { return storageOf(values.type); }
};

// Round to nearest even; NaN stays NaN.
[[nodiscard]] constexpr std::uint16_t toBf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
    return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}
[[nodiscard]] constexpr float fromBf16(std::uint16_t value) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

// What a tensor of the storage's type holds, byte by byte, and its scales.
struct Packed {
    std::vector<std::byte> values;
    std::vector<float> scales;
};
// Groups of `group` (64 for int4); the count is a multiple of it where there are scales.
[[nodiscard]] Packed pack(std::span<const float> values, Storage storage,
                          std::int64_t group = kGroup);
// The floats that the stored form stands for.
[[nodiscard]] std::vector<float> unpack(const Packed& packed, Storage storage,
                                        std::int64_t group = kGroup);

}  // namespace ridge::workloads
