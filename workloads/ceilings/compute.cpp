// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Compute roofs: a register-only loop of fused multiply-adds (the processor's limit), and the
// largest products of the library that the workloads use (what software reaches).
#include "workloads/ceilings/checked_product.h"
#include "workloads/ceilings/sampling.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <atomic>
#include <cmath>

namespace ridge::workloads {
namespace {

constexpr int kChains = 12;  // independent sums: latency 4 x two units, with room
constexpr std::int64_t kRounds = 200'000;

// Vector registers as GCC's own type, so that one source serves every width; the loop keeps kChains
// of them.
typedef float Vector16 __attribute__((vector_size(16)));
typedef float Vector32 __attribute__((vector_size(32)));
typedef float Vector64 __attribute__((vector_size(64)));
template <typename Vector>
[[gnu::always_inline]] inline float multiplyAdd(float seed, std::int64_t rounds) {
    const Vector factor = Vector{} + 0.999F;
    const Vector addend = Vector{} + seed;
    Vector sums[kChains];  // no std::array: a template argument loses the vector attribute
    for (int i = 0; i < kChains; ++i) sums[i] = Vector{} + static_cast<float>(i);
    for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
        for (int i = 0; i < kChains; ++i) sums[i] = sums[i] * factor + addend;
    }
    float total = 0;
    for (int i = 0; i < kChains; ++i) total += sums[i][0];
    return total;
}

struct FmaLoop {
    float (*run)(float, std::int64_t);
    int lanes;
    const char* isa;
};

float fmaBaseline(float seed, std::int64_t rounds) {
    return multiplyAdd<Vector16>(seed, rounds);
}
#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float fmaAvx2(float seed, std::int64_t rounds) {
    return multiplyAdd<Vector32>(seed, rounds);
}
__attribute__((target("avx512f"))) float fmaAvx512(float seed, std::int64_t rounds) {
    return multiplyAdd<Vector64>(seed, rounds);
}
#endif

FmaLoop chooseLoop() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return {fmaAvx512, 16, "avx512f"};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return {fmaAvx2, 8, "avx2+fma"};
#endif
    return {fmaBaseline, 4, "baseline vectors, separate multiply and add where there is no fma"};
}

void measureFma(const CeilingsOptions& options, double budget, Ceilings& out) {
    const FmaLoop loop = chooseLoop();
    std::atomic<float> sink{0};
    const auto seconds = sampleSeconds(budget, options.threads, [&](int thread) {
        sink.store(loop.run(1e-3F + static_cast<float>(thread), kRounds),
                   std::memory_order_relaxed);
    });
    Roof roof;
    roof.kind = "compute";
    roof.name = "fma";
    roof.dtype = "f32";
    roof.unit = "FLOP/s";
    roof.method =
        fmt::format("register loop of {} independent multiply-adds, {}", kChains, loop.isa);
    fillRoof(roof, seconds,
             2.0 * loop.lanes * kChains * static_cast<double>(kRounds) * options.threads);
    out.roofs.push_back(std::move(roof));
}

struct ProductType {
    const char* dtype;
    ridge_dtype type;
    bool (*native)();
};

bool always() {
    return true;
}
#if defined(__x86_64__)
// Elsewhere the library computes bf16 by widening, three times slower than float: not a roof of the
// type.
bool hasBf16() {
    return __builtin_cpu_supports("avx512bf16") != 0;
}
bool hasInt8() {
    return __builtin_cpu_supports("avx512vnni") != 0 || __builtin_cpu_supports("avx2") != 0;
}
#else
bool hasBf16() {
    return false;
}
bool hasInt8() {
    return false;
}
#endif

// Best over two sizes: small ones fit the caches better, large ones amortise better.
void measureProduct(const CeilingsOptions& options, double budget, const ProductType& type,
                    Ceilings& out) {
    if (!type.native()) {
        out.notes.push_back(fmt::format(
            "no {} product roof: this processor has no instructions for it", type.dtype));
        return;
    }
    Roof best;
    for (const std::int64_t n : {512, 1024}) {
        CheckedProduct product(type.type, n);
        const auto seconds = sampleSeconds(budget / 2, [&] { product.run(); });
        if (const std::string fault = product.fault(); !fault.empty()) {
            out.notes.push_back(fmt::format(
                "no {} product roof: the library's product is wrong: {}", type.dtype, fault));
            return;
        }
        Roof roof;
        roof.kind = "compute";
        roof.name = "gemm";
        roof.dtype = type.dtype;
        roof.unit = "FLOP/s";
        roof.method = fmt::format("oneDNN matmul {0}x{0}x{0}, {1}, {2} threads", n,
                                  product.implementation(), options.threads);
        fillRoof(roof, seconds,
                 2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n));
        if (roof.value > best.value) best = std::move(roof);
    }
    out.roofs.push_back(std::move(best));
}

}  // namespace

void measureCompute(const CeilingsOptions& options, double budget, Ceilings& out) {
    constexpr ProductType kTypes[] = {{"f32", RIDGE_DTYPE_F32, always},
                                      {"bf16", RIDGE_DTYPE_BF16, hasBf16},
                                      {"int8", RIDGE_DTYPE_INT8, hasInt8}};
    measureFma(options, budget * 0.2, out);
    for (const ProductType& type : kTypes) {
        try {
            measureProduct(options, budget * 0.26, type, out);
        } catch (const dnnl::error& error) {
            out.notes.push_back(fmt::format("no {} product roof: {}", type.dtype, error.what()));
        }
    }
}

}  // namespace ridge::workloads
