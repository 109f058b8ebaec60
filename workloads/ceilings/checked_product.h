// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A square product of the library that the workloads use, with operands whose result is known to
// the last digit: a roof comes only from one whose values were held against it.
//
// The operands are small whole numbers. In f32 and bf16 every partial sum is then exact in any
// order. int8 is u8 x s8 -> s32, with the left operand in 0..127: where a processor has no VNNI the
// library multiplies by vpmaddubsw, which adds two products in 16 bits and saturates (oneDNN,
// "Nuances of int8 Computations"), and 2 * 127 * 128 is the most that these hold.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ridge/work.h>
#include <span>
#include <string>

namespace ridge::workloads {

inline constexpr int kLargestUnsignedLeft = 127;

class CheckedProduct {
public:
    // size x size of RIDGE_DTYPE_F32, BF16 or INT8. largestLeft: of the left operand of int8, up to
    // 255 to show what that does. Throws dnnl::error where the library has no such product.
    CheckedProduct(ridge_dtype type, std::int64_t size, int largestLeft = kLargestUnsignedLeft);
    CheckedProduct(const CheckedProduct&) = delete;
    CheckedProduct& operator=(const CheckedProduct&) = delete;
    ~CheckedProduct();

    void run();
    // What the last run got wrong among 512 sampled elements; empty: nothing.
    [[nodiscard]] std::string fault() const;
    // Which of its implementations the library chose.
    [[nodiscard]] std::string implementation() const;
    [[nodiscard]] std::span<std::byte> result();  // 4 bytes per element

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace ridge::workloads
