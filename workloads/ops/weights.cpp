// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ridge::workloads {

namespace {

constexpr std::int64_t kHalf = kGroup / 2;

float largestOf(std::span<const float> group) {
    float largest = 0;
    for (const float value : group)
        if (std::abs(value) > std::abs(largest)) largest = value;
    return largest;  // with its sign
}

int quantised(float value, float scale, float least, float most) {
    if (scale == 0) return 0;
    return static_cast<int>(std::clamp(std::nearbyint(value / scale), least, most));
}

// The largest value becomes -8, whatever its sign: all sixteen levels are used. The scale is then
// fitted once more, by least squares, to the levels that were chosen.
float fourBits(std::span<const float> group, int* levels) {
    const float scale = largestOf(group) / -8.0F;
    float both = 0, square = 0;
    for (std::size_t i = 0; i < group.size(); ++i) {
        levels[i] = quantised(group[i], scale, -8.0F, 7.0F);
        const auto level = static_cast<float>(levels[i]);
        both += group[i] * level;
        square += level * level;
    }
    return square > 0 ? both / square : 0.0F;
}

}  // namespace

ridge_dtype dtypeOf(Storage storage) {
    switch (storage) {
        case Storage::kBf16:
            return RIDGE_DTYPE_BF16;
        case Storage::kInt8:
            return RIDGE_DTYPE_INT8;
        case Storage::kInt4:
            return RIDGE_DTYPE_INT4;
        case Storage::kF32:
            break;
    }
    return RIDGE_DTYPE_F32;
}

Storage storageOf(ridge_dtype type) {
    switch (type) {
        case RIDGE_DTYPE_BF16:
            return Storage::kBf16;
        case RIDGE_DTYPE_INT8:
            return Storage::kInt8;
        case RIDGE_DTYPE_INT4:
            return Storage::kInt4;
        default:
            RIDGE_CHECK(type == RIDGE_DTYPE_F32, "no storage of this type");
            return Storage::kF32;
    }
}

Result<Storage> parseStorage(const std::string& text) {
    for (const Storage storage : {Storage::kF32, Storage::kBf16, Storage::kInt8, Storage::kInt4})
        if (text == formulas::name(storage)) return storage;
    return Error{ErrorCode::kBadInput, "no storage is called " + text};
}

Packed pack(std::span<const float> values, Storage storage, std::int64_t group) {
    Packed packed;
    const auto count = std::ssize(values);
    if (storage == Storage::kF32) {
        packed.values.resize(values.size_bytes());
        std::memcpy(packed.values.data(), values.data(), values.size_bytes());
        return packed;
    }
    if (storage == Storage::kBf16) {
        std::vector<std::uint16_t> halves(values.size());
        std::transform(values.begin(), values.end(), halves.begin(), toBf16);
        packed.values.resize(2 * values.size());
        std::memcpy(packed.values.data(), halves.data(), packed.values.size());
        return packed;
    }
    const bool four = storage == Storage::kInt4;
    RIDGE_CHECK(group > 0 && count % group == 0, "quantised values come in whole groups");
    RIDGE_CHECK(!four || group == kGroup, "int4 has groups of 64");
    packed.values.resize(static_cast<std::size_t>(four ? count / 2 : count));
    int levels[kGroup] = {};
    for (std::int64_t at = 0; at < count; at += group) {
        const auto part =
            values.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(group));
        if (four) {
            packed.scales.push_back(fourBits(part, levels));
            for (std::int64_t i = 0; i < kHalf; ++i)
                packed.values[static_cast<std::size_t>(at / 2 + i)] =
                    static_cast<std::byte>((levels[i] + 8) | ((levels[i + kHalf] + 8) << 4));
            continue;
        }
        const float scale = std::abs(largestOf(part)) / 127.0F;
        packed.scales.push_back(scale);
        for (std::size_t i = 0; i < part.size(); ++i)
            packed.values[static_cast<std::size_t>(at) + i] =
                static_cast<std::byte>(quantised(part[i], scale, -127.0F, 127.0F));
    }
    return packed;
}

std::vector<float> unpack(const Packed& packed, Storage storage, std::int64_t group) {
    std::vector<float> values;
    if (storage == Storage::kF32) {
        values.resize(packed.values.size() / 4);
        std::memcpy(values.data(), packed.values.data(), packed.values.size());
        return values;
    }
    if (storage == Storage::kBf16) {
        std::vector<std::uint16_t> halves(packed.values.size() / 2);
        std::memcpy(halves.data(), packed.values.data(), packed.values.size());
        values.resize(halves.size());
        std::transform(halves.begin(), halves.end(), values.begin(), fromBf16);
        return values;
    }
    for (std::size_t g = 0; g < packed.scales.size(); ++g)
        for (std::int64_t i = 0; i < group; ++i) {
            const auto at = static_cast<std::int64_t>(g) * group;
            int q = 0;
            if (storage == Storage::kInt4) {
                const auto byte = std::to_integer<int>(
                    packed.values[static_cast<std::size_t>(at / 2 + i % kHalf)]);
                q = (i < kHalf ? byte & 15 : byte >> 4) - 8;
            } else {
                q = static_cast<std::int8_t>(packed.values[static_cast<std::size_t>(at + i)]);
            }
            values.push_back(packed.scales[g] * static_cast<float>(q));
        }
    return values;
}

}  // namespace ridge::workloads
