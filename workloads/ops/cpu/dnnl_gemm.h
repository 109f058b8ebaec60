// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Matrix products by oneDNN, the only place that knows it (its 2.x and 3.x interfaces differ).
//
// product(): dense products through cached matmul primitives, or dnnl_sgemm where it is the faster
// of the two (NN and NT without bias, measured). strided(): sub-matrices of wider rows, for
// attention. Threads: one user at a time. Primitives are made at the first call for a shape and
// kept.

#include "base/result.h"
#include "workloads/ops/operators.h"

#include <cstdint>
#include <memory>
#include <string>

namespace ridge::workloads::cpu {

// Row-major with leading dimensions, C = alpha op(A) op(B) + beta C.
struct StridedGemm {
    GemmLayout layout = GemmLayout::kNN;
    std::int64_t m = 0;
    std::int64_t n = 0;
    std::int64_t k = 0;
    float alpha = 1.0F;
    const float* a = nullptr;
    std::int64_t lda = 0;
    const float* b = nullptr;
    std::int64_t ldb = 0;
    float beta = 0.0F;
    float* c = nullptr;
    std::int64_t ldc = 0;
};

class DnnlGemm {
public:
    DnnlGemm();
    ~DnnlGemm();
    DnnlGemm(const DnnlGemm&) = delete;
    DnnlGemm& operator=(const DnnlGemm&) = delete;

    [[nodiscard]] Status product(const GemmArgs& args);
    [[nodiscard]] Status strided(const StridedGemm& args);
    // Ok where products of this type have instructions of their own; else kUnsupported.
    [[nodiscard]] static Status native(ridge_dtype type);
    [[nodiscard]] std::int64_t primitiveCount() const;
    [[nodiscard]] static std::string version();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace ridge::workloads::cpu
