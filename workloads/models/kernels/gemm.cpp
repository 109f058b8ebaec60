// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/formulas/op_cost.h"
#include "workloads/models/check_values.h"
#include "workloads/models/checks_operators.h"
#include "workloads/models/gpt_layout.h"
#include "workloads/models/kernels/kernels.h"
#include "workloads/ops/fp8.h"

#include <fmt/format.h>

#include <algorithm>

namespace ridge::workloads {

namespace {

using Direction = Metric::Direction;

std::uint64_t u64(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

const char* typeName(ridge_dtype type) {
    return type == RIDGE_DTYPE_BF16   ? "bf16"
           : type == RIDGE_DTYPE_INT8 ? "int8"
           : type == RIDGE_DTYPE_TF32 ? "tf32"
           : isFp8(type)              ? "fp8"
                                      : "fp32";
}

// What the operands are held in: tf32 is a way to multiply floats.
ridge_dtype heldIn(ridge_dtype type) {
    return type == RIDGE_DTYPE_TF32 ? RIDGE_DTYPE_F32 : type;
}

class GemmWorkload final : public Workload {
public:
    GemmWorkload(Backend backend, const GemmCase& shape)
        : m_backend(std::move(backend)), m_case(shape) {}

    Status prepare() override {
        RIDGE_TRY(m_ops, m_backend.make());
        RIDGE_TRY_STATUS(m_ops->canMultiply(m_case.type));
        if (heldIn(m_case.type) == RIDGE_DTYPE_F32)
            RIDGE_TRY_STATUS(m_ops->setProducts(m_case.type));
        const bool whole = m_case.type == RIDGE_DTYPE_INT8;
        m_args.layout = m_case.layout;
        m_args.m = m_case.m;
        m_args.n = m_case.n;
        m_args.k = m_case.k;
        m_args.unsignedLeft = whole;
        m_args.a = m_ops->allocate(m_case.m * m_case.k, heldIn(m_case.type));
        m_args.b = m_ops->allocate(m_case.k * m_case.n, heldIn(m_case.type));
        m_args.c =
            m_ops->allocate(m_case.m * m_case.n, whole ? RIDGE_DTYPE_INT32 : RIDGE_DTYPE_F32);
        if (!m_ops->status().ok()) return m_ops->status();
        fill(m_args.a, 1);
        fill(m_args.b, 2);
        // A few thousandths of a second per step, so that the step is the product and not its edge.
        const auto cost = formulas::gemm(u64(m_case.m), u64(m_case.n), u64(m_case.k));
        const double flops = m_backend.accelerator ? 4e12 : 4e8;
        const double bytes = m_backend.accelerator ? 1e10 : 5e7;
        const double fitting = std::min(flops / static_cast<double>(cost.flops),
                                        bytes / static_cast<double>(cost.bytes()));
        m_repeats = std::clamp<std::int64_t>(static_cast<std::int64_t>(fitting), 1, 20);
        step(0);
        m_first = product();
        return m_ops->status();
    }
    Status status() const override { return m_ops->status(); }
    // Its own product is that of before, to the bit; one of the same shape was checked by value.
    CheckResult finish() override {
        const bool same = product() == m_first;
        return {same, same ? "the product after the timed steps is that of before, to the bit"
                           : "the product after the timed steps differs from that of before"};
    }
    CheckResult check() override {
        const GemmShape shape{m_case.layout, m_case.m, m_case.n, m_case.k};
        return m_case.type == RIDGE_DTYPE_F32 ? checkGemm(*m_ops, shape)
                                              : checkTypedGemm(*m_ops, shape, m_case.type);
    }
    void step(std::uint64_t) override {
        for (std::int64_t i = 0; i < m_repeats; ++i) m_ops->gemm("product", m_args);
        m_ops->synchronize();
    }
    std::vector<Metric> report(const Timing& timing) override {
        const std::uint64_t inBytes = u64(elementBits(heldIn(m_case.type)) / 8);
        const auto cost = formulas::gemm(u64(m_case.m), u64(m_case.n), u64(m_case.k), inBytes, 4);
        const double seconds = timing.medianStepSeconds / static_cast<double>(m_repeats);
        return {
            {"flops_per_s", static_cast<double>(cost.flops) / seconds, "FLOP/s",
             Direction::kHigher},
            {"bytes_per_s", static_cast<double>(cost.bytes()) / seconds, "B/s", Direction::kNone},
            {"intensity", formulas::intensity(cost), "1", Direction::kNone},
            {"products_per_step", static_cast<double>(m_repeats), "1", Direction::kNone}};
    }

private:
    std::vector<std::byte> product() {
        std::vector<std::byte> values(static_cast<std::size_t>(m_args.c.bytes()));
        m_ops->downloadBytes(values, m_args.c);
        return values;
    }
    void fill(const Tensor& tensor, std::uint64_t seed) {
        const std::vector<float> values = tiny::draw(tensor.count, seed);
        if (heldIn(m_case.type) == RIDGE_DTYPE_F32) {
            m_ops->upload(tensor, values);
        } else if (m_case.type == RIDGE_DTYPE_BF16) {
            m_ops->uploadBytes(tensor, pack(values, Storage::kBf16).values);
        } else if (isFp8(m_case.type)) {
            m_ops->uploadBytes(tensor, fp8Codes(tensor.count, seed));
        } else {
            std::vector<std::byte> bytes(values.size());
            for (std::size_t i = 0; i < bytes.size(); ++i)
                bytes[i] = static_cast<std::byte>(randomBits(seed, i) >> 56);
            if (tensor.data == m_args.a.data)  // 0..127: GemmArgs::unsignedLeft says why
                for (std::byte& value : bytes) value &= std::byte{0x7F};
            m_ops->uploadBytes(tensor, bytes);
        }
    }

    Backend m_backend;
    GemmCase m_case;
    std::unique_ptr<Operators> m_ops;
    GemmArgs m_args;
    std::vector<std::byte> m_first;  // the product before anything was timed
    std::int64_t m_repeats = 1;
};

struct Row {
    GemmCase shape;
    const char* name;
    bool compute;  // by intensity above the ridge point
    bool standard;
    std::int64_t steps;
};

}  // namespace

std::unique_ptr<Workload> makeGemmWorkload(const Backend& backend, const GemmCase& shape) {
    return std::make_unique<GemmWorkload>(backend, shape);
}

namespace {

constexpr auto kF32 = RIDGE_DTYPE_F32;
constexpr auto kTf32 = RIDGE_DTYPE_TF32;
constexpr auto kBf16 = RIDGE_DTYPE_BF16;
constexpr auto kInt8 = RIDGE_DTYPE_INT8;
constexpr auto kFp8 = RIDGE_DTYPE_FP8_E4M3;

std::vector<Row> processorRows() {
    using enum GemmLayout;
    // Skinny: the matrix is read once for one, eight or sixty-four rows; 0.5, 4 and 31 FLOP per
    // byte in float. Tall: many rows of few columns, 64 FLOP per byte.
    return {{{kF32, kNN, 256, 256, 256}, "256", true, false, 200},
            {{kF32, kNN, 512, 512, 512}, "512", true, true, 200},
            {{kF32, kNN, 1024, 1024, 1024}, "1024", true, true, 60},
            {{kF32, kNT, 1024, 1024, 1024}, "1024.nt", true, false, 60},
            {{kF32, kTN, 1024, 1024, 1024}, "1024.tn", true, false, 60},
            {{kF32, kNT, 1, 4096, 4096}, "m1", false, true, 60},
            {{kF32, kNT, 8, 4096, 4096}, "m8", false, true, 60},
            {{kF32, kNT, 64, 4096, 4096}, "m64", true, false, 60},
            {{kF32, kNN, 16384, 256, 256}, "tall", true, false, 60},
            {{kBf16, kNN, 1024, 1024, 1024}, "1024", true, true, 100},
            {{kBf16, kNT, 1, 4096, 4096}, "m1", false, false, 60},
            {{kInt8, kNN, 512, 512, 512}, "512", true, false, 200},
            {{kInt8, kNN, 1024, 1024, 1024}, "1024", true, true, 100}};
}

// Ridge points of an H100 by its data sheet: 20 FLOP/B in fp32, 148 in tf32, 295 in bf16, 590 in
// fp8 and int8. 256 rows lie beside the ridge point in bf16 (244 FLOP/B, and an H200's is 206), far
// above it in fp32; a tall product of bf16 has 85 FLOP/B, most of its bytes the float result.
std::vector<Row> acceleratorRows() {
    using enum GemmLayout;
    return {{{kF32, kNN, 4096, 4096, 4096}, "4096", true, true, 50},
            {{kTf32, kNN, 4096, 4096, 4096}, "4096", true, true, 100},
            {{kTf32, kNN, 8192, 8192, 8192}, "8192", true, false, 50},
            {{kBf16, kNN, 2048, 2048, 2048}, "2048", true, false, 400},
            {{kBf16, kNN, 4096, 4096, 4096}, "4096", true, true, 200},
            {{kBf16, kNN, 8192, 8192, 8192}, "8192", true, true, 100},
            {{kBf16, kNT, 8192, 8192, 8192}, "8192.nt", true, false, 100},
            {{kBf16, kTN, 8192, 8192, 8192}, "8192.tn", true, false, 100},
            {{kBf16, kNN, 16384, 16384, 16384}, "16384", true, false, 30},
            {{kBf16, kNN, 262144, 256, 256}, "tall", false, false, 100},
            {{kFp8, kNT, 8192, 8192, 8192}, "8192", true, true, 200},
            {{kInt8, kNT, 8192, 8192, 8192}, "8192", true, true, 200},
            {{kF32, kNT, 1, 8192, 8192}, "m1", false, true, 100},
            {{kF32, kNT, 256, 8192, 8192}, "m256", true, false, 100},
            {{kF32, kNN, 262144, 256, 256}, "tall", true, false, 50},
            {{kBf16, kNT, 1, 16384, 16384}, "m1", false, true, 100},
            {{kBf16, kNT, 16, 16384, 16384}, "m16", false, true, 100},
            {{kBf16, kNT, 64, 16384, 16384}, "m64", false, false, 100}};
}

}  // namespace

std::vector<WorkloadSpec> gemmSpecs(const Backend& backend) {
    using enum GemmLayout;
    std::vector<WorkloadSpec> specs;
    for (const Row& row : backend.accelerator ? acceleratorRows() : processorRows()) {
        const GemmCase& s = row.shape;
        WorkloadSpec spec;
        spec.name = fmt::format("gemm/{}.{}", typeName(s.type), row.name);
        spec.params = {{"backend", backend.name},
                       {"dtype", typeName(s.type)},
                       {"shape", fmt::format("{}x{}x{}", s.m, s.n, s.k)},
                       {"layout", s.layout == kNN   ? "NN"
                                  : s.layout == kNT ? "NT"
                                                    : "TN"}};
        spec.presets = {"full"};
        if (row.standard) spec.presets.insert(spec.presets.begin(), "standard");
        if (spec.name == (backend.accelerator ? "gemm/tf32.4096" : "gemm/fp32.512"))
            spec.presets.insert(spec.presets.begin(), "smoke");
        if (row.compute)
            spec.expected = {"compute_bound", "compute"};
        else
            spec.expected = {"memory_wall", "memory_bandwidth"};
        spec.warmupSteps = 5;
        spec.steps = row.steps;
        spec.create = [backend, s] { return makeGemmWorkload(backend, s); };
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ridge::workloads
