// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/compare/names.h"

#include <gtest/gtest.h>

namespace ridge::analyzer {
namespace {

TEST(Names, KernelsLoseWhatChangesFromBuildToBuild) {
    EXPECT_EQ(normalKernelName("void at::native::add<float>(int, float*)"), "at::native::add<float>");
    EXPECT_EQ(normalKernelName("void (anonymous namespace)::softmax<c10::Half, 4>(c10::Half*, (anonymous namespace)::P)"), "softmax<c10::Half, 4>");
    EXPECT_EQ(normalKernelName("triton_poi_fused_add_mul_12"), "triton_poi_fused_add_mul");
    EXPECT_EQ(normalKernelName("Cijk_Ailk_Bljk.kd"), "Cijk_Ailk_Bljk");
    EXPECT_EQ(normalKernelName("(x)"), "(x)");
    EXPECT_EQ(normalKernelName(""), "");
}

TEST(Names, KernelsKeepTheirTypesAndTiles) {
    EXPECT_NE(normalKernelName("void gemm<float, 128>(int)"), normalKernelName("void gemm<float, 256>(int)"));
    EXPECT_EQ(normalKernelName("ampere_sgemm_128x64_nn"), "ampere_sgemm_128x64_nn");
}

TEST(Names, RangesKeepLayersAndLoseCounters) {
    EXPECT_EQ(normalRangeName("Optimizer.step#SGD.step"), "Optimizer.step#SGD.step");
    EXPECT_EQ(normalRangeName("iteration#17 of epoch"), "iteration#* of epoch");
    EXPECT_EQ(normalRangeName("layer.3"), "layer.3");
    EXPECT_EQ(normalRangeName("<Tensor at 0x7f00aBc1>"), "<Tensor at 0x*>");
    EXPECT_EQ(normalRangeName("box0x"), "box0x");
}

TEST(Names, FilesOfOneSetAreOne) {
    EXPECT_EQ(normalFileName("/data/train-Xy7/shard-00012.bin"), "shard-*.bin");
    EXPECT_EQ(normalFileName("a"), "a");
    EXPECT_EQ(normalFileName(""), "");
}

TEST(Names, AnyBytesComeOutAsText) {
    for (const std::string& bad : {std::string("\xff\xfe(("), std::string(")))"), std::string(100'000, ')'), std::string("#0x#1")}) {
        (void)normalKernelName(bad);
        (void)normalRangeName(bad);
        (void)normalFileName(bad);
    }
}

}  // namespace
}  // namespace ridge::analyzer
