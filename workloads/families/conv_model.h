// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A residual network of the kind for small images (He et al., arXiv:1512.03385, section 4.2): a 3x3
// stem, one block of two 3x3 convolutions per stage, every later stage at half the side with twice
// the channels (its shortcut a 1x1 convolution), batch norm behind each convolution, the mean over
// all pixels, one product to the classes. SGD. Images are NHWC.

#include "workloads/families/family_model.h"

#include <memory>
#include <string>

namespace ridge::workloads {

struct ConvNetConfig {
    std::int64_t samples = 32;
    std::int64_t side = 32;
    std::int64_t channels = 32;  // of the first stage
    std::int64_t stages = 3;
    std::int64_t classes = 16;
    std::int64_t batches = 4;

    // "B32 32x32x3 32-64-128 16 classes"
    [[nodiscard]] std::string text() const;
    // In the order of their parameters: stem, then of each block first, second, shortcut (if any).
    [[nodiscard]] std::vector<formulas::ConvolutionShape> convolutions() const;
    [[nodiscard]] std::int64_t lastChannels() const { return channels << (stages - 1); }
    [[nodiscard]] std::int64_t lastSide() const { return side >> (stages - 1); }
    // Convolutions and the last product, forward and backward (the stem has no input gradient).
    [[nodiscard]] std::uint64_t productFlops() const;
};

struct ConvBatch {
    std::vector<float> images;
    std::vector<std::int32_t> labels;
};
[[nodiscard]] ConvBatch convBatch(const ConvNetConfig& config, std::uint64_t seed);

// Mean loss in double and plain loops; parameters: of each convolution its weights (O, h, w, I),
// scale and shift of its norm; then the classes' weights (classes x channels) and biases.
[[nodiscard]] double convReference(const ConvNetConfig& config, const ConvBatch& batch,
                                   std::span<const double> parameters);

// `type` is what the operands of convolutions are rounded to: f32 or bf16.
[[nodiscard]] Result<std::unique_ptr<FamilyModel>> makeConvNet(Operators& ops,
                                                               FamilyOperators& family,
                                                               const ConvNetConfig& config,
                                                               ridge_dtype type,
                                                               std::uint64_t dataSeed);

}  // namespace ridge::workloads
