// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/cpu/dnnl_gemm.h"

#include "workloads/ops/cpu/vector_width.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ridge::workloads::cpu {

namespace {

using dnnl::memory;
using Key = std::tuple<GemmLayout, std::int64_t, std::int64_t, std::int64_t, bool, bool,
                       ridge_dtype, ridge_dtype, bool>;

struct Product {
    dnnl::matmul primitive;
    std::unordered_map<int, memory> arguments;
    std::vector<float> paddedLeft;  // the left operand with wider rows; empty: as it lies
};

memory::desc matrix(std::int64_t rows, std::int64_t columns, bool transposed,
                    memory::data_type type, std::int64_t padding = 0) {
    const memory::dims strides =
        transposed ? memory::dims{1, rows + padding} : memory::dims{columns, 1};
    return {{rows, columns}, type, strides};
}

// A transposed left operand is read down its columns. Where these lie whole pages apart, all of one
// fall into the same few places of a first-level cache of eight ways: 1024 x 256 x 1024 then took
// twice as long as 768 x 256 x 1024 does (31 and 72 GFLOP/s with AVX2), and with the copy of A that
// this asks for 56. Processors with AVX-512 have caches of more ways, and are left alone.
constexpr std::int64_t kPageFloats = 1024, kPaddingFloats = 16;
bool wantsPadding(const GemmArgs& args) {
    if (hasWideVectors()) return false;
    return args.layout == GemmLayout::kTN && args.a.type == RIDGE_DTYPE_F32 &&
           args.m % kPageFloats == 0;
}
void copyPadded(const GemmArgs& args, std::vector<float>& to) {
    for (std::int64_t row = 0; row < args.k; ++row)
        std::copy_n(args.a.f32() + row * args.m, args.m,
                    to.begin() + row * (args.m + kPaddingFloats));
}

memory::data_type typeOf(ridge_dtype type, bool isUnsigned = false) {
    switch (type) {
        case RIDGE_DTYPE_BF16:
            return memory::data_type::bf16;
        case RIDGE_DTYPE_INT8:
            return isUnsigned ? memory::data_type::u8 : memory::data_type::s8;
        case RIDGE_DTYPE_INT32:
            return memory::data_type::s32;
        default:
            return memory::data_type::f32;
    }
}

Status failed(const std::string& what) {
    return Error{ErrorCode::kMeasurement, "oneDNN " + DnnlGemm::version() + ": " + what};
}

}  // namespace

struct DnnlGemm::State {
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};
    std::map<Key, Product> products;

    Product& find(const GemmArgs& args);
};

Product& DnnlGemm::State::find(const GemmArgs& args) {
    const Key key{args.layout,     args.m,      args.n,      args.k,           !args.bias.empty(),
                  args.accumulate, args.a.type, args.c.type, args.unsignedLeft};
    if (const auto found = products.find(key); found != products.end()) return found->second;

    const memory::desc a =
        matrix(args.m, args.k, args.layout == GemmLayout::kTN,
               typeOf(args.a.type, args.unsignedLeft), wantsPadding(args) ? kPaddingFloats : 0);
    const memory::desc b =
        matrix(args.k, args.n, args.layout == GemmLayout::kNT, typeOf(args.b.type));
    const memory::desc c = matrix(args.m, args.n, false, typeOf(args.c.type));
    const memory::desc bias({1, args.n}, memory::data_type::f32, memory::dims{args.n, 1});
    dnnl::primitive_attr attributes;
    if (args.accumulate) {
        dnnl::post_ops after;
        after.append_sum(1.0F);
        attributes.set_post_ops(after);
    }
    const dnnl::matmul::desc description =
        args.bias.empty() ? dnnl::matmul::desc(a, b, c) : dnnl::matmul::desc(a, b, bias, c);
    const dnnl::matmul::primitive_desc plan(description, attributes, engine);
    Product product{dnnl::matmul(plan), {}, {}};
    if (wantsPadding(args))
        product.paddedLeft.resize(static_cast<std::size_t>((args.m + kPaddingFloats) * args.k));
    product.arguments.emplace(DNNL_ARG_SRC, memory(a, engine, nullptr));
    product.arguments.emplace(DNNL_ARG_WEIGHTS, memory(b, engine, nullptr));
    product.arguments.emplace(DNNL_ARG_DST, memory(c, engine, nullptr));
    if (!args.bias.empty()) product.arguments.emplace(DNNL_ARG_BIAS, memory(bias, engine, nullptr));
    return products.emplace(key, std::move(product)).first->second;
}

