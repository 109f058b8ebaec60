// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/checked_product.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <bit>
#include <cstring>
#include <unordered_map>
#include <vector>

namespace ridge::workloads {
namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

constexpr std::int64_t kSampledElements = 512;
// Of f32 and bf16: |sum| stays below 16 * 16 * 65536 = 2^24, which a float holds exactly.
constexpr int kLargestWhole = 16;

// SplitMix64's mixing of a counter.
std::uint64_t mixed(std::uint64_t value) {
    value += 0x9E3779B97F4A7C15U;
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31U);
}

std::vector<int> drawn(std::int64_t count, std::uint64_t seed, int least, int most) {
    std::vector<int> values;
    values.reserve(static_cast<std::size_t>(count));
    const auto choices = static_cast<std::uint64_t>(most - least + 1);
    for (std::int64_t i = 0; i < count; ++i) {
        const std::uint64_t bits = mixed((seed << 40U) + static_cast<std::uint64_t>(i));
        values.push_back(least + static_cast<int>(bits % choices));
    }
    return values;
}

std::vector<std::byte> stored(const std::vector<int>& values, Type type) {
    const std::size_t width = type == Type::f32 ? 4 : type == Type::bf16 ? 2 : 1;
    std::vector<std::byte> bytes(values.size() * width);
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (width == 1) {
            bytes[i] = static_cast<std::byte>(values[i]);
            continue;
        }
        // Whole numbers this small have nothing in the half that bf16 leaves out.
        const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(values[i]));
        if (width == 4) {
            std::memcpy(&bytes[i * 4], &bits, 4);
        } else {
            const auto upper = static_cast<std::uint16_t>(bits >> 16U);
            std::memcpy(&bytes[i * 2], &upper, 2);
        }
    }
    return bytes;
}

}  // namespace

struct CheckedProduct::State {
    State(Type source, Type weights, Type target, std::int64_t n, int leastLeft, int mostLeft,
          int mostRight)
        : size(n),
          isWhole(target == Type::s32),
          left(drawn(n * n, 1, leastLeft, mostLeft)),
          right(drawn(n * n, 2, -mostRight, mostRight)),
          leftBytes(stored(left, source)),
          description(dnnl::matmul::desc({{n, n}, source, Tag::ab}, {{n, n}, weights, Tag::any},
                                         {{n, n}, target, Tag::ab}),
                      engine),
          packed(description.weights_desc(), engine),
          targetBytes(static_cast<std::size_t>(4 * n * n)),
          product(description),
          arguments{
              {DNNL_ARG_SRC, dnnl::memory(description.src_desc(), engine, leftBytes.data())},
              {DNNL_ARG_WEIGHTS, packed},
              {DNNL_ARG_DST, dnnl::memory(description.dst_desc(), engine, targetBytes.data())}} {
        std::vector<std::byte> rightBytes = stored(right, weights);
        dnnl::memory plain({{n, n}, weights, Tag::ab}, engine, rightBytes.data());
        dnnl::reorder(plain, packed).execute(stream, plain, packed);
        stream.wait();
    }

    std::int64_t size;
    bool isWhole;
    std::vector<int> left, right;
    std::vector<std::byte> leftBytes;
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};
    dnnl::matmul::primitive_desc description;
    dnnl::memory packed;
    std::vector<std::byte> targetBytes;
    dnnl::matmul product;
    std::unordered_map<int, dnnl::memory> arguments;
};

CheckedProduct::CheckedProduct(ridge_dtype type, std::int64_t size, int largestLeft) {
    switch (type) {
        case RIDGE_DTYPE_INT8:
            m_state =
                std::make_unique<State>(Type::u8, Type::s8, Type::s32, size, 0, largestLeft, 127);
            return;
        case RIDGE_DTYPE_BF16:
            m_state = std::make_unique<State>(Type::bf16, Type::bf16, Type::f32, size,
                                              -kLargestWhole, kLargestWhole, kLargestWhole);
            return;
        default:
            m_state = std::make_unique<State>(Type::f32, Type::f32, Type::f32, size, -kLargestWhole,
                                              kLargestWhole, kLargestWhole);
    }
}

CheckedProduct::~CheckedProduct() = default;

void CheckedProduct::run() {
    m_state->product.execute(m_state->stream, m_state->arguments);
    m_state->stream.wait();
}

std::string CheckedProduct::fault() const {
    const State& s = *m_state;
    for (std::int64_t sample = 0; sample < kSampledElements; ++sample) {
        const auto drawnAt = [&](std::int64_t which) {
            return static_cast<std::int64_t>(mixed(static_cast<std::uint64_t>(2 * sample + which)) %
                                             static_cast<std::uint64_t>(s.size));
        };
        const std::int64_t row = drawnAt(0), column = drawnAt(1);
        std::int64_t wanted = 0;
        for (std::int64_t k = 0; k < s.size; ++k)
            wanted += std::int64_t{s.left[static_cast<std::size_t>(row * s.size + k)]} *
                      s.right[static_cast<std::size_t>(k * s.size + column)];
        const std::byte* at = &s.targetBytes[static_cast<std::size_t>(4 * (row * s.size + column))];
        double got = 0;
        if (s.isWhole) {
            std::int32_t value = 0;
            std::memcpy(&value, at, 4);
            got = value;
        } else {
            float value = 0;
            std::memcpy(&value, at, 4);
            got = static_cast<double>(value);
        }
        if (got != static_cast<double>(wanted))
            return fmt::format("element ({}, {}) of {} is {} instead of {}", row, column,
                               implementation(), got, wanted);
    }
    return {};
}

std::string CheckedProduct::implementation() const {
    return m_state->description.impl_info_str();
}

std::span<std::byte> CheckedProduct::result() {
    return m_state->targetBytes;
}

}  // namespace ridge::workloads
