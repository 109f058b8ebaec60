// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Convolutions and batch norms by oneDNN; beside ops/cpu/dnnl_gemm.* the only place that knows it.
//
// Arrays are plain (NHWC images, OHWI weights). Weights are brought into the order that a primitive
// wants, and operands into bf16 where that is asked for, inside the call: small against the
// products, and what a framework does too. Primitives and their rooms are made at the first call
// for a shape and kept. Threads: one user at a time.

#include "base/result.h"
#include "workloads/families/family_operators.h"

#include <cstdint>
#include <memory>

namespace ridge::workloads::cpu {

class DnnlConvolution {
public:
    DnnlConvolution();
    ~DnnlConvolution();
    DnnlConvolution(const DnnlConvolution&) = delete;
    DnnlConvolution& operator=(const DnnlConvolution&) = delete;

    [[nodiscard]] Status forward(const ConvolutionArgs& args, float* x, float* weights, float* y);
    [[nodiscard]] Status backwardData(const ConvolutionArgs& args, float* dY, float* weights,
                                      float* dX);
    [[nodiscard]] Status backwardWeights(const ConvolutionArgs& args, float* x, float* dY,
                                         float* dWeights);
    [[nodiscard]] Status norm(const BatchNormArgs& args, float* x, float* y);
    [[nodiscard]] Status normBackward(const BatchNormArgs& args, float* x, float* dY, float* dX,
                                      float* dScale, float* dShift);
    [[nodiscard]] std::int64_t primitiveCount() const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace ridge::workloads::cpu
