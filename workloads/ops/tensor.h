// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A view of elements in a backend's memory: pointer, count, type. It owns nothing; the Operators
// object that allocated the memory does, and outlives every view. On a GPU backend the pointer is a
// device address: only upload() and download() of that backend may look behind it.

#include "base/result.h"

#include <cstdint>
#include <ridge/work.h>

namespace ridge::workloads {

struct Tensor {
    void* data = nullptr;
    std::int64_t count = 0;
    ridge_dtype type = RIDGE_DTYPE_NONE;

    [[nodiscard]] bool empty() const { return data == nullptr; }
    [[nodiscard]] float* f32() const {
        RIDGE_CHECK(type == RIDGE_DTYPE_F32, "tensor is not float32");
        return static_cast<float*>(data);
    }
    [[nodiscard]] std::int32_t* i32() const {
        RIDGE_CHECK(type == RIDGE_DTYPE_INT32, "tensor is not int32");
        return static_cast<std::int32_t*>(data);
    }
    // Elements [offset, offset + length).
    [[nodiscard]] Tensor slice(std::int64_t offset, std::int64_t length) const {
        RIDGE_CHECK(offset >= 0 && length >= 0 && offset + length <= count,
                    "slice outside of tensor");
        const std::int64_t elementBytes = 4;  // both types held so far
        return {static_cast<char*>(data) + offset * elementBytes, length, type};
    }
};

}  // namespace ridge::workloads
