// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which colour class a slice has; the theme gives each class its colour. One set for the whole viewer:
// the closed wall classes first (the same colours as in the reports), then what a kernel or an op does,
// then a few neutral shades by name for ranges that say nothing of their work.

#include <cstdint>
#include <string_view>

#include "analyzer/kernels/classify.h"
#include "gui/model/lane.h"
#include "schemas/enums/enums.h"
#include "schemas/enums/op_kind.h"

namespace ridge::gui {

inline constexpr ColourId kColourNone = 0;
inline constexpr ColourId kColourOfClass = 1;     // + WallClass
inline constexpr ColourId kColourOfKernel = 32;   // + KernelClass
inline constexpr ColourId kColourOfName = 64;     // + hash
inline constexpr std::uint32_t kNameShades = 8;
inline constexpr ColourId kColourCounter = 96;
inline constexpr std::size_t kColours = 128;

constexpr ColourId colourOf(WallClass c) {
    return static_cast<ColourId>(kColourOfClass + static_cast<std::uint8_t>(c));
}
constexpr ColourId colourOf(analyzer::KernelClass c) {
    return static_cast<ColourId>(kColourOfKernel + static_cast<std::uint8_t>(c));
}
// Equal names have equal shades in every trace (FNV-1a).
constexpr ColourId shadeOf(std::string_view name) {
    std::uint32_t hash = 2166136261U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return static_cast<ColourId>(kColourOfName + (hash >> 8) % kNameShades);
}
constexpr ColourId colourOfOpKind(std::int64_t opKind, std::string_view name) {
    using K = analyzer::KernelClass;
    switch (opKind) {
        case kOpGemm: return colourOf(K::kGemm);
        case kOpAttention: return colourOf(K::kAttention);
        case kOpNorm: return colourOf(K::kNorm);
        case kOpElementwise: return colourOf(K::kElementwise);
        case kOpEmbedding: return colourOf(K::kEmbedding);
        case kOpOptimizer: return colourOf(K::kOptimizer);
        case kOpCopy: return colourOf(WallClass::kCopy);
        case kOpCollective: return colourOf(K::kComm);
        case kOpIo: return colourOf(WallClass::kIoInput);
        default: return shadeOf(name);
    }
}

}  // namespace ridge::gui
