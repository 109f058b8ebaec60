// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <gtest/gtest.h>

#include <string>

#include "analyzer/kernels/classify.h"

namespace ridge::analyzer {
namespace {

std::string classOf(const std::string& name) { return std::string(kernelClassName(classifyKernel(name))); }

TEST(Kernels, OrderDecidesBetweenRules) {
    EXPECT_EQ(classOf("ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage<4096ul>)"), "comm");
    EXPECT_EQ(classOf("void deep_ep::intranode::dispatch<8>()"), "comm");
    EXPECT_EQ(classOf("multimem_all_reduce_kernel"), "comm");
    EXPECT_EQ(classOf("two_shot_all_reduce_kernel"), "comm");
    EXPECT_EQ(classOf("twoshotallreduce"), "comm");
    EXPECT_EQ(classOf("void vllm::cross_device_reduce_1stage<__nv_bfloat16, 8>"), "comm");
    EXPECT_EQ(classOf("void flash_fwd_kernel<Flash_fwd_kernel_traits<128>>"), "attention");
    EXPECT_EQ(classOf("fused_moe_kernel"), "moe");
    EXPECT_EQ(classOf("sm80_xmma_gemm_f32f32_f32f32_f32_tn_n"), "gemm");
    EXPECT_EQ(classOf("ampere_bf16_s16816gemm_bf16_128x64_tn"), "gemm");
    EXPECT_EQ(classOf("nvjet_hsh_128x256"), "gemm");
    EXPECT_EQ(classOf("void cutlass::Kernel2<cutlass_80_tensorop>"), "gemm");
    EXPECT_EQ(classOf("sm80_xmma_fprop_implicit"), "conv");
    EXPECT_EQ(classOf("void at::native::batch_norm_backward_kernel"), "norm");
    EXPECT_EQ(classOf("void at::native::RMSNormKernelImpl"), "norm");
    EXPECT_EQ(classOf("void softmax_warp_forward<float>"), "softmax");
    EXPECT_EQ(classOf("void multi_tensor_apply_kernel<AdamFunctor>"), "optimizer");
    EXPECT_EQ(classOf("CatArrayBatchedCopy_vectorized"), "copy_layout");
    EXPECT_EQ(classOf("void at::native::vectorized_elementwise_kernel<4, CUDAFunctor_add>"), "elementwise");
    EXPECT_EQ(classOf("add_parallel(const float *)"), "elementwise");
    EXPECT_EQ(classOf("hipLaunchKernel_mine"), "other");  // "hip" at the start says nothing about communication
    EXPECT_EQ(classOf(""), "other");
}

TEST(Kernels, HugeNamesCostNoStack) {
    std::string name(1 << 22, 'a');
    EXPECT_EQ(classOf(name), "other");
    name.replace(0, 6, "cudnn_");
    EXPECT_EQ(classOf(name), "other");
    for (std::size_t i = 0; i + 7 < name.size(); i += 7) name.replace(i, 7, "ampere_");
    EXPECT_EQ(classOf(name), "other");
}

}  // namespace
}  // namespace ridge::analyzer
