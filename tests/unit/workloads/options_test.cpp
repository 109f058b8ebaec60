// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/harness/options.h"

#include <gtest/gtest.h>

namespace ridge::workloads {
namespace {

std::vector<WorkloadSpec> named(std::initializer_list<const char*> names) {
    std::vector<WorkloadSpec> specs;
    for (const char* name : names) {
        WorkloadSpec spec;
        spec.name = name;
        specs.push_back(spec);
    }
    return specs;
}

TEST(Options, OwnFlagsAreTakenOutAndBenchmarkFlagsStay) {
    const auto options =
        parseOptions({"ridge-workloads", "--threads=3", "--benchmark_filter=io", "--data-dir=/x",
                      "--benchmark_min_time=2", "--ceilings-budget=2.5"});
    ASSERT_TRUE(options.ok());
    EXPECT_EQ(options->threads, 3);
    EXPECT_EQ(options->dataDir, "/x");
    EXPECT_EQ(options->ceilingsBudget, 2.5);
    EXPECT_TRUE(options->minTimeGiven);
    EXPECT_EQ(options->benchmarkArguments,
              (std::vector<std::string>{"ridge-workloads", "--benchmark_filter=io",
                                        "--benchmark_min_time=2"}));
}

TEST(Options, ABriefRunTakesHalfTheStepsButNotTooFew) {
    EXPECT_FALSE(parseOptions({"ridge-workloads"})->brief);
    EXPECT_TRUE(parseOptions({"ridge-workloads", "--brief"})->brief);
    WorkloadSpec spec;
    const auto steps = [&](std::int64_t all) {
        spec.steps = all;
        EXPECT_EQ(timedSteps(spec, false), all);
        return timedSteps(spec, true);
    };
    EXPECT_EQ(steps(100), 50);
    EXPECT_EQ(steps(15), 8);
    EXPECT_EQ(steps(4), 3);
    EXPECT_EQ(steps(2), 2);
    EXPECT_EQ(steps(0), 0) << "Google Benchmark decides";
}

TEST(Options, WhatIsWrongIsSaidWithTheFlag) {
    for (const char* argument :
         {"--bogus", "io.train", "--threads=0", "--threads=two",
          "--threads=", "--ceilings-budget=nan", "--ceilings-budget=-1",
          "--data-dir=", "--benchmark_format=xml", "--benchmark_min_time=nan",
          "--benchmark_min_time=1e300", "--benchmark_min_time=-1", "--benchmark_min_time=0",
          "--benchmark_min_time=", "--benchmark_repetitions=0", "--benchmark_repetitions=-3",
          "--benchmark_repetitions=1000000000", "--benchmark_repetitions=x"}) {
        const auto options = parseOptions({"ridge-workloads", argument});
        ASSERT_FALSE(options.ok()) << argument;
        EXPECT_EQ(options.error().code, ErrorCode::kBadInput);
        EXPECT_NE(options.error().message.find(std::string(argument).substr(0, 6)),
                  std::string::npos)
            << options.error().message;
        EXPECT_EQ(options.error().message.find('\n'), std::string::npos);
    }
}

TEST(Options, CeilingsGoToStdoutOrToAFile) {
    const auto bare = parseOptions({"x", "--ceilings"});
    const auto file = parseOptions({"x", "--ceilings=/tmp/c.json"});
    ASSERT_TRUE(bare.ok() && file.ok());
    EXPECT_TRUE(bare->ceilings && bare->ceilingsFile.empty());
    EXPECT_EQ(file->ceilingsFile, "/tmp/c.json");
}

TEST(SelectSpecs, FollowsGoogleBenchmarksFilter) {
    const auto specs = named({"io.train/prefetch0", "io.train/prefetch4", "ckpt.save/sync"});
    using List = std::vector<std::size_t>;
    EXPECT_EQ(*selectSpecs(specs, ""), (List{0, 1, 2}));
    EXPECT_EQ(*selectSpecs(specs, "all"), (List{0, 1, 2}));
    EXPECT_EQ(*selectSpecs(specs, "train"), (List{0, 1}));
    EXPECT_EQ(*selectSpecs(specs, "^io.train/prefetch0$"), (List{0}));
    EXPECT_EQ(*selectSpecs(specs, "-train"), (List{2}));
    EXPECT_FALSE(selectSpecs(specs, "nothing").ok());
    EXPECT_FALSE(selectSpecs(specs, "(").ok());
}

}  // namespace
}  // namespace ridge::workloads
