// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A view of elements in a backend's memory: pointer, count, type. It owns nothing; the Operators
// object that allocated the memory does, and outlives every view. On a GPU backend the pointer is a
// device address: only upload() and download() of that backend may look behind it.
//
// Types held: f32, bf16 (the upper half of a float), fp8 (ops/fp8.h), int32, int8 (signed, or
// unsigned as the left side of a product), int4 (two per byte, as ops/weights.h packs them). Counts
// are elements, always.

#include "base/result.h"

#include <cstdint>
#include <ridge/work.h>

namespace ridge::workloads {

// Bits per element; 0 for a type that tensors do not hold.
[[nodiscard]] constexpr std::int64_t elementBits(ridge_dtype type) {
    switch (type) {
        case RIDGE_DTYPE_F32:
        case RIDGE_DTYPE_INT32:
            return 32;
        case RIDGE_DTYPE_BF16:
            return 16;
        case RIDGE_DTYPE_INT8:
        case RIDGE_DTYPE_FP8_E4M3:
        case RIDGE_DTYPE_FP8_E5M2:
            return 8;
        case RIDGE_DTYPE_INT4:
            return 4;
        default:
            return 0;
    }
}

struct Tensor {
    void* data = nullptr;
    std::int64_t count = 0;
    ridge_dtype type = RIDGE_DTYPE_NONE;

    [[nodiscard]] bool empty() const { return data == nullptr; }
    [[nodiscard]] std::int64_t bytes() const { return count * elementBits(type) / 8; }
    [[nodiscard]] float* f32() const {
        RIDGE_CHECK(type == RIDGE_DTYPE_F32, "tensor is not float32");
        return static_cast<float*>(data);
    }
    [[nodiscard]] std::int32_t* i32() const {
        RIDGE_CHECK(type == RIDGE_DTYPE_INT32, "tensor is not int32");
        return static_cast<std::int32_t*>(data);
    }
    [[nodiscard]] std::uint16_t* bf16() const {
        RIDGE_CHECK(type == RIDGE_DTYPE_BF16, "tensor is not bfloat16");
        return static_cast<std::uint16_t*>(data);
    }
    [[nodiscard]] std::int8_t* i8() const {
        RIDGE_CHECK(type == RIDGE_DTYPE_INT8, "tensor is not int8");
        return static_cast<std::int8_t*>(data);
    }
    [[nodiscard]] std::uint8_t* fp8() const {
        RIDGE_CHECK(type == RIDGE_DTYPE_FP8_E4M3 || type == RIDGE_DTYPE_FP8_E5M2,
                    "tensor is not an eight-bit float");
        return static_cast<std::uint8_t*>(data);
    }
    // Elements [offset, offset + length).
    [[nodiscard]] Tensor slice(std::int64_t offset, std::int64_t length) const {
        RIDGE_CHECK(offset >= 0 && length >= 0 && offset + length <= count,
                    "slice outside of tensor");
        RIDGE_CHECK(offset * elementBits(type) % 8 == 0, "slice begins inside a byte");
        return {static_cast<char*>(data) + offset * elementBits(type) / 8, length, type};
    }
};

}  // namespace ridge::workloads
