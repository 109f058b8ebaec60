// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <gtest/gtest.h>
#include <ridge/work.h>

namespace {

// The layout is a contract with every file ever recorded.
TEST(WorkHeader, TheLayoutIsFrozen) {
    EXPECT_EQ(sizeof(ridge_work_t), 56u);
    EXPECT_EQ(offsetof(ridge_work_t, op_kind), 0u);
    EXPECT_EQ(offsetof(ridge_work_t, dtype), 2u);
    EXPECT_EQ(offsetof(ridge_work_t, flops), 8u);
    EXPECT_EQ(offsetof(ridge_work_t, bytes_read), 16u);
    EXPECT_EQ(offsetof(ridge_work_t, bytes_written), 24u);
    EXPECT_EQ(offsetof(ridge_work_t, bytes_communicated), 32u);
    EXPECT_EQ(offsetof(ridge_work_t, communicator), 40u);
    EXPECT_EQ(offsetof(ridge_work_t, sequence), 48u);
    EXPECT_EQ(RIDGE_WORK_SCHEMA_ID, 0x52494447u);
    EXPECT_GE(RIDGE_WORK_SCHEMA_ID, static_cast<uint64_t>(NVTX_PAYLOAD_SCHEMA_ID_STATIC_START));
    EXPECT_LT(RIDGE_WORK_SCHEMA_ID, static_cast<uint64_t>(NVTX_PAYLOAD_SCHEMA_ID_DYNAMIC_START));
}

TEST(WorkHeader, AProductCountsTwoFlopPerMultiplyAdd) {
    const ridge::Work work = ridge::gemmWork(RIDGE_DTYPE_BF16, 8944, 2816, 1024, 2, 2);
    EXPECT_EQ(work.flops, 51'581'550'592u);  // metrics.md 1.3: 51.5816 GFLOP
    EXPECT_EQ(work.bytes_read + work.bytes_written, 2u * (8944u * 1024 + 1024u * 2816 + 8944u * 2816));
    EXPECT_NEAR(static_cast<double>(work.bytes_read + work.bytes_written) / (1 << 20), 71.0078, 5e-5);  // and 71.0078 MiB
}

TEST(WorkHeader, RangesWithNoToolAreHarmless) {
    for (int i = 0; i < 1000; ++i) {
        const ridge::FrameRange step("step", RIDGE_CATEGORY_STEP, static_cast<uint64_t>(i));
        ridge::WorkRange range("read");
        range.setWork(ridge::opWork(RIDGE_OP_IO, RIDGE_DTYPE_NONE, 0, 4096, 0));
    }
    EXPECT_EQ(ridge_domain(), nullptr);
}

}  // namespace
