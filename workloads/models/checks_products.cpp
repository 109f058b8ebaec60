// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/check_values.h"
#include "workloads/models/checks_operators.h"
#include "workloads/models/tiny_model.h"
#include "workloads/ops/fp8.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace ridge::workloads {

using namespace tiny;

namespace {

// Tensor cores keep about 14 bits of a sum of eight-bit products.
constexpr double kFp8ProductLimit = 1e-3;

double productLimit(std::int64_t k) {
    const auto terms = static_cast<double>(k);
    return std::min(8.0 * kRoundoff * std::sqrt(terms), terms * kRoundoff);
}

// A row of op(A) op(B) and of |op(A)| |op(B)|, in double.
struct Sums {
    double sum = 0, magnitude = 0;
};
template <typename A, typename B>
Sums dot(std::int64_t k, A&& a, B&& b) {
    Sums sums;
    for (std::int64_t i = 0; i < k; ++i) {
        const double term = a(i) * b(i);
        sums.sum += term;
        sums.magnitude += std::abs(term);
    }
    return sums;
}

std::int64_t sampled(std::int64_t sample, std::int64_t count) {
    return static_cast<std::int64_t>(randomBits(kSeed + 9, static_cast<std::uint64_t>(sample)) %
                                     static_cast<std::uint64_t>(count));
}

}  // namespace

CheckResult checkGemm(Operators& ops, const GemmShape& s) {
    const Tensor a = ops.allocate(s.m * s.k);
    const Tensor b = ops.allocate(s.k * s.n);
    const Tensor c = ops.allocate(s.m * s.n);
    const std::vector<float> hostA = draw(a.count, kSeed);
    const std::vector<float> hostB = draw(b.count, kSeed + 1);
    ops.upload(a, hostA);
    ops.upload(b, hostB);
    const GemmArgs args{.layout = s.layout,
                        .m = s.m,
                        .n = s.n,
                        .k = s.k,
                        .a = a,
                        .b = b,
                        .c = c,
                        .bias = {},
                        .accumulate = false};
    ops.gemm("check", args);
    const std::vector<float> first = host(ops, c);
    ops.gemm("check", args);
    const std::vector<float> second = host(ops, c);
    if (!ops.status().ok()) return {false, ops.status().error().message};
    if (std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) != 0)
        return {false, fmt::format("product {}x{}x{} twice: results differ", s.m, s.n, s.k)};

    double worst = 0;
    for (std::int64_t sample = 0; sample < std::min<std::int64_t>(8, s.m); ++sample) {
        const auto row =
            static_cast<std::int64_t>(randomBits(kSeed + 2, static_cast<std::uint64_t>(sample)) %
                                      static_cast<std::uint64_t>(s.m));
        for (std::int64_t column = 0; column < s.n; ++column) {
            double sum = 0;
            double magnitude = 0;
            for (std::int64_t i = 0; i < s.k; ++i) {
                const std::int64_t atA =
                    s.layout == GemmLayout::kTN ? i * s.m + row : row * s.k + i;
                const std::int64_t atB =
                    s.layout == GemmLayout::kNT ? column * s.k + i : i * s.n + column;
                const double term = at(hostA, atA) * at(hostB, atB);
                sum += term;
                magnitude += std::abs(term);
            }
            const double off = std::abs(
                static_cast<double>(first[static_cast<std::size_t>(row * s.n + column)]) - sum);
            if (const double error = off / magnitude; !(error <= worst)) worst = error;
        }
    }
    const auto k = static_cast<double>(s.k);
    return verdict(fmt::format("product {}x{}x{} against double", s.m, s.n, s.k), worst,
                   std::min(8.0 * kRoundoff * std::sqrt(k), k * kRoundoff));
}

CheckResult checkLinear(Operators& ops, std::int64_t rows, std::int64_t n, std::int64_t k,
                        Storage storage) {
    const std::vector<float> weights = draw(n * k, kSeed);
    const std::vector<float> x = draw(rows * k, kSeed + 1);
    const Weight weight = ops.allocateWeight(n, k, storage);
    if (!ops.status().ok()) return {false, ops.status().error().message};
    ops.uploadWeight(weight, 0, weights);
    const std::vector<float> rounded = roundedTo(weights, storage);
    const Tensor in = put(ops, x);
    const Tensor y = ops.allocate(rows * n);
    ops.linear("check", weight, in, {}, y, rows);
    const std::vector<float> first = host(ops, y);
    ops.linear("check", weight, in, {}, y, rows);
    const std::vector<float> second = host(ops, y);
    if (!ops.status().ok()) return {false, ops.status().error().message};
    const std::string what = fmt::format("{} rows x {}x{} {}", rows, n, k, formulas::name(storage));
    if (std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) != 0)
        return {false, what + " twice: results differ"};
    double worst = 0;
    for (std::int64_t sample = 0; sample < 512; ++sample) {
        const std::int64_t row = sampled(2 * sample, rows);
        const std::int64_t column = sampled(2 * sample + 1, n);
        const Sums wanted = dot(
            k, [&](std::int64_t i) { return at(x, row * k + i); },
            [&](std::int64_t i) { return at(rounded, column * k + i); });
        keepWorst(worst, std::abs(at(first, row * n + column) - wanted.sum) / wanted.magnitude);
    }
    // For eight-bit weights a few rows may be rounded to 16 bits (ops/cpu/kernels_linear_fixed.h): by half a part in 32767
    // of the largest of a group, which is about twice the mean of what is drawn.
    const double rounding = storage == Storage::kInt8 ? 2.0 / 65534.0 : 0.0;
    return verdict(what + " against double on the rounded weights", worst, productLimit(k) + rounding);
}

