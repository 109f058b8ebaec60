// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/rank_env.h"

#include "workloads/parallel/communicator.h"

#include <gtest/gtest.h>

#include <map>

namespace ridge::workloads {
namespace {

Result<RankInfo> from(const std::map<std::string, std::string>& variables) {
    return rankFromEnvironment([&](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    });
}

TEST(RankEnvironment, ReadsEveryLauncher) {
    struct Case {
        std::map<std::string, std::string> variables;
        int rank, size;
        const char* source;
    };
    const Case cases[] = {
        {{}, 0, 1, "none"},
        {{{"RANK", "3"}, {"WORLD_SIZE", "4"}}, 3, 4, "torchrun"},
        {{{"RANK", "captain"}}, 0, 1, "none"},  // somebody else's variable
        {{{"OMPI_COMM_WORLD_RANK", "1"},
          {"OMPI_COMM_WORLD_SIZE", "2"},
          {"PMIX_RANK", "1"},
          {"SLURM_PROCID", "0"},
          {"SLURM_NTASKS", "1"}},
         1,
         2,
         "openmpi"},
        {{{"PMI_RANK", "5"}, {"PMI_SIZE", "8"}}, 5, 8, "pmi"},
        {{{"PMIX_RANK", "1"}, {"SLURM_NTASKS", "2"}}, 1, 2, "pmix"},
        {{{"SLURM_PROCID", "7"}, {"SLURM_NTASKS", "9"}, {"SLURM_STEP_NUM_TASKS", "8"}},
         7,
         8,
         "slurm"},
        // A batch script, which runs once for the whole job.
        {{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "77"}}, 0, 1, "none"},
    };
    for (const Case& expected : cases) {
        const auto info = from(expected.variables);
        ASSERT_TRUE(info.ok()) << info.error().message;
        EXPECT_EQ(info->rank, expected.rank) << expected.source;
        EXPECT_EQ(info->size, expected.size) << expected.source;
        EXPECT_EQ(info->source, expected.source);
    }
}

TEST(RankEnvironment, RefusesWhatWouldHangTheOthers) {
    EXPECT_FALSE(from({{"OMPI_COMM_WORLD_RANK", "0"}}).ok());
    EXPECT_FALSE(from({{"PMI_RANK", "2"}, {"PMI_SIZE", "2"}}).ok());
    EXPECT_FALSE(from({{"PMI_RANK", "-1"}, {"PMI_SIZE", "2"}}).ok());
    EXPECT_FALSE(from({{"RANK", "1x"}, {"WORLD_SIZE", "2"}}).ok());
    EXPECT_FALSE(from({{"RANK", "0"}, {"WORLD_SIZE", "0"}}).ok());
}

TEST(RankEnvironment, SaysHowManyShareThisHost) {
    const auto here = [](std::map<std::string, std::string> variables) {
        return ranksOnThisHost(
            [variables](const char* name) -> std::optional<std::string> {
                const auto found = variables.find(name);
                if (found == variables.end()) return std::nullopt;
                return found->second;
            },
            16);
    };
    EXPECT_EQ(here({{"OMPI_COMM_WORLD_LOCAL_SIZE", "8"}}), 8);
    EXPECT_EQ(here({{"LOCAL_WORLD_SIZE", "4"}}), 4);
    EXPECT_EQ(here({}), 16);
    EXPECT_EQ(here({{"LOCAL_WORLD_SIZE", "0"}}), 16);
    EXPECT_EQ(here({{"LOCAL_WORLD_SIZE", "17"}}), 16);
}

TEST(WireBytes, AreThoseOfTheRing) {
    EXPECT_EQ(ringAllReduceWireBytes(100, 1), 0);
    EXPECT_EQ(ringAllReduceWireBytes(100, 2), 100);
    EXPECT_EQ(ringAllReduceWireBytes(100, 4), 150);
}

}  // namespace
}  // namespace ridge::workloads
