// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/enums/enums.h"
#include "schemas/enums/op_kind.h"

#include <gtest/gtest.h>

#include <ridge/work.h>
#include <string>

#include "schemas/sqlite/database.h"
#include "schemas/timeline/ddl.h"

namespace ridge {
namespace {

TEST(Enums, WallClassesAndCausesAreFrozen) {
    std::string classes, causes;
    for (const auto n : kWallClassNames) classes.append(n).append(" ");
    for (const auto n : kCauseNames) causes.append(n).append(" ");
    EXPECT_EQ(classes,
              "compute_bound memory_wall latency_bound compute_unknown comm_transfer comm_wait comm_unsplit copy "
              "io_input io_checkpoint sync api launch device_pending kernel_gap dependency host preempted unlinked "
              "unknown_capture idle ");
    EXPECT_EQ(causes,
              "compute memory_bandwidth memory_capacity communication straggler pipeline_bubble launch host input_io "
              "checkpoint_io queueing host_preemption copy_link none ");
}

TEST(Enums, NamesParseBackAndOthersDoNot) {
    for (const auto n : kWallClassNames) EXPECT_EQ(name(*parseWallClass(n)), n);
    for (const auto n : kCauseNames) EXPECT_EQ(name(*parseCause(n)), n);
    EXPECT_FALSE(parseWallClass("Compute_bound"));
    EXPECT_FALSE(parseCause(""));
    EXPECT_EQ(name(WallClass::kIdle), "idle");
    EXPECT_EQ(name(Cause::kNone), "none");
}

// The analyzer's kinds of operators are those that programs write.
TEST(Enums, KindsOfOperatorsAreThoseOfTheWorkPayload) {
    static_assert(kOpOther == static_cast<int>(RIDGE_OP_OTHER) && kOpGemm == static_cast<int>(RIDGE_OP_GEMM));
    static_assert(kOpAttention == static_cast<int>(RIDGE_OP_ATTENTION) && kOpNorm == static_cast<int>(RIDGE_OP_NORM));
    static_assert(kOpElementwise == static_cast<int>(RIDGE_OP_ELEMENTWISE) && kOpEmbedding == static_cast<int>(RIDGE_OP_EMBEDDING));
    static_assert(kOpOptimizer == static_cast<int>(RIDGE_OP_OPTIMIZER) && kOpCopy == static_cast<int>(RIDGE_OP_COPY));
    static_assert(kOpCollective == static_cast<int>(RIDGE_OP_COLLECTIVE) && kOpIo == static_cast<int>(RIDGE_OP_IO));
    EXPECT_EQ(kOpKindNames[kOpCollective], "collective");
    EXPECT_EQ(kOpKindNames.size(), static_cast<std::size_t>(kOpIo) + 1);
    EXPECT_TRUE(computes(kOpOptimizer));
    EXPECT_FALSE(computes(kOpCopy) || computes(kOpCollective) || computes(kOpIo));
}

// The lists of the C++ code and of the timeline file are one.
TEST(Enums, TheFileCarriesTheSameNames) {
    auto db = Database::openForWriting(":memory:");
    const auto check = [&](const char* table, auto names) {
        const auto* ddl = timeline::findTable(table);
        ASSERT_NE(ddl, nullptr) << table;
        ASSERT_TRUE(db->execute(ddl->createTable + ddl->inserts).ok());
        auto select = db->prepare(std::string("SELECT name FROM ") + table + " ORDER BY id");
        for (const auto expected : names) {
            ASSERT_TRUE(*select->step());
            EXPECT_EQ(select->text(0), expected);
        }
        EXPECT_FALSE(*select->step());
    };
    check("ENUM_RIDGE_OP_KIND", kOpKindNames);
    check("ENUM_RIDGE_DTYPE", kDtypeNames);
}

}  // namespace
}  // namespace ridge