std::vector<std::byte> fp8Codes(std::int64_t count, std::uint64_t seed) {
    std::vector<std::byte> codes(static_cast<std::size_t>(count));
    // 0x28 to 0x47, of either sign: 0.25 to 3.75 in E4M3.
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::uint64_t bits = randomBits(seed, i);
        codes[i] = static_cast<std::byte>((bits >> 63 << 7) | (0x28 + (bits >> 32) % 32));
    }
    return codes;
}

CheckResult checkTypedGemm(Operators& ops, const GemmShape& s, ridge_dtype type) {
    const bool whole = type == RIDGE_DTYPE_INT8;
    const bool tensorFloat = type == RIDGE_DTYPE_TF32;
    const bool eightBits = isFp8(type);
    std::vector<float> a = draw(s.m * s.k, kSeed);
    std::vector<float> b = draw(s.k * s.n, kSeed + 1);
    if (tensorFloat) {
        // Values that tf32 can hold: whether the hardware rounds or cuts makes no difference then.
        for (std::vector<float>* values : {&a, &b})
            for (float& value : *values)
                value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & ~0x1FFFU);
        if (Status set = ops.setProducts(type); !set.ok()) return {false, set.error().message};
    }
    // The values that the stored bytes stand for.
    std::vector<float> exactA, exactB;
    Packed packedA, packedB;
    if (whole) {
        for (const float value : a) {
            const float q = std::nearbyint(std::abs(value) * 127.0F);  // GemmArgs::unsignedLeft
            exactA.push_back(q);
            packedA.values.push_back(static_cast<std::byte>(static_cast<int>(q)));
        }
        for (const float value : b) {
            const float q = std::nearbyint(value * 127.0F);
            exactB.push_back(q);
            packedB.values.push_back(static_cast<std::byte>(static_cast<int>(q)));
        }
    } else if (eightBits) {
        const auto codes = [&](std::int64_t count, std::uint64_t seed, Packed& packed,
                               std::vector<float>& exact) {
            packed.values = fp8Codes(count, seed);
            for (const std::byte code : packed.values)
                exact.push_back(fromFp8(static_cast<std::uint8_t>(code), type));
        };
        codes(s.m * s.k, kSeed, packedA, exactA);
        codes(s.k * s.n, kSeed + 1, packedB, exactB);
    } else {
        const Storage storage = tensorFloat ? Storage::kF32 : Storage::kBf16;
        packedA = pack(a, storage);
        packedB = pack(b, storage);
        exactA = unpack(packedA, storage);
        exactB = unpack(packedB, storage);
    }
    const ridge_dtype held = tensorFloat ? RIDGE_DTYPE_F32 : type;
    GemmArgs args;
    args.layout = s.layout;
    args.m = s.m;
    args.n = s.n;
    args.k = s.k;
    args.unsignedLeft = whole;
    args.a = ops.allocate(s.m * s.k, held);
    args.b = ops.allocate(s.k * s.n, held);
    args.c = ops.allocate(s.m * s.n, whole ? RIDGE_DTYPE_INT32 : RIDGE_DTYPE_F32);
    if (!ops.status().ok()) return {false, ops.status().error().message};
    ops.uploadBytes(args.a, packedA.values);
    ops.uploadBytes(args.b, packedB.values);
    std::vector<std::byte> results[2];
    for (auto& result : results) {
        ops.gemm("check", args);
        result.resize(static_cast<std::size_t>(args.c.bytes()));
        ops.downloadBytes(result, args.c);
    }
    if (!ops.status().ok()) return {false, ops.status().error().message};
    if (results[0] != results[1]) return {false, "the same product twice: results differ"};
    double worst = 0;
    for (std::int64_t sample = 0; sample < 512; ++sample) {
        const std::int64_t row = sampled(2 * sample, s.m);
        const std::int64_t column = sampled(2 * sample + 1, s.n);
        const Sums wanted = dot(
            s.k,
            [&](std::int64_t i) {
                return at(exactA, s.layout == GemmLayout::kTN ? i * s.m + row : row * s.k + i);
            },
            [&](std::int64_t i) {
                return at(exactB,
                          s.layout == GemmLayout::kNT ? column * s.k + i : i * s.n + column);
            });
        const auto index = static_cast<std::size_t>(row * s.n + column);
        double got = 0;
        if (whole) {
            std::int32_t value = 0;
            std::memcpy(&value, results[0].data() + 4 * index, 4);
            got = value;
        } else {
            float value = 0;
            std::memcpy(&value, results[0].data() + 4 * index, 4);
            got = static_cast<double>(value);
        }
        keepWorst(worst, std::abs(got - wanted.sum) / (whole ? 1.0 : wanted.magnitude));
    }
    return verdict(
        fmt::format("product {}x{}x{} against double on the rounded operands", s.m, s.n, s.k),
        worst,
        whole       ? 0.0
        : eightBits ? kFp8ProductLimit
                    : productLimit(s.k));
}

}  // namespace ridge::workloads