DnnlGemm::DnnlGemm() : m_state(std::make_unique<State>()) {}
DnnlGemm::~DnnlGemm() = default;

Status DnnlGemm::product(const GemmArgs& args) {
    // dnnl_sgemm is up to 14 % faster for wide NT products and matmul up to 40 % faster for TN.
    if (args.a.type == RIDGE_DTYPE_F32 && args.bias.empty() && args.layout != GemmLayout::kTN) {
        return strided({.layout = args.layout,
                        .m = args.m,
                        .n = args.n,
                        .k = args.k,
                        .a = args.a.f32(),
                        .lda = args.k,
                        .b = args.b.f32(),
                        .ldb = args.layout == GemmLayout::kNT ? args.k : args.n,
                        .beta = args.accumulate ? 1.0F : 0.0F,
                        .c = args.c.f32(),
                        .ldc = args.n});
    }
    try {
        Product& product = m_state->find(args);
        if (!product.paddedLeft.empty()) copyPadded(args, product.paddedLeft);
        product.arguments.at(DNNL_ARG_SRC)
            .set_data_handle(product.paddedLeft.empty() ? args.a.data : product.paddedLeft.data());
        product.arguments.at(DNNL_ARG_WEIGHTS).set_data_handle(args.b.data);
        product.arguments.at(DNNL_ARG_DST).set_data_handle(args.c.data);
        if (!args.bias.empty()) product.arguments.at(DNNL_ARG_BIAS).set_data_handle(args.bias.data);
        product.primitive.execute(m_state->stream, product.arguments);
        m_state->stream.wait();
    } catch (const dnnl::error& error) {
        return failed(error.what());
    }
    return {};
}

Status DnnlGemm::strided(const StridedGemm& args) {
    const char transposeA = args.layout == GemmLayout::kTN ? 'T' : 'N';
    const char transposeB = args.layout == GemmLayout::kNT ? 'T' : 'N';
    const dnnl_status_t status =
        dnnl_sgemm(transposeA, transposeB, args.m, args.n, args.k, args.alpha, args.a, args.lda,
                   args.b, args.ldb, args.beta, args.c, args.ldc);
    if (status != dnnl_success) return failed("sgemm refused the product");
    return {};
}

Status DnnlGemm::native(ridge_dtype type) {
    if (type == RIDGE_DTYPE_F32) return {};
#if defined(__x86_64__)
    // Without them the library widens every operand: it runs, three times slower than float.
    if (type == RIDGE_DTYPE_BF16 && __builtin_cpu_supports("avx512bf16")) return {};
    if (type == RIDGE_DTYPE_INT8 &&
        (__builtin_cpu_supports("avx512vnni") || __builtin_cpu_supports("avx2")))
        return {};
#endif
    const char* what = type == RIDGE_DTYPE_BF16   ? "bf16"
                       : type == RIDGE_DTYPE_INT8 ? "int8"
                                                  : "these";
    return Error{ErrorCode::kUnsupported,
                 std::string("this processor has no instructions for ") + what +
                     " products: they would be emulated, and their time would say nothing"};
}

std::int64_t DnnlGemm::primitiveCount() const {
    return static_cast<std::int64_t>(m_state->products.size());
}

std::string DnnlGemm::version() {
    const dnnl_version_t* found = dnnl_version();
    return std::to_string(found->major) + "." + std::to_string(found->minor) + "." +
           std::to_string(found->patch);
}

}  // namespace ridge::workloads::cpu
