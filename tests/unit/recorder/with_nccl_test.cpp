// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What NCCL says to its profiler plugin stands in the file: communicators, collectives, channels, proxy
// operations, and which belongs to which.
#include "tests/unit/recorder/recorded_file.h"

namespace ridge::recorder {
namespace {

class WithNccl : public testing::TestWithParam<const char*> {};

TEST_P(WithNccl, CollectivesAndTheirPartsAreRecorded) {
    const bool five = std::string(GetParam()) == "5";
    const test::RecordedFile file({RIDGE_TEST_CHILD, GetParam()}, true);
    EXPECT_EQ(file.sql("SELECT communicator, name, rank, ranks, nodes FROM RIDGE_NCCL_COMMUNICATOR", 5), "12648430|tp group|3|8|2");
    EXPECT_EQ(file.sql("SELECT n.value, t.value, a.value, p.value, sequence, bytes, channels, rank, communicator, e.end >= e.start "
                       "FROM RIDGE_NCCL_EVENT e JOIN StringIds n ON n.id = nameId JOIN StringIds t ON t.id = datatypeId "
                       "JOIN StringIds a ON a.id = algorithmId JOIN StringIds p ON p.id = protocolId WHERE kind = 2", 10),
              "AllReduce|ncclBfloat16|RING|SIMPLE|17|2000|2|3|12648430|1");
    EXPECT_EQ(file.sql("SELECT channel, gpuStart, (SELECT value FROM RIDGE_NCCL_STATE s WHERE s.eventId = e.eventId AND s.state = 22), "
                       "parentId = (SELECT eventId FROM RIDGE_NCCL_EVENT WHERE kind = 2) FROM RIDGE_NCCL_EVENT e WHERE kind = 64 ORDER BY channel", 4),
              "0|5000|9000|1;1|5001|9001|1");
    EXPECT_EQ(file.sql("SELECT n.value, channel, peer, bytes FROM RIDGE_NCCL_EVENT JOIN StringIds n ON n.id = nameId WHERE kind = 8 ORDER BY channel", 4),
              "send|0|4|4194304;send|1|4|4194304");
    EXPECT_EQ(file.sql("SELECT bytes, peer, end FROM RIDGE_NCCL_EVENT WHERE kind = 4", 3), "1024|6|-") << "it never ended";
    EXPECT_EQ(file.sql("SELECT k.name, count(*) FROM RIDGE_NCCL_EVENT JOIN ENUM_RIDGE_NCCL_KIND k ON k.id = kind GROUP BY kind ORDER BY kind", 2),
              five ? "group|1;collective|1;p2p|1;proxy_op|2;channel|2;collective_api|1" : "group|1;collective|1;p2p|1;proxy_op|2;channel|2");
    EXPECT_EQ(file.sql("SELECT count(DISTINCT globalTid) FROM RIDGE_NCCL_EVENT"), "2");
    EXPECT_EQ(file.sql("SELECT count(*) FROM sqlite_master WHERE name = 'RIDGE_LOSS'"), "0") << "nothing was lost";
}
INSTANTIATE_TEST_SUITE_P(Interfaces, WithNccl, testing::Values("4", "5"));

}  // namespace
}  // namespace ridge::recorder
