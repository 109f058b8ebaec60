// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How the strategies look at tensors: as floats, as bytes to send, as room to receive. Addresses
// only: of a device's memory they are good for its communicator, and for nobody else.

#include "workloads/ops/tensor.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace ridge::workloads {

[[nodiscard]] inline std::size_t index(std::int64_t value) {
    return static_cast<std::size_t>(value);
}
[[nodiscard]] inline std::span<float> floats(const Tensor& tensor) {
    return {tensor.f32(), index(tensor.count)};
}
[[nodiscard]] inline std::span<const std::byte> bytesOf(const Tensor& tensor) {
    return {static_cast<const std::byte*>(tensor.data), index(tensor.bytes())};
}
[[nodiscard]] inline std::span<std::byte> roomOf(const Tensor& tensor) {
    return {static_cast<std::byte*>(tensor.data), index(tensor.bytes())};
}

}  // namespace ridge::workloads
