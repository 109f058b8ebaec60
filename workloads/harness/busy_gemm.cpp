// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/busy_gemm.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <cmath>
#include <ridge/work.h>
#include <unordered_map>
#include <vector>

namespace ridge::workloads {

struct BusyGemm::State {
    std::int64_t size = 0;
    int repeats = 1;
    std::vector<float> a, b, c;
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};
    dnnl::matmul product;
    std::unordered_map<int, dnnl::memory> arguments;
};

BusyGemm::BusyGemm(std::unique_ptr<State> state) : m_state(std::move(state)) {}
BusyGemm::BusyGemm(BusyGemm&&) noexcept = default;
BusyGemm& BusyGemm::operator=(BusyGemm&&) noexcept = default;
BusyGemm::~BusyGemm() = default;

Result<BusyGemm> BusyGemm::create(std::int64_t size, int repeats) {
    try {
        auto state = std::make_unique<State>();
        state->size = size;
        state->repeats = repeats;
        const auto elements = static_cast<std::size_t>(size * size);
        state->a.resize(elements);
        state->b.resize(elements);
        state->c.assign(elements, 0.0F);
        // A fixed linear congruential sequence in [-1, 1): the same numbers on every machine.
        std::uint32_t seed = 12345;
        const auto next = [&seed] {
            seed = seed * 1664525U + 1013904223U;
            return static_cast<float>(static_cast<std::int32_t>(seed)) * (1.0F / 2147483648.0F);
        };
        std::generate(state->a.begin(), state->a.end(), next);
        std::generate(state->b.begin(), state->b.end(), next);
        const dnnl::memory::desc shape({size, size}, dnnl::memory::data_type::f32,
                                       dnnl::memory::format_tag::ab);
        const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(shape, shape, shape),
                                                       state->engine);
        state->product = dnnl::matmul(description);
        state->arguments = {{DNNL_ARG_SRC, dnnl::memory(shape, state->engine, state->a.data())},
                            {DNNL_ARG_WEIGHTS, dnnl::memory(shape, state->engine, state->b.data())},
                            {DNNL_ARG_DST, dnnl::memory(shape, state->engine, state->c.data())}};
        return BusyGemm(std::move(state));
    } catch (const std::exception& error) {
        return Error{ErrorCode::kUnsupported,
                     fmt::format("oneDNN cannot create a float product: {}", error.what())};
    }
}

void BusyGemm::run() {
    const auto n = static_cast<std::uint64_t>(m_state->size);
    const Work work = gemmWork(RIDGE_DTYPE_F32, n, n, n);
    for (int i = 0; i < m_state->repeats; ++i) {
        const WorkRange range("busy.gemm", work);
        m_state->product.execute(m_state->stream, m_state->arguments);
        m_state->stream.wait();
    }
}

CheckResult BusyGemm::check() {
    run();
    const auto n = static_cast<std::size_t>(m_state->size);
    const double tolerance = 8 * 6e-8 * std::sqrt(static_cast<double>(n));
    double worst = 0;
    for (const std::size_t row : {std::size_t{0}, n / 3, n - 1}) {
        for (std::size_t column = 0; column < n; ++column) {
            double sum = 0, magnitude = 0;
            for (std::size_t k = 0; k < n; ++k) {
                const double term =
                    double{m_state->a[row * n + k]} * double{m_state->b[k * n + column]};
                sum += term;
                magnitude += std::abs(term);
            }
            worst =
                std::max(worst, std::abs(sum - double{m_state->c[row * n + column]}) / magnitude);
        }
    }
    return {worst <= tolerance,
            fmt::format("product against double: {:.1e} of {:.1e}", worst, tolerance)};
}

double BusyGemm::flopsPerRun() const {
    const auto n = static_cast<double>(m_state->size);
    return 2 * n * n * n * m_state->repeats;
}

}  // namespace ridge::workloads
